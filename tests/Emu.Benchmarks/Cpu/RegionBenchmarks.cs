using BenchmarkDotNet.Attributes;
using Emu.Cpu.Compilation;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>From a hot loop to compiled code: decoding, planning, the intermediate language, RyuJIT. It is RyuJIT's time that counts.</summary>
/// <remarks>A good value is 20 to 40 microseconds an instruction; that buys some ten thousand executions of it by the interpreter.</remarks>
public class RegionBenchmarks
{
    private BareVcpu _vcpu = null!;

    /// <summary>Instructions in the loop: a third of them load, a third store, a third compute.</summary>
    [Params(9, 48, 120)]
    public int Length { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _vcpu = new BareVcpu(Loop);
        _vcpu.Compile(TieringLimits.Immediate);
    }

    [GlobalCleanup]
    public void CleanUp() => _vcpu.Dispose();

    /// <summary>Four rounds of a loop that nobody knows, the third of which has it compiled.</summary>
    [Benchmark]
    public void CompileLoop()
    {
        _vcpu.ForgetCode();
        _vcpu.Run(Length * 4);
    }

    private void Loop(Assembler a)
    {
        var again = a.CreateLabel();
        AssemblerRegister64[] registers = [rax, rcx, rdx, rsi, rdi, r8, r9, r10];
        a.mov(rbx, (long)BareVcpu.DataAddress);
        a.Label(ref again);
        for (var i = 0; i < Length - 1; i++)
        {
            var register = registers[i / 3 % registers.Length];
            switch (i % 3)
            {
                case 0:
                    a.mov(register, __qword_ptr[rbx + i * 64]);
                    break;
                case 1:
                    a.add(register, rbx);
                    break;
                default:
                    a.mov(__qword_ptr[rbx + i * 64], register);
                    break;
            }
        }
        a.jmp(again);
    }
}
