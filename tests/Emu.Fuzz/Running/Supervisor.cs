using System.Diagnostics;
using System.Globalization;

namespace Emu.Fuzz.Running;

/// <summary>
/// Runs cases in a process of their own, so that one that brings down the process, or does not end, is a finding like any other.
/// </summary>
internal static class Supervisor
{
    /// <summary>Host time that one case may take at most.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PatienceWhileShrinking = TimeSpan.FromMinutes(3);
    private const int MostFindings = 10;

    /// <summary>Runs cases for as long as the options say, and prints the summary.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(Options options)
    {
        var path = Path.Combine(Path.GetTempPath(), $"emu-fuzz-{Environment.ProcessId}.journal");
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var journal = new Journal(path);
            while (Remaining(options, started) is var left && left > TimeSpan.Zero && journal.Findings < MostFindings)
            {
                if (RunWorker(options, path, journal, left))
                    break;
                journal.Findings++;
                options = options with { First = journal.Case + 1 };
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{journal.Done} cases, {journal.Instructions} instructions in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s (seed {options.Seed}, kinds {options.Kind?.ToString().ToLowerInvariant() ?? "all"}); slowest run {journal.Slowest / 1e6:F2} s (case {journal.SlowestCase}); {journal.Findings} findings"));
            return journal.Findings == 0 ? 0 : 1;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TimeSpan Remaining(Options options, long started) =>
        TimeSpan.FromMinutes(options.Minutes) - Stopwatch.GetElapsedTime(started);

    // True where the worker came to its end.
    private static bool RunWorker(Options options, string journalPath, Journal journal, TimeSpan time)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Supervisor).Assembly.Location);
        foreach (var argument in (string[])["--seed", Text(options.Seed), "--kind", options.Kind?.ToString() ?? "all", "--journal", journalPath,
            "--first", Text(options.First), "--minutes", time.TotalMinutes.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }
        journal.Shrinking = 0;
        using var worker = Process.Start(start)!;
        var last = journal.Done;
        var since = Stopwatch.GetTimestamp();
        while (!worker.WaitForExit(500))
        {
            if (journal.Done != last)
            {
                last = journal.Done;
                since = Stopwatch.GetTimestamp();
            }
            if (Stopwatch.GetElapsedTime(since) < (journal.Shrinking != 0 ? PatienceWhileShrinking : Patience))
                continue;
            worker.Kill(entireProcessTree: true);
            worker.WaitForExit();
            Report(Invariant.NoHang, $"case {journal.Case} took longer than {Patience.TotalSeconds} s", options, journal.Case);
            return false;
        }
        if (worker.ExitCode == 0)
            return true;
        Report(Invariant.ProcessSurvives, $"the process died with exit code {worker.ExitCode} in case {journal.Case}", options, journal.Case);
        return false;
    }

    private static void Report(Invariant broken, string what, Options options, ulong index) =>
        Console.Error.WriteLine($"FINDING {broken}: {what}\n  {options.Reproduction(index)}");

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
