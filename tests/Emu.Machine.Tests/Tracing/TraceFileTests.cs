using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Machine.Tracing;
using Xunit;

namespace Emu.Machine.Tests.Tracing;

/// <summary>What is written is what is read, from any point on.</summary>
public sealed class TraceFileTests
{
    private const int Vcpus = 3;

    [Theory]
    [InlineData(TraceDetail.Blocks, 400_000)]
    [InlineData(TraceDetail.Registers | TraceDetail.Memory, 40_000)]
    public void A_trace_reads_as_it_was_written(TraceDetail detail, int steps)
    {
        var written = Random(detail, steps, 1, out var file);
        using var trace = TraceReader.Open(file);

        Assert.True(trace.IsComplete);
        Assert.Equal(detail, trace.Header.Detail);
        Assert.Equal("value", trace.Header.Properties["name"]);
        Assert.Equal(written, Elements(trace.Read()));
    }

    [Fact]
    public void Reading_can_begin_anywhere()
    {
        var written = Random(TraceDetail.Blocks, 300_000, 2, out var file);
        using var trace = TraceReader.Open(file);
        Random random = new(3);
        for (var i = 0; i < 20; i++)
        {
            var from = trace.FirstCount + (ulong)random.NextInt64((long)(trace.EndCount - trace.FirstCount));
            Assert.Equal(written.Where(element => element.Count >= from).Take(100), Elements(trace.Read(from), 100));
        }
    }

    [Fact]
    public void The_hash_at_any_point_is_that_of_what_comes_before()
    {
        _ = Random(TraceDetail.Registers, 60_000, 4, out var file);
        using var trace = TraceReader.Open(file);
        foreach (var count in new[] { trace.FirstCount, trace.FirstCount + 1, trace.FirstCount + 77_777, TraceReader.CheckpointInterval, trace.EndCount - 1, trace.EndCount })
        {
            TraceHash hash = default;
            var cursor = trace.Read();
            while (cursor.MoveNext() && cursor.Count < count)
                hash = hash.Then(cursor.HashOf((int)Math.Min((ulong)cursor.Length, count - cursor.Count)));
            Assert.Equal(hash, trace.HashAt(count));
        }
    }

    [Fact]
    public void How_code_is_cut_into_blocks_does_not_count()
    {
        byte[] code = [0x90, 0x90, 0x90, 0xF4];
        using var whole = Write(writer => writer.Append(writer.Define(new TraceBlock(0x1000, 32, true, 0, [1, 1, 1, 1], code))));
        using var parts = Write(writer =>
        {
            var first = writer.Define(new TraceBlock(0x1000, 32, true, 0, [1, 1, 1], code[..3]));
            var last = writer.Define(new TraceBlock(0x1001, 32, true, 0, [1, 1, 1], code[1..]));
            writer.Append(first, 0, 2);
            writer.Append(last, 1, 2);
        });

        Assert.Equal(whole.Hash, parts.Hash);
    }

    [Fact]
    public void A_trace_that_was_not_ended_is_read_as_far_as_it_goes()
    {
        MemoryStream file = new();
        TraceWriter writer = new(new Kept(file), new TraceHeader());
        var id = writer.Define(new TraceBlock(0x1000, 32, true, 0, [1], [0x90]));
        writer.Append(id);
        writer.Flush();
        writer.Append(id);
        writer.Dispose();
        using var trace = TraceReader.Open(new MemoryStream(file.ToArray()));

        Assert.False(trace.IsComplete);
        Assert.Equal(1UL, trace.EndCount);
    }

    [Fact]
    public void Names_are_kept()
    {
        TraceSymbol[] symbols = [new(0x1000, 16, "first"), new(0xFFFF_FFFF_8100_0000, 0, "last")];
        using var trace = Write(writer => Array.ForEach(symbols, writer.Name));

        Assert.Equal(symbols, trace.ReadSymbols());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    public void Intervals_put_together_have_the_hash_of_the_whole(int intervals)
    {
        var steps = Plan(100_000, 5);
        using var whole = TraceReader.Open(WritePlan(steps, 0, steps.Count, 1000));
        List<TraceReader> parts = [];
        var count = 1000UL;
        for (var i = 0; i < intervals; i++)
        {
            parts.Add(TraceReader.Open(WritePlan(steps, steps.Count * i / intervals, steps.Count * (i + 1) / intervals, count)));
            count = parts[^1].EndCount;
        }

        MemoryStream file = new();
        Assert.Equal(whole.Hash, TraceMerge.Write(parts, new Kept(file)));
        using var merged = TraceReader.Open(new MemoryStream(file.ToArray()));
        Assert.Equal(whole.Hash, merged.Hash);
        Assert.Equal(whole.HashAt(TraceReader.CheckpointInterval), merged.HashAt(TraceReader.CheckpointInterval));
        Assert.Equal(Elements(whole.Read()), Elements(merged.Read()));
    }

    [Fact]
    public void A_trace_of_version_1_is_read()
    {
        MemoryStream file = new();
        using (TraceWriter writer = new(new Kept(file), new TraceHeader()))
        {
            writer.Append(writer.Define(Nop));
            writer.Complete();
        }

        file.GetBuffer()[8] = 1;
        using var trace = TraceReader.Open(new MemoryStream(file.ToArray()));

        Assert.Equal(1UL, trace.EndCount);
    }

    [Fact]
    public void Lives_follow_one_another_and_count_in_the_hash()
    {
        using var two = Write(writer => WriteLives(writer, 1, 2));
        using var one = Write(writer => WriteLives(writer, 2, 1));

        Assert.Equal([new TraceLife(1, 0), new TraceLife(2, 1)], two.Lives);
        Assert.Equal([new TraceLife(1, 0), new TraceLife(2, 2)], one.Lives);
        Assert.Equal([1, 2, 2], LivesOf(two));
        Assert.Equal([1, 1, 2], LivesOf(one));
        Assert.Equal(Elements(one.Read()), Elements(two.Read()));
        Assert.NotEqual(one.Hash, two.Hash);
        Assert.Equal(two.HashAt(1).Then(two.Hash.Without(two.HashAt(1))), two.Hash);
    }

    [Fact]
    public void Hash_of_what_a_cursor_reads_is_that_of_the_file_in_later_lives_too()
    {
        using var trace = Write(writer => WriteLives(writer, 3, 2, 5));
        var hash = default(TraceHash);
        for (var cursor = trace.Read(); cursor.MoveNext();)
            hash = hash.Then(cursor.Hash);

        Assert.Equal(trace.Hash, hash);
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(2, 5, 1)]
    [InlineData(2, 0, 1)]
    [InlineData(0, 1, 1)]
    public void A_life_that_cannot_begin_there_is_refused(int number, ulong firstCount, int elements)
    {
        var failure = Assert.Throws<TraceFileException>(() => Write(writer =>
        {
            WriteLives(writer, elements);
            writer.BeginLife(new TraceLife(number, firstCount));
            WriteLives(writer, 1);
        }));

        Assert.Contains("life", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Traces_of_lives_are_put_together_where_they_fit()
    {
        using var whole = Write(writer => WriteLives(writer, 2, 3, 1));
        using var first = Write(writer => WriteLives(writer, 2));
        using var second = Write(writer => WriteOfLife(writer, 2, 2, 1), 2);
        using var third = Write(
            writer =>
            {
                WriteOfLife(writer, 2, 2, 2);
                writer.BeginLife(new TraceLife(3, 5));
                writer.Append(writer.Define(Nop));
            },
            3);
        using var other = Write(writer => WriteOfLife(writer, 3, 1, 2), 3);

        Assert.Equal(whole.Hash, TraceMerge.Write([first, second, third], new MemoryStream()));
        Assert.False(TraceMerge.Follows(other, second));
        Assert.False(TraceMerge.Follows(second, third));
    }

    private static TraceBlock Nop => new(0x1000, 32, true, 0, [1], [0x90]);

    private static IEnumerable<int> LivesOf(TraceReader trace)
    {
        for (var cursor = trace.Read(); cursor.MoveNext();)
            yield return cursor.Life;
    }

    // So many instructions in each life.
    private static void WriteLives(TraceWriter writer, params int[] counts)
    {
        for (var i = 0; i < counts.Length; i++)
        {
            if (i != 0)
                writer.BeginLife(new TraceLife(i + 1, writer.Count));
            WriteNops(writer, counts[i]);
        }
    }

    // A trace that begins in a later life.
    private static void WriteOfLife(TraceWriter writer, int number, ulong firstCount, int count)
    {
        writer.BeginLife(new TraceLife(number, firstCount));
        WriteNops(writer, count);
    }

    private static void WriteNops(TraceWriter writer, int count)
    {
        var id = writer.Define(Nop);
        for (var i = 0; i < count; i++)
            writer.Append(id);
    }

    /// <summary>An element in a form that can be compared.</summary>
    internal static IEnumerable<(ulong Count, int Vcpu, string What)> Elements(TraceCursor cursor, int most = int.MaxValue)
    {
        while (cursor.MoveNext())
        {
            for (var i = 0; i < cursor.Length; i++)
            {
                if (most-- == 0)
                    yield break;
                var what = cursor.Block is { } block
                    ? $"{block.AddressOf(cursor.First + i):x} {block.CodeSize} {block.Cpl} {Convert.ToHexString(block.BytesOf(cursor.First + i).Span)}"
                    : $"{cursor.Event}";
                if (i == cursor.Length - 1)
                    what += Data(cursor.Changes, cursor.Accesses);
                yield return (cursor.Count + (ulong)i, cursor.Vcpu, what);
            }
        }
    }

    private static string Data(IEnumerable<RegisterChange> changes, IEnumerable<TraceAccess> accesses) =>
        string.Concat(changes.Select(static change => $" {change.Register}={change.Value:x}"))
        + string.Concat(accesses.Select(static access => $" {access.Linear:x} {access.Size} {access.IsWrite} {Convert.ToHexString(access.Value.Span)}"));

    private static TraceReader Write(Action<TraceWriter> write, ulong firstCount = 0)
    {
        MemoryStream file = new();
        using (TraceWriter writer = new(new Kept(file), new TraceHeader { FirstCount = firstCount }))
        {
            write(writer);
            writer.Complete();
        }

        return TraceReader.Open(new MemoryStream(file.ToArray()));
    }

    // Loops and other ways, as programs go.
    private static List<(int Block, int First, int Count)> Plan(int steps, int seed)
    {
        Random random = new(seed);
        List<(int, int, int)> plan = [];
        var at = 0;
        for (var i = 0; i < steps; i++)
        {
            at = random.Next(10) switch { 0 => random.Next(200), 1 => at / 2, _ => (at + 1) % 200 };
            plan.Add(random.Next(50) == 0 ? (at, random.Next(2), 1) : (at, 0, at % 5 + 1));
        }

        return plan;
    }

    private static MemoryStream WritePlan(List<(int Block, int First, int Count)> plan, int from, int to, ulong count)
    {
        MemoryStream file = new();
        using TraceWriter writer = new(new Kept(file), new TraceHeader { FirstCount = count });
        Dictionary<int, uint> ids = [];
        foreach (var (number, first, length) in plan[from..to])
        {
            if (!ids.TryGetValue(number, out var id))
                ids.Add(number, id = writer.Define(Block(number)));
            writer.Append(id, Math.Min(first, number % 5), first == 0 ? length : 1);
        }

        writer.Complete();
        return new MemoryStream(file.ToArray());
    }

    private static TraceBlock Block(int number) =>
        new((ulong)number * 0x1_0001, number % 3 == 0 ? 64 : 32, true, number % 4, [.. Enumerable.Repeat((byte)2, number % 5 + 1)], [.. Enumerable.Repeat((byte)number, 2 * (number % 5 + 1))]);

    private static List<(ulong Count, int Vcpu, string What)> Random(TraceDetail detail, int steps, int seed, out MemoryStream file)
    {
        Random random = new(seed);
        List<(ulong, int, string)> written = [];
        MemoryStream bytes = new();
        using TraceWriter writer = new(
            new Kept(bytes), new TraceHeader { Detail = detail, Vcpus = Vcpus, FirstCount = 123, Properties = new Dictionary<string, string> { ["name"] = "value" } });
        List<uint> ids = [];
        for (var i = 0; i < 500; i++)
            ids.Add(writer.Define(Block(detail == TraceDetail.Blocks ? i : i * 5)));
        foreach (var (number, first, length) in Plan(steps, seed))
        {
            if (random.Next(1000) == 0)
                writer.Switch(random.Next(Vcpus));
            if (random.Next(2000) == 0)
                writer.Skip((ulong)random.Next(1, 100_000));
            var data = Note(writer, random, detail);
            var count = writer.Count;
            if (random.Next(300) == 0)
            {
                TraceEvent delivered = new(EventKind.Exception, 14, (uint)random.Next(32), (ulong)random.NextInt64(), (ulong)random.NextInt64());
                writer.Append(in delivered);
                written.Add((count, writer.Vcpu, delivered + data));
                continue;
            }

            var block = writer.Blocks[(int)ids[number]]!;
            var (from, taken) = detail == TraceDetail.Blocks ? (Math.Min(first, number % 5), first == 0 ? length : 1) : (0, 1);
            writer.Append(ids[number], from, taken);
            for (var i = from; i < from + taken; i++)
            {
                written.Add((
                    count++,
                    writer.Vcpu,
                    $"{block.AddressOf(i):x} {block.CodeSize} {block.Cpl} {Convert.ToHexString(block.BytesOf(i).Span)}{(i == from + taken - 1 ? data : "")}"));
            }
        }

        writer.Complete();
        file = new MemoryStream(bytes.ToArray());
        return written;
    }

    private static string Note(TraceWriter writer, Random random, TraceDetail detail)
    {
        List<RegisterChange> changes = [];
        List<TraceAccess> accesses = [];
        for (var register = 0; (detail & TraceDetail.Registers) != 0 && register <= (int)TracedRegister.Efer; register += random.Next(1, 20))
            changes.Add(new RegisterChange((TracedRegister)register, (ulong)random.NextInt64() ^ ((ulong)random.Next() << 40)));
        for (var left = random.Next(3); (detail & TraceDetail.Memory) != 0 && left > 0; left--)
        {
            var value = new byte[random.Next(3) == 0 ? 0 : 4];
            random.NextBytes(value);
            accesses.Add(new TraceAccess((ulong)random.NextInt64(), 4, random.Next(2) == 0, value));
        }

        foreach (var change in changes)
            writer.Note(change);
        foreach (var access in accesses)
            writer.Note(in access);
        return Data(changes, accesses);
    }

    /// <summary>Its bytes can still be had when it has been closed.</summary>
    internal sealed class Kept(MemoryStream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Position;
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override void Write(byte[] buffer, int offset, int count) => file.Write(buffer, offset, count);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
