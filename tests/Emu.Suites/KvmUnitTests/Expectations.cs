using System.Globalization;

namespace Emu.Suites.KvmUnitTests;

/// <summary>What each test reached when the file was recorded: lines "architecture name outcome passed/failed/skipped".</summary>
internal sealed class Expectations
{
    private readonly Dictionary<(string Architecture, string Name), TestResult> _results = [];

    /// <summary>Reads the file beside the program.</summary>
    public static Expectations Read(string path)
    {
        Expectations expectations = new();
        foreach (string line in File.ReadLines(path))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var architecture, var name, var outcome, var counts, ..] || architecture[0] == '#')
                continue;
            int[] numbers = [.. counts.Split('/').Select(static text => int.Parse(text, CultureInfo.InvariantCulture))];
            TestResult result = new(Enum.Parse<TestOutcome>(outcome, ignoreCase: true), numbers[0], numbers[1], numbers[2]);
            expectations._results.Add((architecture, name), result);
        }

        return expectations;
    }

    /// <summary>What was recorded; null for a test that is new.</summary>
    public TestResult? Find(string architecture, UnitTest test) => _results.GetValueOrDefault((architecture, test.Name));

    /// <summary>True where a result is worse than recorded: a worse end, fewer lines that pass, or more that fail.</summary>
    public static bool IsWorse(TestResult result, TestResult recorded) =>
        result.Outcome > recorded.Outcome || result.Passed < recorded.Passed || result.Failed > recorded.Failed;

    /// <summary>A result as a line of the file.</summary>
    public static string Line(string architecture, UnitTest test, TestResult result) =>
        $"{architecture,-7} {test.Name,-45} {result.Name,-8} {result.Counts}";
}
