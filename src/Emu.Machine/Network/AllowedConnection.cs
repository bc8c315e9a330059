using System.Globalization;

namespace Emu.Machine.Network;

/// <summary>A port outside that the guest may reach.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Host">The station, reached by its own address; null for this computer's loopback, which the guest reaches at the gateway.</param>
/// <param name="Port">The port, 1 to 65535, the same on both sides.</param>
public sealed record AllowedConnection(TransportProtocol Protocol, Ipv4Address? Host, ushort Port)
{
    /// <summary>Reads <c>tcp:PORT</c>, <c>tcp:ADDRESS:PORT</c> or either with <c>udp</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="connection">What it says.</param>
    /// <returns>False where it says nothing of the kind.</returns>
    public static bool TryParse(string? text, out AllowedConnection? connection)
    {
        connection = null;
        var parts = text?.Split(':') ?? [];
        if (parts.Length is not (2 or 3) || !PortText.TryProtocol(parts[0], out var protocol) || !PortText.TryPort(parts[^1], out var port))
            return false;
        Ipv4Address? host = null;
        if (parts.Length == 3)
        {
            if (!Ipv4Address.TryParse(parts[1], out var address) || !address.IsStation)
                return false;
            host = address;
        }

        connection = new AllowedConnection(protocol, host, port);
        return true;
    }
}

/// <summary>A port of the host that leads to one of the guest's.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="HostAddress">Where the host listens; 0.0.0.0 for all its addresses, 127.0.0.1 for itself alone.</param>
/// <param name="HostPort">The port there, 1 to 65535.</param>
/// <param name="GuestPort">The guest's port, 1 to 65535.</param>
public sealed record PortForward(TransportProtocol Protocol, Ipv4Address HostAddress, ushort HostPort, ushort GuestPort)
{
    /// <summary>Reads <c>tcp:HOSTPORT:GUESTPORT</c>, <c>tcp:HOSTADDRESS:HOSTPORT:GUESTPORT</c> or either with <c>udp</c>.</summary>
    /// <param name="text">The text. Without an address the host listens on its loopback only.</param>
    /// <param name="forward">What it says.</param>
    /// <returns>False where it says nothing of the kind.</returns>
    public static bool TryParse(string? text, out PortForward? forward)
    {
        forward = null;
        var parts = text?.Split(':') ?? [];
        if (parts.Length is not (3 or 4)
            || !PortText.TryProtocol(parts[0], out var protocol)
            || !PortText.TryPort(parts[^2], out var hostPort)
            || !PortText.TryPort(parts[^1], out var guestPort))
        {
            return false;
        }

        var address = Ipv4Address.Loopback;
        if (parts.Length == 4 && !Ipv4Address.TryParse(parts[1], out address))
            return false;
        forward = new PortForward(protocol, address, hostPort, guestPort);
        return true;
    }
}

internal static class PortText
{
    public static bool TryProtocol(string text, out TransportProtocol protocol)
    {
        protocol = text == "udp" ? TransportProtocol.Udp : TransportProtocol.Tcp;
        return text is "tcp" or "udp";
    }

    public static bool TryPort(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;
}
