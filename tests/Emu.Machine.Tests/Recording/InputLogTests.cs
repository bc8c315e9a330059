using System.Text;
using Emu.Machine.Recording;
using Xunit;

namespace Emu.Machine.Tests.Recording;

/// <summary>The file of a recording.</summary>
public class InputLogTests
{
    private static readonly byte[] Description = Encoding.UTF8.GetBytes("{\"what\":\"a test\"}");

    private static readonly LogEntry[] Entries =
    [
        new(LogEntryKind.Life) { Detail = 1 },
        new(LogEntryKind.Answer) { Answer = AnswerKind.ConsoleByte, Question = 3, Position = new InputPosition(70, 0, 0), Bytes = new byte[] { 65 } },
        new(LogEntryKind.Visit) { Position = new InputPosition(1_000_000, 400, 7) },
        new(LogEntryKind.VisitAnswer) { Answer = AnswerKind.Received, Question = 2, Bytes = new byte[300] },
        new(LogEntryKind.VisitAnswer) { Answer = AnswerKind.StreamEnded, Question = 5 },
        new(LogEntryKind.Visit) { Position = new InputPosition(1_000_000, 400, 8) },
        new(LogEntryKind.VisitAnswer) { Answer = AnswerKind.ConsoleEnd, Question = 0 },
        new(LogEntryKind.Checkpoint) { Position = new InputPosition(1UL << 61, 1UL << 40, 9), Question = 17, Bytes = "digested"u8.ToArray() },
        new(LogEntryKind.LifeEnd)
        {
            Position = new InputPosition(1UL << 62, 1UL << 41, 10), Reason = (ulong)StopReason.DebugExit, Detail = 0xFFFF_FFFF, Bytes = new byte[32],
        },
        new(LogEntryKind.Life) { Detail = 0 },
        new(LogEntryKind.LifeEnd) { Position = new InputPosition(5, 5, 0), Reason = (ulong)StopReason.Cancelled, Bytes = new byte[32] },
        new(LogEntryKind.RunEnd) { Reason = 3, Detail = 15 },
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Entries_come_out_as_they_went_in_however_they_were_flushed(bool flushesEach)
    {
        using var log = InputLogReader.Open(new MemoryStream(Written(flushesEach)), "log");

        Assert.Equal(Description, log.Description.ToArray());
        Assert.Equal((2, true), (log.Lives, log.IsWhole));
        Assert.Equal(Entries.Select(Text), All(log).Select(Text));
    }

    [Fact]
    public void Reading_can_go_on_from_any_entry()
    {
        foreach (var flushesEach in new[] { false, true })
        {
            using var log = InputLogReader.Open(new MemoryStream(Written(flushesEach)), "log");
            var places = All(log).Select(static entry => (entry.Frame, entry.Index)).ToArray();
            for (var i = places.Length - 1; i >= 0; i--)
            {
                log.Seek(places[i].Frame, places[i].Index);
                Assert.Equal(Text(Entries[i]), Text(log.Read()!));
            }
        }
    }

    [Fact]
    public void Recording_that_is_cut_off_anywhere_is_good_up_to_there()
    {
        var whole = Written(flushesEach: true);
        var read = new HashSet<int>();
        for (var length = 0; length < whole.Length; length++)
        {
            try
            {
                using var log = InputLogReader.Open(new MemoryStream(whole[..length]), "log");
                var entries = All(log);
                Assert.False(log.IsWhole);
                Assert.Equal(Entries[..entries.Count].Select(Text), entries.Select(Text));
                read.Add(entries.Count);
            }
            catch (RecordingException refusal)
            {
                // Not before the first machine starts.
                Assert.Empty(read);
                Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(Enumerable.Range(1, Entries.Length - 1), read.Order());
    }

    [Fact]
    public void Damage_to_any_byte_is_noticed()
    {
        var whole = Written(flushesEach: false);
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var bit in new[] { 1, 0x80 })
            {
                var damaged = whole.ToArray();
                damaged[at] ^= (byte)bit;
                var refusal = Assert.Throws<RecordingException>(() => InputLogReader.Open(new MemoryStream(damaged), "log"));
                Assert.Contains("'log'", refusal.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void What_follows_the_end_is_refused() =>
        Assert.Throws<RecordingException>(() => InputLogReader.Open(new MemoryStream([.. Written(flushesEach: true), 0]), "log"));

    [Theory]
    [InlineData("")]
    [InlineData("#!/bin/sh\n")]
    [InlineData("\u007fELF and more")]
    public void What_is_no_recording_is_refused(string text) =>
        Assert.Throws<RecordingException>(() => InputLogReader.Open(new MemoryStream(Encoding.Latin1.GetBytes(text)), "log"));

    [Fact]
    public void Entries_in_no_order_are_refused_though_every_checksum_fits()
    {
        LogEntry life = Entries[0], visit = Entries[2], answer = Entries[3], lifeEnd = Entries[8], runEnd = Entries[11];
        LogEntry[][] senseless =
        [
            [visit],
            [life, life],
            [life, answer],
            [life, runEnd],
            [life, lifeEnd, visit],
            [life, lifeEnd, runEnd, life],
            [life, visit, visit with { Position = new InputPosition(999_999, 400, 7) }],
            [life, visit, visit with { Position = new InputPosition(1_000_001, 399, 7) }],
            [life, new(LogEntryKind.Visit) { Position = new InputPosition((1UL << 62) + 1, 0, 0) }],
        ];
        foreach (var entries in senseless)
            Assert.Throws<RecordingException>(() => InputLogReader.Open(new MemoryStream(Written(flushesEach: true, entries)), "log"));
    }

    [Fact]
    public void Noise_behind_good_checksums_is_refused_or_read_and_never_takes_long()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            if (seed % 2 == 0)
                noise[0] = (byte)LogEntryKind.Life;
            using var stream = new MemoryStream();
            using (var writer = new InputLogWriter(new Unclosed(stream), Description))
                writer.Flush();
            var frame = new byte[InputLogFormat.FrameHeaderLength + noise.Length];
            BitConverter.TryWriteBytes(frame, InputLogFormat.CheckedLength(noise.Length));
            BitConverter.TryWriteBytes(frame.AsSpan(4), InputLogFormat.Checksum(noise));
            noise.CopyTo(frame, InputLogFormat.FrameHeaderLength);
            stream.Write(frame);
            stream.Position = 0;
            try
            {
                using var log = InputLogReader.Open(stream, "log");
                Assert.NotEmpty(All(log));
            }
            catch (RecordingException)
            {
                // As it should.
            }
        }
    }

    [Fact]
    public void Host_that_cannot_write_ends_the_recording_and_not_the_run()
    {
        using var full = new FullStream();
        using var writer = new InputLogWriter(full, Description);
        writer.Add(Entries[0]);
        writer.Flush();
        Assert.NotNull(writer.Failure);
    }

    private static byte[] Written(bool flushesEach, LogEntry[]? entries = null)
    {
        var stream = new MemoryStream();
        using (var writer = new InputLogWriter(stream, Description))
        {
            foreach (var entry in entries ?? Entries)
            {
                writer.Add(entry);
                if (flushesEach)
                    writer.Flush();
            }
        }

        return stream.ToArray();
    }

    private static List<LogEntry> All(InputLogReader log)
    {
        List<LogEntry> entries = [];
        while (log.Read() is { } entry)
            entries.Add(entry);
        return entries;
    }

    private static string Text(LogEntry entry) =>
        $"{entry.Kind} {entry.Position} {entry.Question} {entry.Answer} {entry.Reason} {entry.Detail} {Convert.ToHexString(entry.Bytes.Span)}";

    private sealed class Unclosed(MemoryStream stream) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => stream.Length;

        public override long Position { get => stream.Position; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => stream.Write(buffer, offset, count);
    }

    private sealed class FullStream : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("full");
    }
}
