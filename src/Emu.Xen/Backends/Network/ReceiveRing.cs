using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Xen.Grants;

namespace Emu.Xen.Backends.Network;

/// <summary>Puts frames into the pages that the guest has offered in the receive ring.</summary>
internal sealed class ReceiveRing : IStateful
{
    private readonly BackRing _ring;
    private readonly GrantTable _grants;

    public ReceiveRing(BackRing ring, GrantTable grants)
    {
        _ring = ring;
        _grants = grants;
    }

    /// <summary>Gives the guest a frame.</summary>
    /// <param name="frame">The frame; it fits into a page.</param>
    /// <param name="isTaken">False where the guest offers no page: it says when it does.</param>
    /// <param name="wantsEvent">True where the guest is to be told.</param>
    /// <returns>Null, or why the interface is to be switched off.</returns>
    public string? Put(ReadOnlySpan<byte> frame, out bool isTaken, out bool wantsEvent)
    {
        isTaken = true;
        wantsEvent = false;
        if (_ring.CountRequests(_ring.Length) is not { } offered)
            return "Impossible number of receive requests.";
        if (offered == 0)
        {
            isTaken = false;
            _ring.ArmRequestEvent();
            return null;
        }

        Span<byte> entry = stackalloc byte[Netif.RxEntryLength];
        _ring.TakeRequest(entry);
        var reference = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        var isWritten = _grants.CopyTo(reference, 0, frame) == GrantStatus.Okay;
        // The id stands where it stood.
        BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], 0);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[4..], isWritten ? Netif.RxDataValidated : (ushort)0);
        BinaryPrimitives.WriteInt16LittleEndian(entry[6..], isWritten ? (short)frame.Length : Netif.StatusError);
        _ring.PutResponse(entry);
        wantsEvent = _ring.Push();
        return null;
    }

    /// <summary>Asks the guest to say when it offers a page.</summary>
    public void ArmRequestEvent() => _ring.ArmRequestEvent();

    /// <inheritdoc/>
    public void Transfer(StateStream stream) => _ring.Transfer(stream);
}
