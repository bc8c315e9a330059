using System.Globalization;

namespace Emu.Xen.Store.Records;

/// <summary>
/// What xl puts into the store for a console (tools/libs/light/libxl_console.c, libxl__device_console_add). Number 0 is special: it has
/// its ring and port from the domain's builder, stands in the domain's own directory, and belongs to the toolstack.
/// </summary>
public sealed record ConsoleRecord : DeviceRecord
{
    private const string Protocol = "vt100";

    /// <summary>The console's number; 0 is the one whose ring the domain has from the beginning.</summary>
    public uint Index { get; init; }

    /// <summary>The domain's event channel to the console's back end; of console 0 only.</summary>
    public uint Port { get; init; } = 2;

    /// <summary>The guest frame of the console's ring; of console 0 only.</summary>
    public ulong Frame { get; init; }

    /// <summary>The terminal that dom0 is said to show console 0 on.</summary>
    public string Terminal { get; init; } = "/dev/pts/1";

    /// <inheritdoc/>
    public override uint Id => Index;

    /// <inheritdoc/>
    public override string Kind => "console";

    /// <inheritdoc/>
    public override string FrontendPath => Index == 0 ? StorePath.OfDomain(Domain) + "/console" : base.FrontendPath;

    private protected override StorePermissions FrontendPermissions => Index == 0 ? GuestReads : GuestsOwn;

    private protected override IEnumerable<(string Name, string Value)> OwnedByGuest()
    {
        yield return ("backend-id", "0");
        if (Index == 0)
            yield break;
        yield return ("state", Initialising);
        yield return ("protocol", Protocol);
    }

    private protected override IEnumerable<(string Name, string Value)> ReadByGuest()
    {
        yield return ("limit", "1048576");
        yield return ("type", Index == 0 ? "xenconsoled" : "ioemu");
        yield return ("output", "pty");
        yield return ("tty", Index == 0 ? Terminal : "");
        if (Index != 0)
            yield break;
        yield return ("port", Number(Port));
        yield return ("ring-ref", Frame.ToString(CultureInfo.InvariantCulture));
    }

    private protected override IEnumerable<(string Name, string Value)> OfBackend() =>
    [
        ("frontend-id", Number(Domain)),
        ("online", "1"),
        ("state", Initialising),
        ("protocol", Protocol),
    ];
}
