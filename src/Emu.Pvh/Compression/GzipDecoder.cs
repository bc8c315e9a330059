using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Emu.Pvh.Compression;

/// <summary>gzip, by the runtime's own decoder, which checks CRC-32 and length.</summary>
internal static class GzipDecoder
{
    private const int Step = 1 << 18;

    /// <summary>Unpacks all members of a gzip file.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlyMemory<byte> data, UnpackBuffer output)
    {
        using Stream input = MemoryMarshal.TryGetArray(data, out ArraySegment<byte> segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(data.ToArray(), writable: false);
        using GZipStream gzip = new(input, CompressionMode.Decompress);
        byte[] chunk = GC.AllocateUninitializedArray<byte>(Step);
        try
        {
            int read;
            while ((read = gzip.Read(chunk)) > 0)
                output.Append(chunk.AsSpan(0, read), (int)input.Position);
        }
        catch (InvalidDataException e)
        {
            throw new CorruptPayloadException("gzip", "its data or checksum is wrong", e);
        }
    }
}
