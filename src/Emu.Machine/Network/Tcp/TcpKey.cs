namespace Emu.Machine.Network.Tcp;

/// <summary>What names a connection, from the side of the station that the network plays.</summary>
internal readonly record struct TcpKey(Ipv4Address Local, ushort LocalPort, Ipv4Address Remote, ushort RemotePort);

/// <summary>Comparison of sequence numbers, which wrap (RFC 9293, 3.4).</summary>
internal static class SequenceNumber
{
    public static bool IsBefore(uint a, uint b) => (int)(a - b) < 0;

    public static bool IsAfter(uint a, uint b) => (int)(a - b) > 0;
}
