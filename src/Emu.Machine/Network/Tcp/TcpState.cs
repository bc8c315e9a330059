namespace Emu.Machine.Network.Tcp;

/// <summary>The states of a connection (RFC 9293, 3.3.2); in the order in which a connection goes through them.</summary>
internal enum TcpState
{
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}
