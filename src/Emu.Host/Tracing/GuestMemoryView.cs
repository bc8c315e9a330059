using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Tracing;

/// <summary>One step of a page walk: where the entry lies and what it says.</summary>
/// <param name="Table">The table's name in the manuals.</param>
/// <param name="Address">The entry's guest-physical address.</param>
/// <param name="Entry">The entry.</param>
/// <param name="IsReadable">Whether the address is RAM.</param>
/// <param name="IsLeaf">Whether the entry maps a page.</param>
/// <param name="HasRights">Whether the entry has R/W and U/S bits: the four PDPT entries of PAE paging have none.</param>
public readonly record struct PageWalkStep(string Table, ulong Address, ulong Entry, bool IsReadable, bool IsLeaf, bool HasRights)
{
    /// <summary>Bit 1, or true where there is none.</summary>
    public bool AllowsWrites => !HasRights || (Entry & 2) != 0;

    /// <summary>Bit 2, or true where there is none.</summary>
    public bool AllowsUsers => !HasRights || (Entry & 4) != 0;

    /// <summary>Bit 0.</summary>
    public bool IsPresent => (Entry & 1) != 0;
}

/// <summary>
/// Looks at guest memory from outside: no accessed or dirty bit is set, no privilege checked, nothing changes. So a look never makes
/// a run differ from one without it.
/// </summary>
/// <remarks>
/// <code>
///  5-level   as below, and before it 56:48 PML5
///  4-level   linear: 47:39 PML4  38:30 PDPT  29:21 PD  20:12 PT  11:0 offset     leaf at PDPT (1 GiB), PD (2 MiB), PT (4 KiB)
///  PAE       linear:             31:30 PDPT  29:21 PD  20:12 PT  11:0            leaf at PD (2 MiB), PT
///  32-bit    linear:                         31:22 PD  21:12 PT  11:0            leaf at PD (4 MiB, CR4.PSE), PT; entries of 4 bytes
/// </code>
/// </remarks>
public static unsafe class GuestMemoryView
{
    private const ulong PageSizeBit = 1 << 7;
    private const ulong FrameMask = 0x000F_FFFF_FFFF_F000;

    /// <summary>Reads linear memory.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="linear">The first address.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <returns>How many bytes from the first on could be read.</returns>
    public static int ReadLinear(Vcpu vcpu, ulong linear, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        int done = 0;
        while (done < destination.Length)
        {
            int piece = (int)Math.Min((ulong)(destination.Length - done), 4096 - ((linear + (ulong)done) & 0xFFF));
            if (Translate(vcpu, linear + (ulong)done) is not { } physical || !vcpu.Memory.TryRead(physical, destination.Slice(done, piece)))
                break;
            done += piece;
        }

        return done;
    }

    /// <summary>Where a linear address leads.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="linear">The address.</param>
    /// <returns>The guest-physical address; null where no page is mapped.</returns>
    public static ulong? Translate(Vcpu vcpu, ulong linear)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        if ((vcpu.State->Cr0 & Cr0.Pg) == 0)
            return linear;
        List<PageWalkStep> steps = Walk(vcpu, linear);
        if (steps.Count == 0 || steps[^1] is not { IsLeaf: true, IsPresent: true } leaf)
            return null;
        ulong offset = leaf.Table switch
        {
            "PDPT" => (1UL << 30) - 1,
            "PD" => (vcpu.State->Cr4 & Cr4.Pae) != 0 ? (1UL << 21) - 1 : (1UL << 22) - 1,
            _ => 0xFFF,
        };
        return (leaf.Entry & FrameMask & ~offset) | (linear & offset);
    }

    /// <summary>Walks the page tables as the processor would, down to the page or the first entry that is not present.</summary>
    /// <param name="vcpu">The processor whose page tables count.</param>
    /// <param name="linear">The address.</param>
    /// <returns>The entries on the way; none while paging is off.</returns>
    public static List<PageWalkStep> Walk(Vcpu vcpu, ulong linear)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        CpuState* state = vcpu.State;
        List<PageWalkStep> steps = [];
        if ((state->Cr0 & Cr0.Pg) == 0)
            return steps;
        if ((state->Cr4 & Cr4.Pae) == 0)
        {
            bool hasLargePages = (state->Cr4 & Cr4.Pse) != 0;
            if (Step(vcpu, steps, "PD", (state->Cr3 & 0xFFFF_F000) + ((linear >> 22 & 0x3FF) * 4), 4, hasLargePages))
                Step(vcpu, steps, "PT", (steps[^1].Entry & FrameMask) + ((linear >> 12 & 0x3FF) * 4), 4, true, isLast: true);
            return steps;
        }

        ulong table = state->Cr3 & FrameMask;
        if ((state->Efer & Efer.Lma) != 0)
        {
            if ((state->Cr4 & Cr4.La57) != 0)
            {
                if (!Step(vcpu, steps, "PML5", table + ((linear >> 48 & 0x1FF) * 8), 8, false))
                    return steps;
                table = steps[^1].Entry & FrameMask;
            }

            if (!Step(vcpu, steps, "PML4", table + ((linear >> 39 & 0x1FF) * 8), 8, false))
                return steps;
            if (!Step(vcpu, steps, "PDPT", (steps[^1].Entry & FrameMask) + ((linear >> 30 & 0x1FF) * 8), 8, true))
                return steps;
        }
        else if (!Step(vcpu, steps, "PDPT", (state->Cr3 & 0xFFFF_FFE0) + ((linear >> 30 & 3) * 8), 8, false, hasRights: false))
        {
            return steps;
        }

        if (Step(vcpu, steps, "PD", (steps[^1].Entry & FrameMask) + ((linear >> 21 & 0x1FF) * 8), 8, true))
            Step(vcpu, steps, "PT", (steps[^1].Entry & FrameMask) + ((linear >> 12 & 0x1FF) * 8), 8, true, isLast: true);
        return steps;
    }

    /// <summary>Adds one step.</summary>
    /// <returns>Whether the walk goes on to a further table.</returns>
    private static bool Step(
        Vcpu vcpu, List<PageWalkStep> steps, string table, ulong address, int size, bool mayBeLeaf, bool isLast = false, bool hasRights = true)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        bool isReadable = vcpu.Memory.TryRead(address, bytes[..size]);
        ulong entry = isReadable ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        bool isPresent = (entry & 1) != 0;
        bool isLeaf = isPresent && mayBeLeaf && (isLast || (entry & PageSizeBit) != 0);
        steps.Add(new PageWalkStep(table, address, entry, isReadable, isLeaf, hasRights));
        return isPresent && !isLeaf;
    }
}
