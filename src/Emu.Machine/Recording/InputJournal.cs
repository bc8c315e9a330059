using Emu.Cpu.Snapshots;
using Emu.Machine.Consoles;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Time;
using Emu.Xen.Backends.Block;

namespace Emu.Machine.Recording;

/// <summary>All that comes into a run from outside, with the place in the run where it did: written down, or played back.</summary>
/// <remarks>
/// <para>
/// A machine asks the host in two ways. <em>By itself</em>, at places that follow from what the guest does: a byte of the console is due, a
/// connection takes what the guest sends, a disk's image is read. These questions are numbered. And it <em>looks</em>, between two slices of a
/// run, whether something has come: a <em>visit</em> where something has, nothing where not. How often it looks depends on the host; so a visit has
/// the place where it was, and the questions that are asked during it are numbered for themselves.
/// </para>
/// <para>
/// Only answers that do not go without saying are kept. That the guest waited meanwhile, and for how long, follows from the places.
/// </para>
/// </remarks>
public abstract class InputJournal : IDisposable
{
    private ulong _question;
    private ulong _visitQuestion;

    private protected InputJournal()
    {
    }

    /// <summary>True where input is played back: nobody waits for anything then, and nothing of the host is asked but its files.</summary>
    public abstract bool IsReplay { get; }

    /// <summary>The virtual time, in nanoseconds, at which the machine must stop, because something from outside comes there; the greatest number for nowhere.</summary>
    internal virtual ulong NextStop => ulong.MaxValue;

    /// <summary>True while the machine looks whether something has come.</summary>
    private protected bool IsLooking { get; private set; }

    /// <summary>The machine's time.</summary>
    private protected VirtualClock Clock { get; private set; } = null!;

    /// <summary>Somebody has changed the machine: from here on the run is another than the one that was known.</summary>
    internal virtual void Branch()
    {
    }

    /// <summary>Says how a machine ended, for good. A replay checks that it ended as it did.</summary>
    /// <param name="machine">It.</param>
    /// <param name="result">How it ended.</param>
    /// <exception cref="ReplayException">It did not end so.</exception>
    public abstract void EndLife(PvhMachine machine, RunResult result);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>A machine is being made.</summary>
    /// <param name="clock">Its time.</param>
    /// <param name="source">Its console input.</param>
    /// <returns>The console input that it is to have; null for none.</returns>
    internal IConsoleSource? BeginLife(VirtualClock clock, IConsoleSource? source)
    {
        Clock = clock;
        _question = 0;
        return Begin(source);
    }

    /// <summary>Opens the host's network.</summary>
    /// <param name="open">Opens the real one.</param>
    internal abstract IHostSockets OpenSockets(Func<IHostSockets> open);

    /// <summary>Opens a disk's image.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="open">Opens an image.</param>
    internal abstract IBlockImage OpenImage(DiskOptions disk, Func<DiskOptions, IBlockImage> open);

    /// <summary>The machine stands between two instructions, all timers that are due have fired.</summary>
    /// <param name="digest">Makes a digest of its state.</param>
    /// <returns>Not null where the run ends here.</returns>
    /// <exception cref="ReplayException">This is no place of the recorded run.</exception>
    internal abstract RunResult? Pass(Func<byte[]> digest);

    /// <summary>The machine begins to look whether something has come.</summary>
    internal void BeginLook()
    {
        IsLooking = true;
        _visitQuestion = 0;
        BeginVisit();
    }

    /// <summary>It has looked.</summary>
    internal void EndLook()
    {
        EndVisit();
        IsLooking = false;
    }

    /// <summary>The place in the recording as a part of a snapshot, so that a replay can go on from there.</summary>
    /// <remarks>To be called between two slices. A machine without a journal has the place where nothing was recorded.</remarks>
    internal static void Transfer(StateStream stream, InputJournal? journal)
    {
        stream.Section("input journal");
        journal?.WriteOut();
        var (frame, index) = journal?.Place ?? (0, 0);
        stream.Transfer(ref frame);
        stream.Transfer(ref index);
        var question = stream.Transferred(journal?._question ?? 0);
        if (!stream.IsRestoring || journal is null)
            return;
        stream.Require(index >= 0, "it has a place in a recording that cannot be");
        journal._question = question;
        journal.GoTo(frame, index);
    }

    /// <summary>The number of the next question.</summary>
    private protected ulong Question => _question;

    /// <summary>Where the next entry is: the begin of its frame, and how many come before it in it.</summary>
    private protected abstract (long Frame, int Index) Place { get; }

    private protected ulong NextQuestion() => IsLooking ? _visitQuestion++ : _question++;

    private protected abstract IConsoleSource? Begin(IConsoleSource? source);

    private protected abstract void BeginVisit();

    private protected abstract void EndVisit();

    private protected abstract void WriteOut();

    private protected abstract void GoTo(long frame, int index);
}
