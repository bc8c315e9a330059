using Emu.Machine.Network.Frames;
using Emu.Xen.Backends.Network;

namespace Emu.Machine.Network;

/// <summary>Plugs a Xen domain's virtual interface into a network.</summary>
internal sealed class XenNetworkLink : INetworkLink, IEthernetReceiver
{
    private readonly IEthernetPort _port;
    private NetworkBackend? _backend;

    public XenNetworkLink(IEthernetPort port) => _port = port;

    /// <summary>Names the interface, which needs this link to be made.</summary>
    public void Connect(NetworkBackend backend)
    {
        _backend = backend;
        _port.Connect(this);
    }

    public void Transmit(Span<byte> frame, bool hasBlankChecksum)
    {
        if (hasBlankChecksum)
            ChecksumOffload.Fill(frame);
        _port.Transmit(frame);
    }

    public void ReceiverReady() => _port.ReceiverReady();

    public bool TryReceive(ReadOnlySpan<byte> frame) => _backend?.TryReceive(frame) ?? true;
}
