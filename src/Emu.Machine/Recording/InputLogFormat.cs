using System.Numerics;
using System.Runtime.InteropServices;

namespace Emu.Machine.Recording;

/// <summary>The form of a recording: docs/recording.md describes it.</summary>
internal static class InputLogFormat
{
    /// <summary>The only version that there is.</summary>
    public const ushort Version = 2;

    /// <summary>Bytes in front of the description: magic, version, length of the description.</summary>
    public const int FixedHeaderLength = 8 + 2 + 4;

    /// <summary>Bytes of a checksum.</summary>
    public const int ChecksumLength = 4;

    /// <summary>Bytes in front of a frame's entries: their length, three bytes, and a check of it; the checksum of the entries.</summary>
    public const int FrameHeaderLength = 4 + ChecksumLength;

    /// <summary>The longest description.</summary>
    public const int LongestDescription = 1 << 20;

    /// <summary>A frame is written once it is so long, or its time has come.</summary>
    public const int FullFrame = 1 << 20;

    /// <summary>The longest frame: a full one, and an answer.</summary>
    public const int LongestFrame = FullFrame + LongestAnswer + 64;

    /// <summary>The longest answer: a datagram with its sender, with room to spare.</summary>
    public const int LongestAnswer = 1 << 17;

    /// <summary>Answers from one place to the next at most: a replay looks so far ahead.</summary>
    public const int MostAnswers = 1 << 18;

    /// <summary>Bytes of a checkpoint's digest.</summary>
    public const int DigestLength = 8;

    /// <summary>Bytes of a state hash.</summary>
    public const int HashLength = 32;

    /// <summary>Of a life: the machine has console input.</summary>
    public const ulong HasConsole = 1;

    /// <summary>Of a life: the machine goes on from a snapshot.</summary>
    public const ulong IsResumed = 2;

    /// <summary>Added to the kind of an answer: its tag.</summary>
    public const byte AnswerTag = 0x20;

    /// <summary>Added to the kind of an answer during a visit: its tag.</summary>
    public const byte VisitAnswerTag = 0x40;

    /// <summary>What a recording begins with: a byte that no text has, a name, and line ends that a transfer as text would spoil.</summary>
    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'E', (byte)'M', (byte)'U', (byte)'R', (byte)'\r', (byte)'\n', 0x1A];

    /// <summary>CRC-32C.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        foreach (var value in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>A frame's length with its check: a wrong length is not taken for a recording that ends early.</summary>
    public static uint CheckedLength(int length)
    {
        var value = (uint)length;
        return value | ((((value * 0x9E37_79B1) >> 24) ^ 0xA5) << 24);
    }
}
