using System.Buffers.Binary;
using Emu.Machine.Time;

namespace Emu.Machine.Network;

/// <summary>Writes frames with virtual time stamps to a file that Wireshark and tcpdump read: pcap with nanoseconds.</summary>
/// <remarks>
/// The file's header is magic 0xA1B23C4D, version 2.4, time zone 0, accuracy 0, greatest length, link type 1 (Ethernet); each frame has
/// seconds, nanoseconds, bytes kept and bytes there were. All little endian, so that equal runs make equal files on any host.
/// </remarks>
public sealed class PcapWriter : IDisposable
{
    private const uint NanosecondMagic = 0xA1B2_3C4D;
    private const uint LinkTypeEthernet = 1;
    private const int FileHeaderLength = 24;
    private const int RecordHeaderLength = 16;
    private const int GreatestLength = 262_144;

    private readonly Stream _stream;
    private readonly ulong _startSeconds;

    /// <summary>Begins a file.</summary>
    /// <param name="stream">Where it goes; closed with the writer.</param>
    /// <param name="start">The date at virtual time 0, from 1970 to 2106.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public PcapWriter(Stream stream, DateTimeOffset start)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _startSeconds = (ulong)Math.Clamp(start.ToUnixTimeSeconds(), 0, uint.MaxValue);
        Span<byte> header = stackalloc byte[FileHeaderLength];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, NanosecondMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], GreatestLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], LinkTypeEthernet);
        _stream.Write(header);
    }

    /// <summary>What went wrong on the host while writing: the file ends there, the run goes on. Null where nothing did.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>Adds a frame.</summary>
    /// <param name="time">Virtual time in nanoseconds since the start.</param>
    /// <param name="frame">The frame, without check sequence.</param>
    public void Write(ulong time, ReadOnlySpan<byte> frame)
    {
        if (Failure is not null)
            return;
        Span<byte> header = stackalloc byte[RecordHeaderLength];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)(_startSeconds + (time / VirtualClock.NanosecondsPerSecond)));
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)(time % VirtualClock.NanosecondsPerSecond));
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], (uint)frame.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)frame.Length);
        try
        {
            _stream.Write(header);
            _stream.Write(frame);
        }
        catch (IOException failure)
        {
            Failure = failure;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException failure)
        {
            Failure ??= failure;
        }
    }
}
