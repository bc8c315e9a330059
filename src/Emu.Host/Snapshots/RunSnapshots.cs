using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Snapshots;

namespace Emu.Host.Snapshots;

/// <summary>Takes the snapshots that were asked for while the guest's first life lasts, and writes them while it goes on.</summary>
/// <remarks>A snapshot takes as long as the pages that were written since the last one take to be copied. The file comes later, from another thread.</remarks>
internal sealed class RunSnapshots
{
    private readonly SnapshotRequest _request;
    private readonly RecordedGuest _guest;
    private readonly List<SnapshotMoment> _ahead;
    private readonly Queue<SnapshotMoment> _reached = new();
    private readonly TextWriter _error;
    private readonly Func<PvhMachine, string?>? _objection;
    private PvhMachine? _machine;
    private Task<SnapshotFile?> _last;
    private ulong _displacement;
    private readonly byte[] _lineBefore;
    private UnfinishedLine? _line;
    private int _taken;

    /// <summary>Looks at what the guest is made of, before anything can change.</summary>
    /// <param name="options">What the user asked for.</param>
    /// <param name="request">When, and where to.</param>
    /// <param name="error">Hears of each snapshot.</param>
    /// <param name="objection">Says why a snapshot is not to be taken where it is due; null for never.</param>
    /// <exception cref="UsageException">A file cannot be read, or the snapshot's not written.</exception>
    public RunSnapshots(RunOptions options, SnapshotRequest request, TextWriter error, Func<PvhMachine, string?>? objection = null)
    {
        _request = request;
        _error = TextWriter.Synchronized(error);
        _objection = objection;
        _guest = options.Resumed?.Guest ?? request.Guest ?? RecordedGuest.Of(options, "--snapshot-at");
        _ahead = [.. request.Moments];
        // What a resumed run has not written need not be written again.
        _last = Task.FromResult(options.Resumed?.File);
        _lineBefore = options.Resumed?.Line ?? [];
        RequireFolder(request.File);
    }

    /// <summary>True where the run is to end: the last snapshot was taken.</summary>
    public bool EndsRun => _request.EndsRun && _ahead.Count == 0 && _reached.Count == 0;

    /// <summary>The next count of retired instructions where one is due.</summary>
    public ulong NextInstructions => _ahead.Min(static moment => moment.Instructions) ?? ulong.MaxValue;

    /// <summary>The next virtual time where one is due, in nanoseconds.</summary>
    public ulong NextTime => _ahead.Min(static moment => moment.Time) ?? ulong.MaxValue;

    /// <summary>Looks at the console on its way to the user.</summary>
    /// <param name="console">Where it goes.</param>
    /// <returns>Where the guest is to write.</returns>
    public IConsoleSink Watch(IConsoleSink console)
    {
        _line = new UnfinishedLine(console);
        _line.Begin(_lineBefore);
        ConsoleTexts texts = new(_line);
        foreach (SnapshotMoment moment in _request.Moments)
        {
            if (moment.Text is { } text)
                texts.Await(text.Span, () => Reach(moment));
        }

        return texts;
    }

    /// <summary>Begins with a machine.</summary>
    /// <param name="machine">The machine: loaded, or restored.</param>
    /// <param name="displacement">How far from the addresses in its file the kernel lies.</param>
    public void Attach(PvhMachine machine, ulong displacement)
    {
        _machine = machine;
        _displacement = displacement;
    }

    /// <summary>Takes what is due, between two instructions.</summary>
    /// <param name="machine">The machine; another than the first one is in a later life, of which none is taken.</param>
    public void TakeDue(PvhMachine machine)
    {
        if (machine != _machine)
            return;
        foreach (SnapshotMoment moment in _ahead.Where(moment => moment.Instructions <= machine.InstructionsRetired || moment.Time <= machine.Clock.Now).ToArray())
            Reach(moment, machine);
        while (_reached.TryDequeue(out SnapshotMoment? moment))
            Take(machine, moment);
    }

    /// <summary>Waits until all files are written.</summary>
    /// <exception cref="UsageException">One could not be.</exception>
    public void Finish()
    {
        try
        {
            _last.GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SnapshotException)
        {
            throw new UsageException($"The snapshot could not be written: {(e is SnapshotException ? e.Message : UserFile.Reason(e))}", e);
        }

        foreach (SnapshotMoment moment in _ahead)
        {
            _error.Write(_request.Option == "--boot-cache"
                ? $"emu: The run ended before {moment.Words}, up to where --boot-cache keeps the boot: nothing was kept.\n"
                : $"emu: The run ended before {(_request.Option is { } option ? option + " " : "")}{moment.Words}: that snapshot was not taken.\n");
        }
    }

    private static void RequireFolder(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            throw new UsageException($"--snapshot-file cannot write '{path}': there is no such folder.");
        if (Directory.Exists(path))
            throw new UsageException($"--snapshot-file cannot write '{path}': it is a folder.");
    }

    // A text may appear in the middle of an instruction: the machine has to come to its end first.
    private void Reach(SnapshotMoment moment)
    {
        if (_machine is { } machine && Reach(moment, machine))
            machine.RequestPause();
    }

    private bool Reach(SnapshotMoment moment, PvhMachine machine)
    {
        if (machine.IsRepeating || !_ahead.Remove(moment))
            return false;
        _reached.Enqueue(moment);
        return true;
    }

    private void Take(PvhMachine machine, SnapshotMoment moment)
    {
        if (_objection?.Invoke(machine) is { } objection)
        {
            _error.Write($"emu: {objection}\n");
            return;
        }

        string path = _request.FileOf(++_taken);
        MachineSnapshot snapshot = machine.TakeSnapshot();
        byte[] description = new SnapshotDescription { Guest = _guest, Displacement = _displacement, Line = _line?.ToArray() ?? [], Recording = _request.Recording }.ToBytes();
        _last = WriteAfter(_last, path, snapshot, description, moment);
    }

    private async Task<SnapshotFile?> WriteAfter(Task<SnapshotFile?> earlier, string path, MachineSnapshot snapshot, byte[] description, SnapshotMoment moment)
    {
        SnapshotFile? parent = await earlier.ConfigureAwait(false);
        return await Task.Run(() =>
        {
            SnapshotFile file = SnapshotFile.Write(path, snapshot, RecordedGuest.ThisProgram, description, parent);
            _error.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"emu: Snapshot at {moment.Words}, after {snapshot.InstructionsRetired} instructions, written to '{path}' ({new FileInfo(path).Length >> 10} KiB).\n"));
            return file;
        }).ConfigureAwait(false);
    }
}
