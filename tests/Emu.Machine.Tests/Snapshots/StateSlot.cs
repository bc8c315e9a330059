using System.Collections;
using System.Reflection;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>A place in an object in which something can change: a field, or what an array or collection holds.</summary>
/// <param name="Owner">The object.</param>
/// <param name="Field">Its field.</param>
internal sealed record StateSlot(object Owner, FieldInfo Field)
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The field's name, as an exception would give it: that of the property where it is one's.</summary>
    public string Name => $"{TypeName(Field.DeclaringType!)}.{Field.Name.Replace("<", "", StringComparison.Ordinal).Replace(">k__BackingField", "", StringComparison.Ordinal)}";

    private object? Value => Field.GetValue(Owner);

    /// <summary>Finds all places that can be reached from an object.</summary>
    /// <param name="root">The object.</param>
    /// <param name="isPassed">Says of what type nothing is looked for.</param>
    /// <returns>The places, each once.</returns>
    public static List<StateSlot> Find(object root, Predicate<Type> isPassed)
    {
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        Stack<object> open = new([root]);
        List<StateSlot> slots = [];
        while (open.TryPop(out var next))
        {
            if (!seen.Add(next) || isPassed(next.GetType()))
                continue;
            if (next is IEnumerable many and not string && !IsOurs(next.GetType()))
            {
                Open(many, open);
                continue;
            }

            if (!IsOurs(next.GetType()))
                continue;
            foreach (var field in Fields(next.GetType()))
            {
                slots.Add(new StateSlot(next, field));
                if (field.GetValue(next) is { } value && !value.GetType().IsValueType && value is not (string or Delegate or Pointer))
                    open.Push(value);
            }
        }

        return slots;
    }

    /// <summary>Says whether what lies here would change if something else were put there. Undone afterwards.</summary>
    /// <param name="observe">What would show it.</param>
    /// <returns>Null where nothing can be put there.</returns>
    public bool? Matters(Func<byte[]> observe)
    {
        var before = observe();
        if (Value is Array array)
            return array.Length == 0 ? null : ElementMatters(array, before, observe);
        if (Value is IList { Count: > 0, IsReadOnly: false } list)
            return ListMatters(list, before, observe);
        if (Field.IsInitOnly || !TryChange(Field.FieldType, Value, out var other))
            return null;
        var old = Value;
        Field.SetValue(Owner, other);
        var matters = Shows(before, observe);
        Field.SetValue(Owner, old);
        return matters;
    }

    private static bool ElementMatters(Array array, byte[] before, Func<byte[]> observe)
    {
        // One that matters is enough: of buffers, only what is used is kept.
        foreach (var index in new[] { 0, array.Length / 2, array.Length - 1 })
        {
            var old = array.GetValue(index);
            if (!TryChange(array.GetType().GetElementType()!, old, out var other))
                return true;
            array.SetValue(other, index);
            var matters = Shows(before, observe);
            array.SetValue(old, index);
            if (matters)
                return true;
        }

        return false;
    }

    private static bool ListMatters(IList list, byte[] before, Func<byte[]> observe)
    {
        var old = list.Cast<object?>().ToArray();
        list.Clear();
        var matters = Shows(before, observe);
        foreach (var element in old)
            list.Add(element);
        return matters;
    }

    private static bool Shows(byte[] before, Func<byte[]> observe)
    {
        try
        {
            return !before.AsSpan().SequenceEqual(observe());
        }
        catch (Exception e) when (e is Cpu.Snapshots.SnapshotException or ArgumentException)
        {
            return true;
        }
    }

    private static bool TryChange(Type type, object? value, out object? other)
    {
        other = null;
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            other = value is null ? Activator.CreateInstance(underlying) : null;
            return true;
        }

        if (type == typeof(string))
        {
            other = value + "'";
            return true;
        }

        if (type == typeof(bool))
        {
            other = !(bool)value!;
            return true;
        }

        if (type.IsEnum)
        {
            other = Enum.ToObject(type, Convert.ToUInt64(value, null) ^ 1);
            return true;
        }

        if (type.IsPrimitive && type != typeof(nint) && type != typeof(nuint) && type != typeof(double))
        {
            other = Convert.ChangeType(Convert.ToDecimal(value, null) == 0 ? 1 : Convert.ToDecimal(value, null) - 1, type, null);
            return true;
        }

        if (!type.IsValueType)
            return false;
        // Of a structure, its first field that can be changed.
        foreach (var field in type.GetFields(All))
        {
            if (field.FieldType == type || !TryChange(field.FieldType, field.GetValue(value), out var part))
                continue;
            other = value;
            field.SetValue(other, part);
            return true;
        }

        return false;
    }

    private static void Open(IEnumerable many, Stack<object> open)
    {
        foreach (var element in many is IDictionary dictionary ? dictionary.Values : many)
        {
            if (element is not null && !element.GetType().IsValueType && element is not (string or Delegate))
                open.Push(element);
        }
    }

    // The compiler's own collections are looked into like others.
    private static bool IsOurs(Type type) =>
        type.Assembly.GetName().Name!.StartsWith("Emu.", StringComparison.Ordinal) && !typeof(Delegate).IsAssignableFrom(type) && type.Name[0] != '<';

    private static IEnumerable<FieldInfo> Fields(Type type)
    {
        for (var at = type; at is not null && at != typeof(object); at = at.BaseType)
        {
            foreach (var field in at.GetFields(All))
            {
                if (!field.FieldType.IsPointer && !field.FieldType.IsFunctionPointer)
                    yield return field;
            }
        }
    }

    private static string TypeName(Type type) => type.IsNested ? $"{type.DeclaringType!.Name}.{type.Name}" : type.Name;
}
