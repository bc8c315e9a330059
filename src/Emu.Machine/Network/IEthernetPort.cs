namespace Emu.Machine.Network;

/// <summary>What the guest's network card is plugged into.</summary>
public interface IEthernetPort
{
    /// <summary>Plugs a card in, in the place of the one before.</summary>
    /// <param name="receiver">The card.</param>
    void Connect(IEthernetReceiver receiver);

    /// <summary>Takes a frame that the guest sends.</summary>
    /// <param name="frame">
    /// From the destination address to the end of the payload, without preamble and check sequence. TCP segments may be longer than
    /// the MTU (what a card with segmentation offload would cut), up to <see cref="EthernetLink.LongestFromGuest"/> bytes in all; what
    /// is longer or no frame at all is dropped and counted.
    /// </param>
    void Transmit(ReadOnlySpan<byte> frame);

    /// <summary>Says that the card has room again after it refused a frame.</summary>
    void ReceiverReady();
}

/// <summary>The guest's network card, as the network sees it.</summary>
public interface IEthernetReceiver
{
    /// <summary>Takes a frame for the guest, padded to 60 bytes where it is shorter.</summary>
    /// <param name="frame">From the destination address to the end of the payload; at most <see cref="EthernetLink.LongestToGuest"/> bytes.</param>
    /// <returns>
    /// False where there is no room: the frame waits, with others behind it, for <see cref="IEthernetPort.ReceiverReady"/>. A card that is
    /// switched off takes frames and forgets them.
    /// </returns>
    bool TryReceive(ReadOnlySpan<byte> frame);
}
