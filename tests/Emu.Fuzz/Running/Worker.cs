using System.Diagnostics;
using System.Globalization;
using Emu.Fuzz.Cases;
using Emu.Fuzz.Generation;

namespace Emu.Fuzz.Running;

/// <summary>Runs cases one after another on a thread whose stack is small: guest code cannot make the host's grow.</summary>
internal static class Worker
{
    private const int StackSize = 512 << 10;
    private const int MostFindings = 10;

    /// <summary>Runs until the time is up or there have been too many findings.</summary>
    public static int Run(Options options, TimeSpan time)
    {
        using var journal = new Journal(options.Journal!);
        OnSmallStack(() => RunCases(options, time, journal));
        return 0;
    }

    /// <summary>Runs one case, shrinks what it shows and reports.</summary>
    /// <returns>True where it shows something.</returns>
    public static bool RunOne(Options options, ulong index)
    {
        var found = false;
        OnSmallStack(() =>
        {
            var runner = new CaseRunner();
            found = Show(runner, options, index);
            if (!found)
                Console.Error.WriteLine($"Case {index} shows nothing.");
            if (options.Trace != 0 && options.KindOf(index) is not (CaseKind.Images or CaseKind.Snapshots))
                Console.Error.WriteLine(CaseReport.Trace(CaseMaker.Make(options.Seed, index, options.KindOf(index)), options.Trace));
        });
        return found;
    }

    private static void RunCases(Options options, TimeSpan time, Journal journal)
    {
        var started = Stopwatch.GetTimestamp();
        var lastProgress = started;
        var runner = new CaseRunner();
        for (var index = options.First; Stopwatch.GetElapsedTime(started) < time && journal.Findings < MostFindings; index++)
        {
            journal.Case = index;
            var before = runner.Instructions;
            if (Show(runner, options, index, journal))
                journal.Findings++;
            journal.Done++;
            journal.Instructions += runner.Instructions - before;
            if (runner.Slowest.TotalMicroseconds > journal.Slowest)
                (journal.Slowest, journal.SlowestCase) = ((ulong)runner.Slowest.TotalMicroseconds, runner.SlowestCase);
            if (Stopwatch.GetElapsedTime(lastProgress).TotalSeconds < 10)
                continue;
            lastProgress = Stopwatch.GetTimestamp();
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"case {index}: {journal.Done} cases, {journal.Instructions / 1e6:F1} million instructions, {journal.Findings} findings"));
        }
    }

    private static bool Show(CaseRunner runner, Options options, ulong index, Journal? journal = null)
    {
        var kind = options.KindOf(index);
        if (kind is CaseKind.Images or CaseKind.Snapshots)
            return ShowOther(options, index, kind);
        var guest = CaseMaker.Make(options.Seed, index, kind);
        if (runner.Check(guest) is not { } finding)
            return false;
        if (journal != null)
            journal.Shrinking = 1;
        Console.Error.WriteLine(CaseReport.Write(runner, guest, finding, options.Reproduction(index)));
        if (journal != null)
            journal.Shrinking = 0;
        return true;
    }

    private static bool ShowOther(Options options, ulong index, CaseKind kind)
    {
        var found = kind == CaseKind.Images ? ImageCase.Check(options.Seed, index) : SnapshotCase.Check(options.Seed, index);
        if (found is not { } finding)
            return false;
        Console.Error.WriteLine($"FINDING {finding.Broken}: {finding.Detail}\n  {options.Reproduction(index)}");
        return true;
    }

    private static void OnSmallStack(Action action)
    {
        var thread = new Thread(() => action(), StackSize);
        thread.Start();
        thread.Join();
    }
}
