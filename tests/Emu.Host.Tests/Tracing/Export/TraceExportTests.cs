using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Emu.Cpu.Instrumentation;
using Emu.Host.Tracing.Export;
using Emu.Machine.Tracing;

namespace Emu.Host.Tests.Tracing.Export;

/// <summary>What is exported says what the trace does, read as the formats' descriptions have it.</summary>
public sealed class TraceExportTests : IClassFixture<TraceExportTests.Tour>
{
    private readonly ExportedTrace _tour;

    public TraceExportTests(Tour tour) => _tour = tour.Trace;

    /// <summary>The tour with registers and memory, recorded once.</summary>
    public sealed class Tour : IDisposable
    {
        internal ExportedTrace Trace { get; } = ExportedTrace.OfRun(TestFiles.TourKernel, "--machine", "pc", "--trace-detail", "all");

        public void Dispose() => Trace.Dispose();
    }

    [Fact]
    public void Drcov_covers_the_bytes_that_were_executed()
    {
        byte[] file = _tour.Export(TraceExportFormat.Drcov, null, static options => options with { Module = TestFiles.TourKernel });
        string[] header = Encoding.Latin1.GetString(file).Split('\n', 7)[..6];
        int start = header.Sum(static line => line.Length + 1);

        Assert.Equal("DRCOV VERSION: 2", header[0]);
        Assert.Equal("Module Table: version 2, count 1", header[2]);
        Assert.Equal("Columns: id, base, end, entry, path", header[3]);
        string[] module = header[4].Split(", ");
        Assert.Equal(["0", "0x0000000000100000", "tour.elf"], [module[0].Trim(), module[1], module[4]]);
        int blocks = int.Parse(header[5].Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.Equal(8 * blocks, file.Length - start);
        HashSet<ulong> covered = [];
        for (int i = 0; i < blocks; i++)
        {
            ReadOnlySpan<byte> entry = file.AsSpan(start + 8 * i, 8);
            Assert.Equal(0, BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]));
            for (int k = 0; k < BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]); k++)
                covered.Add(0x100000 + BinaryPrimitives.ReadUInt32LittleEndian(entry) + (ulong)k);
        }

        Assert.Equal(Elements().Where(static e => e.Bytes is not null).SelectMany(static e => e.Bytes!.Select((_, k) => e.Address + (ulong)k)).ToHashSet(), covered);
    }

    [Fact]
    public void Code_that_is_far_from_the_module_belongs_to_others()
    {
        byte[] code = [0x90, 0x90];
        using ExportedTrace trace = ExportedTrace.Of(new TraceHeader(), writer =>
        {
            writer.Append(writer.Define(new TraceBlock(0x1000, 64, true, 0, [1, 1], code)));
            writer.Append(writer.Define(new TraceBlock(0xFFFF_FFFF_8100_0010, 64, true, 0, [1, 1], code)), 0, 1);
        });
        string text = Encoding.Latin1.GetString(trace.Export(TraceExportFormat.Drcov, null, static options => options with { Module = "a,b", ModuleBase = 0xFFFF_FFFF_8100_0000 }));

        Assert.Contains("  0, 0xffffffff81000000, 0xffffffff81000011, 0x0000000000000000, a_b\n  1, 0x0000000000000000, 0x0000000000001002, 0x0000000000000000, other-0x0\n", text, StringComparison.Ordinal);
        Assert.EndsWith("BB Table: 2 bbs\n\0\x10\0\0\x02\0\x01\0\x10\0\0\0\x01\0\0\0", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    [InlineData(5001)]
    [InlineData(5002)]
    [InlineData(5003)]
    public void Tenet_follows_registers_and_memory(int from)
    {
        string[] lines = _tour.Text(TraceExportFormat.Tenet, null, options => options with { From = (ulong)from, Count = 60_000 })
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using TraceReader reader = _tour.Open();
        TraceCursor cursor = reader.Read((ulong)from);
        string[] names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
        Dictionary<string, ulong> state = [];
        ulong[]? after = null;
        string? accesses = null;
        if (from > 0)
        {
            TraceCursor before = reader.Read((ulong)from - 1);
            Assert.True(before.MoveNext());
            after = before.RegistersOf(0)[..16].ToArray();
        }

        Assert.Equal(60_000, lines.Length);
        foreach (string line in lines)
        {
            Assert.True(cursor.MoveNext());
            List<string> accessed = [];
            foreach (string[] item in line.Split(',').Select(static item => item.Split('=')))
            {
                if (item[0] is "mr" or "mw")
                    accessed.Add($"{item[0]} {item[1]}");
                else
                    state[item[0]] = Convert.ToUInt64(item[1], 16);
            }

            Assert.Equal(cursor.Address, state["rip"]);
            Assert.Equal(17, state.Count);
            if (after is not null)
                Assert.Equal(after, names.Select(name => state[name]));
            if (accesses is not null)
                Assert.Equal(accesses, string.Join(',', accessed));
            after = cursor.RegistersOf(0)[..16].ToArray();
            accesses = string.Join(',', cursor.Accesses.Where(static access => !access.Value.IsEmpty).Select(static access =>
                $"{(access.IsWrite ? "mw" : "mr")} 0x{access.Linear:x}:{Convert.ToHexStringLower(access.Value.Span)}"));
        }
    }

    [Fact]
    public void Csv_has_a_line_for_each_element()
    {
        List<string[]> rows = Csv(_tour.Text(TraceExportFormat.Csv));
        (ulong Count, ulong Address, byte[]? Bytes, string? Changes)[] elements = [.. Elements()];
        int Column(string name) => Array.IndexOf(rows[0], name);

        Assert.Equal(elements.Length + 1, rows.Count);
        for (int i = 0; i < elements.Length; i++)
        {
            string[] row = rows[i + 1];
            Assert.Equal(rows[0].Length, row.Length);
            Assert.Equal(elements[i].Count, ulong.Parse(row[Column("count")], CultureInfo.InvariantCulture));
            Assert.Equal($"0x{elements[i].Address:x}", row[Column("address")]);
            Assert.Equal(elements[i].Bytes is { } bytes ? Convert.ToHexStringLower(bytes) : "", row[Column("bytes")]);
            Assert.Equal(elements[i].Changes, row[Column("registers")]);
            Assert.Equal(elements[i].Bytes is null, row[Column("kind")] == "event");
        }

        Assert.Contains(rows, row => row[Column("text")] == "mov [0x104930], eax" || row[Column("text")].Contains(','));
    }

    [Fact]
    public void Ndjson_has_an_object_for_each_element()
    {
        string[] lines = _tour.Text(TraceExportFormat.Ndjson, null, static options => options with { From = 100, Count = 20_000 }).TrimEnd('\n').Split('\n');
        (ulong Count, ulong Address, byte[]? Bytes, string? Changes)[] elements = [.. Elements().Skip(100).Take(20_000)];

        Assert.Equal(elements.Length, lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            using JsonDocument document = JsonDocument.Parse(lines[i]);
            JsonElement element = document.RootElement;
            Assert.Equal(elements[i].Count, element.GetProperty("count").GetUInt64());
            Assert.Equal($"0x{elements[i].Address:x}", element.GetProperty("address").GetString());
            Assert.Equal(
                elements[i].Changes,
                element.TryGetProperty("registers", out JsonElement changes)
                    ? string.Join(' ', changes.EnumerateObject().Select(static change => $"{change.Name}={change.Value.GetString()}"))
                    : "");
        }
    }

    [Fact]
    public void Tenet_without_registers_is_refused()
    {
        using ExportedTrace trace = ExportedTrace.OfCode([0xFA, 0xF4]);
        string output = trace.Path + ".log";
        EmuResult result = EmuProcess.Run("trace", "export", trace.Path, "--format", "tenet", "--output", output);

        Assert.Equal(2, result.ExitCode);
        Assert.StartsWith("emu: Tenet needs registers and memory, which the trace", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.False(File.Exists(output));
    }

    [Theory]
    [InlineData("needs --format", "x.emut")]
    [InlineData("does not know 'svg'", "x.emut", "--format", "svg")]
    [InlineData("--min-duration is for --format chrome, not for folded", "x.emut", "--format", "folded", "--min-duration", "5")]
    [InlineData("--base takes an address in hexadecimal", "x.emut", "--format", "drcov", "--base", "here")]
    [InlineData("needs one trace", "--format", "csv")]
    [InlineData("it does not exist", "/nowhere/x.emut", "--format", "csv")]
    public void What_cannot_be_is_one_sentence(string sentence, params string[] arguments)
    {
        EmuResult result = EmuProcess.Run(["trace", "export", .. arguments]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(sentence, result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void Standard_output_is_what_a_file_would_be()
    {
        EmuResult result = EmuProcess.Run("trace", "export", _tour.Path, "--format", "folded");
        string file = _tour.Path + ".folded";
        Assert.Equal(0, EmuProcess.Run("trace", "export", _tour.Path, "--format", "folded", "--output", file).ExitCode);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(File.ReadAllText(file), result.Output);
        Assert.Contains(";puts;putc ", result.Output, StringComparison.Ordinal);
    }

    private IEnumerable<(ulong Count, ulong Address, byte[]? Bytes, string Changes)> Elements()
    {
        using TraceReader reader = _tour.Open();
        TraceCursor cursor = reader.Read();
        while (cursor.MoveNext())
        {
            string changes = string.Join(' ', cursor.Changes.Select(static change => $"{NameOf(change.Register)}=0x{change.Value:x}"));
            yield return (cursor.Count, cursor.Address, cursor.Block?.BytesOf(cursor.First).ToArray(), changes);
        }
    }

    private static string NameOf(TracedRegister register) => register switch
    {
        < TracedRegister.Rflags => new[] { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" }[(int)register],
        TracedRegister.FsBase => "fs_base",
        TracedRegister.GsBase => "gs_base",
        _ => register.ToString().ToLowerInvariant(),
    };

    // RFC 4180.
    private static List<string[]> Csv(string text)
    {
        List<string[]> rows = [];
        List<string> row = [];
        StringBuilder field = new();
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (isQuoted)
            {
                if (c != '"')
                    field.Append(c);
                else if (i + 1 < text.Length && text[i + 1] == '"')
                    field.Append(text[++i]);
                else
                    isQuoted = false;
            }
            else if (c == '"')
            {
                isQuoted = true;
            }
            else if (c is ',' or '\r')
            {
                row.Add(field.ToString());
                field.Clear();
                if (c == ',')
                    continue;
                Assert.Equal('\n', text[++i]);
                rows.Add([.. row]);
                row.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        Assert.Empty(row);
        return rows;
    }
}
