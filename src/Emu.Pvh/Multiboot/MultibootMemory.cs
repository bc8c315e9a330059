namespace Emu.Pvh;

/// <summary>The sizes of lower and upper memory that both Multiboot protocols tell beside the map.</summary>
internal static class MultibootMemory
{
    private const ulong ConventionalEnd = 0xA0000;
    private const ulong ExtendedStart = 0x100000;

    /// <summary>mem_lower: KiB from address 0 on.</summary>
    public static uint LowerKib(IReadOnlyList<MemoryMapEntry> map) => (uint)(Contiguous(map, 0, ConventionalEnd) / 1024);

    /// <summary>mem_upper: KiB from 1 MiB on, up to the first hole.</summary>
    public static uint UpperKib(IReadOnlyList<MemoryMapEntry> map) => (uint)(Contiguous(map, ExtendedStart, ulong.MaxValue) / 1024);

    /// <summary>How much RAM the map shows without a gap from an address on, up to a limit.</summary>
    private static ulong Contiguous(IReadOnlyList<MemoryMapEntry> map, ulong start, ulong limit)
    {
        ulong end = start;
        while (end < limit)
        {
            MemoryMapEntry next = map.FirstOrDefault(entry =>
                entry.Type == MemoryMapType.Ram && end >= entry.Address && end - entry.Address < entry.Size);
            if (next.Size == 0)
                break;
            end += Math.Min(next.Size - (end - next.Address), limit - end);
        }

        return end - start;
    }
}
