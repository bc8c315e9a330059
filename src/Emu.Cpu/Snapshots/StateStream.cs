using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Cpu.Snapshots;

/// <summary>The state of a machine as bytes, written or read by the same sequence of calls: see <see cref="IStateful"/>.</summary>
/// <remarks>
/// Numbers are little-endian, in their own width; flags are a byte, 0 or 1; collections begin with their length in four bytes. A section begins with
/// a hash of its name, so that parts which disagree about the order are found where they begin to.
/// </remarks>
public sealed class StateStream
{
    private readonly ArrayBufferWriter<byte>? _output;
    private readonly ReadOnlyMemory<byte> _input;
    private readonly List<SnapshotPage>? _outputPages;
    private readonly IReadOnlyList<SnapshotPage>? _inputPages;
    private int _at;
    private int _pageAt;
    private string _section = "head";

    private StateStream(ArrayBufferWriter<byte> output, List<SnapshotPage>? pages)
    {
        _output = output;
        _outputPages = pages;
    }

    private StateStream(ReadOnlyMemory<byte> input, IReadOnlyList<SnapshotPage>? pages)
    {
        _input = input;
        _inputPages = pages;
    }

    /// <summary>True where state comes from the stream and replaces that of the machine.</summary>
    public bool IsRestoring => _output is null;

    /// <summary>Saves the state of a part.</summary>
    /// <param name="part">The part.</param>
    /// <param name="pages">Takes the pages that are shared with the part, in their order; null for a state that has their contents in it.</param>
    /// <returns>Its state.</returns>
    public static byte[] Save(IStateful part, List<SnapshotPage>? pages = null)
    {
        ArgumentNullException.ThrowIfNull(part);
        StateStream stream = new(new ArrayBufferWriter<byte>(1 << 16), pages);
        part.Transfer(stream);
        return stream._output!.WrittenSpan.ToArray();
    }

    /// <summary>Gives a part the state that was saved of its like.</summary>
    /// <param name="part">The part; where it fails, it is good for nothing any more.</param>
    /// <param name="state">What <see cref="Save"/> returned.</param>
    /// <param name="pages">The pages that <see cref="Save"/> has taken out; null where it was given nothing for them.</param>
    /// <exception cref="SnapshotException">The state is damaged, or not of such a part.</exception>
    public static void Restore(IStateful part, ReadOnlyMemory<byte> state, IReadOnlyList<SnapshotPage>? pages = null)
    {
        ArgumentNullException.ThrowIfNull(part);
        StateStream stream = new(state, pages);
        part.Transfer(stream);
        stream.Require(stream._at == state.Length && stream._pageAt == (pages?.Count ?? 0), "it goes on where it should end");
    }

    /// <summary>Begins the state of a part of the machine.</summary>
    /// <param name="name">What it is, in a word or two: the same in both directions.</param>
    public void Section(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var before = _section;
        _section = name;
        var tag = 2166136261u;
        foreach (var letter in name)
            tag = (tag ^ letter) * 16777619;
        var found = tag;
        Transfer(ref found);
        if (found != tag)
            throw new SnapshotException($"The snapshot is damaged or of another kind of machine: behind '{before}', '{name}' is expected.");
    }

    /// <summary>A number, flag or enumeration.</summary>
    /// <typeparam name="T">A primitive type other than <see langword="nint"/>, or an enumeration.</typeparam>
    /// <param name="value">It.</param>
    public void Transfer<T>(ref T value)
        where T : unmanaged
    {
        RequireScalar<T>();
        var bytes = MemoryMarshal.AsBytes(new Span<T>(ref value));
        Raw(bytes, Unsafe.SizeOf<T>());
        if (typeof(T) == typeof(bool))
            Require(Unsafe.As<T, byte>(ref value) <= 1, "a flag is neither set nor clear");
    }

    /// <summary>A property, whose value is saved, or returned to be set.</summary>
    /// <typeparam name="T">A primitive type or an enumeration.</typeparam>
    /// <param name="value">Its present value.</param>
    /// <returns>The value that it is to have.</returns>
    public T Transferred<T>(T value)
        where T : unmanaged
    {
        Transfer(ref value);
        return value;
    }

    /// <summary>A flag, number or enumeration that may be absent.</summary>
    /// <typeparam name="T">A primitive type or an enumeration.</typeparam>
    /// <param name="value">It.</param>
    public void Transfer<T>(ref T? value)
        where T : unmanaged
    {
        var known = value.GetValueOrDefault();
        if (Transferred(value.HasValue))
        {
            Transfer(ref known);
            value = known;
        }
        else
        {
            value = null;
        }
    }

    /// <summary>An array of fixed length.</summary>
    /// <typeparam name="T">A primitive type or an enumeration.</typeparam>
    /// <param name="values">Its elements.</param>
    public void Transfer<T>(Span<T> values)
        where T : unmanaged
    {
        RequireScalar<T>();
        Raw(MemoryMarshal.AsBytes(values), Unsafe.SizeOf<T>());
        if (typeof(T) != typeof(bool))
            return;
        foreach (var value in MemoryMarshal.AsBytes(values))
            Require(value <= 1, "a flag is neither set nor clear");
    }

    /// <summary>Bytes of any length.</summary>
    /// <param name="bytes">They.</param>
    /// <param name="longest">How many there can be.</param>
    public void Transfer(ref byte[] bytes, int longest)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        var length = Count(bytes.Length, longest);
        if (IsRestoring)
            bytes = new byte[length];
        Raw(bytes, 1);
    }

    /// <summary>A page that does not change any more: a snapshot shares it with the part, and with other snapshots.</summary>
    /// <param name="page">It; null where state is restored.</param>
    /// <returns>The page that is to be there.</returns>
    public SnapshotPage Transfer(SnapshotPage? page)
    {
        if (IsRestoring && _inputPages is not null)
        {
            Require(_pageAt < _inputPages.Count, "there are too few pages");
            return _inputPages[_pageAt++];
        }

        if (_outputPages is not null)
        {
            _outputPages.Add(page!);
            return page!;
        }

        Require(!IsRestoring || _input.Length - _at >= SnapshotPage.Length, "it ends too early");
        var bytes = new byte[SnapshotPage.Length];
        page?.CopyTo(bytes);
        Raw(bytes, 1);
        return IsRestoring ? MemoryPage.Of(bytes) : page!;
    }

    /// <summary>A text.</summary>
    /// <param name="text">It.</param>
    /// <param name="longest">How many bytes of UTF-8 it can have.</param>
    public void Transfer(ref string text, int longest)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytes = Encoding.UTF8.GetBytes(text);
        Transfer(ref bytes, longest);
        if (IsRestoring)
            text = Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The length of a collection, whose elements the caller transfers behind it.</summary>
    /// <param name="count">Its present length.</param>
    /// <param name="most">How long it can be; a longer one is refused before anything is allocated for it.</param>
    /// <returns>The length that it is to have.</returns>
    public int Count(int count, int most)
    {
        Transfer(ref count);
        Require((uint)count <= (uint)most, $"{count} are more than the {most} there can be");
        // No element is shorter than a byte: so nothing is allocated that the stream does not pay for.
        Require(!IsRestoring || count <= _input.Length - _at, "it ends too early");
        return count;
    }

    /// <summary>A list, in its order.</summary>
    /// <typeparam name="T">Its elements.</typeparam>
    /// <param name="list">The list; emptied and filled where state is restored.</param>
    /// <param name="most">How long it can be.</param>
    /// <param name="element">Transfers one: takes the present one, which is the default where state is restored, and returns what it is to be.</param>
    public void Transfer<T>(List<T> list, int most, Func<T, T> element)
    {
        ArgumentNullException.ThrowIfNull(list);
        ArgumentNullException.ThrowIfNull(element);
        var count = Count(list.Count, most);
        if (!IsRestoring)
        {
            foreach (var item in list)
                element(item);
            return;
        }

        list.Clear();
        for (var i = 0; i < count; i++)
            list.Add(element(default!));
    }

    /// <summary>Refuses a state that cannot be.</summary>
    /// <param name="isPossible">Whether it can.</param>
    /// <param name="what">What is wrong, in words that go on from "the snapshot is damaged in 'section':".</param>
    /// <exception cref="SnapshotException">It cannot, and state is being restored.</exception>
    public void Require([DoesNotReturnIf(false)] bool isPossible, string what)
    {
        if (!isPossible)
            throw new SnapshotException($"The snapshot is damaged in '{_section}': {what}.");
    }

    private static void RequireScalar<T>()
    {
        if (!typeof(T).IsEnum && (!typeof(T).IsPrimitive || typeof(T) == typeof(nint) || typeof(T) == typeof(nuint)))
            throw new ArgumentException($"{typeof(T).Name} has a layout of its own: transfer its fields.");
    }

    // Elements of a width, in the host's order of bytes.
    private void Raw(Span<byte> bytes, int width)
    {
        if (_output is not null)
        {
            bytes.CopyTo(_output.GetSpan(bytes.Length));
            TurnAround(_output.GetSpan(bytes.Length)[..bytes.Length], width);
            _output.Advance(bytes.Length);
            return;
        }

        Require(bytes.Length <= _input.Length - _at, "it ends too early");
        _input.Span.Slice(_at, bytes.Length).CopyTo(bytes);
        TurnAround(bytes, width);
        _at += bytes.Length;
    }

    private static void TurnAround(Span<byte> bytes, int width)
    {
        if (BitConverter.IsLittleEndian || width == 1)
            return;
        for (var at = 0; at < bytes.Length; at += width)
            bytes.Slice(at, width).Reverse();
    }
}
