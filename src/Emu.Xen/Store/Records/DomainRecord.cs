using System.Globalization;

namespace Emu.Xen.Store.Records;

/// <summary>
/// What <c>xl create</c> of Xen 4.17 puts into the store for a PVH domain before it runs (tools/libs/light: libxl__domain_make and
/// libxl__build_post), with the permissions that it gives: what belongs to the toolstack the guest may read (<c>n0 r1</c>), a few nodes
/// are its own (<c>n1</c>).
/// </summary>
public sealed record DomainRecord
{
    /// <summary>The domain's id; not 0.</summary>
    public uint Domain { get; init; } = 1;

    /// <summary>The domain's name.</summary>
    public string Name { get; init; } = "guest";

    /// <summary>The domain's UUID, the same that the hypervisor tells it. xl makes one at random where the configuration has none.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>The most memory that the domain may have, in KiB (<c>maxmem</c>).</summary>
    public ulong MaximumKib { get; init; }

    /// <summary>The memory that the domain is to have, in KiB: what its balloon aims at (<c>memory</c>).</summary>
    public ulong TargetKib { get; init; }

    /// <summary>How many vCPUs the domain has at most (<c>maxvcpus</c>).</summary>
    public int MaximumVcpus { get; init; } = 1;

    /// <summary>How many of them, from number 0 on, are to be online (<c>vcpus</c>), or null for all.</summary>
    public int? OnlineVcpus { get; init; }

    /// <summary>The domain's event channel to xenstored.</summary>
    public uint StorePort { get; init; } = 1;

    /// <summary>The guest frame of the page shared with xenstored.</summary>
    public ulong StoreFrame { get; init; }

    /// <summary>When the domain was started, in seconds since 1970, as its wall clock has it.</summary>
    public ulong StartTime { get; init; }

    /// <summary>Whether the guest owns its <c>device</c> directory (<c>xend_suspend_evtchn_compat</c>): not so by default.</summary>
    public bool GuestOwnsDevices { get; init; }

    /// <summary>The domain's directory.</summary>
    public string Path => StorePath.OfDomain(Domain);

    /// <summary>The directory that stays the same if the domain migrates.</summary>
    public string VmPath => "/vm/" + Uuid.ToString("D");

    /// <summary>The toolstack's own directory, which the guest cannot read.</summary>
    public string ToolstackPath => "/libxl/" + Number(Domain);

    /// <summary>Writes the record. The domain has been added to the store and is not introduced yet.</summary>
    /// <param name="control">The store.</param>
    public void WriteTo(ControlDomain control)
    {
        ArgumentNullException.ThrowIfNull(control);
        if (!control.Exists("/local/domain/0"))
        {
            control.Write("/local/domain/0/domid", "0");
            control.Write("/local/domain/0/name", "Domain-0");
        }

        WriteDirectories(control);
        WriteContents(control);
    }

    /// <summary>Removes what is the toolstack's and the back ends' of a domain that has ended.</summary>
    /// <param name="control">The store.</param>
    public void RemoveFrom(ControlDomain control)
    {
        ArgumentNullException.ThrowIfNull(control);
        foreach (var kind in control.List("/local/domain/0/backend"))
            control.Remove($"/local/domain/0/backend/{kind}/{Number(Domain)}");
        control.Remove(Path);
        control.Remove(VmPath);
        control.Remove(ToolstackPath);
    }

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static void MakeNode(ControlDomain control, string path, StorePermissions permissions)
    {
        control.MakeDirectory(path);
        control.SetPermissions(path, permissions);
    }

    private void WriteDirectories(ControlDomain control)
    {
        var readable = StorePermissions.Parse("n0", "r" + Number(Domain));
        var own = StorePermissions.Parse("n" + Number(Domain));
        var secret = StorePermissions.Parse("n0");

        MakeNode(control, Path, readable);
        MakeNode(control, VmPath, readable);
        MakeNode(control, ToolstackPath, secret);
        MakeNode(control, ToolstackPath + "/device", secret);
        control.Write(Path + "/vm", VmPath);
        control.Write(Path + "/name", Name);
        control.Write(VmPath + "/name", Name);

        foreach (var directory in (ReadOnlySpan<string>)["cpu", "memory"])
            MakeNode(control, $"{Path}/{directory}", readable);
        MakeNode(control, Path + "/device", GuestOwnsDevices ? own : readable);
        if (!GuestOwnsDevices)
            MakeNode(control, Path + "/device/suspend/event-channel", own);
        MakeNode(control, Path + "/control", readable);
        ReadOnlySpan<string> guestNodes =
        [
            "control/shutdown", "control/feature-poweroff", "control/feature-reboot", "control/feature-suspend", "control/sysrq",
            "data", "drivers", "feature", "attr", "error",
        ];
        foreach (var node in guestNodes)
            MakeNode(control, $"{Path}/{node}", own);
    }

    private void WriteContents(ControlDomain control)
    {
        control.Write(VmPath + "/uuid", Uuid.ToString("D"));
        control.Write(Path + "/control/platform-feature-multiprocessor-suspend", "1");
        control.Write(Path + "/control/platform-feature-xs_reset_watches", "1");
        control.Write(ToolstackPath + "/type", "pvh");

        control.Write(Path + "/memory/static-max", Number(MaximumKib));
        control.Write(Path + "/memory/target", Number(TargetKib));
        control.Write(Path + "/memory/videoram", "0");
        control.Write(Path + "/domid", Number(Domain));
        control.Write(Path + "/store/port", Number(StorePort));
        control.Write(Path + "/store/ring-ref", Number(StoreFrame));
        for (var vcpu = 0; vcpu < MaximumVcpus; vcpu++)
            control.Write($"{Path}/cpu/{vcpu}/availability", vcpu < (OnlineVcpus ?? MaximumVcpus) ? "online" : "offline");
        control.Write(VmPath + "/start_time", Number(StartTime) + ".00");
    }
}
