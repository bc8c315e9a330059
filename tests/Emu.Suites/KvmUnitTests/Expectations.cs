using System.Globalization;

namespace Emu.Suites.KvmUnitTests;

/// <summary>
/// What each test reached when the file was recorded, and why it was not more: lines "architecture name outcome passed/failed/skipped reason".
/// </summary>
internal sealed class Expectations
{
    private readonly Dictionary<(string Architecture, string Name), TestResult> _results = [];

    /// <summary>Reads the file beside the program.</summary>
    public static Expectations Read(string path)
    {
        Expectations expectations = new();
        foreach (string line in File.ReadLines(path))
        {
            string[] columns = line.Split((char[]?)null, 5, StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length < 4 || columns[0].StartsWith('#'))
                continue;
            int[] numbers = [.. columns[3].Split('/').Select(static text => int.Parse(text, CultureInfo.InvariantCulture))];
            TestResult result = new(Enum.Parse<TestOutcome>(columns[2], ignoreCase: true), numbers[0], numbers[1], numbers[2])
            {
                Detail = columns.Length > 4 ? columns[4] : null,
            };
            expectations._results.Add((columns[0], columns[1]), result);
        }

        return expectations;
    }

    /// <summary>What was recorded, with the reason as its detail; null for a test that is new.</summary>
    public TestResult? Find(string architecture, UnitTest test) => _results.GetValueOrDefault((architecture, test.Name));

    /// <summary>True where a result is worse than recorded: a worse end, fewer lines that pass, or more that fail.</summary>
    public static bool IsWorse(TestResult result, TestResult recorded) =>
        result.Outcome > recorded.Outcome || result.Passed < recorded.Passed || result.Failed > recorded.Failed;

    /// <summary>A result as a line of the file.</summary>
    public static string Line(string architecture, UnitTest test, TestResult result, string? reason) =>
        $"{architecture,-7} {test.Name,-45} {result.Name,-8} {result.Counts,-10} {reason}".TrimEnd();
}
