using BenchmarkDotNet.Attributes;
using Emu.Cpu.Memory;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Benchmarks.Cpu;

/// <summary>
/// Nanoseconds for one access, by what the TLB knows: the loops are a load each and what it takes to get the next one.
/// </summary>
/// <remarks>
/// Compare a hit with a processor's own few cycles (3 instructions, 3–5 ns interpreted), the rest with what QEMU's TCG takes: a miss is a
/// walk of four levels (about 40 ns there, 10 times a hit), INVLPG with the miss that follows about 100 ns, a new CR3 with eight misses 3 µs.
/// </remarks>
public unsafe class TranslationBenchmarks
{
    private const int Accesses = 200_000;
    private const int MappedPages = 1 << 14;

    private BareVcpu _hit = null!, _miss = null!, _invalidate = null!, _flush = null!;
    private PageWalker _walker = null!;
    private ulong _page;

    [GlobalSetup]
    public void SetUp()
    {
        _hit = new BareVcpu(a => Load(a, pages: 64), paging: true);
        _miss = new BareVcpu(a => Load(a, pages: 8192), paging: true);
        _invalidate = new BareVcpu(Invalidate, paging: true);
        _flush = new BareVcpu(Flush, paging: true);
        var model = _hit.Vcpu.Model;
        _walker = new PageWalker(_hit.Memory, _hit.Vcpu.State, model.PhysicalAddressBits, hasGiantPages: true);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var bare in new[] { _hit, _miss, _invalidate, _flush })
            bare.Dispose();
    }

    /// <summary>Loads from 64 pages in turn.</summary>
    [Benchmark(OperationsPerInvoke = Accesses, Baseline = true)]
    public void Hit() => _hit.Run(Accesses * 4);

    /// <summary>Loads from 8192 pages in turn, more than the TLB holds.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void Miss() => _miss.Run(Accesses * 4);

    /// <summary>INVLPG, and a load from that page.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void InvalidatePage() => _invalidate.Run(Accesses * 3);

    /// <summary>MOV to CR3, and a load.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void FlushAll() => _flush.Run(Accesses * 3);

    /// <summary>The page walk alone: four levels, 4 KiB pages, accessed bits set.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public ulong Walk()
    {
        ulong sum = 0;
        for (var i = 0; i < Accesses; i++)
        {
            _page = (_page + 7) % MappedPages;
            _walker.TryTranslate(_page << 12, PageAccess.Read, false, out var page, out _);
            sum += page.Physical;
        }
        return sum;
    }

    private static void Load(Assembler a, int pages)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.mov(rax, __qword_ptr[rbx + (long)BareVcpu.DataAddress]);
        a.add(rbx, 4096);
        a.and(rbx, pages * 4096 - 1);
        a.jmp(again);
    }

    private static void Invalidate(Assembler a)
    {
        var again = a.CreateLabel();
        a.Label(ref again);
        a.invlpg(__[rbx + (long)BareVcpu.DataAddress]);
        a.mov(rax, __qword_ptr[rbx + (long)BareVcpu.DataAddress]);
        a.jmp(again);
    }

    private static void Flush(Assembler a)
    {
        var again = a.CreateLabel();
        a.mov(rcx, cr3);
        a.Label(ref again);
        a.mov(cr3, rcx);
        a.mov(rax, __qword_ptr[rbx + (long)BareVcpu.DataAddress]);
        a.jmp(again);
    }
}
