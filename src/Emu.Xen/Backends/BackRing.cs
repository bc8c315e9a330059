using System.Numerics;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;

namespace Emu.Xen.Backends;

/// <summary>The back end's side of a ring of requests and responses in a shared page, or in several (xen/include/public/io/ring.h).</summary>
/// <remarks>
/// <code>
/// req_prod 0x00, req_event 0x04, rsp_prod 0x08, rsp_event 0x0C, entries 0x40
/// </code>
/// Entries go across the ends of pages; there are as many as a power of two that fits. Indices run freely. Those of the guest are read once
/// and checked; ours are kept here, whatever the guest writes over them.
/// </remarks>
internal sealed class BackRing : IStateful
{
    private const int RequestProducer = 0x00, RequestEvent = 0x04, ResponseProducer = 0x08, ResponseEvent = 0x0C, Entries = 0x40;

    private readonly IReadOnlyList<MappedBytes> _pages;
    private readonly int _entryLength;
    private uint _requestConsumer;
    private uint _responseProducer;
    private uint _pushed;

    /// <summary>Takes a ring over; a front end that was connected before goes on where it was.</summary>
    /// <param name="pages">Its pages, one at least, mapped for writing.</param>
    /// <param name="entryLength">Bytes of the larger of request and response.</param>
    public BackRing(IReadOnlyList<MappedBytes> pages, int entryLength)
    {
        _pages = pages;
        _entryLength = entryLength;
        Length = BitOperations.RoundUpToPowerOf2((uint)(((pages.Count * PhysicalMemory.PageSize) - Entries) / entryLength) + 1) / 2;
        _requestConsumer = _responseProducer = _pushed = Header.ReadUInt32(ResponseProducer);
    }

    /// <summary>How many entries it has.</summary>
    public uint Length { get; }

    /// <summary>How many requests were taken that have no response yet.</summary>
    public uint Unanswered => _requestConsumer - _responseProducer;

    private MappedBytes Header => _pages[0];

    /// <summary>Takes a ring of one page over; null where its indices are impossible.</summary>
    /// <param name="page">The page.</param>
    /// <param name="entryLength">Bytes of the larger of request and response.</param>
    public static BackRing? TryAttach(MappedBytes page, int entryLength)
    {
        BackRing ring = new([page], entryLength);
        return ring.CountRequests(ring.Length) is null ? null : ring;
    }

    /// <summary>How many requests wait; null where the guest says more than there may be.</summary>
    /// <param name="most">How many there may be.</param>
    public uint? CountRequests(uint most)
    {
        var count = Header.ReadUInt32(RequestProducer) - _requestConsumer;
        return count <= most ? count : null;
    }

    /// <summary>Takes a copy of the next request; there is one.</summary>
    public void TakeRequest(Span<byte> request)
    {
        for (var position = PositionOf(_requestConsumer++); !request.IsEmpty;)
        {
            var part = _pages[position / PhysicalMemory.PageSize].Bytes[(position % PhysicalMemory.PageSize)..];
            part = part[..Math.Min(part.Length, request.Length)];
            part.CopyTo(request);
            request = request[part.Length..];
            position += part.Length;
        }
    }

    /// <summary>Asks the guest to say when the next request is there.</summary>
    public void ArmRequestEvent() => Header.WriteUInt32(RequestEvent, _requestConsumer + 1);

    /// <summary>Writes the next response; the guest does not see it yet.</summary>
    public void PutResponse(ReadOnlySpan<byte> response)
    {
        for (var position = PositionOf(_responseProducer++); !response.IsEmpty;)
        {
            var offset = position % PhysicalMemory.PageSize;
            var length = Math.Min(response.Length, PhysicalMemory.PageSize - offset);
            response[..length].CopyTo(_pages[position / PhysicalMemory.PageSize].Writable(offset, length));
            response = response[length..];
            position += length;
        }
    }

    /// <summary>Shows the guest what was written.</summary>
    /// <returns>True where it wants to be told.</returns>
    public bool Push()
    {
        if (_pushed == _responseProducer)
            return false;
        var old = _pushed;
        _pushed = _responseProducer;
        Header.WriteUInt32(ResponseProducer, _pushed);
        return _pushed - Header.ReadUInt32(ResponseEvent) < _pushed - old;
    }

    /// <summary>Transfers where it stands: the ring itself is the guest's memory.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _requestConsumer);
        stream.Transfer(ref _responseProducer);
        stream.Transfer(ref _pushed);
        stream.Require(Unanswered <= Length, "more requests are unanswered than there can be");
    }

    private int PositionOf(uint index) => Entries + ((int)(index & (Length - 1)) * _entryLength);
}
