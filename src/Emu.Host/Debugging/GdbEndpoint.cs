using System.Globalization;
using System.Net;

namespace Emu.Host.Debugging;

/// <summary>Where the server for gdb listens.</summary>
/// <param name="Address">The address of this computer; loopback where nothing was said.</param>
/// <param name="Port">The port; 0 lets the system choose one.</param>
public sealed record GdbEndpoint(IPAddress Address, int Port)
{
    private const string WritesDisksWord = ",write-disks";

    /// <summary>Whether what the guest writes to its disks goes into their images, over which there is no way back.</summary>
    public bool WritesDisks { get; init; }

    /// <summary>Reads <c>[HOST:]PORT[,write-disks]</c>, with an IPv6 address in brackets.</summary>
    /// <param name="option">The option's name, for refusals.</param>
    /// <param name="text">What was given.</param>
    /// <returns>The endpoint; null where nothing was given.</returns>
    /// <exception cref="UsageException">It cannot be understood.</exception>
    public static GdbEndpoint? Parse(string option, string? text)
    {
        if (text is null)
            return null;
        bool writesDisks = text.EndsWith(WritesDisksWord, StringComparison.Ordinal);
        if (writesDisks)
            text = text[..^WritesDisksWord.Length];
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            throw new UsageException($"{option} takes [HOST:]PORT, such as 1234 or 127.0.0.1:1234, not '{text}'.");
        IPAddress? address = host switch
        {
            "" or "localhost" => IPAddress.Loopback,
            "*" => IPAddress.Any,
            ['[', .. var inner, ']'] => IPAddress.TryParse(inner, out IPAddress? wide) ? wide : null,
            _ => IPAddress.TryParse(host, out IPAddress? narrow) ? narrow : null,
        };
        return address is null
            ? throw new UsageException($"{option} listens at an IP address of this computer, 'localhost', or '*' for all; '{host}' is none.")
            : new GdbEndpoint(address, port) { WritesDisks = writesDisks };
    }

    /// <inheritdoc/>
    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}
