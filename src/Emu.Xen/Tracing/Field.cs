using System.Buffers.Binary;

namespace Emu.Xen.Tracing;

/// <summary>What C type a field has in Xen's headers; <see cref="Word"/> is unsigned long or a pointer of the caller's width.</summary>
internal enum FieldType
{
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Word,
    Text,

    /// <summary>Nothing but the alignment of <see cref="Word"/>: where a structure within ends.</summary>
    WordBoundary,
}

/// <summary>Who gives a field its value.</summary>
[Flags]
internal enum FieldUse
{
    /// <summary>Nobody: padding.</summary>
    None = 0,
    In = 1,
    Out = 2,
    InOut = In | Out,
}

/// <summary>One argument, or one field of a structure.</summary>
/// <param name="Name">Its name in Xen's headers.</param>
/// <param name="Type">Its type.</param>
/// <param name="Form">How its value is shown.</param>
internal sealed record Field(string Name, FieldType Type, ValueForm Form)
{
    /// <summary>Who gives the value.</summary>
    public FieldUse Use { get; init; } = FieldUse.In;

    /// <summary>Bytes of a text, or of padding.</summary>
    public int TextLength { get; init; }

    /// <summary>For a pointer to an array: the field or argument that counts its elements.</summary>
    public string? CountedBy { get; init; }

    /// <summary>For a pointer to an array: its elements' type; <see cref="FieldType.Text"/> for characters.</summary>
    public FieldType ElementType { get; init; }

    public static Field Number(string name, FieldType type = FieldType.UInt32) => new(name, type, ValueForm.Decimal);

    public static Field Hex(string name, FieldType type = FieldType.UInt32) => new(name, type, ValueForm.Hexadecimal);

    public static Field Signed(string name, FieldType type) => new(name, type, ValueForm.Signed);

    public static Field Time(string name) => new(name, FieldType.UInt64, ValueForm.Nanoseconds);

    public static Field Pointer(string name, FieldType type = FieldType.Word) => new(name, type, ValueForm.Pointer);

    public static Field Domain(string name = "domid") => new(name, FieldType.UInt16, ValueForm.Domain);

    public static Field Named(string name, ValueNames names, FieldType type = FieldType.UInt32) => new(name, type, ValueForm.Decimal) { Names = names };

    public static Field Text(string name, int length) => new(name, FieldType.Text, ValueForm.Decimal) { TextLength = length, Use = FieldUse.Out };

    public static Field Padding(int length) => new("", FieldType.Text, ValueForm.Decimal) { TextLength = length, Use = FieldUse.None };

    public static Field WordBoundary { get; } = new("", FieldType.WordBoundary, ValueForm.Decimal) { Use = FieldUse.None };

    /// <summary>A pointer to an array: its elements are shown.</summary>
    public static Field List(string name, FieldType elements, string countedBy, ValueForm form = ValueForm.Decimal) =>
        new(name, FieldType.Word, form) { ElementType = elements, CountedBy = countedBy };

    /// <summary>What values are called.</summary>
    public ValueNames? Names { get; init; }

    public Field Out() => this with { Use = FieldUse.Out };

    public Field InOut() => this with { Use = FieldUse.InOut };

    /// <summary>Bytes that a value takes.</summary>
    public static int Size(FieldType type, bool is64Bit) => type switch
    {
        FieldType.UInt8 or FieldType.Text => 1,
        FieldType.UInt16 => 2,
        FieldType.UInt32 => 4,
        FieldType.UInt64 => 8,
        FieldType.WordBoundary => 0,
        _ => is64Bit ? 8 : 4,
    };

    /// <summary>What a value's address is a multiple of: a 64-bit number's is 4 in the 32-bit ABI.</summary>
    public static int Alignment(FieldType type, bool is64Bit) =>
        Math.Min(Size(type == FieldType.WordBoundary ? FieldType.Word : type, is64Bit), is64Bit ? 8 : 4);

    public static ulong Read(ReadOnlySpan<byte> bytes, int size) => size switch
    {
        0 => 0,
        1 => bytes[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };
}
