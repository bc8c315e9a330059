namespace Emu.Xen.Tracing;

/// <summary>What a structure consists of, in the order of its fields; where they lie follows from their types, as a C compiler decides it.</summary>
internal sealed record Structure(params Field[] Fields)
{
    /// <summary>Where a field lies.</summary>
    public IEnumerable<(Field Field, int Offset)> Layout(bool is64Bit)
    {
        var offset = 0;
        foreach (var field in Fields)
        {
            offset = Align(offset, Field.Alignment(field.Type, is64Bit));
            yield return (field, offset);
            offset += field.Type == FieldType.Text ? field.TextLength : Field.Size(field.Type, is64Bit);
        }
    }

    /// <summary>Bytes in the structure.</summary>
    public int Length(bool is64Bit)
    {
        int end = 0, alignment = 1;
        foreach (var (field, offset) in Layout(is64Bit))
        {
            end = offset + (field.Type == FieldType.Text ? field.TextLength : Field.Size(field.Type, is64Bit));
            alignment = Math.Max(alignment, Field.Alignment(field.Type, is64Bit));
        }

        return Align(end, alignment);
    }

    private static int Align(int offset, int alignment) => (offset + alignment - 1) & -alignment;
}

/// <summary>One operation of a hypercall: what its arguments and the structure behind one of them mean.</summary>
/// <param name="Command">The sub-operation's number; 0 for a hypercall without any.</param>
/// <param name="Name">Its name in Xen's headers.</param>
internal sealed record OperationForm(uint Command, string Name)
{
    public OperationForm(uint command, string name, params Field[] structure)
        : this(command, name) => Structure = new Structure(structure);

    /// <summary>The structure, or the elements of the array, that an argument points to; null for none.</summary>
    public Structure? Structure { get; init; }

    /// <summary>Further fields that follow where the first 32-bit field has a certain value; null for none.</summary>
    public Func<uint, Structure?>? Variant { get; init; }

    /// <summary>Arguments that are values of their own, with their places; they come before the structure.</summary>
    public (int Index, Field Field)[] Arguments { get; init; } = [];

    /// <summary>Whether <see cref="CallForm.StructureAt"/> matters; an operation without structure ignores it.</summary>
    public bool HasStructure => Structure is { Fields.Length: > 0 };
}

/// <summary>A hypercall.</summary>
/// <param name="Number">Its number (__HYPERVISOR_*, xen/include/public/xen.h).</param>
/// <param name="Name">Its name there.</param>
internal sealed record CallForm(uint Number, string Name)
{
    /// <summary>Its operations; empty where nothing is known of them.</summary>
    public OperationForm[] Operations { get; init; } = [];

    /// <summary>Whether the first argument selects the operation.</summary>
    public bool HasCommand { get; init; } = true;

    /// <summary>The bits of the first argument that do.</summary>
    public uint CommandMask { get; init; } = uint.MaxValue;

    /// <summary>The argument that points to the structure.</summary>
    public int StructureAt { get; init; } = 1;

    /// <summary>The argument that says how many structures there are; -1 for one.</summary>
    public int CountAt { get; init; } = -1;

    /// <summary>Arguments that every operation has.</summary>
    public (int Index, Field Field)[] Arguments { get; init; } = [];
}
