using System.Runtime.InteropServices;
using ICSharpCode.SharpZipLib.BZip2;

namespace Emu.Pvh.Compression;

/// <summary>bzip2, by SharpZipLib.</summary>
internal static class Bzip2Decoder
{
    private const int Step = 1 << 16;

    /// <summary>Unpacks the first stream; what follows it is ignored, as Linux appends the unpacked size.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="output">Where the bytes go.</param>
    public static void Decode(ReadOnlyMemory<byte> data, UnpackBuffer output)
    {
        using Stream input = MemoryMarshal.TryGetArray(data, out ArraySegment<byte> segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(data.ToArray(), writable: false);
        byte[] chunk = GC.AllocateUninitializedArray<byte>(Step);
        try
        {
            using BZip2InputStream bzip2 = new(input);
            int read;
            while ((read = bzip2.Read(chunk, 0, chunk.Length)) > 0)
                output.Append(chunk.AsSpan(0, read), (int)input.Position);
        }
        catch (Exception e) when (e is not KernelImageException and not OutOfMemoryException)
        {
            // The library answers damaged data with exceptions of its own and with IndexOutOfRangeException alike.
            throw new CorruptPayloadException("bzip2", "its data or checksum is wrong", e);
        }
    }
}
