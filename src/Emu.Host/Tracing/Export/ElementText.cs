using System.Globalization;
using System.Text;
using Emu.Host.Symbols;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>What the formats with a line for each element say of an instruction, found once for each place.</summary>
internal sealed class ElementText(SymbolTable symbols)
{
    /// <summary>How many are kept; all are forgotten then.</summary>
    private const int MostKept = 1 << 18;

    private readonly TraceLines _lines = new(symbols, namesVcpus: false, namesLives: false);
    private readonly Dictionary<(int Block, int Index), (ulong Address, string? Symbol, string Bytes, string Text)> _kept = [];
    private readonly StringBuilder _text = new();

    /// <summary>An instruction.</summary>
    /// <param name="block">Its block.</param>
    /// <param name="index">Its number in it.</param>
    /// <returns>Its address, its symbol with an offset or null, its bytes in hexadecimal, and itself disassembled.</returns>
    public (ulong Address, string? Symbol, string Bytes, string Text) Of(TraceBlock block, int index)
    {
        if (_kept.TryGetValue((block.Number, index), out (ulong, string?, string, string) known))
            return known;
        if (_kept.Count == MostKept)
            _kept.Clear();
        _text.Clear();
        _lines.AppendDisassembly(_text, block, index);
        ulong address = block.AddressOf(index);
        known = (address, symbols.Describe(address), Convert.ToHexStringLower(block.BytesOf(index).Span), _text.ToString());
        _kept.Add((block.Number, index), known);
        return known;
    }

    /// <summary>The symbol with an offset that an address has; null where it has none.</summary>
    public string? SymbolOf(ulong address) => symbols.Describe(address);

    /// <summary>A number in hexadecimal: JSON's and many tools' numbers do not hold 64 bits.</summary>
    public static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    /// <summary>What an event is called.</summary>
    public static string NameOf(in TraceEvent delivered) => TraceLines.Name(in delivered);
}
