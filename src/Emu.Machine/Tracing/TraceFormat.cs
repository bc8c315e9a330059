using System.Buffers.Binary;
using System.IO.Compression;

namespace Emu.Machine.Tracing;

/// <summary>How a trace lies in its file; docs/trace-format.md has it in words.</summary>
internal static class TraceFormat
{
    public const uint Version = 2;

    /// <summary>The oldest version that can be read: it knew one life only.</summary>
    public const uint OldestVersion = 1;

    /// <summary>Bytes before the first chunk: the signature and the version.</summary>
    public const int PreambleSize = 12;

    /// <summary>Bytes of a chunk before its payload: kind, length, checksum.</summary>
    public const int ChunkHeaderSize = 16;

    /// <summary>Bytes of a stream's payload before its checkpoints.</summary>
    public const int StreamHeaderSize = 48;

    /// <summary>Where in it stands what is added to the ids.</summary>
    public const int FirstIdOffset = 32;

    /// <summary>Bytes of a checkpoint: elements and hash.</summary>
    public const int CheckpointSize = 16;

    /// <summary>Bytes of a dictionary's payload before what is compressed.</summary>
    public const int DictionaryHeaderSize = 12;

    /// <summary>Bytes of the symbols' payload before what is compressed.</summary>
    public const int SymbolsHeaderSize = 8;

    /// <summary>Checkpoints are where the count of retired instructions is a multiple of this.</summary>
    public const ulong CheckpointInterval = 1 << 18;

    /// <summary>No chunk has more, compressed or not.</summary>
    public const int MostBytes = 64 << 20;

    /// <summary>No stream covers more instructions, those that a filter kept out included, nor has more elements.</summary>
    public const ulong MostCounts = 1UL << 26;

    /// <summary>No life has a greater number.</summary>
    public const int MostLives = 1 << 24;

    /// <summary>Kinds of chunks, as their first four bytes read in ASCII.</summary>
    public const uint Head = 0x4441_4548, Dictionary = 0x5443_4944, Stream = 0x4D52_5453, Symbols = 0x424D_5953, Life = 0x4546_494C, End = 0x2044_4E45;

    /// <summary>What a file begins with: "EMUT", then line ends that a transfer as text would change.</summary>
    public static ReadOnlySpan<byte> Signature => [0x45, 0x4D, 0x55, 0x54, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The checksum in a chunk's header.</summary>
    public static ulong Checksum(uint kind, ReadOnlySpan<byte> payload) => TraceHash.Checksum(kind, payload);

    /// <summary>Compresses.</summary>
    public static void Deflate(ReadOnlySpan<byte> raw, Stream to)
    {
        using var deflate = new DeflateStream(to, CompressionLevel.Fastest, leaveOpen: true);
        deflate.Write(raw);
    }

    /// <summary>Decompresses exactly so many bytes.</summary>
    /// <exception cref="TraceFileException">There are not so many, or they are damaged.</exception>
    public static byte[] Inflate(byte[] payload, int offset, int rawLength)
    {
        try
        {
            var raw = new byte[rawLength];
            using var inflate = new DeflateStream(new MemoryStream(payload, offset, payload.Length - offset), CompressionMode.Decompress);
            inflate.ReadExactly(raw);
            return raw;
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
        {
            throw new TraceFileException("a part of it cannot be decompressed.", failure);
        }
    }

    /// <summary>Writes a chunk.</summary>
    public static void WriteChunk(Stream to, uint kind, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[ChunkHeaderSize];
        BinaryPrimitives.WriteUInt32LittleEndian(header, kind);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], Checksum(kind, payload));
        to.Write(header);
        to.Write(payload);
    }
}

/// <summary>What follows an amount of correctly predicted blocks in a stream: three bits.</summary>
internal enum TraceToken
{
    /// <summary>Nothing: the stream is at its end.</summary>
    End = 0,

    /// <summary>A block, whole: the second guess was right.</summary>
    SecondGuess = 1,

    /// <summary>A block, whole: the guess from the block before alone was right.</summary>
    Successor = 2,

    /// <summary>A block, whole. Its id follows, as the difference to the block before.</summary>
    Block = 3,

    /// <summary>A part of a block: its id, the first instruction and how many follow.</summary>
    Part = 4,

    /// <summary>An event follows.</summary>
    Event = 5,

    /// <summary>Another vCPU goes on: its number follows.</summary>
    Vcpu = 6,

    /// <summary>Instructions that a filter kept out: how many follows.</summary>
    Gap = 7,
}
