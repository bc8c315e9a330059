using System.Globalization;
using System.Text;
using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>A line for each instruction and event, with a header: RFC 4180, UTF-8.</summary>
internal static class CsvExport
{
    private const string Header = "count,vcpu,kind,bits,cpl,address,symbol,bytes,text,vector,error,cr2,registers,accesses,life";

    public static void Write(TraceReader reader, SymbolTable symbols, TraceExportOptions options, Stream output)
    {
        using StreamWriter text = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\r\n" };
        ElementText elements = new(symbols);
        StringBuilder line = new(Header);
        text.WriteLine(line);
        TraceSteps steps = new(reader, options);
        while (steps.MoveNext())
        {
            for (int i = 0; i < steps.Length; i++)
            {
                line.Clear();
                Append(line, elements, steps.Cursor, i);
                text.WriteLine(line);
            }
        }
    }

    private static void Append(StringBuilder line, ElementText elements, TraceCursor cursor, int index)
    {
        line.Append(CultureInfo.InvariantCulture, $"{cursor.Count + (ulong)index},{cursor.Vcpu},");
        if (cursor.Block is { } block)
        {
            (ulong address, string? symbol, string bytes, string text) = elements.Of(block, cursor.First + index);
            line.Append(CultureInfo.InvariantCulture, $"instruction,{block.CodeSize},{block.Cpl},0x{address:x},");
            AppendQuoted(line, symbol ?? "");
            line.Append(CultureInfo.InvariantCulture, $",{bytes},");
            AppendQuoted(line, text);
            line.Append(",,,,");
        }
        else
        {
            TraceEvent delivered = cursor.Event;
            line.Append(CultureInfo.InvariantCulture, $"event,,,0x{delivered.Rip:x},");
            AppendQuoted(line, elements.SymbolOf(delivered.Rip) ?? "");
            line.Append(CultureInfo.InvariantCulture, $",,{ElementText.NameOf(in delivered)},{delivered.Vector},");
            line.Append(delivered.ErrorCode is { } error ? ElementText.Hex(error) : "").Append(',');
            line.Append(delivered.Address is { } address ? ElementText.Hex(address) : "").Append(',');
        }

        // What a step changed is that of its last element; with registers or accesses, it is its only one.
        bool hasData = index == cursor.Length - 1;
        if (hasData)
            AppendRegisters(line, cursor.Changes);
        line.Append(',');
        if (hasData)
            AppendAccesses(line, cursor.Accesses);
        line.Append(CultureInfo.InvariantCulture, $",{cursor.Life}");
    }

    private static void AppendRegisters(StringBuilder line, IReadOnlyList<RegisterChange> changes)
    {
        for (int i = 0; i < changes.Count; i++)
            line.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : " ")}{TraceLines.NameOf(changes[i].Register)}=0x{changes[i].Value:x}");
    }

    private static void AppendAccesses(StringBuilder line, IReadOnlyList<TraceAccess> accesses)
    {
        for (int i = 0; i < accesses.Count; i++)
        {
            TraceAccess access = accesses[i];
            line.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : " ")}{(access.IsWrite ? 'w' : 'r')}{access.Size}@0x{access.Linear:x}");
            if (!access.Value.IsEmpty)
                line.Append(':').Append(Convert.ToHexStringLower(access.Value.Span));
        }
    }

    private static void AppendQuoted(StringBuilder line, string text)
    {
        if (text.AsSpan().ContainsAny(',', '"'))
            line.Append('"').Append(text.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
        else
            line.Append(text);
    }
}
