using System.Text.Encodings.Web;
using System.Text.Json;
using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Host.Tracing.Binary;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>A JSON object a line for each instruction and event. Addresses and values are text: JSON's numbers do not hold 64 bits everywhere.</summary>
internal static class NdjsonExport
{
    public static void Write(TraceReader reader, SymbolTable symbols, TraceExportOptions options, Stream output)
    {
        using BufferedStream buffered = new(output, 1 << 16);
        ElementText elements = new(symbols);
        // Not for HTML: "<" and "+" may stand as they are.
        using Utf8JsonWriter json = new(buffered, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        TraceSteps steps = new(reader, options);
        while (steps.MoveNext())
        {
            for (int i = 0; i < steps.Length; i++)
            {
                WriteElement(json, elements, steps.Cursor, i);
                json.Flush();
                buffered.WriteByte((byte)'\n');
                json.Reset();
            }
        }

        buffered.Flush();
    }

    private static void WriteElement(Utf8JsonWriter json, ElementText elements, TraceCursor cursor, int index)
    {
        json.WriteStartObject();
        json.WriteNumber("count"u8, cursor.Count + (ulong)index);
        json.WriteNumber("vcpu"u8, cursor.Vcpu);
        if (cursor.Life != 1)
            json.WriteNumber("life"u8, cursor.Life);
        if (cursor.Block is { } block)
        {
            (ulong address, string? symbol, string bytes, string text) = elements.Of(block, cursor.First + index);
            json.WriteString("kind"u8, "instruction"u8);
            json.WriteNumber("bits"u8, block.CodeSize);
            json.WriteNumber("cpl"u8, block.Cpl);
            json.WriteString("address"u8, ElementText.Hex(address));
            if (symbol is not null)
                json.WriteString("symbol"u8, symbol);
            json.WriteString("bytes"u8, bytes);
            json.WriteString("text"u8, text);
        }
        else
        {
            WriteEvent(json, elements, cursor.Event);
        }

        // What a step changed is that of its last element; with registers or accesses, it is its only one.
        if (index == cursor.Length - 1)
            WriteData(json, cursor);
        json.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter json, ElementText elements, in TraceEvent delivered)
    {
        json.WriteString("kind"u8, "event"u8);
        json.WriteString("address"u8, ElementText.Hex(delivered.Rip));
        if (elements.SymbolOf(delivered.Rip) is { } symbol)
            json.WriteString("symbol"u8, symbol);
        json.WriteString("text"u8, ElementText.NameOf(in delivered));
        json.WriteNumber("vector"u8, delivered.Vector);
        if (delivered.ErrorCode is { } error)
            json.WriteString("error"u8, ElementText.Hex(error));
        if (delivered.Address is { } address)
            json.WriteString("cr2"u8, ElementText.Hex(address));
    }

    private static void WriteData(Utf8JsonWriter json, TraceCursor cursor)
    {
        if (cursor.Changes.Count != 0)
        {
            json.WriteStartObject("registers"u8);
            foreach ((TracedRegister register, ulong value) in cursor.Changes)
                json.WriteString(TraceLines.NameOf(register), ElementText.Hex(value));
            json.WriteEndObject();
        }

        if (cursor.Accesses.Count == 0)
            return;
        json.WriteStartArray("accesses"u8);
        foreach (TraceAccess access in cursor.Accesses)
        {
            json.WriteStartObject();
            json.WriteBoolean("write"u8, access.IsWrite);
            json.WriteString("address"u8, ElementText.Hex(access.Linear));
            json.WriteNumber("size"u8, access.Size);
            if (!access.Value.IsEmpty)
                json.WriteString("bytes"u8, Convert.ToHexStringLower(access.Value.Span));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
