using System.Globalization;
using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing;

/// <summary>What binary trace was asked for.</summary>
/// <param name="Path">Where it goes.</param>
/// <param name="From">How many instructions have retired before the first, or before the place that begins it is looked for.</param>
/// <param name="Count">How many instructions it covers; null for all.</param>
public sealed record TraceRequest(string Path, ulong From, ulong? Count)
{
    /// <summary>What it holds of each instruction.</summary>
    public TraceDetail Detail { get; init; }

    /// <summary>The places whose instructions belong to it; empty for all.</summary>
    public IReadOnlyList<TracePlace> Only { get; init; } = [];

    /// <summary>The privilege level whose instructions belong to it; null for all.</summary>
    public int? Ring { get; init; }

    /// <summary>What it begins with: the first such thing after <see cref="From"/>; null for at once.</summary>
    public TraceTrigger? On { get; init; }

    /// <summary>What it ends with; null for nothing.</summary>
    public TraceTrigger? Off { get; init; }

    /// <summary>Makes sure that the guest has all places that are named.</summary>
    /// <param name="symbols">The guest's names.</param>
    /// <exception cref="UsageException">It has not.</exception>
    public void Check(SymbolTable symbols)
    {
        On?.Check(symbols);
        Off?.Check(symbols);
        MakeFilter(symbols);
    }

    /// <summary>What of the guest belongs to it.</summary>
    /// <param name="symbols">The guest's names.</param>
    /// <returns>The filter; null where everything does.</returns>
    /// <exception cref="UsageException">A place is named by a symbol that the guest has not.</exception>
    public TraceFilter? MakeFilter(SymbolTable symbols) => Only.Count == 0 && Ring is null ? null : new TraceFilter
    {
        Ranges = [.. Only.Select(place => place.Resolve(symbols))],
        Rings = Ring is { } ring ? new HashSet<int> { ring } : null,
    };
}

/// <summary>A place in the guest's code as the user named it: an address, a range of addresses, or a function.</summary>
/// <param name="Option">The option that it stands behind.</param>
/// <param name="Text">What was given.</param>
public sealed record TracePlace(string Option, string Text)
{
    /// <summary>Finds the addresses.</summary>
    /// <param name="symbols">The guest's names.</param>
    /// <returns>The first and the last.</returns>
    /// <exception cref="UsageException">There is no such place.</exception>
    public (ulong First, ulong Last) Resolve(SymbolTable symbols)
    {
        ArgumentNullException.ThrowIfNull(symbols);
        if (symbols.TryFind(Text, out ulong address))
            return (address, address + Math.Max(symbols.FindWhole(address)?.Size ?? 1, 1) - 1);
        string[] ends = Text.Split('-', 2);
        if (!TryAddress(ends[0], out ulong first))
            throw new UsageException($"{Option} takes an address, a range such as 0x1000-0x1fff, or a function that the guest has; '{Text}' is none.");
        if (ends.Length == 1)
            return (first, first);
        return TryAddress(ends[1], out ulong last) && last >= first
            ? (first, last)
            : throw new UsageException($"{Option} takes a range as its first and its last address; '{Text}' is none.");
    }

    private static bool TryAddress(string text, out ulong address)
    {
        address = 0;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address);
    }
}
