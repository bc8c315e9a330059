using System.Globalization;
using System.Text;

namespace Emu.Host.Tracing.Comparison;

/// <summary>How two logs are to be compared.</summary>
/// <param name="First">The first log's file.</param>
/// <param name="Second">The second log's file.</param>
public sealed record TraceDiffOptions(string First, string Second)
{
    /// <summary>Compare the calls' names in the order in which each comes for the first time.</summary>
    public bool DistinctOnly { get; init; }

    /// <summary>Compare what each vCPU does by itself.</summary>
    public bool ByVcpu { get; init; }

    /// <summary>Names of calls that do not count.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>The name of the call at which each log ends, before it; null for the whole.</summary>
    public string? Until { get; init; }
}

/// <summary>Compares two logs of hypercalls.</summary>
public static class TraceComparison
{
    private const int Context = 3;

    /// <summary>Finds the first difference of substance.</summary>
    /// <param name="first">The first log.</param>
    /// <param name="second">The second.</param>
    /// <param name="options">How to compare.</param>
    /// <param name="report">What to tell the user.</param>
    /// <returns>Whether there is none.</returns>
    public static bool AreEqual(IReadOnlyList<TracedCall> first, IReadOnlyList<TracedCall> second, TraceDiffOptions options, out string report)
    {
        List<TracedCall> a = Select(first, options), b = Select(second, options);
        StringBuilder text = new();
        bool areEqual = true;
        IEnumerable<int?> parts = options.ByVcpu ? a.Concat(b).Select(call => (int?)call.Vcpu).Distinct().Order() : [null];
        foreach (int? vcpu in parts)
            areEqual &= Compare(Part(a, vcpu, options), Part(b, vcpu, options), vcpu, options, text);
        if (areEqual)
            text.Append(CultureInfo.InvariantCulture, $"Equal: {(options.DistinctOnly ? "the same distinct calls in the same order" : "the same calls")}, {Count(a, b, options)}.\n");
        report = text.ToString();
        return areEqual;
    }

    private static string Count(List<TracedCall> a, List<TracedCall> b, TraceDiffOptions options) => options.DistinctOnly
        ? string.Create(CultureInfo.InvariantCulture, $"{a.DistinctBy(static call => call.Name).Count()} of them")
        : string.Create(CultureInfo.InvariantCulture, $"{a.Count} and {b.Count} of them");

    private static List<TracedCall> Select(IReadOnlyList<TracedCall> calls, TraceDiffOptions options) =>
        [.. calls.TakeWhile(call => call.Name != options.Until).Where(call => !options.Ignored.Contains(call.Name))];

    private static List<TracedCall> Part(List<TracedCall> calls, int? vcpu, TraceDiffOptions options)
    {
        IEnumerable<TracedCall> part = vcpu is null ? calls : calls.Where(call => call.Vcpu == vcpu);
        return [.. options.DistinctOnly ? part.DistinctBy(static call => call.Name) : part];
    }

    private static bool Compare(List<TracedCall> a, List<TracedCall> b, int? vcpu, TraceDiffOptions options, StringBuilder text)
    {
        int common = Math.Min(a.Count, b.Count);
        int at = 0;
        string? why = null;
        for (; at < common; at++)
        {
            why = options.DistinctOnly ? (a[at].Name == b[at].Name ? null : $"the call is {a[at].Name} and {b[at].Name}") : a[at].DifferenceTo(b[at]);
            if (why is not null)
                break;
        }

        if (why is null && a.Count == b.Count)
            return true;
        why ??= $"the {(a.Count < b.Count ? "first" : "second")} log ends there";
        string where = vcpu is null ? "" : string.Create(CultureInfo.InvariantCulture, $"vCPU {vcpu}: ");
        text.Append(CultureInfo.InvariantCulture, $"{where}After {at} equal {(options.DistinctOnly ? "distinct " : "")}calls {why}.\n");
        for (int i = Math.Max(0, at - Context); i < at; i++)
            text.Append(CultureInfo.InvariantCulture, $"  {a[i].LineNumber,6}  {a[i].Line}\n");
        text.Append(Marked('<', a, at)).Append(Marked('>', b, at));
        if (options.DistinctOnly)
            text.Append(Missing("only in the first", a, b)).Append(Missing("only in the second", b, a));
        return false;
    }

    private static string Marked(char mark, List<TracedCall> calls, int at) => at < calls.Count
        ? string.Create(CultureInfo.InvariantCulture, $"{mark} {calls[at].LineNumber,6}  {calls[at].Line}\n")
        : $"{mark}         (end)\n";

    private static string Missing(string where, List<TracedCall> calls, List<TracedCall> others)
    {
        string names = string.Join(", ", calls.Select(static call => call.Name).Except(others.Select(static call => call.Name)));
        return names.Length == 0 ? "" : $"{where}: {names}\n";
    }
}
