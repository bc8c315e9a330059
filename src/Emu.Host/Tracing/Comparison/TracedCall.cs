namespace Emu.Host.Tracing.Comparison;

/// <summary>One hypercall of a log, as far as it can be compared.</summary>
/// <param name="LineNumber">Its line in the log, from 1 on.</param>
/// <param name="Line">The line.</param>
/// <param name="Vcpu">The number of the vCPU that called.</param>
/// <param name="Name">Hypercall and operation.</param>
/// <param name="Fields">What it was given and what it gave, in order: name and value; the name is empty for what has none.</param>
/// <param name="Result">Its result.</param>
public sealed record TracedCall(
    int LineNumber, string Line, int Vcpu, string Name, IReadOnlyList<KeyValuePair<string, string>> Fields, long Result)
{
    /// <summary>Whether the log shows a part of the fields only.</summary>
    public bool IsPartial { get; init; }

    /// <summary>What another call of the same kind has otherwise.</summary>
    /// <param name="other">The other call.</param>
    /// <returns>For instance "port is 3 and 4"; null where nothing of substance is otherwise.</returns>
    public string? DifferenceTo(TracedCall other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (Name != other.Name)
            return $"the call is {Name} and {other.Name}";
        if (Result != other.Result)
            return $"the result is {Result} and {other.Result}";
        var (mine, theirs) = (Fields, other.Fields);
        if (IsPartial || other.IsPartial)
        {
            mine = [.. mine.Where(field => theirs.Any(candidate => candidate.Key == field.Key))];
            theirs = [.. theirs.Where(field => mine.Any(candidate => candidate.Key == field.Key))];
        }

        for (int i = 0; i < Math.Max(mine.Count, theirs.Count); i++)
        {
            if (i >= mine.Count || i >= theirs.Count || mine[i].Key != theirs[i].Key)
                return "the arguments are not the same ones";
            if (mine[i].Value != theirs[i].Value && IsOfSubstance(mine[i].Value) && IsOfSubstance(theirs[i].Value))
                return $"{mine[i].Key} is {mine[i].Value} and {theirs[i].Value}";
        }

        return null;
    }

    /// <summary>Where a guest keeps its buffers and what time it is say nothing about what it does.</summary>
    private static bool IsOfSubstance(string value) =>
        value is not (['&', ..] or [>= '0' and <= '9', .., 'n', 's']) && !value.Contains("unreadable", StringComparison.Ordinal);
}
