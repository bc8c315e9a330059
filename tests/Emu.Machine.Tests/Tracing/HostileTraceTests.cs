using System.Buffers.Binary;
using Emu.Cpu.Instrumentation;
using Emu.Machine.Tests.Support;
using Emu.Machine.Tracing;
using Xunit;

namespace Emu.Machine.Tests.Tracing;

/// <summary>A file that is no trace, or a damaged one, is refused in words: it never crashes whoever reads it, nor lets him wait or run out of memory.</summary>
public sealed class HostileTraceTests
{
    private static readonly Lazy<byte[]> Blocks = new(() => Record(TraceDetail.Blocks));
    private static readonly Lazy<byte[]> Everything = new(() => Record(TraceDetail.Registers | TraceDetail.Memory));

    [Fact]
    public void What_is_no_trace_is_refused()
    {
        foreach (var file in new byte[][] { [], [0x7F, 0x45, 0x4C, 0x46], new byte[100], Blocks.Value[..8], Blocks.Value[..20] })
            Assert.Throws<TraceFileException>(() => TraceReader.Open(new MemoryStream(file)));
    }

    [Fact]
    public void A_later_version_is_refused_by_its_number()
    {
        var file = Blocks.Value.ToArray();
        file[8] = 99;

        Assert.Contains("99", Assert.Throws<TraceFileException>(() => TraceReader.Open(new MemoryStream(file))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_truncated_trace_is_read_as_far_as_it_goes_or_refused()
    {
        var file = Blocks.Value;
        for (var length = 0; length < file.Length; length += Math.Max(1, file.Length / 500))
            ReadAll(file[..length], mayBeWhole: false);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_byte_is_noticed(bool everything)
    {
        var file = everything ? Everything.Value : Blocks.Value;
        Random random = new(1);
        for (var i = 0; i < 300; i++)
        {
            var changed = file.ToArray();
            changed[random.Next(TraceFormat.PreambleSize, changed.Length)] ^= (byte)random.Next(1, 256);
            ReadAll(changed, mayBeWhole: false);
        }
    }

    // Whoever means harm makes the checksums right.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_byte_with_a_right_checksum_does_no_harm(bool everything)
    {
        var file = everything ? Everything.Value : Blocks.Value;
        Random random = new(2);
        for (var i = 0; i < 1500; i++)
        {
            var changed = file.ToArray();
            var at = random.Next(TraceFormat.PreambleSize, changed.Length);
            changed[at] = (byte)random.Next(256);
            // Headers and the fixed parts of payloads are where most can be asked for.
            if (random.Next(2) == 0)
                changed[FixedPart(changed, random)] = (byte)random.Next(256);
            MendChecksums(changed);
            ReadAll(changed, mayBeWhole: true);
        }
    }

    private static void ReadAll(byte[] file, bool mayBeWhole)
    {
        try
        {
            using var trace = TraceReader.Open(new MemoryStream(file));
            _ = trace.Blocks;
            _ = trace.ReadSymbols();
            _ = trace.HashAt((trace.FirstCount + trace.EndCount) / 2);
            var left = 2_000_000;
            var cursor = trace.Read();
            while (cursor.MoveNext() && left-- > 0)
            {
            }

            Assert.True(mayBeWhole || !trace.IsComplete, "what is damaged was read as if it were whole");
        }
        catch (TraceFileException)
        {
            // Refused.
        }
    }

    private static int FixedPart(byte[] file, Random random)
    {
        List<int> chunks = [.. Chunks(file), 0];
        return Math.Min(chunks[random.Next(chunks.Count)] + random.Next(TraceFormat.ChunkHeaderSize + TraceFormat.StreamHeaderSize), file.Length - 1);
    }

    private static void MendChecksums(byte[] file)
    {
        foreach (var at in Chunks(file))
        {
            var kind = BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            BinaryPrimitives.WriteUInt64LittleEndian(
                file.AsSpan(at + 8), TraceFormat.Checksum(kind, file.AsSpan(at + TraceFormat.ChunkHeaderSize, length)));
        }
    }

    private static IEnumerable<int> Chunks(byte[] file)
    {
        for (var at = TraceFormat.PreambleSize; at + TraceFormat.ChunkHeaderSize <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            if (length < 0 || length > file.Length - at - TraceFormat.ChunkHeaderSize)
                yield break;
            yield return at;
            at += TraceFormat.ChunkHeaderSize + length;
        }
    }

    // Two lives of a guest.
    private static byte[] Record(TraceDetail detail)
    {
        MemoryStream file = new();
        TraceOptions options = new() { Detail = detail, FindSymbol = static (linear, _) => new TraceSymbol(linear, 1, "here") };
        TraceWriter? writer = null;
        for (var life = 1; life <= 2; life++)
        {
            using PvhMachine machine = new(new MachineOptions { MemorySize = 32 << 20 });
            machine.Load(TestKernels.Open("exceptions"), [], null);
            writer ??= new TraceWriter(new TraceFileTests.Kept(file), machine.DescribeTrace(options));
            if (life == 2)
                writer.BeginLife(new TraceLife(2, writer.Count));
            machine.BeginTrace(writer, options);
            machine.Run(new RunLimits { MaxInstructions = 10_000 });
            machine.EndTrace();
        }

        writer!.Complete();
        writer.Dispose();
        return file.ToArray();
    }
}
