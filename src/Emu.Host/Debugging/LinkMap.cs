using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>Where a kernel lies in physical memory that it is linked for at other addresses: its ELF segments.</summary>
/// <remarks>
/// gdb looks at a function's first instructions before it sets a breakpoint on it; that the kernel has not switched on paging yet, and that
/// nothing is mapped there, is no reason to refuse. So where no page is mapped, the addresses of the kernel's file count.
/// </remarks>
internal sealed class LinkMap
{
    private readonly List<ElfSegment> _segments = [];

    /// <summary>Makes the map of a kernel.</summary>
    /// <param name="kernel">The kernel; null for none.</param>
    public LinkMap(KernelImage? kernel)
    {
        foreach (ElfSegment segment in kernel?.Elf?.LoadableSegments ?? [])
        {
            // Linux's data of each processor is linked at 0, which is not where anybody looks for it.
            if (segment.VirtualAddress > segment.PhysicalAddress)
                _segments.Add(segment);
        }
    }

    /// <summary>Where an address of the kernel's file has been loaded.</summary>
    /// <param name="address">The address that it is linked for.</param>
    /// <returns>The physical address; null where none of the kernel is.</returns>
    public ulong? ToPhysical(ulong address)
    {
        foreach (ElfSegment segment in _segments)
        {
            if (address - segment.VirtualAddress < segment.MemorySize)
                return segment.PhysicalAddress + (address - segment.VirtualAddress);
        }

        return null;
    }
}
