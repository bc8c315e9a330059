using System.Text.Json;
using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Host.Tests.EndToEnd;
using Emu.Host.Tracing.Export;
using Emu.Machine.Tracing;

namespace Emu.Host.Tests.Tracing.Export;

/// <summary>The call stacks of code whose nesting is known, as folded stacks and as bars over time.</summary>
public sealed class CallStackTests
{
    private const uint Outer = TinyKernel.Entry + 0x20;
    private const uint Inner = TinyKernel.Entry + 0x30;
    private const uint Thunk = TinyKernel.Entry + 0x40;

    private static readonly SymbolTable Names = new(
        [new Symbol(TinyKernel.Entry, 0x20, "main"), new Symbol(Outer, 16, "outer"), new Symbol(Inner, 16, "inner"), new Symbol(Thunk, 32, "thunk")]);

    // main calls outer twice, which calls inner; then inner; then what follows, to learn where it is.
    private static readonly byte[] Calls = Code(
        (0, [0xBC, 0x00, 0x90, 0x10, 0x00]),                                  // mov esp, 0x109000
        (5, [0xE8, 22, 0, 0, 0, 0xE8, 17, 0, 0, 0, 0xE8, 28, 0, 0, 0]),       // call outer; call outer; call inner
        (20, [0xE8, 0, 0, 0, 0, 0x58, 0xFA, 0xF4]),                           // call 1f; 1: pop eax; cli; hlt
        (0x20, [0x90, 0xE8, 10, 0, 0, 0, 0x90, 0xC3]),                        // nop; call inner; nop; ret
        (0x30, [0x90, 0x90, 0xC3]));

    // main calls a thunk, which jumps to inner by replacing a return address.
    private static readonly byte[] Retpoline = Code(
        (0, [0xBC, 0x00, 0x90, 0x10, 0x00]),
        (5, [0xE8, 54, 0, 0, 0, 0x90, 0xFA, 0xF4]),                           // call thunk; nop; cli; hlt
        (0x30, [0x90, 0x90, 0xC3]),
        (0x40, [0xE8, 1, 0, 0, 0, 0xF4]),                                     // call 1f; hlt
        (0x46, [0xC7, 0x04, 0x24, 0x30, 0x01, 0x10, 0x00, 0xC3]));            // 1: mov [esp], inner; ret

    [Theory]
    [InlineData("blocks")]
    [InlineData("all")]
    public void Stacks_nest_as_the_code_calls(string detail)
    {
        using ExportedTrace trace = ExportedTrace.OfCode(Calls, "--trace-detail", detail);

        Assert.Equal(
            ["main 8", "main;inner 3", "main;outer 8", "main;outer;inner 6"],
            trace.Text(TraceExportFormat.Folded, Names).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Functions_without_a_name_are_called_by_their_address()
    {
        using ExportedTrace trace = ExportedTrace.OfCode(Calls);

        Assert.Contains("0x100100;0x100120;0x100130 6\n", trace.Text(TraceExportFormat.Folded), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blocks")]
    [InlineData("all")]
    public void A_return_to_where_it_was_not_called_from_can_be_a_jump(string detail)
    {
        using ExportedTrace trace = ExportedTrace.OfCode(Retpoline, "--trace-detail", detail);

        Assert.Equal(
            ["main 5", "main;inner 3", "main;thunk 1", "main;thunk;thunk 2"],
            trace.Text(TraceExportFormat.Folded, Names).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Bars_begin_and_end_where_functions_do()
    {
        using ExportedTrace trace = ExportedTrace.OfCode(Calls);

        Assert.Equal(
            [("inner", 4, 7), ("outer", 2, 9), ("inner", 12, 15), ("outer", 10, 17), ("inner", 18, 21), ("main", 0, 25)],
            Bars(trace.Text(TraceExportFormat.Chrome, Names)).Select(static bar => (bar.Name, bar.Start, bar.End)));
    }

    [Fact]
    public void Short_bars_are_left_out_with_what_is_in_them()
    {
        using ExportedTrace trace = ExportedTrace.OfCode(Calls);

        Assert.Equal(
            [("outer", 2, 9), ("outer", 10, 17), ("main", 0, 25)],
            Bars(trace.Text(TraceExportFormat.Chrome, Names, static options => options with { MinimumDuration = 7 })).Select(static bar => (bar.Name, bar.Start, bar.End)));
    }

    [Fact]
    public void Events_stand_between_what_they_interrupt_and_their_handlers()
    {
        using ExportedTrace trace = ExportedTrace.Of(new TraceHeader(), static writer =>
        {
            writer.Append(writer.Define(Block(0x1000, [0x90], [0x90])));
            writer.Append(new TraceEvent(EventKind.Exception, 14, 2, 0x1002, 0xDEAD));
            // The handler has it go on behind the instruction.
            writer.Append(writer.Define(Block(0x2000, [0x90], [0x48, 0xCF])));
            writer.Append(writer.Define(Block(0x1004, [0x90], [0xF4])));
        });
        SymbolTable names = new([new Symbol(0x1000, 16, "code"), new Symbol(0x2000, 16, "handler")]);

        Assert.Equal("code 4\ncode;#PF 1\ncode;#PF;handler 2\n", trace.Text(TraceExportFormat.Folded, names));
        Assert.Equal(
            [("handler", 3, 5, false), ("#PF", 2, 5, true), ("code", 0, 7, false)],
            Bars(trace.Text(TraceExportFormat.Chrome, names)));
    }

    [Fact]
    public void A_stack_that_was_switched_away_from_goes_on_when_it_is_returned_to()
    {
        // first and second call yield, which returns to the other one.
        SymbolTable names = new([new Symbol(0x1000, 16, "first"), new Symbol(0x2000, 16, "second"), new Symbol(0x3000, 16, "yield"), new Symbol(0x4000, 16, "above")]);
        using ExportedTrace trace = ExportedTrace.Of(new TraceHeader(), static writer =>
        {
            uint yield = writer.Define(Block(0x3000, [0x90], [0x90], [0x90], [0x90], [0xC3]));
            writer.Append(writer.Define(Block(0x4000, [0xE8, 0, 0, 0, 0])));
            writer.Append(writer.Define(Block(0x1000, [0xE8, 0, 0, 0, 0])));
            writer.Append(yield);
            writer.Append(writer.Define(Block(0x2000, [0x90], [0xE8, 0, 0, 0, 0])));
            writer.Append(yield);
            writer.Append(writer.Define(Block(0x1005, [0x90], [0xC3])));
            writer.Append(writer.Define(Block(0x4005, [0xF4])));
        });

        Assert.Equal("above 2\nabove;first 3\nabove;first;yield 5\nsecond 2\nsecond;yield 5\n", trace.Text(TraceExportFormat.Folded, names));
    }

    [Fact]
    public void Each_vcpu_has_a_stack()
    {
        SymbolTable names = new([new Symbol(0x1000, 16, "caller"), new Symbol(0x2000, 16, "called")]);
        using ExportedTrace trace = ExportedTrace.Of(new TraceHeader { Vcpus = 2 }, static writer =>
        {
            uint call = writer.Define(Block(0x1000, [0xE8, 0, 0, 0, 0])), called = writer.Define(Block(0x2000, [0x90], [0xC3])), after = writer.Define(Block(0x1005, [0x90]));
            writer.Append(call);
            writer.Switch(1);
            writer.Append(call);
            writer.Append(called);
            writer.Switch(0);
            writer.Append(called);
            writer.Append(after);
            writer.Switch(1);
            writer.Append(after);
        });

        Assert.Equal(
            "vCPU 0;caller 2\nvCPU 1;caller 2\nvCPU 1;caller;called 2\nvCPU 0;caller;called 2\n", trace.Text(TraceExportFormat.Folded, names));
        Assert.Equal("vCPU 1;caller 2\nvCPU 1;caller;called 2\n", trace.Text(TraceExportFormat.Folded, names, static options => options with { Vcpu = 1 }));
    }

    [Fact]
    public void Endless_calls_do_not_make_endless_stacks()
    {
        using ExportedTrace trace = ExportedTrace.Of(new TraceHeader(), static writer =>
        {
            uint call = writer.Define(Block(0x1000, [0xE8, 0, 0, 0, 0]));
            for (int i = 0; i < 5000; i++)
                writer.Append(call);
        });
        string[] lines = trace.Text(TraceExportFormat.Folded).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(1024, lines.Max(static line => line.Split(';').Length));
        Assert.Equal(5000, lines.Sum(static line => int.Parse(line.Split(' ')[^1])));
        Assert.NotEmpty(Bars(trace.Text(TraceExportFormat.Chrome)));
    }

    [Fact]
    public void The_tours_stacks_hold_every_element()
    {
        using ExportedTrace trace = ExportedTrace.OfRun(TestFiles.TourKernel, "--machine", "pc");
        using TraceReader reader = trace.Open();
        SymbolTable names = new(reader.ReadSymbols().Select(static symbol => new Symbol(symbol.Address, symbol.Size, symbol.Name)));
        string[] lines = trace.Text(TraceExportFormat.Folded, names).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(reader.Hash.Length, (ulong)lines.Sum(static line => long.Parse(line.Split(' ')[^1])));
        Assert.All(lines.Where(static line => line.Contains(";putc ", StringComparison.Ordinal)), static line => Assert.Matches(";(puts|put_[a-z_]+|print_map);putc ", line));
        Assert.Equal(lines.Length, lines.Select(static line => line[..line.LastIndexOf(' ')]).Distinct().Count());
    }

    /// <summary>Trace Event Format: begins and ends nest in each thread, and time does not go back.</summary>
    private static List<(string Name, int Start, int End, bool IsEvent)> Bars(string text)
    {
        List<(string, int, int, bool)> bars = [];
        Stack<(string Name, int Start)> open = [];
        int now = 0;
        using JsonDocument document = JsonDocument.Parse(text);
        foreach (JsonElement record in document.RootElement.GetProperty("traceEvents").EnumerateArray())
        {
            string name = record.GetProperty("name").GetString()!;
            string phase = record.GetProperty("ph").GetString()!;
            if (phase == "M")
                continue;
            int time = (int)decimal.Round(record.GetProperty("ts").GetDecimal() * 1000);
            Assert.True(time >= now);
            now = time;
            if (phase == "B")
            {
                open.Push((name, time));
                continue;
            }

            Assert.Equal("E", phase);
            (string begun, int start) = open.Pop();
            Assert.Equal(begun, name);
            bars.Add((name, start, time, record.GetProperty("cat").GetString() == "event"));
        }

        Assert.Empty(open);
        return bars;
    }

    private static TraceBlock Block(ulong address, params byte[][] instructions) =>
        new(address, 64, true, 0, [.. instructions.Select(static code => (byte)code.Length)], [.. instructions.SelectMany(static code => code)]);

    private static byte[] Code(params (int At, byte[] Bytes)[] parts)
    {
        byte[] code = new byte[0x60];
        foreach ((int at, byte[] bytes) in parts)
            bytes.CopyTo(code, at);
        return code;
    }
}
