using BenchmarkDotNet.Attributes;
using Emu.Cpu.Instrumentation;
using Emu.Machine.Tracing;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>What a trace costs for each instruction of a loop of short blocks: none, the probes alone, and a file's writer behind them.</summary>
/// <remarks>A trace that has ended must cost nothing: on a busy host compare the smallest times.</remarks>
[MinColumn]
public class TraceBenchmarks
{
    private const int Instructions = 10_000_000;

    private BareVcpu _vcpu = null!;
    private BlockTracer? _tracer;

    /// <summary>How far a trace goes.</summary>
    public enum Extent
    {
        /// <summary>There has been none.</summary>
        Never,

        /// <summary>There was one.</summary>
        Ended,

        /// <summary>Nobody takes what is noted.</summary>
        Noted,

        /// <summary>It is encoded.</summary>
        Written,
    }

    /// <summary>How far the trace goes.</summary>
    [Params(Extent.Never, Extent.Ended, Extent.Noted, Extent.Written)]
    public Extent Trace { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _vcpu = new BareVcpu(Branches);
        _vcpu.Run(Instructions);
        if (Trace == Extent.Never)
            return;
        _tracer = new BlockTracer(Trace == Extent.Written ? new TraceRecorder(new TraceWriter(Stream.Null, new TraceHeader())) : new Nobody());
        _tracer.Attach([_vcpu.Vcpu]);
        _vcpu.Run(Instructions);
        if (Trace == Extent.Ended)
            _tracer.Detach();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _tracer?.Dispose();
        _vcpu.Dispose();
    }

    /// <summary>Blocks of three instructions; one branch in them goes either way.</summary>
    [Benchmark(OperationsPerInvoke = Instructions)]
    public void ShortBlocks() => _vcpu.Run(Instructions);

    private static void Branches(Assembler a)
    {
        var again = a.CreateLabel();
        var skip = a.CreateLabel();
        a.mov(eax, 1);
        a.Label(ref again);
        a.imul(eax, eax, 1_103_515_245);
        a.add(eax, 12345);
        a.test(eax, 0x1_0000);
        a.jz(skip);
        a.inc(ebx);
        a.xor(ecx, eax);
        a.Label(ref skip);
        a.inc(edx);
        a.jmp(again);
    }

    private sealed class Nobody : ITraceSink
    {
        public void Take(ReadOnlySpan<ulong> words)
        {
        }
    }
}
