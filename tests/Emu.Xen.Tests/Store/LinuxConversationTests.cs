using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Xunit;

namespace Emu.Xen.Tests.Store;

/// <summary>What Linux 6.1 asks xenstored for as a PVH domU, in its order, over the record that xl writes.</summary>
public sealed class LinuxConversationTests
{
    private readonly XenStore _store = new();
    private readonly DomainRecord _domain = new()
    {
        Uuid = new Guid("12345678-9abc-def0-1234-56789abcdef0"),
        MaximumKib = 524288,
        TargetKib = 524288,
        MaximumVcpus = 2,
        StoreFrame = 0xFEFFC,
    };

    private readonly BlockDeviceRecord _disk = new();
    private readonly NetworkDeviceRecord _network = new();
    private readonly StoreGuest _guest;

    public LinuxConversationTests()
    {
        _store.AddDomain(1);
        _domain.WriteTo(Control);
        _disk.WriteTo(Control);
        _network.WriteTo(Control);
        new ConsoleRecord { Frame = 0xFEFFF }.WriteTo(Control);
        _guest = new StoreGuest(_store);
    }

    private ControlDomain Control => _store.Control;

    [Fact]
    public void The_boot_finds_what_it_asks_for()
    {
        Assert.Equal("1", _guest.Read("control/platform-feature-xs_reset_watches"));
        Assert.Equal("OK|", _guest.Ask(StoreMessageType.ResetWatches, "|"));

        foreach (var path in (string[])["memory/target", "control/shutdown", "control/sysrq"])
            Assert.Equal("OK|", _guest.Watch(path, "ffffffff81a0"));
        Assert.Equal(3, _guest.Events().Length);
        Assert.Equal("524288", _guest.Read("memory/target"));
        Assert.Equal("524288", _guest.Read("memory/static-max"));
        foreach (var feature in (string[])["poweroff", "reboot", "suspend"])
            Assert.Equal("OK|", _guest.Write("control/feature-" + feature, "1"));

        foreach (var node in (string[])["control/shutdown", "control/sysrq"])
        {
            var transaction = _guest.Start();
            Assert.Equal("", _guest.Read(node, transaction));
            Assert.Equal("OK|", _guest.End(transaction));
        }

        Assert.Equal("OK|", _guest.Watch("backend", "b"));
        Assert.Equal("ENOENT|", _guest.Directory("backend"));
        Assert.Equal("suspend|vbd|vif|", _guest.Directory("device"));
        Assert.Equal("event-channel|", _guest.Directory("device/suspend"));
        Assert.Equal("ENOENT|", _guest.Read("device/suspend/event-channel/state"));
        Assert.Equal("51712|", _guest.Directory("device/vbd"));
        Assert.Equal("1", _guest.Read("device/vbd/51712/state"));
        Assert.Equal("0|", _guest.Directory("device/vif"));
        Assert.Equal("1", _guest.Read("device/vif/0/state"));
        Assert.Equal("OK|", _guest.Watch("device", "d"));
        Assert.Equal("OK|", _guest.Watch("cpu", "c"));
        Assert.Equal("online", _guest.Read("cpu/0/availability"));
        Assert.Equal("online", _guest.Read("cpu/1/availability"));
    }

    [Fact]
    public void The_block_device_connects()
    {
        // The back end of the test: it answers state 3 with 4, and offers a disk.
        using var watch = Control.Watch(_disk.FrontendPath + "/state", path =>
        {
            if (!Control.TryRead(path, out var state) || state != "3")
                return;
            Control.Write(_disk.BackendPath + "/sectors", "2048");
            Control.Write(_disk.BackendPath + "/state", "4");
        });
        Control.Write(_disk.BackendPath + "/state", "2");

        const string Front = "device/vbd/51712";
        Assert.Equal("0", _guest.Read(Front + "/backend-id"));
        var back = _guest.Read(Front + "/backend");
        Assert.Equal("/local/domain/0/backend/vbd/1/51712", back);
        Assert.Equal("51712", _guest.Read(Front + "/virtual-device"));
        Assert.Equal("disk", _guest.Read(Front + "/device-type"));
        Assert.Equal("1", _guest.Read(Front + "/trusted"));
        Assert.StartsWith("frontend|params|script|frontend-id|online|", _guest.Directory(back), StringComparison.Ordinal);
        Assert.Equal("OK|", _guest.Watch(back + "/state", "s"));
        Assert.Equal([back + "/state|s|"], _guest.Events());
        Assert.Equal("2", _guest.Read(back + "/state"));
        Assert.Equal("ENOENT|", _guest.Read(back + "/max-ring-page-order"));

        var transaction = _guest.Start();
        _guest.Write(Front + "/ring-ref", "8", transaction);
        _guest.Write(Front + "/event-channel", "13", transaction);
        _guest.Write(Front + "/protocol", "x86_64-abi", transaction);
        _guest.Write(Front + "/feature-persistent", "1", transaction);
        Assert.Equal("OK|", _guest.End(transaction));
        transaction = _guest.Start();
        Assert.Equal("1", _guest.Read(Front + "/state", transaction));
        Assert.Equal("OK|", _guest.Write(Front + "/state", "3", transaction));
        Assert.Equal("OK|", _guest.End(transaction));

        Assert.Equal([back + "/state|s|"], _guest.Events());
        Assert.Equal("4", _guest.Read(back + "/state"));
        Assert.Equal("2048", _guest.Read(back + "/sectors"));
        Assert.True(Control.TryRead(_disk.FrontendPath + "/ring-ref", out var reference));
        Assert.Equal("8", reference);
    }

    [Fact]
    public void The_guest_cannot_change_what_is_the_toolstacks()
    {
        Assert.Equal("EACCES|", _guest.Write("memory/target", "1"));
        Assert.Equal("EACCES|", _guest.Write("name", "other"));
        Assert.Equal("EACCES|", _guest.Write("cpu/0/availability", "offline"));
        Assert.Equal("EACCES|", _guest.Write("new", ""));
        Assert.Equal("EACCES|", _guest.Remove("device/vbd"));
        Assert.Equal("EACCES|", _guest.Write("/local/domain/0/backend/vbd/1/51712/state", "6"));
        Assert.Equal("EACCES|", _guest.Directory("/local/domain/0/backend"));
        Assert.Equal("EACCES|", _guest.Read("/libxl/1/type"));
        Assert.Equal("EACCES|", _guest.Write("device/vif/0/mtu", "9000"));
        Assert.Equal("EACCES|", _guest.Write("console/ring-ref", "1"));
        foreach (var own in (string[])["data/x", "drivers/x", "feature/x", "attr/x", "error/x", "control/shutdown", "device/vif/0/x"])
            Assert.Equal("OK|", _guest.Write(own, "1"));
    }

    [Fact]
    public void A_shutdown_request_reaches_the_guest_and_is_acknowledged()
    {
        var acknowledged = false;
        _guest.Watch("control/shutdown", "t");
        _guest.Events();
        Control.Write(_domain.Path + "/control/shutdown", "poweroff");
        using var watch = Control.Watch(_domain.Path + "/control/shutdown", path =>
            acknowledged = Control.TryRead(path, out var value) && value.Length == 0);
        Assert.Equal(["control/shutdown|t|"], _guest.Events());
        var transaction = _guest.Start();
        Assert.Equal("poweroff", _guest.Read("control/shutdown", transaction));
        Assert.Equal("OK|", _guest.Write("control/shutdown", "", transaction));
        Assert.False(acknowledged);
        Assert.Equal("OK|", _guest.End(transaction));
        Assert.True(acknowledged);
    }
}
