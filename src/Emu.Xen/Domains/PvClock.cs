using System.Buffers.Binary;

namespace Emu.Xen.Domains;

/// <summary>The PV clock: vcpu_time_info (xen/include/public/xen.h), 32 bytes.</summary>
/// <remarks>
/// <code>
/// nanoseconds = system_time + ((TSC - tsc_timestamp) &lt;&lt; tsc_shift) × tsc_to_system_mul >> 32
/// </code>
/// The time-stamp counter ticks once a nanosecond, on all vCPUs alike.
/// </remarks>
internal static class PvClock
{
    public const int Length = 32;

    /// <summary>0.5 in units of 2^-32; with a shift of one, one tick is one nanosecond.</summary>
    public const uint Multiplier = 0x8000_0000;

    public const byte Shift = 1;

    private const byte TscStable = 1;

    /// <summary>Writes the tuple; the version is odd meanwhile and then even.</summary>
    public static void Write(MappedBytes place, ulong timeStamp, ulong now)
    {
        var version = (place.ReadUInt32(0) + 1) | 1;
        place.WriteUInt32(0, version);
        Fill(place.Writable(0, Length)[4..], timeStamp, now);
        place.WriteUInt32(0, version + 1);
    }

    /// <summary>The tuple with an even version.</summary>
    public static void Write(Span<byte> bytes, uint version, ulong timeStamp, ulong now)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, version);
        Fill(bytes[4..], timeStamp, now);
    }

    private static void Fill(Span<byte> bytes, ulong timeStamp, ulong now)
    {
        bytes[..(Length - 4)].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[4..], timeStamp);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[12..], now);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], Multiplier);
        bytes[24] = Shift;
        bytes[25] = TscStable;
    }
}
