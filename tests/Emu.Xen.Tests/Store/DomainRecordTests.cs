using System.Text;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Xunit;

namespace Emu.Xen.Tests.Store;

public sealed class DomainRecordTests
{
    private readonly XenStore _store = new();

    public DomainRecordTests() => _store.AddDomain(1);

    [Fact]
    public void A_domain_has_what_xl_writes_with_xls_permissions()
    {
        new DomainRecord
        {
            Name = "test",
            Uuid = new Guid("12345678-9abc-def0-1234-56789abcdef0"),
            MaximumKib = 1048576,
            TargetKib = 524288,
            MaximumVcpus = 2,
            OnlineVcpus = 1,
            StoreFrame = 0xFEFFC,
            StartTime = 1700000000,
        }.WriteTo(_store.Control);

        Assert.Equal(
            """
            /local/domain/1 = "" (n0 r1)
            /local/domain/1/vm = "/vm/12345678-9abc-def0-1234-56789abcdef0" (n0 r1)
            /local/domain/1/name = "test" (n0 r1)
            /local/domain/1/cpu = "" (n0 r1)
            /local/domain/1/cpu/0 = "" (n0 r1)
            /local/domain/1/cpu/0/availability = "online" (n0 r1)
            /local/domain/1/cpu/1 = "" (n0 r1)
            /local/domain/1/cpu/1/availability = "offline" (n0 r1)
            /local/domain/1/memory = "" (n0 r1)
            /local/domain/1/memory/static-max = "1048576" (n0 r1)
            /local/domain/1/memory/target = "524288" (n0 r1)
            /local/domain/1/memory/videoram = "0" (n0 r1)
            /local/domain/1/device = "" (n0 r1)
            /local/domain/1/device/suspend = "" (n0 r1)
            /local/domain/1/device/suspend/event-channel = "" (n1)
            /local/domain/1/control = "" (n0 r1)
            /local/domain/1/control/shutdown = "" (n1)
            /local/domain/1/control/feature-poweroff = "" (n1)
            /local/domain/1/control/feature-reboot = "" (n1)
            /local/domain/1/control/feature-suspend = "" (n1)
            /local/domain/1/control/sysrq = "" (n1)
            /local/domain/1/control/platform-feature-multiprocessor-suspend = "1" (n0 r1)
            /local/domain/1/control/platform-feature-xs_reset_watches = "1" (n0 r1)
            /local/domain/1/data = "" (n1)
            /local/domain/1/drivers = "" (n1)
            /local/domain/1/feature = "" (n1)
            /local/domain/1/attr = "" (n1)
            /local/domain/1/error = "" (n1)
            /local/domain/1/domid = "1" (n0 r1)
            /local/domain/1/store = "" (n0 r1)
            /local/domain/1/store/port = "1" (n0 r1)
            /local/domain/1/store/ring-ref = "1044476" (n0 r1)

            """,
            Dump("/local/domain/1"));
        Assert.Equal(
            """
            /vm/12345678-9abc-def0-1234-56789abcdef0 = "" (n0 r1)
            /vm/12345678-9abc-def0-1234-56789abcdef0/name = "test" (n0 r1)
            /vm/12345678-9abc-def0-1234-56789abcdef0/uuid = "12345678-9abc-def0-1234-56789abcdef0" (n0 r1)
            /vm/12345678-9abc-def0-1234-56789abcdef0/start_time = "1700000000.00" (n0 r1)

            """,
            Dump("/vm/12345678-9abc-def0-1234-56789abcdef0"));
    }

    [Fact]
    public void A_disk_has_both_ends()
    {
        var disk = new BlockDeviceRecord { Device = "xvdb", Parameters = "/dev/vg/test", IsReadOnly = true };
        disk.WriteTo(_store.Control);
        Assert.Equal(
            """
            /local/domain/1/device/vbd/51728 = "" (n1 r0)
            /local/domain/1/device/vbd/51728/backend = "/local/domain/0/backend/vbd/1/51728" (n1 r0)
            /local/domain/1/device/vbd/51728/backend-id = "0" (n1 r0)
            /local/domain/1/device/vbd/51728/state = "1" (n1 r0)
            /local/domain/1/device/vbd/51728/virtual-device = "51728" (n1 r0)
            /local/domain/1/device/vbd/51728/device-type = "disk" (n1 r0)
            /local/domain/1/device/vbd/51728/trusted = "1" (n1 r0)

            """,
            Dump(disk.FrontendPath));
        Assert.Equal(
            """
            /local/domain/0/backend/vbd/1/51728 = "" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/frontend = "/local/domain/1/device/vbd/51728" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/params = "/dev/vg/test" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/script = "/etc/xen/scripts/block" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/frontend-id = "1" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/online = "1" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/removable = "0" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/bootable = "1" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/state = "1" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/dev = "xvdb" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/type = "phy" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/mode = "r" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/device-type = "disk" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/discard-enable = "0" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/specification = "xen" (n0 r1)
            /local/domain/0/backend/vbd/1/51728/hotplug-status = "connected" (n0 r1)

            """,
            Dump(disk.BackendPath));
        Assert.True(_store.Control.TryRead(disk.ToolstackPath + "/frontend", out var frontend));
        Assert.Equal(disk.FrontendPath, frontend);
        disk.RemoveFrom(_store.Control);
        Assert.False(_store.Control.Exists(disk.FrontendPath));
        Assert.False(_store.Control.Exists(disk.BackendPath));
    }

    [Fact]
    public void A_network_interface_has_both_ends()
    {
        var network = new NetworkDeviceRecord { Handle = 1, Mtu = 9000 };
        network.WriteTo(_store.Control);
        Assert.Equal(
            """
            /local/domain/1/device/vif/1 = "" (n1 r0)
            /local/domain/1/device/vif/1/backend = "/local/domain/0/backend/vif/1/1" (n1 r0)
            /local/domain/1/device/vif/1/backend-id = "0" (n1 r0)
            /local/domain/1/device/vif/1/state = "1" (n1 r0)
            /local/domain/1/device/vif/1/handle = "1" (n1 r0)
            /local/domain/1/device/vif/1/mac = "00:16:3e:00:00:01" (n1 r0)
            /local/domain/1/device/vif/1/trusted = "1" (n1 r0)
            /local/domain/1/device/vif/1/mtu = "9000" (n0 r1)

            """,
            Dump(network.FrontendPath));
        Assert.Contains("/vif/1/1/mtu = \"9000\" (n0 r1)\n", Dump(network.BackendPath), StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_console_is_the_toolstacks()
    {
        var console = new ConsoleRecord { Port = 2, Frame = 0xFEFFF };
        console.WriteTo(_store.Control);
        Assert.Equal(
            """
            /local/domain/1/console = "" (n0 r1)
            /local/domain/1/console/backend = "/local/domain/0/backend/console/1/0" (n0 r1)
            /local/domain/1/console/backend-id = "0" (n1 r0)
            /local/domain/1/console/limit = "1048576" (n0 r1)
            /local/domain/1/console/type = "xenconsoled" (n0 r1)
            /local/domain/1/console/output = "pty" (n0 r1)
            /local/domain/1/console/tty = "/dev/pts/1" (n0 r1)
            /local/domain/1/console/port = "2" (n0 r1)
            /local/domain/1/console/ring-ref = "1044479" (n0 r1)

            """,
            Dump(console.FrontendPath));
        Assert.Equal("/local/domain/1/device/console/1", (console with { Index = 1 }).FrontendPath);
    }

    [Fact]
    public void A_record_can_be_removed_without_a_trace()
    {
        var before = _store.NodeCount;
        var domain = new DomainRecord { Uuid = new Guid(1, 2, 3, new byte[8]) };
        domain.WriteTo(_store.Control);
        new BlockDeviceRecord().WriteTo(_store.Control);
        domain.RemoveFrom(_store.Control);
        _store.RemoveDomain(1);
        // What is left is nobody's: /local, /local/domain, /local/domain/0 with three nodes and backend/vbd, /vm, /libxl.
        Assert.InRange(_store.NodeCount, before, before + 9);
        Assert.False(_store.Control.Exists("/local/domain/1"));
        Assert.Empty(_store.Control.List("/vm"));
        Assert.Empty(_store.Control.List("/libxl"));
        Assert.Empty(_store.Control.List("/local/domain/0/backend/vbd"));
    }

    [Theory]
    [InlineData("xvda", 51712u)]
    [InlineData("xvdb1", 51729u)]
    [InlineData("xvdp15", 51967u)]
    [InlineData("xvdq", 0x1000_1000u)]
    [InlineData("xvdaa2", 0x1000_1A02u)]
    [InlineData("xvda16", 0x1000_0010u)]
    [InlineData("d0", 51712u)]
    [InlineData("d1p2", 51730u)]
    [InlineData("hda", 768u)]
    [InlineData("hdd1", 5697u)]
    [InlineData("sda1", 2049u)]
    [InlineData("51712", 51712u)]
    public void Names_of_disks_are_numbers(string name, uint expected)
    {
        Assert.True(BlockDeviceRecord.TryParseDevice(name, out var number));
        Assert.Equal(expected, number);
        Assert.Equal(expected, new BlockDeviceRecord { Device = name }.Id);
    }

    [Theory]
    [InlineData("")]
    [InlineData("xvd")]
    [InlineData("xvd1")]
    [InlineData("xvdA")]
    [InlineData("xvda1x")]
    [InlineData("xvda256")]
    [InlineData("xvdzzzzz")]
    [InlineData("hde")]
    [InlineData("hda64")]
    [InlineData("sdq")]
    [InlineData("sda16")]
    [InlineData("dp1")]
    [InlineData("d1p")]
    [InlineData("disk")]
    [InlineData("-1")]
    public void Other_names_are_refused(string name)
    {
        Assert.False(BlockDeviceRecord.TryParseDevice(name, out _));
        Assert.Throws<ArgumentException>(() => new BlockDeviceRecord { Device = name });
    }

    private string Dump(string path)
    {
        var text = new StringBuilder();
        Dump(path, text);
        return text.ToString();
    }

    private void Dump(string path, StringBuilder text)
    {
        _ = _store.Control.TryRead(path, out var value);
        _ = _store.Control.TryReadPermissions(path, out var permissions);
        text.Append(path).Append(" = \"").Append(value).Append("\" (").Append(permissions).Append(")\n");
        foreach (var child in _store.Control.List(path))
            Dump(StorePath.Child(path, child), text);
    }
}
