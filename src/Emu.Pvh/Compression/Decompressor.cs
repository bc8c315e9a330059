using Emu.Pvh.Compression.Zstd;

namespace Emu.Pvh.Compression;

/// <summary>Recognises and unpacks compressed kernels.</summary>
public static class Decompressor
{
    /// <summary>Recognises a compression by its first bytes.</summary>
    /// <param name="data">The data.</param>
    /// <returns>The compression, or <see cref="CompressionFormat.None"/>.</returns>
    public static CompressionFormat Detect(ReadOnlySpan<byte> data) => data switch
    {
        [0x1F, 0x8B, ..] => CompressionFormat.Gzip,
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] => CompressionFormat.Bzip2,
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => CompressionFormat.Xz,
        [0x02, 0x21, 0x4C, 0x18, ..] or [0x04, 0x22, 0x4D, 0x18, ..] => CompressionFormat.Lz4,
        [0x28, 0xB5, 0x2F, 0xFD, ..] => CompressionFormat.Zstd,
        [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A, ..] => CompressionFormat.Lzo,
        // .lzma has no magic; kernels and the tool write the properties byte 0x5D and a dictionary of at least 64 KiB.
        [0x5D, 0, 0, _, _, ..] => CompressionFormat.Lzma,
        _ => CompressionFormat.None,
    };

    /// <summary>Unpacks a compressed kernel.</summary>
    /// <param name="format">The compression, as <see cref="Detect"/> found it.</param>
    /// <param name="data">The compressed data; bytes behind its end are ignored where the format marks its end.</param>
    /// <param name="options">The limit and whom to tell of progress.</param>
    /// <returns>The unpacked bytes.</returns>
    /// <exception cref="KernelImageException">The data is damaged, too large, or uses something unsupported.</exception>
    public static ReadOnlyMemory<byte> Unpack(CompressionFormat format, ReadOnlyMemory<byte> data, KernelImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        UnpackBuffer output = new(format, data.Span, options);
        switch (format)
        {
            case CompressionFormat.Gzip:
                GzipDecoder.Decode(data.Span, output);
                break;
            case CompressionFormat.Xz:
                XzDecoder.Decode(data.Span, output);
                break;
            case CompressionFormat.Lzma:
                LzmaDecoder.Decode(data.Span, output);
                break;
            case CompressionFormat.Lz4:
                Lz4Decoder.Decode(data.Span, output);
                break;
            case CompressionFormat.Bzip2:
                Bzip2Decoder.Decode(data, output);
                break;
            case CompressionFormat.Zstd:
                ZstdDecoder.Decode(data.Span, output);
                break;
            case CompressionFormat.Lzo:
                LzoDecoder.Decode(data.Span, output);
                break;
            default:
                throw new UnsupportedCompressionException($"The kernel is {format.Name()}-compressed, which is not supported here.");
        }

        output.Complete();
        return output.Written;
    }
}
