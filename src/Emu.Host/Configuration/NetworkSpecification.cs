using Emu.Machine.Network;

namespace Emu.Host.Configuration;

/// <summary>A network card that the user asks for, and what becomes of its traffic.</summary>
/// <param name="Options">The network that it is in.</param>
/// <param name="CaptureFile">Where every frame is written as pcap; null for nowhere.</param>
public sealed record NetworkCard(NetworkOptions Options, string? CaptureFile);

/// <summary>
/// A network card as xl's configurations describe it (docs/man/xl-network-configuration.5.pod.in), and as <c>--net</c> does, which can open
/// ways to the host.
/// </summary>
internal static class NetworkSpecification
{
    /// <summary>The most cards of a guest: each has a network of its own, 10.0.2.0/24 and what follows.</summary>
    public const int MostCards = 8;

    /// <summary>What xl's cards can be told that has no effect here: whatever is the host's.</summary>
    private static readonly HashSet<string> Ineffective =
    [
        "bridge", "gatewaydev", "netdev", "model", "vifname", "script", "ip", "backend", "rate", "devid", "mtu", "vlan", "trusted", "untrusted",
        "forwarddev",
    ];

    /// <summary>Reads an element of xl's <c>vif</c>.</summary>
    /// <param name="text">The text, perhaps empty.</param>
    /// <param name="number">The card's number, from 0.</param>
    /// <param name="ignored">Gets the names of what has no effect.</param>
    /// <returns>The card.</returns>
    /// <exception cref="FormatException">It describes none; the message says why, without a full stop.</exception>
    public static NetworkCard ParseVif(string text, int number, List<string> ignored)
    {
        NetworkOptions options = Standard(number);
        foreach ((string name, string? value) in Parts(text))
        {
            if (name == "mac" && value is not null)
                options = options with { GuestMac = Mac(value) };
            else if (name == "type" && value is "vif" or "ioemu")
                continue;
            else if (name.StartsWith("colo_", StringComparison.Ordinal))
                ignored.Add("colo");
            else if (Ineffective.Contains(name))
                ignored.Add(name);
            else
                throw new FormatException($"'{name}' is nothing that a network card can be told");
        }

        return new NetworkCard(options, null);
    }

    /// <summary>Reads a value of <c>--net</c>: <c>user</c>, then <c>mac=</c>, <c>allow=</c>, <c>forward=</c>, <c>hostname=</c>, <c>pcap=</c> in any order.</summary>
    /// <param name="text">The text.</param>
    /// <param name="number">The card's number, from 0.</param>
    /// <returns>The card.</returns>
    /// <exception cref="FormatException">It describes none; the message says why, without a full stop.</exception>
    public static NetworkCard ParseOption(string text, int number)
    {
        NetworkOptions options = Standard(number);
        string? capture = null;
        foreach ((string name, string? value) in Parts(text))
        {
            switch (name)
            {
                case "user" when value is null:
                    break;
                case "mac" when value is not null:
                    options = options with { GuestMac = Mac(value) };
                    break;
                case "allow" when AllowedConnection.TryParse(value, out AllowedConnection? connection):
                    options = options with { Allowed = [.. options.Allowed, connection!] };
                    break;
                case "allow":
                    throw new FormatException($"allow takes tcp:PORT or tcp:ADDRESS:PORT, or udp, not '{value}'");
                case "forward" when PortForward.TryParse(value, out PortForward? forward):
                    options = options with { Forwards = [.. options.Forwards, forward!] };
                    break;
                case "forward":
                    throw new FormatException($"forward takes tcp:HOSTPORT:GUESTPORT or tcp:ADDRESS:HOSTPORT:GUESTPORT, or udp, not '{value}'");
                case "hostname" when IsHostName(value):
                    options = options with { HostName = value };
                    break;
                case "hostname":
                    throw new FormatException($"hostname takes letters, digits and hyphens, {NetworkOptions.LongestHostName} at most, not '{value}'");
                case "pcap" when value is { Length: > 0 }:
                    capture = value;
                    break;
                default:
                    throw new FormatException($"'{name}' is not known; user, mac=, allow=, forward=, hostname= and pcap= are");
            }
        }

        return new NetworkCard(options, capture);
    }

    /// <summary>Whether a text can be a station's name.</summary>
    /// <param name="text">The text.</param>
    /// <returns>True where it can.</returns>
    public static bool IsHostName(string? text) =>
        text is { Length: > 0 and <= NetworkOptions.LongestHostName } && text[0] != '-' && text.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private static NetworkOptions Standard(int number)
    {
        if (number >= MostCards)
            throw new FormatException($"{MostCards} network cards are the most that a guest can have");
        NetworkOptions standard = new();
        return standard with
        {
            Network = new Ipv4Address(standard.Network.Value + ((uint)number << 8)),
            GuestMac = new MacAddress(standard.GuestMac.Value + (uint)number),
        };
    }

    private static MacAddress Mac(string text) => MacAddress.TryParse(text, out MacAddress address) && !address.IsMulticast
        ? address
        : throw new FormatException($"mac takes the address of one station, such as 00:16:3e:12:34:56, not '{text}'");

    private static IEnumerable<(string Name, string? Value)> Parts(string text)
    {
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            yield return equals < 0 ? (part, null) : (part[..equals].TrimEnd(), part[(equals + 1)..].TrimStart());
        }
    }
}
