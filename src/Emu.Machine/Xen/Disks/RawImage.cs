using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Xen.Backends.Block;
using Microsoft.Win32.SafeHandles;

namespace Emu.Machine.Xen.Disks;

/// <summary>A disk's sectors in a file, one after the other, with nothing around them.</summary>
/// <remarks>
/// A write is handed to the host's kernel at once, so it survives the end of the emulator however that comes; a flush lets it survive
/// the host's, too. While it is open no other emulator can open the file, but for several that only read it.
/// </remarks>
public sealed class RawImage : IBlockImage
{
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly ImageDigest _digest;

    private RawImage(string path, SafeFileHandle file, ulong sectors, bool isReadOnly)
    {
        _path = path;
        _file = file;
        SectorCount = sectors;
        IsReadOnly = isReadOnly;
        _digest = new ImageDigest(this);
    }

    /// <inheritdoc/>
    public ulong SectorCount { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <summary>Opens an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isReadOnly">Whether it is only to be read.</param>
    /// <param name="isRaw">Whether the user has said that it is raw; otherwise one that begins as other formats do is taken for one of them.</param>
    /// <returns>It.</returns>
    /// <exception cref="MachineConfigurationException">
    /// It cannot be opened, is in use, is no regular file or in another format, or is no whole number of sectors long.
    /// </exception>
    public static RawImage Open(string path, bool isReadOnly, bool isRaw = false)
    {
        SafeFileHandle file;
        try
        {
            file = isReadOnly
                ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read)
                : File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = error switch
            {
                FileNotFoundException => "there is no such file.",
                DirectoryNotFoundException => "there is no such folder.",
                UnauthorizedAccessException => "permission is denied.",
                _ => error.Message,
            };
            throw new MachineConfigurationException(
                $"The disk image '{path}' cannot be opened {(isReadOnly ? "for reading" : "for writing")}: {reason}", error);
        }

        try
        {
            Span<byte> begin = stackalloc byte[8];
            begin = begin[..RandomAccess.Read(file, begin, 0)];
            if (!isRaw && FormatOf(begin) is { } format)
            {
                throw new MachineConfigurationException(
                    $"The disk image '{path}' looks like one in the format {format}, which is not read: " +
                    "'qemu-img convert -O raw' makes one that is, and with the format raw ('FILE,raw') it is taken as it is.");
            }

            var length = RandomAccess.GetLength(file);
            // The host gives devices no length.
            if (length == 0 && (!begin.IsEmpty || Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal)))
                throw NoRegularFile(path, null);
            if (length == 0 || length % IBlockImage.SectorLength != 0)
            {
                throw new MachineConfigurationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The disk image '{path}' has {length} bytes, which is no whole number of sectors of {IBlockImage.SectorLength} bytes."));
            }

            return new RawImage(path, file, (ulong)length / IBlockImage.SectorLength, isReadOnly);
        }
        catch (Exception error)
        {
            file.Dispose();
            if (error is NotSupportedException)
                throw NoRegularFile(path, error);
            if (error is IOException or UnauthorizedAccessException)
                throw new MachineConfigurationException($"The disk image '{path}' cannot be read: {error.Message}", error);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(ulong sector, Span<byte> destination)
    {
        var offset = (long)sector * IBlockImage.SectorLength;
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(_file, destination, offset);
            if (count == 0)
                throw new EndOfStreamException($"'{_path}' has become shorter.");
            destination = destination[count..];
            offset += count;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong sector, ReadOnlySpan<byte> source)
    {
        // Whatever of it is written where the host fails in the middle.
        _digest.Forget(sector, source.Length);
        RandomAccess.Write(_file, source, (long)sector * IBlockImage.SectorLength);
    }

    /// <inheritdoc/>
    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <inheritdoc/>
    /// <exception cref="SnapshotException">
    /// The file cannot be read, or holds something else than it did; or the snapshot has what was written to the disk, which is to be in the file here.
    /// </exception>
    public void Transfer(StateStream stream)
    {
        TransferImage(stream);
        SnapshotImage.TransferNone(stream, _path);
    }

    /// <summary>Transfers a digest of the contents, which stay where they are.</summary>
    /// <inheritdoc/>
    /// <exception cref="SnapshotException">The file cannot be read, or holds something else than it did.</exception>
    public void TransferImage(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("disk image");
        var digest = Digest();
        byte[] expected = [.. digest];
        stream.Transfer(expected.AsSpan());
        if (!expected.AsSpan().SequenceEqual(digest))
            throw new SnapshotException($"The disk image '{_path}' does not hold what it held when the snapshot was taken.");
    }

    /// <summary>A digest of the contents: equal for equal contents. The first one reads the whole file, further ones what was written since.</summary>
    /// <returns>32 bytes.</returns>
    /// <exception cref="SnapshotException">The file cannot be read.</exception>
    public byte[] Digest()
    {
        try
        {
            return _digest.Compute();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SnapshotException($"The disk image '{_path}' cannot be read: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static string? FormatOf(ReadOnlySpan<byte> begin) =>
        begin.StartsWith((ReadOnlySpan<byte>)[(byte)'Q', (byte)'F', (byte)'I', 0xFB]) ? "qcow2"
        : begin.StartsWith("vhdxfile"u8) ? "vhdx"
        : begin.StartsWith("KDMV"u8) ? "vmdk"
        : begin.StartsWith("conectix"u8) ? "vhd"
        : null;

    private static MachineConfigurationException NoRegularFile(string path, Exception? cause) => new(
        $"The disk image '{path}' is no regular file; what a device holds can be copied into one, as with 'dd if={path} of=disk.img bs=1M'.",
        cause);
}
