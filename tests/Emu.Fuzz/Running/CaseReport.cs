using System.Text;
using Emu.Fuzz.Cases;

namespace Emu.Fuzz.Running;

/// <summary>A finding for a reader: the command that shows it, and the shrunk case with its last instructions.</summary>
internal static class CaseReport
{
    private const int LastInstructions = 24;

    public static string Write(CaseRunner runner, GuestCase guest, Finding finding, string reproduction)
    {
        var text = new StringBuilder();
        text.Append($"FINDING {finding.Broken} (case {guest.Index}, {guest.Kind}, {finding.Cut}): {finding.Detail}\n  {reproduction}\n");
        var small = Shrinker.Shrink(runner, guest, finding);
        text.Append($"shrunk to {StateText.Describe(small)}");
        if (finding.Broken == Invariant.Determinism)
            text.Append($"differences:\n{runner.Difference(small, finding.Cut)}\n");
        text.Append($"last instructions:\n{Trace(small, LastInstructions)}");
        return text.ToString();
    }

    /// <summary>The last instructions of a case, single-stepped.</summary>
    public static string Trace(GuestCase guest, int count)
    {
        var lines = new Queue<string>();
        var tracer = new CaseRunner
        {
            BeforePiece = machine =>
            {
                if (lines.Count == count)
                    lines.Dequeue();
                lines.Enqueue(StateText.Instruction(machine.ChooseVcpu()));
            },
        };
        tracer.StillShows(guest, new Finding(Invariant.Determinism, "", Cutting.SingleStepped));
        return string.Join("\n", lines);
    }
}
