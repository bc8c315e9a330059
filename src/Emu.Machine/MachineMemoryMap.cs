using Emu.Machine.Acpi;
using Emu.Pvh;

namespace Emu.Machine;

/// <summary>The memory map that a guest is told, made from <see cref="AddressMap"/> and the size of RAM.</summary>
public static class MachineMemoryMap
{
    /// <summary>The least RAM that a machine may have.</summary>
    public const ulong Smallest = 2UL << 20;

    /// <summary>The most RAM that a machine may have.</summary>
    public const ulong Largest = 64UL << 30;

    /// <summary>Xen's special pages: paging, console, xenstore and others (tools/include/xenguest.h).</summary>
    private static readonly MemoryMapEntry XenSpecialPages = new(0xFEFF_8000, 0x8000, MemoryMapType.Reserved);

    /// <summary>Builds the map in ascending order.</summary>
    /// <param name="profile">The machine.</param>
    /// <param name="size">RAM in bytes.</param>
    /// <returns>The entries.</returns>
    public static IReadOnlyList<MemoryMapEntry> Build(MachineProfile profile, ulong size)
    {
        var low = Math.Min(size, AddressMap.LowMemoryLimit);
        var map = new List<MemoryMapEntry>();
        if (profile == MachineProfile.Pc)
        {
            map.Add(new MemoryMapEntry(0, AddressMap.ConventionalMemoryEnd, MemoryMapType.Ram));
            map.Add(new MemoryMapEntry(AddressMap.AcpiTables, AddressMap.ExtendedMemory - AddressMap.AcpiTables, MemoryMapType.Reserved));
            map.Add(new MemoryMapEntry(AddressMap.ExtendedMemory, low - AddressMap.ExtendedMemory, MemoryMapType.Ram));
        }
        else
        {
            map.Add(new MemoryMapEntry(0, low, MemoryMapType.Ram));
            map.Add(new MemoryMapEntry(XenAcpiTables.InformationPage, XenAcpiTables.Length, MemoryMapType.Acpi));
            map.Add(XenSpecialPages);
        }

        if (size > low)
            map.Add(new MemoryMapEntry(AddressMap.HighMemory, size - low, MemoryMapType.Ram));
        return map;
    }

    /// <summary>The RAM of a map.</summary>
    /// <param name="map">The map.</param>
    /// <returns>Its ranges of RAM.</returns>
    public static IReadOnlyList<GuestRange> RamOf(IReadOnlyList<MemoryMapEntry> map) =>
        [.. map.Where(static entry => entry.Type == MemoryMapType.Ram).Select(static entry => new GuestRange(entry.Address, entry.Size))];
}
