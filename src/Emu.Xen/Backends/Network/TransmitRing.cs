using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Xen.Grants;

namespace Emu.Xen.Backends.Network;

/// <summary>Takes the guest's packets out of the transmit ring, as Linux's netback does.</summary>
/// <remarks>
/// A packet is one request with the packet's size, extra information where that says so, and further requests with sizes of their own; the first
/// one's share is what they leave. What no sane front end does ends the interface; what is only wrong is answered with an error.
/// </remarks>
internal sealed class TransmitRing : IStateful
{
    private const int PageSize = 4096;
    private const int EthernetHeaderLength = 14;

    private readonly BackRing _ring;
    private readonly GrantTable _grants;
    private readonly INetworkLink _link;
    private readonly TransmitRequest[] _slots = new TransmitRequest[Netif.FatalSlots];
    private readonly byte[] _packet = new byte[ushort.MaxValue];
    private int _slotCount;
    private int _extraCount;

    public TransmitRing(BackRing ring, GrantTable grants, INetworkLink link)
    {
        _ring = ring;
        _grants = grants;
        _link = link;
    }

    /// <summary>Takes all packets.</summary>
    /// <param name="wantsEvent">True where the guest is to be told.</param>
    /// <returns>Null, or why the interface is to be switched off.</returns>
    public string? Process(out bool wantsEvent)
    {
        wantsEvent = false;
        if (_ring.CountRequests(_ring.Length) is not { } waiting)
            return "Impossible number of requests.";
        while (waiting != 0)
        {
            if (TakePacket(ref waiting, out var status) is { } failure)
                return failure;
            Respond(status);
        }

        _ring.ArmRequestEvent();
        wantsEvent = _ring.Push();
        return null;
    }

    /// <summary>Transfers where the ring stands: between two calls no packet is under way.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream) => _ring.Transfer(stream);

    private string? TakePacket(ref uint waiting, out short status)
    {
        status = Netif.StatusError;
        _slots[0] = Take(ref waiting);
        _slotCount = 1;
        _extraCount = 0;
        if ((_slots[0].Flags & Netif.TxExtraInfo) != 0 && TakeExtras(ref waiting) is { } extraFailure)
            return extraFailure;
        if (TakeSlots(ref waiting, out var isSound) is { } slotFailure)
            return slotFailure;
        ref var first = ref _slots[0];
        if (!isSound || first.Size < EthernetHeaderLength)
            return null;
        if (first.Offset + first.Size > PageSize)
            return "Cross page boundary.";
        status = Deliver();
        return null;
    }

    private TransmitRequest Take(ref uint waiting)
    {
        Span<byte> bytes = stackalloc byte[Netif.TxEntryLength];
        _ring.TakeRequest(bytes);
        waiting--;
        return TransmitRequest.Read(bytes);
    }

    private string? TakeExtras(ref uint waiting)
    {
        Span<byte> extra = stackalloc byte[Netif.ExtraLength];
        do
        {
            if (waiting == 0)
                return "Missing extra info.";
            _ring.TakeRequest(extra);
            waiting--;
            _extraCount++;
            var type = extra[0];
            if (type is 0 or >= Netif.ExtraTypes)
                return $"Invalid extra type {type}.";
            if (type == Netif.ExtraGso && CheckSegmentation(extra) is { } failure)
                return failure;
        }
        while ((extra[1] & Netif.ExtraMore) != 0);
        return null;
    }

    /// <summary>Segments are taken whole, so where they would be cut does not matter; but it has to be said.</summary>
    private static string? CheckSegmentation(ReadOnlySpan<byte> extra)
    {
        var type = extra[4];
        if (type is not (Netif.GsoNone or Netif.GsoTcpV4))
            return $"Bad GSO type {type}.";
        return BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]) == 0 ? "GSO size must not be zero." : null;
    }

    private string? TakeSlots(ref uint waiting, out bool isSound)
    {
        isSound = true;
        var flags = _slots[0].Flags;
        while ((flags & Netif.TxMoreData) != 0)
        {
            if (waiting == 0)
                return $"Asked for {_slotCount} slots but exceeds this limit.";
            if (_slotCount == Netif.FatalSlots)
                return $"Malicious frontend using {_slotCount} slots.";
            var slot = Take(ref waiting);
            _slots[_slotCount++] = slot;
            if (_slotCount > Netif.MostSlots || slot.Size > _slots[0].Size)
                isSound = false;
            else
                _slots[0].Size -= slot.Size;
            if (slot.Offset + slot.Size > PageSize)
                return "Cross page boundary.";
            flags = slot.Flags;
        }

        return null;
    }

    private short Deliver()
    {
        var length = 0;
        for (var i = 0; i < _slotCount; i++)
        {
            ref var slot = ref _slots[i];
            if (slot.Size != 0 && _grants.CopyFrom(slot.Reference, slot.Offset, _packet.AsSpan(length, slot.Size)) != GrantStatus.Okay)
                return Netif.StatusError;
            length += slot.Size;
        }

        _link.Transmit(_packet.AsSpan(0, length), (_slots[0].Flags & Netif.TxChecksumBlank) != 0);
        return Netif.StatusOkay;
    }

    /// <summary>The first request's response comes before those of its extra information, then come the further requests'.</summary>
    private void Respond(short status)
    {
        for (var i = 0; i < _slotCount; i++)
        {
            PutResponse(_slots[i].Id, status);
            for (var extra = 0; i == 0 && extra < _extraCount; extra++)
                PutResponse(0, Netif.StatusNull);
        }
    }

    private void PutResponse(ushort id, short status)
    {
        Span<byte> response = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(response, id);
        BinaryPrimitives.WriteInt16LittleEndian(response[2..], status);
        _ring.PutResponse(response);
    }
}
