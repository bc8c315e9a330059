using System.Buffers.Binary;
using System.Text;

namespace Emu.Pvh.Tests.Support;

/// <summary>Builds small ELF images field by field, so that a test can break exactly one thing.</summary>
internal sealed class ElfBuilder
{
    private readonly List<Segment> _segments = [];
    private readonly List<SectionData> _sections = [];

    public bool Wide { get; init; } = true;

    public ushort Machine { get; init; } = 62;

    public ushort Type { get; init; } = 2;

    public ulong Entry { get; init; } = 0x100000;

    public ulong HeaderSize => Wide ? 64u : 52u;

    /// <summary>A bootable image: one segment at 1 MiB with some BSS, and the entry note.</summary>
    public static ElfBuilder Bootable(bool wide = true, int descriptorSize = 8) => new ElfBuilder { Wide = wide, Machine = (ushort)(wide ? 62 : 3) }
        .Load(0x100000, Code(0x200), memorySize: 0x3000)
        .Notes(Note("Xen", 18, Number(0x100010, descriptorSize)));

    public static byte[] Code(int length)
    {
        byte[] code = new byte[length];
        for (int i = 0; i < length; i++)
            code[i] = (byte)((i * 7) + 1);
        return code;
    }

    public static byte[] Number(ulong value, int size)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes[..size];
    }

    public static byte[] Numbers(params uint[] values)
    {
        byte[] bytes = new byte[values.Length * 4];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), values[i]);
        return bytes;
    }

    public static byte[] Text(string text) => Encoding.ASCII.GetBytes(text + "\0");

    public static byte[] Note(string name, uint type, byte[] descriptor, int alignment = 4)
    {
        byte[] nameBytes = Text(name);
        int nameSpace = Align(12 + nameBytes.Length, alignment) - 12;
        byte[] note = new byte[12 + nameSpace + Align(descriptor.Length, alignment)];
        BinaryPrimitives.WriteInt32LittleEndian(note, nameBytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(4), descriptor.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), type);
        nameBytes.CopyTo(note, 12);
        descriptor.CopyTo(note, 12 + nameSpace);
        return note;
    }

    public ElfBuilder Load(ulong physical, byte[] data, ulong? memorySize = null, ulong? fileSize = null, ulong? offset = null, ulong alignment = 0x1000)
    {
        _segments.Add(new Segment(1, physical, data, memorySize ?? (ulong)data.Length, fileSize, offset, alignment));
        return this;
    }

    public ElfBuilder Notes(params byte[][] notes) => NotesAligned(4, notes);

    public ElfBuilder NotesAligned(ulong alignment, params byte[][] notes)
    {
        byte[] data = [.. notes.SelectMany(note => note)];
        _segments.Add(new Segment(4, 0, data, (ulong)data.Length, null, null, alignment));
        return this;
    }

    public ElfBuilder NoteSegmentAt(ulong offset, ulong length)
    {
        _segments.Add(new Segment(4, 0, [], length, length, offset, 4));
        return this;
    }

    public ElfBuilder NoteSection(params byte[][] notes)
    {
        _sections.Add(new SectionData(7, [.. notes.SelectMany(note => note)]));
        return this;
    }

    public ElfBuilder Section(uint type, byte[] data)
    {
        _sections.Add(new SectionData(type, data));
        return this;
    }

    public byte[] Build()
    {
        int phSize = Wide ? 56 : 32;
        int shSize = Wide ? 64 : 40;
        int position = (int)HeaderSize + (phSize * _segments.Count);
        byte[] file = new byte[position + _segments.Sum(s => Align(s.Data.Length, 16)) + _sections.Sum(s => Align(s.Data.Length, 16))
            + (_sections.Count == 0 ? 0 : shSize * (_sections.Count + 1)) + 64];
        "\u007fELF"u8.CopyTo(file);
        file[4] = (byte)(Wide ? 2 : 1);
        file[5] = 1;
        file[6] = 1;
        U16(file, 16, Type);
        U16(file, 18, Machine);
        U32(file, 20, 1);
        for (int i = 0; i < _segments.Count; i++)
        {
            position = Align(position, 16);
            Segment s = _segments[i];
            s.Data.CopyTo(file, position);
            WriteProgramHeader(file, (int)HeaderSize + (i * phSize), s, s.Offset ?? (ulong)position);
            position += s.Data.Length;
        }

        List<(uint Type, ulong Offset, ulong Size)> sections = [(0, 0, 0)];
        foreach (SectionData section in _sections)
        {
            position = Align(position, 16);
            section.Data.CopyTo(file, position);
            sections.Add((section.Type, (ulong)position, (ulong)section.Data.Length));
            position += section.Data.Length;
        }

        position = Align(position, 16);
        ulong sectionTable = _sections.Count == 0 ? 0 : (ulong)position;
        if (sectionTable != 0)
        {
            foreach ((uint type, ulong offset, ulong size) in sections)
            {
                U32(file, position + 4, type);
                Word(file, position + (Wide ? 24 : 16), offset);
                Word(file, position + (Wide ? 32 : 20), size);
                position += shSize;
            }
        }

        Word(file, 24, Entry);
        Word(file, Wide ? 32 : 28, HeaderSize);
        Word(file, Wide ? 40 : 32, sectionTable);
        U16(file, Wide ? 52 : 40, (ushort)HeaderSize);
        U16(file, Wide ? 54 : 42, (ushort)phSize);
        U16(file, Wide ? 56 : 44, (ushort)_segments.Count);
        U16(file, Wide ? 58 : 46, (ushort)shSize);
        U16(file, Wide ? 60 : 48, (ushort)(sectionTable == 0 ? 0 : sections.Count));
        return file[..position];
    }

    private void WriteProgramHeader(byte[] file, int at, Segment s, ulong offset)
    {
        ulong fileSize = s.FileSize ?? (ulong)s.Data.Length;
        U32(file, at, s.Type);
        if (Wide)
        {
            U32(file, at + 4, 7);
            Word(file, at + 8, offset);
            Word(file, at + 16, s.Physical);
            Word(file, at + 24, s.Physical);
            Word(file, at + 32, fileSize);
            Word(file, at + 40, s.MemorySize);
            Word(file, at + 48, s.Alignment);
        }
        else
        {
            Word(file, at + 4, offset);
            Word(file, at + 8, s.Physical);
            Word(file, at + 12, s.Physical);
            Word(file, at + 16, fileSize);
            Word(file, at + 20, s.MemorySize);
            U32(file, at + 24, 7);
            Word(file, at + 28, s.Alignment);
        }
    }

    private void Word(byte[] file, int at, ulong value)
    {
        if (Wide)
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);
        else
            U32(file, at, (uint)value);
    }

    private static void U16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void U32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);

    private static int Align(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private sealed record Segment(uint Type, ulong Physical, byte[] Data, ulong MemorySize, ulong? FileSize, ulong? Offset, ulong Alignment);

    private sealed record SectionData(uint Type, byte[] Data);
}
