using System.IO.Compression;
using System.Security.Cryptography;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Emu.Machine.Snapshots;

/// <summary>Pages that are compressed together, in a snapshot's file. Thread safe.</summary>
/// <param name="file">The file, which stays open as long as this is used.</param>
/// <param name="path">Its name, for refusals.</param>
/// <param name="offset">Where the chunk begins.</param>
/// <param name="length">Its bytes in the file.</param>
/// <param name="digest">Their SHA-256.</param>
/// <param name="pages">How many pages they become.</param>
internal sealed class PageChunk(SafeFileHandle file, string path, long offset, int length, byte[] digest, int pages)
{
    /// <summary>Pages in a chunk at most: 1 MiB.</summary>
    public const int MostPages = 256;

    // Who takes one page often takes the next one too.
    private readonly WeakReference<byte[]?> _last = new(null);

    /// <summary>How many pages it has.</summary>
    public int Pages => pages;

    /// <summary>A page of what <see cref="Decompress"/> returned.</summary>
    /// <param name="bytes">That.</param>
    /// <param name="index">Which page.</param>
    /// <returns>4096 bytes.</returns>
    public static ReadOnlySpan<byte> PageOf(byte[] bytes, int index) => bytes.AsSpan(index * PhysicalMemory.PageSize, PhysicalMemory.PageSize);

    /// <summary>Compresses bytes as a chunk has them.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>They, in the format of RFC 1951.</returns>
    public static byte[] Compress(ReadOnlySpan<byte> bytes)
    {
        using var to = new MemoryStream(bytes.Length / 4);
        using (var deflate = new DeflateStream(to, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write(bytes);
        return to.ToArray();
    }

    /// <summary>Reads the pages.</summary>
    /// <returns>Their bytes, one after the other.</returns>
    /// <exception cref="SnapshotException">The file cannot be read, or does not hold what it held.</exception>
    public byte[] Decompress()
    {
        lock (_last)
        {
            if (_last.TryGetTarget(out var known))
                return known;
            var bytes = Read(file, path, offset, length, digest, pages * PhysicalMemory.PageSize);
            _last.SetTarget(bytes);
            return bytes;
        }
    }

    /// <summary>Reads the pages, and remembers nothing of it.</summary>
    /// <param name="compressed">Room that is used; made larger where it is not enough.</param>
    /// <param name="plain">Room for <see cref="Pages"/>.</param>
    /// <exception cref="SnapshotException">The file cannot be read, or does not hold what it held.</exception>
    public void DecompressInto(ref byte[] compressed, byte[] plain)
    {
        if (compressed.Length < length)
            compressed = GC.AllocateUninitializedArray<byte>(length);
        ReadCompressed(file, path, offset, compressed.AsSpan(0, length), digest);
        Inflate(path, compressed, length, plain.AsSpan(0, pages * PhysicalMemory.PageSize));
    }

    /// <summary>Looks whether the file holds what it held.</summary>
    /// <exception cref="SnapshotException">It does not, or cannot be read.</exception>
    public void Check() => ReadCompressed(file, path, offset, new byte[length], digest);

    /// <summary>Reads compressed bytes and checks them.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its name, for refusals.</param>
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many there are in the file.</param>
    /// <param name="digest">Their SHA-256.</param>
    /// <param name="plainLength">How many they become.</param>
    /// <returns>What they become.</returns>
    /// <exception cref="SnapshotException">The file cannot be read, or does not hold what it held.</exception>
    public static byte[] Read(SafeFileHandle file, string path, long offset, int length, ReadOnlySpan<byte> digest, int plainLength)
    {
        var compressed = GC.AllocateUninitializedArray<byte>(length);
        ReadCompressed(file, path, offset, compressed, digest);
        var plain = GC.AllocateUninitializedArray<byte>(plainLength);
        Inflate(path, compressed, length, plain);
        return plain;
    }

    private static void Inflate(string path, byte[] compressed, int length, Span<byte> plain)
    {
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(compressed, 0, length), CompressionMode.Decompress);
            inflate.ReadExactly(plain);
            if (inflate.ReadByte() >= 0)
                throw new InvalidDataException();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new SnapshotException($"The snapshot '{path}' is damaged: what is compressed in it is too long or too short.", e);
        }
    }

    private static void ReadCompressed(SafeFileHandle file, string path, long offset, Span<byte> compressed, ReadOnlySpan<byte> digest)
    {
        try
        {
            for (var done = 0; done < compressed.Length;)
            {
                var count = RandomAccess.Read(file, compressed[done..], offset + done);
                if (count == 0)
                    throw new EndOfStreamException("it has become shorter.");
                done += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            throw new SnapshotException($"The snapshot '{path}' cannot be read: {e.Message}", e);
        }

        if (!SHA256.HashData(compressed).AsSpan().SequenceEqual(digest))
            throw new SnapshotException($"The snapshot '{path}' is damaged: its checksum is wrong.");
    }
}
