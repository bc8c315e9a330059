namespace Emu.Pvh.Tests.Support;

/// <summary>Builds Multiboot 1 headers and flat images field by field.</summary>
internal static class MultibootBuilder
{
    public const uint Magic = 0x1BADB002;
    public const uint AddressFlag = 0x10000;

    /// <summary>Where <see cref="Flat"/> puts its header in the file.</summary>
    public const int HeaderOffset = 0x40;

    public static byte[] Header(uint flags) => ElfBuilder.Numbers(Magic, flags, unchecked(0u - Magic - flags));

    public static byte[] Header(uint header, uint load, uint loadEnd, uint bssEnd, uint entry, uint flags = AddressFlag) =>
        [.. Header(flags), .. ElfBuilder.Numbers(header, load, loadEnd, bssEnd, entry)];

    /// <summary>A flat image of 0x400 bytes for 0x100000 with BSS up to 0x102000; a test replaces what it wants to break.</summary>
    public static byte[] Flat(
        uint header = 0x100040, uint load = 0x100000, uint loadEnd = 0x100400, uint bssEnd = 0x102000, uint entry = 0x100080, uint flags = AddressFlag)
    {
        byte[] image = ElfBuilder.Code(0x400);
        Header(header, load, loadEnd, bssEnd, entry, flags).CopyTo(image, HeaderOffset);
        return image;
    }

    /// <summary>An ELF image with a header at its segment's beginning and no PVH note.</summary>
    public static ElfBuilder Elf(bool wide = false, uint flags = 3, ulong entry = 0x100010) =>
        new ElfBuilder { Wide = wide, Machine = (ushort)(wide ? 62 : 3), Entry = entry }
            .Load(0x100000, [.. Header(flags), .. ElfBuilder.Code(0x1F0)], memorySize: 0x3000);
}
