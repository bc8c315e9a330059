using BenchmarkDotNet.Attributes;
using Emu.Cpu.Compilation;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>Millions of guest instructions a second (the reciprocal of the mean, in microseconds, of one instruction) on hot loops.</summary>
public class EngineBenchmarks
{
    private const int Instructions = 10_000_000;

    private BareVcpu _sieve = null!;
    private BareVcpu _hash = null!;
    private BareVcpu _calls = null!;

    /// <summary>Whether the loops are compiled, which they are before the first of them is timed.</summary>
    [Params(false, true)]
    public bool Compiled { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _sieve = Prepare(Sieve);
        _hash = Prepare(Hash);
        _calls = Prepare(Fibonacci);
    }

    private BareVcpu Prepare(Action<Assembler> program)
    {
        var vcpu = new BareVcpu(program);
        if (Compiled)
            vcpu.Compile(TieringLimits.Immediate with { Executions = 1000 });
        vcpu.Run(Instructions);
        return vcpu;
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _sieve.Dispose();
        _hash.Dispose();
        _calls.Dispose();
    }

    /// <summary>The sieve of Eratosthenes over one megabyte: byte stores, compares, branches.</summary>
    [Benchmark(OperationsPerInvoke = Instructions)]
    public void SieveLoop() => _sieve.Run(Instructions);

    /// <summary>Multiply, rotate, xor over an array: arithmetic with loads.</summary>
    [Benchmark(OperationsPerInvoke = Instructions)]
    public void HashLoop() => _hash.Run(Instructions);

    /// <summary>The recursive Fibonacci function: calls, returns, pushes, pops.</summary>
    [Benchmark(OperationsPerInvoke = Instructions)]
    public void CallsAndReturns() => _calls.Run(Instructions);

    private static void Sieve(Assembler a)
    {
        var again = a.CreateLabel();
        var next = a.CreateLabel();
        var mark = a.CreateLabel();
        var skip = a.CreateLabel();
        a.Label(ref again);
        a.mov(rbx, (long)BareVcpu.DataAddress);
        a.xor(eax, eax);
        a.mov(ecx, 1 << 20);
        a.mov(rdi, rbx);
        a.rep.stosb();
        a.mov(esi, 2);
        a.Label(ref next);
        a.cmp(__byte_ptr[rbx + rsi], 0);
        a.jne(skip);
        a.lea(edx, __[rsi + rsi]);
        a.Label(ref mark);
        a.mov(__byte_ptr[rbx + rdx], 1);
        a.add(edx, esi);
        a.cmp(edx, 1 << 20);
        a.jb(mark);
        a.Label(ref skip);
        a.inc(esi);
        a.cmp(esi, 1 << 10);
        a.jb(next);
        a.jmp(again);
    }

    private static void Hash(Assembler a)
    {
        var again = a.CreateLabel();
        var next = a.CreateLabel();
        a.Label(ref again);
        a.mov(rbx, (long)BareVcpu.DataAddress);
        a.xor(ecx, ecx);
        a.Label(ref next);
        a.mov(edx, __dword_ptr[rbx + rcx * 4]);
        a.imul(edx, edx, unchecked((int)0xCC9E2D51));
        a.rol(edx, 15);
        a.xor(eax, edx);
        a.rol(eax, 13);
        a.lea(eax, __[rax + rax * 4 + 0x1234567]);
        a.inc(ecx);
        a.cmp(ecx, 1 << 16);
        a.jne(next);
        a.jmp(again);
    }

    private static void Fibonacci(Assembler a)
    {
        var again = a.CreateLabel();
        var fib = a.CreateLabel();
        var leaf = a.CreateLabel();
        a.Label(ref again);
        a.mov(edi, 24);
        a.call(fib);
        a.jmp(again);
        a.Label(ref fib);
        a.cmp(edi, 2);
        a.jb(leaf);
        a.push(rbx);
        a.push(rdi);
        a.dec(edi);
        a.call(fib);
        a.pop(rdi);
        a.mov(ebx, eax);
        a.sub(edi, 2);
        a.call(fib);
        a.add(eax, ebx);
        a.pop(rbx);
        a.ret();
        a.Label(ref leaf);
        a.mov(eax, edi);
        a.ret();
    }
}
