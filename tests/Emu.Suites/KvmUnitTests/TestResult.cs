using System.Globalization;

namespace Emu.Suites.KvmUnitTests;

/// <summary>How a test ended, the best first.</summary>
internal enum TestOutcome
{
    /// <summary>It reported success, and no line of it a failure.</summary>
    Pass,

    /// <summary>It found nothing to test on this machine.</summary>
    Skip,

    /// <summary>It ran to its end and reported failures.</summary>
    Fail,

    /// <summary>It gave up: an exception that it did not expect, or a failed assertion.</summary>
    Abort,

    /// <summary>It crashed, halted for good or restarted the machine instead of reporting.</summary>
    NoExit,

    /// <summary>It did not end in time.</summary>
    Timeout,

    /// <summary>The machine cannot be made, or broke down itself.</summary>
    Broken,
}

/// <summary>How a test ended, with the lines in which it says so.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Passed">Lines that begin with PASS.</param>
/// <param name="Failed">Lines that begin with FAIL.</param>
/// <param name="Skipped">Lines that begin with SKIP.</param>
internal sealed record TestResult(TestOutcome Outcome, int Passed, int Failed, int Skipped)
{
    // What isa-debug-exit makes of the codes with which the suite ends: (code << 1) | 1.
    private const int ExitPass = 1;
    private const int ExitAbort = 127;
    private const int ExitSkip = 77;

    /// <summary>What was on the console.</summary>
    public string Console { get; private init; } = "";

    /// <summary>One sentence where the outcome alone says too little.</summary>
    public string? Detail { get; init; }

    /// <summary>Host time that the test took.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>The counts as "passed/failed/skipped".</summary>
    public string Counts => string.Create(CultureInfo.InvariantCulture, $"{Passed}/{Failed}/{Skipped}");

    /// <summary>The outcome as tables have it.</summary>
    public string Name => Outcome.ToString().ToUpperInvariant();

    /// <summary>Judges a test that ended by an exit code.</summary>
    public static TestResult FromExit(int code, string console) => Judge(console, failures => code switch
    {
        ExitPass when failures == 0 => TestOutcome.Pass,
        ExitSkip => TestOutcome.Skip,
        ExitAbort => TestOutcome.Abort,
        _ => TestOutcome.Fail,
    });

    /// <summary>Judges a test that ended in another way.</summary>
    public static TestResult FromEnd(TestOutcome outcome, string console) => Judge(console, _ => outcome);

    private static TestResult Judge(string console, Func<int, TestOutcome> outcome)
    {
        int passed = 0, failed = 0, skipped = 0;
        foreach (ReadOnlySpan<char> line in console.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("PASS"))
                passed++;
            else if (line.StartsWith("FAIL"))
                failed++;
            else if (line.StartsWith("SKIP"))
                skipped++;
        }

        return new TestResult(outcome(failed), passed, failed, skipped) { Console = console };
    }
}
