using System.Globalization;
using System.Text;

namespace Emu.Host.Explaining;

/// <summary>Milestones as text for a terminal or a file.</summary>
/// <remarks>
/// <code>
/// 12. Paging is switched on, and with it long mode
///     after 1,204 instructions (1.2 µs), vCPU 0, 0x100210 long_mode+0x1c: mov cr0, eax
///     EFER.LME and CR4.PAE were set, so …
///       CR0          0x11 → 0x80000011: +PG
///       What is mapped
///         linear            physical  size   pages of  rights
///         0–3fffffff        0         1 GiB  2 MiB     rwx     identity
///     [Intel SDM Vol. 3, 9.8.5 "Initializing IA-32e Mode"]
/// </code>
/// </remarks>
internal static class ExplanationText
{
    private const int Width = 118;

    /// <summary>Rows of a table that a text shows; the page has all.</summary>
    private const int MostRows = 16;

    /// <summary>One milestone.</summary>
    public static string Render(Milestone milestone)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{milestone.Number,3}. {milestone.Title}\n");
        text.Append(CultureInfo.InvariantCulture, $"     after {milestone.Count:N0} instructions ({BootNarrator.Duration(milestone.Time)}), vCPU {milestone.Vcpu}");
        if (milestone.Rip is { } rip)
        {
            text.Append(CultureInfo.InvariantCulture, $", 0x{rip:x}");
            if (milestone.Symbol is { } symbol)
                text.Append(' ').Append(symbol);
            if (milestone.Instruction is { } instruction)
                text.Append(": ").Append(instruction);
        }

        text.Append('\n');
        Wrap(text, milestone.Text, "     ");
        int widest = milestone.Facts.Count == 0 ? 0 : milestone.Facts.Max(fact => fact.Name.Length);
        foreach (Fact fact in milestone.Facts)
            Wrap(text, fact.Value, "       " + fact.Name.PadRight(widest) + "  ", "       " + new string(' ', widest + 2));
        foreach (Detail detail in milestone.Details)
            Append(text, detail);
        if (milestone.Manual is { } manual)
            Wrap(text, $"[{manual}]", "     ");
        return text.Append('\n').ToString();
    }

    private static void Append(StringBuilder text, Detail detail)
    {
        if (detail.Rows.Count == 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"       {detail.Title}\n");
        int shown = Math.Min(MostRows, detail.Rows.Count);
        int[] widths = [.. detail.Columns.Select((column, i) => Math.Max(column.Length, detail.Rows.Take(shown).Max(row => row[i].Length)))];
        foreach (IReadOnlyList<string> row in detail.Rows.Take(shown).Prepend(detail.Columns))
            text.Append("         ").Append(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd()).Append('\n');
        int more = detail.Rows.Count - shown + detail.Omitted;
        if (more != 0)
            text.Append(CultureInfo.InvariantCulture, $"         … and {more} more\n");
    }

    private static void Wrap(StringBuilder text, string words, string indent, string? nextIndent = null)
    {
        if (words.Length == 0)
            return;
        nextIndent ??= indent;
        StringBuilder line = new(indent);
        bool isEmpty = true;
        foreach (string word in words.Split(' '))
        {
            if (!isEmpty && line.Length + word.Length + 1 > Width)
            {
                text.Append(line).Append('\n');
                line.Clear().Append(nextIndent);
                isEmpty = true;
            }

            line.Append(isEmpty ? "" : " ").Append(word);
            isEmpty = false;
        }

        text.Append(line).Append('\n');
    }
}
