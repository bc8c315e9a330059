using System.Buffers.Binary;
using System.Numerics;
using Emu.Cpu.Memory;
using Emu.Xen.Domains;
using Emu.Xen.Grants;

namespace Emu.Xen.Backends.Block;

/// <summary>The back end's side of a ring of block requests and responses, of one page or several (xen/include/public/io/ring.h, blkif.h).</summary>
/// <remarks>
/// <code>
/// req_prod 0x00, req_event 0x04, rsp_prod 0x08, rsp_event 0x0C, entries 0x40
/// entry: 112 bytes (x86_64-abi) or 108 (x86_32-abi), across the ends of pages; as many as a power of two that fits
/// response: id u64@0, operation u8@8, status s16@10
/// </code>
/// Indices run freely. That of the front end is read once and checked; ours are kept here, whatever the front end writes over them.
/// </remarks>
internal sealed class BlockRing
{
    /// <summary>Bytes that hold a request of either width.</summary>
    public const int LongestEntry = 112;

    private const int ShortEntry = 108;
    private const int ResponseLength = 12;
    private const int RequestProducer = 0x00, RequestEvent = 0x04, ResponseProducer = 0x08, ResponseEvent = 0x0C, Entries = 0x40;

    private readonly IReadOnlyList<GrantMapping> _pages;
    private readonly int _entryLength;
    private uint _consumer;
    private uint _producer;
    private uint _pushed;

    /// <summary>Takes a ring over; a front end that was connected before goes on where it was.</summary>
    /// <param name="pages">Its pages, mapped for writing.</param>
    /// <param name="is64Bit">Whether its entries are those of x86_64-abi.</param>
    public BlockRing(IReadOnlyList<GrantMapping> pages, bool is64Bit)
    {
        _pages = pages;
        Is64Bit = is64Bit;
        _entryLength = is64Bit ? LongestEntry : ShortEntry;
        Length = (BitOperations.RoundUpToPowerOf2((uint)(((pages.Count * PhysicalMemory.PageSize) - Entries) / _entryLength) + 1)) / 2;
        _consumer = _producer = _pushed = Header.ReadUInt32(ResponseProducer);
    }

    /// <summary>Which layout its entries have.</summary>
    public bool Is64Bit { get; }

    /// <summary>How many entries it has.</summary>
    public uint Length { get; }

    private MappedBytes Header => _pages[0].Page;

    /// <summary>How many requests wait; null where the front end says more than it may have under way.</summary>
    public uint? CountRequests()
    {
        var waiting = Header.ReadUInt32(RequestProducer) - _consumer;
        return waiting <= Length - (_consumer - _producer) ? waiting : null;
    }

    /// <summary>Takes a copy of the next request; there is one.</summary>
    /// <param name="request"><see cref="LongestEntry"/> bytes.</param>
    public void TakeRequest(Span<byte> request)
    {
        request = request[.._entryLength];
        for (var position = PositionOf(_consumer++); !request.IsEmpty;)
        {
            var part = _pages[position / PhysicalMemory.PageSize].Page.Bytes[(position % PhysicalMemory.PageSize)..];
            part = part[..Math.Min(part.Length, request.Length)];
            part.CopyTo(request);
            request = request[part.Length..];
            position += part.Length;
        }
    }

    /// <summary>Writes the next response; the front end does not see it yet.</summary>
    /// <param name="id">The request's.</param>
    /// <param name="operation">What it asked for.</param>
    /// <param name="status">What became of it.</param>
    public void PutResponse(ulong id, byte operation, short status)
    {
        Span<byte> bytes = stackalloc byte[ResponseLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id);
        bytes[8] = operation;
        bytes[9] = 0;
        BinaryPrimitives.WriteInt16LittleEndian(bytes[10..], status);
        ReadOnlySpan<byte> rest = bytes;
        for (var position = PositionOf(_producer++); !rest.IsEmpty;)
        {
            var offset = position % PhysicalMemory.PageSize;
            var length = Math.Min(rest.Length, PhysicalMemory.PageSize - offset);
            rest[..length].CopyTo(_pages[position / PhysicalMemory.PageSize].Page.Writable(offset, length));
            rest = rest[length..];
            position += length;
        }
    }

    /// <summary>Shows the front end the responses.</summary>
    /// <returns>True where it wants to be told.</returns>
    public bool Push()
    {
        var old = _pushed;
        _pushed = _producer;
        Header.WriteUInt32(ResponseProducer, _pushed);
        return _pushed - Header.ReadUInt32(ResponseEvent) < _pushed - old;
    }

    /// <summary>Asks the front end to tell of the next request.</summary>
    public void ArmRequestEvent() => Header.WriteUInt32(RequestEvent, _consumer + 1);

    private int PositionOf(uint index) => Entries + ((int)(index & (Length - 1)) * _entryLength);
}
