using System.Buffers.Binary;
using System.Numerics;
using Emu.Xen.Domains;

namespace Emu.Xen.Backends.Network;

/// <summary>The back end's side of a ring of requests and responses in a shared page (xen/include/public/io/ring.h).</summary>
/// <remarks>
/// <code>
/// req_prod 0x00, req_event 0x04, rsp_prod 0x08, rsp_event 0x0C, entries 0x40
/// </code>
/// Indices run freely. Those of the guest are read once and checked; ours are kept here, whatever the guest writes over them.
/// </remarks>
internal sealed class BackRing
{
    private const int RequestProducer = 0x00, RequestEvent = 0x04, ResponseProducer = 0x08, ResponseEvent = 0x0C, Entries = 0x40;
    private const int PageSize = 4096;

    private readonly MappedBytes _page;
    private readonly int _entryLength;
    private uint _requestConsumer;
    private uint _responseProducer;
    private uint _pushed;

    private BackRing(MappedBytes page, int entryLength)
    {
        _page = page;
        _entryLength = entryLength;
        Length = (uint)BitOperations.RoundUpToPowerOf2((uint)((PageSize - Entries) / entryLength) + 1) / 2;
        // A front end that was connected before goes on where it was.
        _requestConsumer = _responseProducer = _pushed = page.ReadUInt32(ResponseProducer);
    }

    /// <summary>How many entries it has.</summary>
    public uint Length { get; }

    /// <summary>Takes a ring over; null where its indices are impossible.</summary>
    /// <param name="page">The page.</param>
    /// <param name="entryLength">Bytes of the larger of request and response.</param>
    public static BackRing? TryAttach(MappedBytes page, int entryLength)
    {
        BackRing ring = new(page, entryLength);
        return ring.CountRequests() is null ? null : ring;
    }

    /// <summary>How many requests wait; null where the guest says more than the ring has.</summary>
    public uint? CountRequests()
    {
        var count = _page.ReadUInt32(RequestProducer) - _requestConsumer;
        return count <= Length ? count : null;
    }

    /// <summary>Takes a copy of the next request; there is one.</summary>
    public void TakeRequest(Span<byte> request) =>
        _page.Bytes.Slice(Offset(_requestConsumer++), request.Length).CopyTo(request);

    /// <summary>Asks the guest to say when the next request is there.</summary>
    public void ArmRequestEvent() => _page.WriteUInt32(RequestEvent, _requestConsumer + 1);

    /// <summary>Writes the next response; the guest does not see it yet.</summary>
    public void PutResponse(ReadOnlySpan<byte> response) =>
        response.CopyTo(_page.Writable(Offset(_responseProducer++), response.Length));

    /// <summary>Shows the guest what was written.</summary>
    /// <returns>True where it wants to be told.</returns>
    public bool Push()
    {
        if (_pushed == _responseProducer)
            return false;
        var old = _pushed;
        _pushed = _responseProducer;
        _page.WriteUInt32(ResponseProducer, _pushed);
        return _pushed - _page.ReadUInt32(ResponseEvent) < _pushed - old;
    }

    private int Offset(uint index) => Entries + ((int)(index & (Length - 1)) * _entryLength);
}
