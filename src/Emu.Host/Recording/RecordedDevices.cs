using System.Text.Json;
using Emu.Machine;
using Emu.Machine.Network;

namespace Emu.Host.Recording;

/// <summary>A disk, whose image is named by what was in it when the run began.</summary>
internal sealed record RecordedDisk(RecordedFile Image, string Device, bool IsReadOnly, bool IsSnapshot, bool IsRaw, bool IsCdrom)
{
    public static RecordedDisk Of(DiskOptions disk, string option) =>
        new(RecordedFile.Of(disk.Path, "disk image", option), disk.Device, disk.IsReadOnly, disk.IsSnapshot, disk.IsRaw, disk.IsCdrom);

    public DiskOptions ToOptions(RecordedFiles files) => ToOptions(files.Find(Image, "disk image", mayHaveChanged: !IsReadOnly && !IsSnapshot));

    /// <summary>The disk where it was; what is on it has to be looked at by other means.</summary>
    public DiskOptions ToOptions() => ToOptions(Image.Path);

    private DiskOptions ToOptions(string path) => new()
    {
        Path = path,
        Device = Device,
        IsReadOnly = IsReadOnly,
        IsSnapshot = IsSnapshot,
        IsRaw = IsRaw,
        IsCdrom = IsCdrom,
    };
}

/// <summary>A network card, in the words of the command line.</summary>
internal sealed record RecordedNetworkCard
{
    public required string Network { get; init; }

    public required string Mac { get; init; }

    public string? HostName { get; init; }

    public required uint LeaseSeconds { get; init; }

    public required ulong Latency { get; init; }

    public IReadOnlyList<string> Allowed { get; init; } = [];

    public IReadOnlyList<string> Forwards { get; init; } = [];

    public static RecordedNetworkCard Of(NetworkOptions options) => new()
    {
        Network = options.Network.ToString(),
        Mac = options.GuestMac.ToString(),
        HostName = options.HostName,
        LeaseSeconds = options.LeaseSeconds,
        Latency = options.Latency,
        Allowed = [.. options.Allowed.Select(static allowed => $"{Name(allowed.Protocol)}:{(allowed.Host is { } host ? $"{host}:" : "")}{allowed.Port}")],
        Forwards = [.. options.Forwards.Select(static forward => $"{Name(forward.Protocol)}:{forward.HostAddress}:{forward.HostPort}:{forward.GuestPort}")],
    };

    public NetworkOptions ToOptions() => new()
    {
        Network = Ipv4Address.TryParse(Network, out Ipv4Address network) ? network : throw Impossible(Network),
        GuestMac = MacAddress.TryParse(Mac, out MacAddress mac) ? mac : throw Impossible(Mac),
        HostName = HostName,
        LeaseSeconds = LeaseSeconds,
        Latency = Latency,
        Allowed = [.. Allowed.Select(static text => AllowedConnection.TryParse(text, out AllowedConnection? allowed) ? allowed! : throw Impossible(text))],
        Forwards = [.. Forwards.Select(static text => PortForward.TryParse(text, out PortForward? forward) ? forward! : throw Impossible(text))],
    };

    private static string Name(TransportProtocol protocol) => protocol == TransportProtocol.Tcp ? "tcp" : "udp";

    private static JsonException Impossible(string text) => new($"'{text}' is nothing that a network card can have");
}
