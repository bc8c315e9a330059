using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;
using Iced.Intel;

namespace Emu.Benchmarks.Cpu;

/// <summary>A vCPU in 64-bit mode without paging or devices, for timing the core alone.</summary>
internal sealed unsafe class BareVcpu : IDisposable
{
    private const ulong RamBytes = 64 << 20;
    public const ulong CodeAddress = 0x1000;
    public const ulong DataAddress = 0x10_0000;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;

    public BareVcpu(Action<Assembler> program)
    {
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        Memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(Memory);
        var nothing = new Nothing();
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = nothing,
            Mmio = nothing,
            Interrupts = nothing,
            Observer = nothing,
            Model = new CpuModel(),
        });

        var assembler = new Assembler(64);
        program(assembler);
        using var code = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(code), CodeAddress);
        Memory.TryWrite(CodeAddress, code.ToArray());

        var s = Vcpu.State;
        s->Cr0 = Cr0.Pe;
        s->Efer = Efer.Lme | Efer.Lma;
        s->SystemFlags = Rflags.AlwaysSet;
        s->Segments[(int)SegmentName.Cs].Attributes =
            SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.Code | SegmentAttributes.Long;
        s->Rip = CodeAddress;
        s->Registers[4] = RamBytes;
        Vcpu.StateChanged();
    }

    public PhysicalMemory Memory { get; }

    public Vcpu Vcpu { get; }

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    // What is timed needs none of this: if it is asked for, the program went astray.
    private sealed class Nothing : EmptyPlatform
    {
        public override void Unsupported(Vcpu vcpu, string what) => throw new InvalidOperationException(what);

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered) => throw new InvalidOperationException(delivered.ToString());
    }
}
