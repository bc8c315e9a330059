namespace Emu.Pvh.Tests.Support;

/// <summary>Builds Multiboot 2 headers tag by tag, and images with them.</summary>
internal static class Multiboot2Builder
{
    public const uint Magic = 0xE85250D6;

    /// <summary>Where <see cref="Flat"/> puts its header in the file.</summary>
    public const int HeaderOffset = 0x40;

    public static byte[] End => Tag(0);

    public static byte[] Tag(ushort type, params uint[] body) => Tag(type, isOptional: false, body);

    public static byte[] Optional(ushort type, params uint[] body) => Tag(type, isOptional: true, body);

    public static byte[] Relocatable(uint minimum, uint maximum, uint alignment, uint preference) =>
        Tag(10, minimum, maximum, alignment, preference);

    /// <summary>A header with tags and the one that ends them.</summary>
    public static byte[] Header(params byte[][] tags) => Raw(0, null, [.. tags, End]);

    /// <summary>A header with just these tags; a length of null is the right one.</summary>
    public static byte[] Raw(uint architecture, uint? length, params byte[][] tags)
    {
        byte[] body = [.. tags.SelectMany(tag => tag)];
        uint stated = length ?? 16 + (uint)body.Length;
        return [.. ElfBuilder.Numbers(Magic, architecture, stated, unchecked(0u - Magic - architecture - stated)), .. body];
    }

    /// <summary>An ELF image of 0x3000 bytes at 1 MiB with a header at its segment's beginning and no PVH note.</summary>
    public static ElfBuilder Elf(bool wide = false, ulong entry = 0x100010, params byte[][] tags) => With(Header(tags), wide, entry);

    public static ElfBuilder With(byte[] header, bool wide = false, ulong entry = 0x100010) =>
        new ElfBuilder { Wide = wide, Machine = (ushort)(wide ? 62 : 3), Entry = entry }
            .Load(0x100000, [.. header, .. ElfBuilder.Code(0x200)], memorySize: 0x3000);

    /// <summary>A flat image of 0x400 bytes for 0x100000 with BSS up to 0x102000; a test replaces what it wants to break.</summary>
    public static byte[] Flat(
        uint header = 0x100040, uint load = 0x100000, uint loadEnd = 0x100400, uint bssEnd = 0x102000, uint entry = 0x100020, params byte[][] more)
    {
        byte[] image = ElfBuilder.Code(0x400);
        Header([Tag(2, header, load, loadEnd, bssEnd), Tag(3, entry), .. more]).CopyTo(image, HeaderOffset);
        return image;
    }

    /// <summary>The tags of boot information: type and body without the padding.</summary>
    public static IReadOnlyList<(uint Type, byte[] Body)> Information(SparseGuestMemory memory, ulong address)
    {
        byte[] all = memory.Read(address, (int)BitConverter.ToUInt32(memory.Read(address, 4)));
        List<(uint, byte[])> tags = [];
        for (int at = 8; at < all.Length;)
        {
            uint type = BitConverter.ToUInt32(all, at);
            int size = BitConverter.ToInt32(all, at + 4);
            tags.Add((type, all[(at + 8)..(at + size)]));
            at += (size + 7) & ~7;
        }

        return tags;
    }

    private static byte[] Tag(ushort type, bool isOptional, uint[] body)
    {
        byte[] tag = [.. ElfBuilder.Numbers(type | (isOptional ? 0x10000u : 0), 8 + (4 * (uint)body.Length)), .. ElfBuilder.Numbers(body)];
        return [.. tag, .. new byte[-tag.Length & 7]];
    }
}
