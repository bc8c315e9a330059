namespace Emu.Machine.Recording;

// What becomes of a replay whose machine somebody has changed.
public sealed partial class InputReplayer
{
    /// <summary>
    /// Virtual time, in nanoseconds, between two moments at which a branch looks whether something was typed by then: it depends on nothing else, so that
    /// whoever goes back in the branch sees it come there again.
    /// </summary>
    private const ulong BranchInterval = 1_000_000;

    private ulong _branch = ulong.MaxValue;

    /// <summary>The count of instructions at which somebody changed the machine; null where it is still the recorded run.</summary>
    public ulong? BranchedAt => IsBranch ? _branch : null;

    private bool IsBranch => _branch != ulong.MaxValue && Clock.Position.Retired >= _branch;

    // The next moment that something typed can come at.
    private ulong NextTyped => WhenTyped() is { } due ? ((Math.Max(due, Clock.Now) / BranchInterval) + 1) * BranchInterval : ulong.MaxValue;

    /// <inheritdoc/>
    internal override void Branch()
    {
        _branch = Math.Min(_branch, Clock.Position.Retired);
        _divergence = null;
    }

    private bool TryType(out LogEntry answer)
    {
        answer = null!;
        if ((IsLooking && Clock.Now % BranchInterval != 0) || WhenTyped() is not { } due || due > Clock.Now)
            return false;
        answer = Dequeue();
        return true;
    }

    /// <summary>Passes by what is of the recorded run alone.</summary>
    /// <returns>The virtual time of the next entry, in nanoseconds: what was typed, if that time has come. Null for none in this life.</returns>
    private ulong? WhenTyped()
    {
        while (Peek() is { } next)
        {
            switch (next.Kind)
            {
                case LogEntryKind.Visit when next.Position.Time > Clock.Now:
                    return next.Position.Time;
                case LogEntryKind.Answer or LogEntryKind.VisitAnswer when next.Answer is AnswerKind.ConsoleByte or AnswerKind.ConsoleEnd:
                    return next.Position.Time;
                case LogEntryKind.Visit or LogEntryKind.Answer or LogEntryKind.VisitAnswer or LogEntryKind.Checkpoint:
                    Dequeue();
                    break;
                default:
                    return null;
            }
        }

        return null;
    }
}
