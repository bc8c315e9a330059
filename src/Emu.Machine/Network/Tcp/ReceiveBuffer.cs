using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Tcp;

/// <summary>Bytes that have come: those in order wait for the application, those behind a gap for the gap to be filled.</summary>
internal sealed class ReceiveBuffer : IStateful
{
    /// <summary>So many bytes are taken at most; the greatest window without scaling.</summary>
    public const int Capacity = 65535;

    /// <summary>So many runs of bytes may lie behind gaps; what would make one more is dropped, and comes again.</summary>
    private const int MostRuns = 32;

    private readonly byte[] _bytes = new byte[Capacity];

    /// <summary>Runs behind gaps, ascending and apart, as distances from the next byte in order.</summary>
    private readonly List<(int Start, int End)> _runs = [];
    private int _first;

    /// <summary>Bytes in order.</summary>
    public int Count { get; private set; }

    public int Room => Capacity - Count;

    /// <summary>True where something lies behind a gap.</summary>
    public bool HasGap => _runs.Count != 0;

    /// <summary>Takes bytes.</summary>
    /// <param name="offset">Their distance from the next byte in order; with their length at most <see cref="Room"/>.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>How many more are in order now.</returns>
    public int Insert(int offset, ReadOnlySpan<byte> source)
    {
        if (source.Length == 0 || (offset != 0 && !TryAddRun(offset, offset + source.Length)))
            return 0;
        var at = (_first + Count + offset) % Capacity;
        var part = Math.Min(source.Length, Capacity - at);
        source[..part].CopyTo(_bytes.AsSpan(at));
        source[part..].CopyTo(_bytes);
        if (offset != 0)
            return 0;

        var advance = source.Length;
        var joined = 0;
        while (joined < _runs.Count && _runs[joined].Start <= advance)
            advance = Math.Max(advance, _runs[joined++].End);
        _runs.RemoveRange(0, joined);
        for (var i = 0; i < _runs.Count; i++)
            _runs[i] = (_runs[i].Start - advance, _runs[i].End - advance);
        Count += advance;
        return advance;
    }

    public int Read(Span<byte> destination)
    {
        var length = Math.Min(destination.Length, Count);
        var part = Math.Min(length, Capacity - _first);
        _bytes.AsSpan(_first, part).CopyTo(destination);
        _bytes.AsSpan(0, length - part).CopyTo(destination[part..]);
        Drop(length);
        return length;
    }

    /// <summary>The bytes that can be read in one piece; not taken yet.</summary>
    public ReadOnlySpan<byte> Peek() => _bytes.AsSpan(_first, Math.Min(Count, Capacity - _first));

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
        var last = 0;
        stream.Transfer(_runs, MostRuns, run =>
        {
            run = (stream.Transferred(run.Start), stream.Transferred(run.End));
            stream.Require(run.Start > last && run.End > run.Start && run.End <= Room, "bytes behind a gap are not in order");
            last = run.End;
            return run;
        });
        var length = Count + last;
        var part = Math.Min(length, Capacity - _first);
        stream.Transfer(_bytes.AsSpan(_first, part));
        stream.Transfer(_bytes.AsSpan(0, length - part));
    }

    private bool TryAddRun(int start, int end)
    {
        var at = 0;
        while (at < _runs.Count && _runs[at].End < start)
            at++;
        var last = at;
        while (last < _runs.Count && _runs[last].Start <= end)
        {
            start = Math.Min(start, _runs[last].Start);
            end = Math.Max(end, _runs[last].End);
            last++;
        }

        if (last == at && _runs.Count == MostRuns)
            return false;
        _runs.RemoveRange(at, last - at);
        _runs.Insert(at, (start, end));
        return true;
    }
}
