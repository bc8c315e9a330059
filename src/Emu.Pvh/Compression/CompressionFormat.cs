namespace Emu.Pvh.Compression;

/// <summary>The compressions that Linux builds and Xen's tools use for kernels.</summary>
public enum CompressionFormat
{
    /// <summary>Not compressed.</summary>
    None,

    /// <summary>gzip (RFC 1952).</summary>
    Gzip,

    /// <summary>bzip2.</summary>
    Bzip2,

    /// <summary>xz with LZMA2 and the x86 filter.</summary>
    Xz,

    /// <summary>The legacy .lzma format.</summary>
    Lzma,

    /// <summary>LZ4, in the legacy framing that kernels use or in the frame format.</summary>
    Lz4,

    /// <summary>Zstandard (RFC 8878).</summary>
    Zstd,

    /// <summary>LZO1X in lzop's framing.</summary>
    Lzo,
}

/// <summary>What the formats are called.</summary>
public static class CompressionFormats
{
    /// <summary>The name that a user knows.</summary>
    /// <param name="format">A format.</param>
    /// <returns>For instance "xz".</returns>
    public static string Name(this CompressionFormat format) => format switch
    {
        CompressionFormat.None => "none",
        CompressionFormat.Gzip => "gzip",
        CompressionFormat.Bzip2 => "bzip2",
        CompressionFormat.Xz => "xz",
        CompressionFormat.Lzma => "lzma",
        CompressionFormat.Lz4 => "lz4",
        CompressionFormat.Zstd => "zstd",
        CompressionFormat.Lzo => "lzo",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "This is not a compression format."),
    };
}
