using System.Text;
using Emu.Pvh;

namespace Emu.Host.Symbols;

/// <summary>
/// Finds the symbols that a Linux kernel carries for its own messages (CONFIG_KALLSYMS). Distributions strip the ELF symbols away, but these
/// tables stay; nothing points at them, so they are found by what they must look like.
/// </summary>
/// <remarks>
/// The tables lie one behind the other in .rodata, each aligned to the size of a pointer:
/// <code>
///  until Linux 6.3                          since Linux 6.4
///  offsets  i32[n], or addresses ptr[n]     num_syms    u32
///  relative_base  ptr (with offsets)        names
///  num_syms       u32, or ptr               markers
///  names          bytes                     token_table
///  markers        u32[⌈n/256⌉], or ptr      token_index
///  seqs_of_names  u8[3n], since 6.2         offsets     i32[n], or addresses ptr[n]
///  token_table    256 texts, each ended     relative_base  ptr; absent since offsets are relative to themselves
///  token_index    u16[256]                  seqs_of_names  u8[3n]
///
///  name     length u8 (with bit 7: the low 7 bits of 14, the next byte has the others), then so many numbers of tokens;
///           the text's first character is nm's type
///  marker   where names 0, 256, 512 … begin
///  offset   negative: relative_base − 1 − offset; else an absolute value, such as that of a variable of each processor;
///           or relative_base + offset (unsigned); or the place of the offset itself + offset
/// </code>
/// The token table is recognized by its digits, each its own token, and proved by the index that follows from it; the names are proved by their
/// markers; the addresses, by being sorted and inside the image. A file may be made to look like all that; it then gets names for its
/// addresses, at a bounded cost.
/// </remarks>
public static class Kallsyms
{
    /// <summary>More symbols than any kernel has.</summary>
    private const int MostSymbols = 1 << 21;

    /// <summary>The longest name: Linux allows 511 characters.</summary>
    private const int LongestName = 1024;

    /// <summary>Characters of all names together: 64 Mi, twenty times as many as the largest kernels have.</summary>
    private const long MostText = 1 << 26;

    /// <summary>How often something that looks like a token table is looked at more closely.</summary>
    private const int MostTables = 64;

    /// <summary>The symbols that a kernel carries.</summary>
    /// <param name="file">The kernel.</param>
    /// <returns>Its symbols; an empty table where it carries none, or they are broken.</returns>
    public static SymbolTable Read(ElfFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        ReadOnlySpan<byte> image = file.Image.Span;
        KallsymsBudget budget = new();
        int tables = 0;
        foreach (KallsymsTokens tokens in KallsymsTokens.FindAll(file.Image))
        {
            if (++tables > MostTables)
                break;
            if (KallsymsNames.Find(image, tokens, MostSymbols, budget) is { } names && KallsymsAddresses.Find(file, tokens, names) is { } addresses)
                return Symbols(image, tokens, names, addresses) is { } symbols ? new SymbolTable(symbols) : SymbolTable.Empty;
        }

        return SymbolTable.Empty;
    }

    /// <summary>Puts names and addresses together; null where names of a few bytes stand for more text than there can be.</summary>
    private static List<Symbol>? Symbols(ReadOnlySpan<byte> image, KallsymsTokens tokens, KallsymsNames names, ulong[] addresses)
    {
        List<Symbol> symbols = new(names.Count);
        StringBuilder text = new();
        int at = names.Start;
        long length = 0;
        foreach (ulong address in addresses)
        {
            int count = KallsymsNames.Length(image, ref at);
            text.Clear();
            for (int i = 0; i < count && text.Length < LongestName; i++)
                text.Append(tokens[image[at + i]]);
            at += count;
            length += text.Length;
            if (length > MostText)
                return null;
            // Absolute ones are constants, or offsets into each processor's own data.
            if (text.Length < 2 || text[0] is 'a' or 'A' || address == 0)
                continue;
            bool isCode = text[0] is 't' or 'T' or 'w' or 'W';
            symbols.Add(new Symbol(address, 0, text.ToString(1, text.Length - 1), (isCode ? 2 : 0) + (char.IsUpper(text[0]) ? 1 : 0)));
        }

        return symbols;
    }
}

/// <summary>How much looking around a file is granted: a file that was made to mislead takes no longer than a large kernel.</summary>
internal sealed class KallsymsBudget
{
    private long _left = 1L << 28;

    /// <summary>Takes some of it.</summary>
    /// <returns>Whether there was so much.</returns>
    public bool Take(int steps) => (_left -= steps) >= 0;
}
