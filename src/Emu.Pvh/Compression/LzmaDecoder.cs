using System.Buffers.Binary;

namespace Emu.Pvh.Compression;

/// <summary>
/// The legacy .lzma format: properties u8, dictionary size u32, unpacked size u64 (all ones: an end marker follows), then one LZMA stream.
/// </summary>
internal static class LzmaDecoder
{
    private const int HeaderSize = 13;

    // Progress is told between steps.
    private const int Step = 1 << 20;

    /// <summary>Unpacks the stream; what follows it is ignored, as Linux appends the unpacked size.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlySpan<byte> data, UnpackBuffer output)
    {
        LzmaCore lzma = new();
        int position = HeaderSize;
        if (data.Length < HeaderSize || !lzma.SetProperties(data[0]) || !lzma.StartRangeCoder(data, ref position))
            throw Corrupt("its header is wrong");
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(data[5..]);
        bool hasMarker = size == ulong.MaxValue;
        int end = hasMarker ? int.MaxValue : (int)Math.Min(size, int.MaxValue);
        int at = 0;
        while (at < end)
        {
            output.Reserve(Math.Min(end - at, LzmaCore.MaximumMatch + 1));
            // Where the output cannot hold all of it yet, stop while the longest match still fits.
            int stop = Math.Min(end <= output.Bytes.Length ? end : output.Bytes.Length - LzmaCore.MaximumMatch, at + Step);
            LzmaCore.Outcome outcome = lzma.Decode(data, ref position, output.Bytes, 0, ref at, stop, end);
            output.Advance(at - output.Length, position);
            if (outcome == LzmaCore.Outcome.EndMarker && hasMarker)
                return;
            if (outcome != LzmaCore.Outcome.Stopped)
                throw Corrupt(outcome == LzmaCore.Outcome.InputExhausted ? "it ends too early" : "its data does not decode");
        }
    }

    private static CorruptPayloadException Corrupt(string detail) => new("lzma", detail);
}
