using System.Globalization;
using System.Text;
using Emu.Xen.Tracing.Forms;

namespace Emu.Xen.Tracing;

/// <summary>A hypercall as text: <c>event_channel_op.bind_virq(virq=TIMER, vcpu=0)</c>, and afterwards <c>port=3</c>.</summary>
/// <remarks>What a guest names is read within bounds: no number of it makes a text long.</remarks>
public sealed class CallText
{
    private const int MostElements = 8;
    private const int RawArguments = 3;

    private readonly ICallSource _call;
    private readonly CallForm? _form;
    private readonly OperationForm? _operation;

    /// <summary>Begins to describe a call. Its inputs are to be taken before it is carried out, its outputs afterwards.</summary>
    /// <param name="call">The call.</param>
    public CallText(ICallSource call)
    {
        ArgumentNullException.ThrowIfNull(call);
        _call = call;
        _form = CallForms.Find(call.Number);
        var command = (uint)call.Argument(0) & (_form?.CommandMask ?? 0);
        _operation = _form is null ? null : Array.Find(_form.Operations, operation => !_form.HasCommand || operation.Command == command);
        var name = _form?.Name ?? string.Create(CultureInfo.InvariantCulture, $"hypercall_{call.Number}");
        if (_form is { HasCommand: true })
            name += _operation is null ? string.Create(CultureInfo.InvariantCulture, $".{command}") : "." + _operation.Name;
        Name = name;
    }

    /// <summary>The call's name, with that of the operation behind a point.</summary>
    public string Name { get; }

    /// <summary>What the guest gives: fields by their names, parted by commas.</summary>
    /// <returns>The text; where nothing is known of the call, its first arguments.</returns>
    public string Inputs()
    {
        if (_operation is null)
        {
            var first = _form is { HasCommand: true } ? 1 : 0;
            return string.Join(", ", Enumerable.Range(first, RawArguments).Select(index => string.Create(CultureInfo.InvariantCulture, $"0x{_call.Argument(index):x}")));
        }

        var text = new FieldList(", ");
        AddArguments(text);
        AddStructures(text, FieldUse.In);
        return text.ToString();
    }

    /// <summary>What the guest gets beside the result.</summary>
    /// <param name="result">The result: where the call has failed, there is no more.</param>
    /// <returns>Fields by their names, parted by blanks; empty for none.</returns>
    public string Outputs(long result)
    {
        if (_operation is null || result < 0)
            return "";
        var text = new FieldList(" ");
        AddStructures(text, FieldUse.Out);
        return text.ToString();
    }

    /// <summary>Finds a call by the name that <see cref="Name"/> has for it.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The call; null where there is none of the name.</returns>
    public static CallId? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var point = name.IndexOf('.', StringComparison.Ordinal);
        return CallForms.Find(point < 0 ? name : name[..point], point < 0 ? "" : name[(point + 1)..]) is var (form, command)
            ? new CallId(form.Number, command, form.StructureAt)
            : null;
    }

    /// <summary>A result as text: a number, and the error's name behind a negative one.</summary>
    /// <param name="result">The result.</param>
    /// <returns>The text.</returns>
    public static string Result(long result) => XenErrorNames.Find(result) is { } name
        ? string.Create(CultureInfo.InvariantCulture, $"{result} {name}")
        : result.ToString(CultureInfo.InvariantCulture);

    private void AddArguments(FieldList text)
    {
        foreach (var (index, field) in _form!.Arguments.Concat(_operation!.Arguments))
        {
            var value = _call.Argument(index);
            if (field.CountedBy is null)
                text.Add(field.Name, ValueText.Format(field, value, _call.Is64Bit ? 8 : 4));
            else
                text.Add(field.Name, List(field, value, text));
        }
    }

    private void AddStructures(FieldList text, FieldUse use)
    {
        if (!_operation!.HasStructure)
            return;
        var address = _call.Argument(_form!.StructureAt);
        var count = 1UL;
        if (_form.CountAt >= 0)
        {
            count = (uint)_call.Argument(_form.CountAt);
            if (count != 1 && use == FieldUse.In)
                text.Add("count", count.ToString(CultureInfo.InvariantCulture));
        }

        var length = (ulong)_operation.Structure!.Length(_call.Is64Bit);
        for (ulong i = 0; i < Math.Min(count, MostElements); i++)
        {
            if (count == 1)
            {
                AddStructure(text, _operation.Structure, address, use);
                continue;
            }

            var element = new FieldList(" ");
            AddStructure(element, _operation.Structure, address + (i * length), use);
            if (!element.IsEmpty)
                text.AddText($"[{element}]");
        }

        if (count > MostElements && !text.IsEmpty)
            text.AddText("…");
    }

    private void AddStructure(FieldList text, Structure structure, ulong address, FieldUse use)
    {
        var is64Bit = _call.Is64Bit;
        var hasAny = structure.Fields.Any(field => (field.Use & use) != 0);
        if (!hasAny && _operation!.Variant is null)
            return;
        var bytes = new byte[structure.Length(is64Bit)];
        if (!_call.TryRead(address, bytes))
        {
            if (use == FieldUse.In)
                text.AddText(string.Create(CultureInfo.InvariantCulture, $"arg=&{address:x} unreadable"));
            return;
        }

        // A list may be counted by a field behind it.
        foreach (var (field, offset) in structure.Layout(is64Bit))
        {
            if (field.Type != FieldType.Text)
                text.Note(field.Name, Field.Read(bytes.AsSpan(offset), Field.Size(field.Type, is64Bit)));
        }

        foreach (var (field, offset) in structure.Layout(is64Bit))
        {
            var place = bytes.AsSpan(offset);
            if (field.Type == FieldType.Text)
            {
                if ((field.Use & use) != 0)
                    text.Add(field.Name, Text(place[..field.TextLength]));
                continue;
            }

            var size = Field.Size(field.Type, is64Bit);
            var value = Field.Read(place, size);
            if ((field.Use & use) != 0)
                text.Add(field.Name, field.CountedBy is null ? ValueText.Format(field, value, size) : List(field, value, text));
        }

        if (_operation!.Variant?.Invoke((uint)Field.Read(bytes, 4)) is { } further && use == FieldUse.In)
            AddStructure(text, further, address, use);
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return ValueText.Quote(end < 0 ? bytes : bytes[..end]);
    }

    private string List(Field field, ulong address, FieldList text)
    {
        var count = text.Find(field.CountedBy!) ?? Counted(field.CountedBy!);
        if (field.ElementType == FieldType.Text)
        {
            var characters = new byte[Math.Min(count, ValueText.LongestText)];
            return _call.TryRead(address, characters) ? ValueText.Quote(characters, (ulong)characters.Length < count) : "unreadable";
        }

        var size = Field.Size(field.ElementType, _call.Is64Bit);
        StringBuilder list = new("[");
        Span<byte> element = stackalloc byte[8];
        for (ulong i = 0; i < Math.Min(count, MostElements); i++)
        {
            if (!_call.TryRead(address + (i * (ulong)size), element[..size]))
                return list.Append(" unreadable]").ToString();
            if (i != 0)
                list.Append(' ');
            list.Append(ValueText.Format(field, Field.Read(element, size), size));
        }

        return list.Append(count > MostElements ? " …]" : "]").ToString();
    }

    private ulong Counted(string name)
    {
        foreach (var (index, field) in _operation!.Arguments)
        {
            if (field.Name == name)
                return (uint)_call.Argument(index);
        }

        return 0;
    }

    /// <summary>name=value, one after the other; remembers numbers that others refer to.</summary>
    private sealed class FieldList(string separator)
    {
        private readonly StringBuilder _text = new();
        private readonly Dictionary<string, ulong> _numbers = [];

        public bool IsEmpty => _text.Length == 0;

        public void Note(string name, ulong value) => _numbers[name] = value;

        public ulong? Find(string name) => _numbers.TryGetValue(name, out var value) ? value : null;

        public void Add(string name, string value) => AddText($"{name}={value}");

        public void AddText(string text)
        {
            if (_text.Length != 0)
                _text.Append(separator);
            _text.Append(text);
        }

        public override string ToString() => _text.ToString();
    }
}

/// <summary>A hypercall, and one of its operations.</summary>
/// <param name="Number">The hypercall's number.</param>
/// <param name="Command">The operation's.</param>
/// <param name="StructureAt">Which argument points to the structure, where there is one.</param>
public readonly record struct CallId(uint Number, uint Command, int StructureAt);
