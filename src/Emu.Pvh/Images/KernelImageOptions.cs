using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>What the caller grants while a kernel image is read.</summary>
public sealed record KernelImageOptions
{
    /// <summary>The default of <see cref="MaximumSize"/>: 512 MiB, more than any kernel with debug information stripped.</summary>
    public const int DefaultMaximumSize = 512 << 20;

    /// <summary>
    /// How many bytes a compressed kernel may unpack to, at most 2^31 − 64 KiB. Memory grows with what is unpacked, never ahead of it.
    /// </summary>
    public int MaximumSize { get; init; } = DefaultMaximumSize;

    /// <summary>How large a file may be at most, in bytes: 1 GiB by default, enough for a vmlinux with debug information.</summary>
    public int MaximumFileSize { get; init; } = 1 << 30;

    /// <summary>Is told from time to time how far unpacking has come; called on the reading thread.</summary>
    public Action<UnpackProgress>? Progress { get; init; }
}

/// <summary>How far unpacking has come.</summary>
/// <param name="Format">The compression.</param>
/// <param name="BytesRead">Compressed bytes read so far.</param>
/// <param name="BytesTotal">Compressed bytes in all.</param>
/// <param name="BytesWritten">Unpacked bytes so far.</param>
public readonly record struct UnpackProgress(CompressionFormat Format, long BytesRead, long BytesTotal, long BytesWritten);
