namespace Emu.Machine.Network;

/// <summary>What ports belong to.</summary>
public enum TransportProtocol
{
    /// <summary>Connections.</summary>
    Tcp,

    /// <summary>Datagrams.</summary>
    Udp,
}
