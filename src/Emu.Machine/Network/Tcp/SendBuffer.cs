using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Tcp;

/// <summary>Bytes that are sent but not acknowledged, or not sent yet.</summary>
internal sealed class SendBuffer : IStateful
{
    /// <summary>So many bytes wait at most.</summary>
    public const int Capacity = 65536;

    private readonly byte[] _bytes = new byte[Capacity];
    private int _first;

    public int Count { get; private set; }

    public int Room => Capacity - Count;

    public int Write(ReadOnlySpan<byte> source)
    {
        var length = Math.Min(source.Length, Room);
        var at = (_first + Count) % Capacity;
        var part = Math.Min(length, Capacity - at);
        source[..part].CopyTo(_bytes.AsSpan(at));
        source[part..length].CopyTo(_bytes);
        Count += length;
        return length;
    }

    /// <summary>Reads without taking, from so many bytes behind the oldest one.</summary>
    public void Peek(int offset, Span<byte> destination)
    {
        var at = (_first + offset) % Capacity;
        var part = Math.Min(destination.Length, Capacity - at);
        _bytes.AsSpan(at, part).CopyTo(destination);
        _bytes.AsSpan(0, destination.Length - part).CopyTo(destination[part..]);
    }

    public void Drop(int count)
    {
        _first = (_first + count) % Capacity;
        Count -= count;
    }

    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _first);
        stream.Require((uint)_first < Capacity, "a buffer has no such place");
        Count = stream.Count(Count, Capacity);
        var part = Math.Min(Count, Capacity - _first);
        stream.Transfer(_bytes.AsSpan(_first, part));
        stream.Transfer(_bytes.AsSpan(0, Count - part));
    }
}
