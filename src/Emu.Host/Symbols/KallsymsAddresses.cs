using System.Buffers.Binary;
using Emu.Pvh;

namespace Emu.Host.Symbols;

/// <summary>The addresses that belong to the names.</summary>
internal static class KallsymsAddresses
{
    /// <summary>More segments than any kernel has; a file may claim tens of thousands, and each address is looked up in them.</summary>
    private const int MostSegments = 16;

    /// <summary>How a number of the table becomes an address.</summary>
    private enum Form
    {
        /// <summary>It is one.</summary>
        Address,

        /// <summary>Negative ones count down from before the base; others are absolute.</summary>
        OffsetOrAbsolute,

        /// <summary>It is added to the base.</summary>
        Offset,

        /// <summary>It is added to its own address.</summary>
        OffsetFromItself,
    }

    /// <summary>Finds the addresses behind the token index or before the number of names.</summary>
    /// <returns>As many as there are names, ascending; null where nothing there can be them.</returns>
    public static ulong[]? Find(ElfFile file, KallsymsTokens tokens, KallsymsNames names)
    {
        int pointer = file.Class == ElfClass.Elf64 ? 8 : 4;
        int count = names.Count;
        int offsetsSize = Align(4 * count, pointer);
        int behind = Align(tokens.End, pointer);
        ReadOnlySpan<(int At, int BaseAt, Form Form)> places =
        [
            (names.CountAt - pointer - offsetsSize, names.CountAt - pointer, Form.OffsetOrAbsolute),
            (names.CountAt - pointer - offsetsSize, names.CountAt - pointer, Form.Offset),
            (names.CountAt - (pointer * count), 0, Form.Address),
            (behind, behind + offsetsSize, Form.OffsetOrAbsolute),
            (behind, behind + offsetsSize, Form.Offset),
            (behind, 0, Form.OffsetFromItself),
            (behind, 0, Form.Address),
        ];
        foreach ((int at, int baseAt, Form form) in places)
        {
            if (Read(file, at, baseAt, form, count, pointer) is { } addresses)
                return addresses;
        }

        return null;
    }

    private static ulong[]? Read(ElfFile file, int at, int baseAt, Form form, int count, int pointer)
    {
        ReadOnlySpan<byte> image = file.Image.Span;
        int width = form == Form.Address ? pointer : 4;
        // In 64 bits: the sum could wrap in 32.
        if (at < 0 || at + ((long)count * width) > image.Length || baseAt < 0 || baseAt + (long)pointer > image.Length)
            return null;
        ulong origin = form switch
        {
            Form.Address => 0,
            Form.OffsetFromItself => VirtualAddress(file, at) ?? 0,
            _ => Number(image, baseAt, pointer),
        };
        ulong mask = pointer == 4 ? uint.MaxValue : ulong.MaxValue;
        ulong[] addresses = new ulong[count];
        ulong last = 0;
        int inside = 0;
        for (int i = 0; i < count; i++)
        {
            ulong number = Number(image, at + (i * width), width);
            long signed = (int)(uint)number;
            ulong address = mask & form switch
            {
                Form.Address => number,
                Form.OffsetOrAbsolute => signed < 0 ? origin - 1 - (ulong)signed : number,
                Form.Offset => origin + number,
                _ => origin + (ulong)(4L * i) + (ulong)signed,
            };
            if (address < last)
                return null;
            addresses[i] = last = address;
            inside += IsInside(file, address) ? 1 : 0;
        }

        // Not all are: there are absolute ones, and marks at the end of something.
        return inside > count / 2 ? addresses : null;
    }

    private static bool IsInside(ElfFile file, ulong address)
    {
        for (int i = 0; i < file.LoadableSegments.Count && i < MostSegments; i++)
        {
            ElfSegment segment = file.LoadableSegments[i];
            if (address - segment.VirtualAddress < segment.MemorySize)
                return true;
        }

        return false;
    }

    /// <summary>Where a byte of the file lies when the kernel runs.</summary>
    private static ulong? VirtualAddress(ElfFile file, int at)
    {
        foreach (ElfSegment segment in file.LoadableSegments)
        {
            if ((ulong)at - segment.Offset < segment.FileSize)
                return segment.VirtualAddress + ((ulong)at - segment.Offset);
        }

        return null;
    }

    private static ulong Number(ReadOnlySpan<byte> image, int at, int width) =>
        width == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(image[at..]) : BinaryPrimitives.ReadUInt64LittleEndian(image[at..]);

    private static int Align(int value, int alignment) => (value + alignment - 1) & -alignment;
}
