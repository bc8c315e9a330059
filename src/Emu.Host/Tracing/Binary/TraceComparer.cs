using System.Globalization;
using System.Text;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Binary;

/// <summary>Finds where two traces part: by their hashes at checkpoints, and then instruction by instruction from the last equal one.</summary>
internal sealed class TraceComparer
{
    private const int LinesBefore = 8;
    private const int LinesAfter = 4;

    private readonly TraceFile _first;
    private readonly TraceFile _second;

    /// <summary>Prepares to compare.</summary>
    public TraceComparer(TraceFile first, TraceFile second)
    {
        _first = first;
        _second = second;
        if (first.Reader.Header.Detail != second.Reader.Header.Detail)
            throw new UsageException($"'{first.Path}' and '{second.Path}' do not hold the same of each instruction; both need the same --trace-detail.");
    }

    /// <summary>Compares what both traces cover.</summary>
    /// <param name="report">What to tell the user.</param>
    /// <returns>Whether it is equal.</returns>
    public bool AreEqual(out string report)
    {
        TraceReader a = _first.Reader, b = _second.Reader;
        ulong start = Math.Max(a.FirstCount, b.FirstCount);
        if (start >= a.EndCount || start >= b.EndCount)
            throw new UsageException($"'{_first.Path}' and '{_second.Path}' have nothing in common: they cover {Span(a)} and {Span(b)}.");
        if (a.FirstCount == b.FirstCount && a.EndCount == b.EndCount && a.Hash == b.Hash)
        {
            // The hashes are what the files say; it counts only if they are as they were written.
            _first.Verify();
            _second.Verify();
            report = string.Create(CultureInfo.InvariantCulture, $"Equal: {a.Hash.Length} instructions and events, hash {a.Hash}.\n");
            return true;
        }

        ulong known = LastEqualCheckpoint(start, Math.Min(a.EndCount, b.EndCount));
        return AreEqualFrom(known, out report);
    }

    private static string Span(TraceReader trace) => string.Create(CultureInfo.InvariantCulture, $"{trace.FirstCount}–{trace.EndCount}");

    // The prefixes are equal up to some point and differ from there on.
    private ulong LastEqualCheckpoint(ulong start, ulong end)
    {
        TraceHash beforeFirst = _first.HashAt(start), beforeSecond = _second.HashAt(start);
        ulong low = start / TraceReader.CheckpointInterval, high = end / TraceReader.CheckpointInterval + 1;
        while (high - low > 1)
        {
            ulong middle = low + (high - low) / 2;
            ulong count = middle * TraceReader.CheckpointInterval;
            if (_first.HashAt(count).Without(beforeFirst) == _second.HashAt(count).Without(beforeSecond))
                low = middle;
            else
                high = middle;
        }

        return Math.Max(low * TraceReader.CheckpointInterval, start);
    }

    private bool AreEqualFrom(ulong known, out string report)
    {
        Side a = new(_first, known), b = new(_second, known);
        Queue<string> before = new();
        while (true)
        {
            bool hasA = a.MoveNext(), hasB = b.MoveNext();
            if (!hasA && !hasB)
            {
                report = string.Create(
                    CultureInfo.InvariantCulture, $"Equal in what both cover; they cover {Span(_first.Reader)} and {Span(_second.Reader)} instructions.\n");
                return true;
            }

            // Where one ends, the other may go on: it covers more.
            if (!hasA || !hasB)
            {
                Side other = hasA ? a : b;
                report = string.Create(
                    CultureInfo.InvariantCulture,
                    $"Equal up to instruction {(hasA ? _second : _first).Reader.EndCount}, where '{(hasA ? _second : _first).Path}' ends; '{other.File.Path}' goes on.\n")
                    + string.Concat(before.Select(static line => "  " + line)) + other.Lines(hasA ? "A " : "B ", LinesAfter);
                return false;
            }

            if (!a.IsEqualTo(b))
            {
                report = string.Create(CultureInfo.InvariantCulture, $"The first difference is after {Math.Min(a.Count, b.Count)} instructions{(a.Life == b.Life ? "" : $": A is in the guest's life {a.Life} there, B in life {b.Life}")}.\n")
                    + string.Concat(before.Select(static line => "  " + line))
                    + a.Lines("A ", LinesAfter) + b.Lines("B ", LinesAfter);
                return false;
            }

            before.Enqueue(a.Line());
            if (before.Count > LinesBefore)
                before.Dequeue();
        }
    }

    /// <summary>One trace, element by element.</summary>
    private sealed class Side(TraceFile file, ulong from)
    {
        private readonly TraceLines _lines = new(file);
        private readonly TraceCursor _cursor = file.Use(reader => reader.Read(from));
        private readonly StringBuilder _text = new();
        private int _index = -1;

        public TraceFile File => file;

        public ulong Count => _cursor.Count + (ulong)_index;

        public int Life => _cursor.Life;

        public bool MoveNext()
        {
            if (_index >= 0 && ++_index < _cursor.Length)
                return true;
            _index = 0;
            return file.Use(_ => _cursor.MoveNext());
        }

        public bool IsEqualTo(Side other)
        {
            if (Count != other.Count || _cursor.Vcpu != other._cursor.Vcpu || _cursor.Life != other._cursor.Life)
                return false;
            if (_cursor.Block is not { } mine || other._cursor.Block is not { } theirs)
                return _cursor.Block is null && other._cursor.Block is null && _cursor.Event == other._cursor.Event && HasSameData(other);
            int here = _cursor.First + _index, there = other._cursor.First + other._index;
            return mine.AddressOf(here) == theirs.AddressOf(there) && mine.CodeSize == theirs.CodeSize && mine.Cpl == theirs.Cpl
                && mine.IsProtected == theirs.IsProtected && mine.BytesOf(here).Span.SequenceEqual(theirs.BytesOf(there).Span) && HasSameData(other);
        }

        public string Line()
        {
            _text.Clear();
            _lines.Append(_text, _cursor, _index);
            return _text.ToString();
        }

        public string Lines(string prefix, int count)
        {
            StringBuilder lines = new();
            do
                lines.Append(prefix).Append(Line());
            while (--count > 0 && MoveNext());
            return lines.ToString();
        }

        private bool HasSameData(Side other) =>
            _cursor.Changes.SequenceEqual(other._cursor.Changes) && _cursor.Accesses.Count == other._cursor.Accesses.Count
            && _cursor.Accesses.Zip(other._cursor.Accesses).All(static pair => pair.First.Linear == pair.Second.Linear
                && pair.First.Size == pair.Second.Size && pair.First.IsWrite == pair.Second.IsWrite && pair.First.Value.Span.SequenceEqual(pair.Second.Value.Span));
    }
}
