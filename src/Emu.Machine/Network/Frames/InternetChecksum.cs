using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Emu.Machine.Network.Frames;

/// <summary>The checksum of IP, ICMP, UDP and TCP (RFC 1071): the complement of the one's complement sum of 16-bit words.</summary>
internal static class InternetChecksum
{
    /// <summary>Adds bytes to a sum that is not folded yet.</summary>
    /// <param name="sum">What was added before; an even number of bytes.</param>
    /// <param name="bytes">At most 64 KiB.</param>
    /// <returns>The sum.</returns>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes)
    {
        // 2^16 = 1 modulo 2^16 - 1: words of 32 bits may be added as they are, and 64 bits hold 2^32 of them.
        var words = MemoryMarshal.Cast<byte, uint>(bytes);
        ulong wide = 0;
        foreach (var word in words)
            wide += BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
        sum += wide;
        var rest = bytes[(words.Length * sizeof(uint))..];
        for (var i = 0; i < rest.Length; i++)
            sum += (uint)rest[i] << ((i & 1) == 0 ? 8 : 0);
        return sum;
    }

    /// <summary>The pseudo header of UDP and TCP (RFC 768, RFC 9293).</summary>
    /// <param name="source">Who sends.</param>
    /// <param name="destination">Who receives.</param>
    /// <param name="protocol">UDP or TCP.</param>
    /// <param name="length">Bytes of header and payload.</param>
    /// <returns>A sum to go on from.</returns>
    public static ulong PseudoHeader(Ipv4Address source, Ipv4Address destination, byte protocol, int length) =>
        (ulong)source.Value + destination.Value + protocol + (uint)length;

    /// <summary>Folds a sum to what stands in a header; over sound bytes that include their checksum it is 0.</summary>
    /// <param name="sum">The sum.</param>
    /// <returns>Its complement.</returns>
    public static ushort Fold(ulong sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>The checksum of bytes on their own.</summary>
    /// <param name="bytes">The bytes; the field of the checksum 0, or as received.</param>
    /// <returns>The checksum, or 0 for sound bytes with theirs.</returns>
    public static ushort Of(ReadOnlySpan<byte> bytes) => Fold(Add(0, bytes));
}
