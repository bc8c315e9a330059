using System.Runtime.InteropServices;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Tests.Memory;

/// <summary>A page walker over some RAM, with a table for each level, all of which lead to the linear address <see cref="Linear"/>.</summary>
internal sealed unsafe class WalkerBench : IDisposable
{
    public const ulong RamBytes = 1 << 20;
    public const ulong Linear = 0x0000_0000_4030_2010;

    private readonly byte* _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
    private readonly CpuState* _state = (CpuState*)NativeMemory.AlignedAlloc((nuint)sizeof(CpuState), 64);

    public WalkerBench(int physicalBits = PagingCase.PhysicalBits, bool hasGiantPages = true)
    {
        new Span<byte>(_ram, (int)RamBytes).Clear();
        *_state = default;
        Walker = new PageWalker(new PhysicalMemory(_ram, RamBytes, RamBytes), _state, physicalBits, hasGiantPages);
    }

    public PageWalker Walker { get; }

    public CpuState* State => _state;

    /// <summary>Physical address of the table of a level of a mode: the root first.</summary>
    public static ulong Table(int index) => 0x1000 * (ulong)(index + 1);

    /// <summary>Puts a case's entries in place: those that refer to a table get its address.</summary>
    public void Set(PagingCase c)
    {
        _state->Cr0 = c.Cr0;
        _state->Cr3 = Table(0);
        _state->Cr4 = c.Cr4;
        _state->Efer = c.Efer;
        _state->Pkru = c.Pkru;
        _state->Pkrs = c.Pkrs;
        _state->Pdptes[1] = Table(0) | 1;
        for (var i = 0; i < c.Entries.Length; i++)
            Put(c, i, c.Entries[i]);
    }

    public void Write(ulong address, ulong value) => *(ulong*)(_ram + address) = value;

    public (uint? ErrorCode, ulong[] After) Walk(PagingCase c)
    {
        Set(c);
        var allowed = Walker.TryTranslate(Linear, c.Access, c.Ac, out _, out var errorCode);
        var after = new ulong[c.Entries.Length];
        for (var i = 0; i < after.Length; i++)
            after[i] = Get(c, i);
        return (allowed ? null : (uint)errorCode, after);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_ram);
        NativeMemory.AlignedFree(_state);
    }

    private byte* Place(PagingCase c, int index)
    {
        var wide = c.IsLong || c.IsPae;
        var level = c.LeafLevel + c.Entries.Length - 1 - index;
        var number = wide ? (Linear >> (12 + 9 * (level - 1))) & 511 : (Linear >> (12 + 10 * (level - 1))) & 1023;
        return _ram + Table(index) + number * (wide ? 8u : 4);
    }

    private void Put(PagingCase c, int index, ulong entry)
    {
        if (c.IsLong || c.IsPae)
            *(ulong*)Place(c, index) = entry;
        else
            *(uint*)Place(c, index) = (uint)entry;
    }

    private ulong Get(PagingCase c, int index) => c.IsLong || c.IsPae ? *(ulong*)Place(c, index) : *(uint*)Place(c, index);
}
