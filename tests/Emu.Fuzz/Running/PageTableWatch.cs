using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Fuzz.Running;

/// <summary>
/// Tells whether a guest changed page tables that were in use. Until it flushes, an old translation and the new one are both right
/// (SDM Vol. 3, 4.10.2.3), and which one is met depends on what the translation caches have happened to keep: where a run is cut may show.
/// </summary>
internal sealed unsafe class PageTableWatch
{
    private const ulong Present = 1, Large = 0x80, Address = 0xFF_FFFF_F000, AccessedAndDirty = 0x60;

    private readonly Dictionary<ulong, byte[]> _tables = [];
    private readonly HashSet<(ulong Page, int Level)> _visited = [];
    private ulong? _root;

    /// <summary>True once a table changed, otherwise than by the processor's own marks, or CR3 did while there were global pages.</summary>
    public bool HasChanged { get; private set; }

    /// <summary>Looks at the tables between two instructions.</summary>
    public void Look(Vcpu vcpu)
    {
        var s = vcpu.State;
        if (HasChanged || (s->Cr0 & Cr0.Pg) == 0)
            return;
        foreach (var (page, before) in _tables)
        {
            if (vcpu.Memory.HostAddress(page) is var host && Differs(before, new ReadOnlySpan<byte>(host, PhysicalMemory.PageSize)))
                HasChanged = true;
        }
        HasChanged |= _root != null && _root != s->Cr3 && (s->Cr4 & (Cr4.Pge | Cr4.Pcide)) != 0;
        _root = s->Cr3;
        _visited.Clear();
        var isLegacy = (s->Cr4 & Cr4.Pae) == 0;
        Visit(vcpu.Memory, s->Cr3 & Address, isLegacy ? 2 : (s->Efer & Efer.Lma) == 0 ? 3 : (s->Cr4 & Cr4.La57) == 0 ? 4 : 5, isLegacy);
    }

    private void Visit(PhysicalMemory memory, ulong page, int level, bool isLegacy)
    {
        var host = memory.HostAddress(page);
        if (host == null || !_visited.Add((page, level)))
            return;
        var bytes = new ReadOnlySpan<byte>(host, PhysicalMemory.PageSize);
        ref var copy = ref CollectionsMarshal.GetValueRefOrAddDefault(_tables, page, out _);
        copy ??= new byte[PhysicalMemory.PageSize];
        bytes.CopyTo(copy);
        for (var i = 0; level > 1 && i < (isLegacy ? 1024 : 512); i++)
        {
            var entry = isLegacy ? ((uint*)host)[i] : ((ulong*)host)[i];
            if ((entry & Present) != 0 && ((entry & Large) == 0 || level > 3))
                Visit(memory, entry & Address, level - 1, isLegacy);
        }
    }

    private static bool Differs(ReadOnlySpan<byte> before, ReadOnlySpan<byte> now)
    {
        if (before.SequenceEqual(now))
            return false;
        var old = MemoryMarshal.Cast<byte, ulong>(before);
        var changed = MemoryMarshal.Cast<byte, ulong>(now);
        for (var i = 0; i < old.Length; i++)
        {
            // Both halves, for tables whose entries have four bytes.
            const ulong Marks = AccessedAndDirty | AccessedAndDirty << 32;
            if (((old[i] ^ changed[i]) & ~Marks) != 0 || (old[i] & ~changed[i] & Marks) != 0)
                return true;
        }
        return false;
    }
}
