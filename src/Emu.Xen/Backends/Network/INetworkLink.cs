namespace Emu.Xen.Backends.Network;

/// <summary>What a virtual interface is plugged into; the machine provides it.</summary>
public interface INetworkLink
{
    /// <summary>Takes a frame that the guest sends.</summary>
    /// <param name="frame">From the destination address to the end of the payload; a TCP segment may be longer than the MTU. May be changed.</param>
    /// <param name="hasBlankChecksum">True where the guest left the checksum of UDP or TCP to whoever needs it.</param>
    void Transmit(Span<byte> frame, bool hasBlankChecksum);

    /// <summary>Says that <see cref="NetworkBackend.TryReceive"/> may take frames again.</summary>
    void ReceiverReady();
}
