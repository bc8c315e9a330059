namespace Emu.Machine.Tracing;

/// <summary>Which instructions and events belong to a trace: those of certain privilege levels, and at certain linear addresses.</summary>
public sealed class TraceFilter
{
    /// <summary>The privilege levels that belong to it; null for all.</summary>
    public IReadOnlySet<int>? Rings { get; init; }

    /// <summary>The linear addresses that belong to it, first and last of each range; empty for all.</summary>
    public IReadOnlyList<(ulong First, ulong Last)> Ranges { get; init; } = [];

    /// <summary>Whether an instruction belongs to the trace, or an event that is delivered before it.</summary>
    /// <param name="cpl">Its privilege level.</param>
    /// <param name="linear">Its linear address.</param>
    /// <returns>Whether it does.</returns>
    public bool Includes(int cpl, ulong linear)
    {
        if (Rings is { } rings && !rings.Contains(cpl))
            return false;
        if (Ranges.Count == 0)
            return true;
        foreach (var (first, last) in Ranges)
        {
            if (linear >= first && linear <= last)
                return true;
        }

        return false;
    }
}
