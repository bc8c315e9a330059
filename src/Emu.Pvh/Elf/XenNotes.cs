using System.Buffers.Binary;
using System.Text;

namespace Emu.Pvh;

/// <summary>What XEN_ELFNOTE_PHYS32_RELOC allows: the image may be moved to a multiple of the alignment within bounds.</summary>
/// <param name="Alignment">A power of two in bytes.</param>
/// <param name="Minimum">The lowest address of the image's first byte.</param>
/// <param name="Maximum">The highest address of the image's last byte.</param>
public readonly record struct PhysicalRelocation(uint Alignment, uint Minimum, uint Maximum);

/// <summary>The Xen notes of an image, decoded. Where a type occurs more than once, the last one counts.</summary>
public sealed class XenNotes
{
    private readonly Dictionary<XenNoteType, ElfNote> _last = [];

    private XenNotes(IReadOnlyList<ElfNote> all) => All = all;

    /// <summary>Every Xen note in file order, repeated and unknown ones included.</summary>
    public IReadOnlyList<ElfNote> All { get; }

    /// <summary>The PVH entry point; only the low 32 bits of the descriptor count. Null without the note or with a bad descriptor.</summary>
    public uint? Entry => (uint?)Number(XenNoteType.Phys32Entry);

    /// <summary>True when the entry note is there but its descriptor is not 1, 2, 4 or 8 bytes long.</summary>
    public bool HasBadEntryDescriptor => _last.ContainsKey(XenNoteType.Phys32Entry) && Entry is null;

    /// <summary>The operating system that the image names, or null.</summary>
    public string? GuestOs => Text(XenNoteType.GuestOs);

    /// <summary>The features string, or null.</summary>
    public string? Features => Text(XenNoteType.Features);

    /// <summary>
    /// True where the toolstack has to put the root of the ACPI tables below 1 MiB, because an old Linux looks nowhere else: it does not announce
    /// linux_rsdp_unrestricted, feature bit 15 (tools/libs/light/libxl_x86_acpi.c).
    /// </summary>
    public bool WantsLowRsdp => GuestOs == "linux" && ((Number(XenNoteType.SupportedFeatures) ?? 0) & (1 << 15)) == 0;

    /// <summary>True when the image asks for its symbol table behind it.</summary>
    public bool WantsBsdSymbols => Text(XenNoteType.BsdSymtab) == "yes";

    /// <summary>Picks the Xen notes out of an image's notes.</summary>
    /// <param name="notes">All notes.</param>
    /// <returns>The decoded notes.</returns>
    public static XenNotes Decode(ElfNotes notes)
    {
        ArgumentNullException.ThrowIfNull(notes);
        XenNotes decoded = new([.. notes.Notes.Where(static note => note.IsXen)]);
        foreach (ElfNote note in decoded.All)
            decoded._last[(XenNoteType)note.Type] = note;
        return decoded;
    }

    /// <summary>The note of a type that counts, or null.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The last note of that type.</returns>
    public ElfNote? Find(XenNoteType type) => _last.GetValueOrDefault(type);

    /// <summary>A numeric note's value; null when it is absent or its descriptor is not 1, 2, 4 or 8 bytes.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The value.</returns>
    public ulong? Number(XenNoteType type) => Find(type) is { } note ? Number(note.Descriptor.Span) : null;

    /// <summary>A string note's value up to its NUL; null when it is absent.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The value, with bytes that are not printable ASCII shown as '?'.</returns>
    public string? Text(XenNoteType type) => Find(type) is { } note ? Text(note.Descriptor.Span) : null;

    /// <summary>
    /// What PHYS32_RELOC allows, with its defaults filled in: alignment = the larger of 2 MiB or, where some p_align is at least 4 KiB,
    /// the largest p_align; minimum 0; maximum 0xFFFFFFFF. Null when the image has no such note.
    /// </summary>
    /// <param name="maximumSegmentAlignment">The largest p_align of the loadable segments.</param>
    /// <returns>The bounds.</returns>
    /// <exception cref="RelocationException">The note is there, but damaged.</exception>
    public PhysicalRelocation? Relocation(ulong maximumSegmentAlignment)
    {
        if (Find(XenNoteType.Phys32Reloc) is not { } note)
            return null;
        ReadOnlySpan<byte> bytes = note.Descriptor.Span;
        if (bytes.Length > 12 || bytes.Length % 4 != 0)
            throw new RelocationException($"The PHYS32_RELOC note has {bytes.Length} bytes; it holds at most three 32-bit numbers.");
        ulong alignment = bytes.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        if (alignment == 0)
            alignment = maximumSegmentAlignment >= 0x1000 ? maximumSegmentAlignment : 0x200000;
        uint minimum = bytes.Length >= 8 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) : 0;
        uint maximum = bytes.Length >= 12 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) : uint.MaxValue;
        if (alignment > 0x80000000 || (alignment & (alignment - 1)) != 0)
        {
            throw new RelocationException(
                $"The PHYS32_RELOC note asks for an alignment of 0x{alignment:x}, which is not a power of two below 4 GiB.");
        }

        if (minimum > maximum)
        {
            throw new RelocationException(
                $"The PHYS32_RELOC note allows addresses from 0x{minimum:x} to 0x{maximum:x}, which is an empty range.");
        }

        return new PhysicalRelocation((uint)alignment, minimum, maximum);
    }

    internal static ulong? Number(ReadOnlySpan<byte> descriptor) => descriptor.Length switch
    {
        1 => descriptor[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(descriptor),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(descriptor),
        8 => BinaryPrimitives.ReadUInt64LittleEndian(descriptor),
        _ => null,
    };

    internal static string Text(ReadOnlySpan<byte> descriptor)
    {
        int end = descriptor.IndexOf((byte)0);
        ReadOnlySpan<byte> text = descriptor[..Math.Min(end < 0 ? descriptor.Length : end, 1024)];
        StringBuilder printable = new(text.Length);
        foreach (byte b in text)
            printable.Append(b is >= 0x20 and < 0x7F ? (char)b : '?');
        return printable.ToString();
    }
}
