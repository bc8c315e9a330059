using System.Buffers.Binary;

namespace Emu.Xen.Backends.Block;

/// <summary>What a request asks for (BLKIF_OP_*, xen/include/public/io/blkif.h).</summary>
internal static class BlockOperation
{
    public const byte Read = 0, Write = 1, WriteBarrier = 2, FlushDiskCache = 3, Discard = 5, Indirect = 6;
}

/// <summary>What became of a request (BLKIF_RSP_*, xen/include/public/io/blkif.h).</summary>
internal static class BlockStatus
{
    public const short Okay = 0, Error = -1, NotSupported = -2;
}

/// <summary>A request as the front end has put it into the ring, or rather a copy of it: anything may be in it.</summary>
/// <remarks>
/// <code>
///                              x86_64-abi   x86_32-abi
/// operation u8                    0            0         all kinds
/// id u64                          8            4
/// sector_number u64              16           12
///
/// nr_segments u8                  1            1         read, write, write_barrier, flush
/// segments, 8 bytes each         24           20         gref u32, first_sect u8, last_sect u8
///
/// indirect_op u8                  1            1         indirect
/// nr_segments u16                 2            2
/// indirect_grefs, u32 each       28           24         of pages full of segments
/// </code>
/// </remarks>
internal readonly ref struct BlockRequest(ReadOnlySpan<byte> bytes, bool is64Bit)
{
    /// <summary>BLKIF_MAX_SEGMENTS_PER_REQUEST, where they stand in the request itself.</summary>
    public const int MaximumDirectSegments = 11;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly int _body = is64Bit ? 8 : 4;

    public byte Operation => _bytes[0];

    public byte DirectSegmentCount => _bytes[1];

    public byte IndirectOperation => _bytes[1];

    public ushort IndirectSegmentCount => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[2..]);

    public ulong Id => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_body..]);

    public ulong Sector => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[(_body + 8)..]);

    public ReadOnlySpan<byte> DirectSegments => _bytes.Slice(_body + 16, MaximumDirectSegments * BlockSegment.Length);

    /// <summary>The page with the first 512 segments of an indirect request.</summary>
    public uint FirstIndirectReference => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[(_body + 20)..]);
}

/// <summary>A part of a granted page: sectors to be read into it, or written from it.</summary>
/// <param name="Reference">The grant.</param>
/// <param name="First">The first sector, 0–7.</param>
/// <param name="Last">The last one, not before the first.</param>
internal readonly record struct BlockSegment(uint Reference, byte First, byte Last)
{
    public const int Length = 8;

    private const int PageSectors = 4096 / IBlockImage.SectorLength;

    public int Offset => First * IBlockImage.SectorLength;

    public int ByteCount => (Last - First + 1) * IBlockImage.SectorLength;

    /// <summary>Whether its sectors are in order and in a page.</summary>
    public bool IsValid => First <= Last && Last < PageSectors;

    public static BlockSegment Parse(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[4], bytes[5]);
}
