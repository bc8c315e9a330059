using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Snapshots;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Recording;

namespace Emu.Host.Recording;

/// <summary>
/// One part of a recorded run, replayed by itself: from the nearest snapshot, at full speed up to where it begins, and on behind its end as far as the
/// next checkpoint, so that all of it is verified. Trace and console are those of the part alone.
/// </summary>
internal sealed class ReplayInterval : IDisposable
{
    private readonly ReplayPart _part;
    private readonly ulong _first;
    private readonly ulong _end;
    private readonly InputReplayer _input;
    private readonly Resumption? _start;
    private bool _isInside;

    /// <summary>Finds where it is to begin.</summary>
    /// <param name="part">Which part.</param>
    /// <param name="begin">The count of instructions where the recording begins.</param>
    /// <param name="end">That where the guest's first life ends, to which parts refer; the last one goes on to the run's end.</param>
    /// <param name="cuts">The snapshots.</param>
    /// <param name="input">The replay's input.</param>
    /// <exception cref="UsageException">There is no such part, or the snapshot is of another recording.</exception>
    /// <exception cref="SnapshotException">The snapshot cannot be used.</exception>
    public ReplayInterval(ReplayPart part, ulong begin, ulong end, ReplayCuts cuts, InputReplayer input)
    {
        cuts.RequireParts(end - begin, part.Count);
        _part = part;
        _input = input;
        _first = ReplayPart.EndOf(begin, end, part.Number - 1, part.Count);
        _end = part.Number == part.Count ? ulong.MaxValue : ReplayPart.EndOf(begin, end, part.Number, part.Count);
        _start = cuts.OpenNearest(_first);
    }

    /// <summary>Lets the trace begin and end with the part.</summary>
    /// <param name="options">The options of the replay.</param>
    /// <returns>The same, with the trace.</returns>
    /// <exception cref="UsageException">They ask for something that a part of a run has not.</exception>
    public RunOptions Apply(RunOptions options)
    {
        ulong? count = _end == ulong.MaxValue ? null : _end - _first;
        if (options.TraceFrom != 0 || options.TraceCount is not null || options.BinaryTrace is { From: not 0 } or { Count: not null } or { On: not null } or { Off: not null })
            throw new UsageException("--interval says where the trace begins and ends; --trace-from, --trace-count, --trace-on and --trace-off cannot be given beside it.");
        return options with
        {
            TraceFrom = options.TraceFile is null ? 0 : _first,
            TraceCount = options.TraceFile is null ? null : count,
            BinaryTrace = options.BinaryTrace is { } trace ? trace with { From = _first, Count = count } : null,
        };
    }

    /// <summary>Lets a console through while the part lasts.</summary>
    /// <param name="console">Where it goes.</param>
    /// <returns>Where the guest is to write.</returns>
    public IConsoleSink Watch(IConsoleSink console) => new PartOfConsole(this, console);

    /// <summary>Brings a machine to where the replay begins.</summary>
    /// <param name="machine">The first life's machine, loaded.</param>
    /// <exception cref="SnapshotException">The snapshot is damaged.</exception>
    public void Begin(PvhMachine machine) => _start?.Restore(machine);

    /// <summary>Looks whether the part begins or ends here.</summary>
    /// <param name="retired">How many instructions the first life's machine has retired.</param>
    public void Update(ulong retired)
    {
        _isInside = retired >= _first && retired < _end;
        if (retired >= _end)
            _input.EndsBehind = _end;
    }

    /// <summary>The count of retired instructions where it has to be looked at again.</summary>
    /// <param name="retired">How many have retired.</param>
    /// <returns>A later count.</returns>
    public ulong NextStop(ulong retired) => retired < _first ? _first : retired < _end ? _end : ulong.MaxValue;

    /// <summary>What stderr says of a part that is equal to that of the recorded run.</summary>
    /// <param name="input">The input, at its end.</param>
    public string Verdict(InputReplayer input)
    {
        string part = string.Create(
            CultureInfo.InvariantCulture,
            $"Interval {_part.Number} of {_part.Count}, from instruction {_first} {(_end == ulong.MaxValue ? "on" : $"to {_end}")}");
        string begin = _start is null ? "from the start" : $"from '{_start.File.FilePath}'";
        bool isWhole = input.IsDone || input.WasCutOff || !input.WasStopped;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{part}, replayed {begin}, {(isWhole ? "" : "was stopped; it ")}is equal to the recorded run (checked up to instruction {input.Verified}).");
    }

    /// <inheritdoc/>
    public void Dispose() => _start?.Dispose();

    /// <summary>A console, as far as it belongs to the part.</summary>
    private sealed class PartOfConsole(ReplayInterval interval, IConsoleSink console) : IConsoleSink
    {
        public void Write(byte value)
        {
            if (interval._isInside)
                console.Write(value);
        }

        public void Flush() => console.Flush();
    }
}
