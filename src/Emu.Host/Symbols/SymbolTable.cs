using System.Globalization;

namespace Emu.Host.Symbols;

/// <summary>A named place in a program.</summary>
/// <param name="Address">Its first address.</param>
/// <param name="Size">Its bytes; 0 where that is not known.</param>
/// <param name="Name">Its name.</param>
/// <param name="Rank">Which of several at one address is meant, the highest: functions before other things, global ones before local ones.</param>
public readonly record struct Symbol(ulong Address, ulong Size, string Name, int Rank = 0)
{
    /// <summary>Whether it names code.</summary>
    public bool IsCode => (Rank & 2) != 0;

    /// <summary>Whether it is known beyond its own source file.</summary>
    public bool IsGlobal => (Rank & 1) != 0;
}

/// <summary>The symbols of a program: which one an address belongs to, and where one of a name is.</summary>
public sealed class SymbolTable
{
    /// <summary>How far the last symbol reaches, where its size is not known.</summary>
    private const ulong LastReach = 0x1_0000;

    private readonly Symbol[] _all;
    private readonly Symbol[] _symbols;
    private readonly Dictionary<string, ulong> _addresses = new(StringComparer.Ordinal);

    /// <summary>Makes a table.</summary>
    /// <param name="symbols">The symbols, in any order.</param>
    public SymbolTable(IEnumerable<Symbol> symbols)
    {
        List<Symbol> kept = [];
        _all = [.. symbols.OrderBy(static symbol => symbol.Address).ThenByDescending(static symbol => symbol.Rank)];
        for (int i = 0; i < _all.Length; i++)
        {
            // Names come from files that anybody may have made, and go to terminals.
            if (_all[i].Name.Any(char.IsControl))
                _all[i] = _all[i] with { Name = string.Concat(_all[i].Name.Select(static c => char.IsControl(c) ? '?' : c)) };
            Symbol symbol = _all[i];
            _addresses.TryAdd(symbol.Name, symbol.Address);
            if (kept.Count == 0 || kept[^1].Address != symbol.Address)
                kept.Add(symbol);
        }

        _symbols = [.. kept];
    }

    /// <summary>A table without symbols.</summary>
    public static SymbolTable Empty { get; } = new([]);

    /// <summary>These symbols and others.</summary>
    /// <param name="other">The others.</param>
    /// <returns>All of them.</returns>
    public SymbolTable With(SymbolTable other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return other.Count == 0 ? this : Count == 0 ? other : new SymbolTable(_all.Concat(other._all));
    }

    /// <summary>The places with their names, ascending; of several names at one address, the one that is meant.</summary>
    public IReadOnlyList<Symbol> Symbols => _symbols;

    /// <summary>All symbols, ascending, whatever else is at their addresses.</summary>
    public IReadOnlyList<Symbol> All => _all;

    /// <summary>How many places have a name.</summary>
    public int Count => _symbols.Length;

    /// <summary>Finds the symbol that an address belongs to: the last one at or before it, if it reaches so far.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The symbol; null where there is none.</returns>
    public Symbol? Find(ulong address)
    {
        int low = CountUpTo(address);
        if (low == 0)
            return null;
        Symbol found = _symbols[low - 1];
        ulong reach = found.Size != 0 ? found.Size : low < _symbols.Length ? ulong.MaxValue : LastReach;
        return address - found.Address < reach ? found : null;
    }

    /// <summary>Finds the symbol that an address belongs to, with its size: where that is not known, up to the next symbol.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The symbol; null where there is none.</returns>
    public Symbol? FindWhole(ulong address)
    {
        if (Find(address) is not { Size: 0 } symbol)
            return Find(address);
        int next = Array.BinarySearch(_symbols, symbol, Comparer<Symbol>.Create(static (a, b) => a.Address.CompareTo(b.Address))) + 1;
        return symbol with { Size = next < _symbols.Length ? _symbols[next].Address - symbol.Address : LastReach };
    }

    /// <summary>The first symbol behind an address.</summary>
    /// <param name="address">The address.</param>
    /// <returns>The symbol; null where there is none.</returns>
    public Symbol? Next(ulong address) => CountUpTo(address) is var low && low < _symbols.Length ? _symbols[low] : null;

    /// <summary>An address as people write it.</summary>
    /// <param name="address">The address.</param>
    /// <returns>For instance "start_kernel+0x1f", or "start_kernel"; null where no symbol is known.</returns>
    public string? Describe(ulong address)
    {
        if (Find(address) is not { } symbol)
            return null;
        ulong offset = address - symbol.Address;
        return offset == 0 ? symbol.Name : string.Create(CultureInfo.InvariantCulture, $"{symbol.Name}+0x{offset:x}");
    }

    /// <summary>Finds a symbol by its name.</summary>
    /// <param name="name">The name, exactly.</param>
    /// <param name="address">Its address; where several have the name, the lowest.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryFind(string name, out ulong address) => _addresses.TryGetValue(name, out address);

    private int CountUpTo(ulong address)
    {
        int low = 0, high = _symbols.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_symbols[middle].Address <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
