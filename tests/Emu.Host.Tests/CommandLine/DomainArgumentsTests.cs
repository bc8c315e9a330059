using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Machine;
using Emu.Machine.Xen;

namespace Emu.Host.Tests.CommandLine;

/// <summary>The options that only a Xen domain has.</summary>
public sealed class DomainArgumentsTests
{
    [Theory]
    [InlineData("--disk", "disk.img")]
    [InlineData("--net", "user")]
    [InlineData("--name", "web")]
    [InlineData("--xl", "1s:shutdown")]
    [InlineData("--hypercalls", "lenient")]
    public void Each_chooses_the_xen_machine_and_refuses_the_pc(string option, string value)
    {
        Assert.Equal(MachineProfile.Xen, Parse("k", option, value).Machine);
        Assert.Equal(MachineProfile.Xen, Parse("k", option, value, "--machine", "xen").Machine);
        UsageException e = Assert.Throws<UsageException>(() => Parse("k", option, value, "--machine", "pc"));
        Assert.Contains(option, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("disk.img", "disk.img", "xvda", false, false)]
    [InlineData("disk.img,raw", "disk.img", "xvda", false, false)]
    [InlineData("/dev/vg/v,,hda", "/dev/vg/v", "hda", false, false)]
    [InlineData("/dev/vg/v,raw,hda,rw", "/dev/vg/v", "hda", false, false)]
    [InlineData("format=raw, vdev=hda, access=rw, target=/dev/vg/v", "/dev/vg/v", "hda", false, false)]
    [InlineData("raw:/dev/vg/v,hda,w", "/dev/vg/v", "hda", false, false)]
    [InlineData("file:/root/a.img,xvdc,r", "/root/a.img", "xvdc", true, false)]
    [InlineData("/root/i.iso,,hdc,cdrom", "/root/i.iso", "hdc", true, true)]
    [InlineData("/root/i.iso,,hdc,,cdrom", "/root/i.iso", "hdc", true, true)]
    [InlineData("/root/i.iso,raw,hdc,devtype=cdrom", "/root/i.iso", "hdc", true, true)]
    [InlineData("format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/i.iso", "/root/i.iso", "hdc", true, true)]
    [InlineData("raw:/root/i.iso,hdc:cdrom,ro", "/root/i.iso", "hdc", true, true)]
    [InlineData("vdev=xvdb,no-discard,backendtype=qdisk,script=s,target=odd, name:=,.img", "odd, name:=,.img", "xvdb", false, false)]
    public void A_disk_is_described_as_xl_does(string text, string path, string device, bool isReadOnly, bool isCdrom)
    {
        DiskOptions disk = Assert.Single(Parse("k", "--disk", text).Disks);

        Assert.Equal((path, device, isReadOnly, isCdrom), (disk.Path, disk.Device, disk.IsReadOnly, disk.IsCdrom));
    }

    [Theory]
    [InlineData("disk.img", false)]
    [InlineData("disk.img,,xvda", false)]
    [InlineData("file:/disk.img,xvda", false)]
    [InlineData("disk.img,raw", true)]
    [InlineData("raw:/disk.img,xvda", true)]
    [InlineData("format=raw,target=disk.img", true)]
    public void Only_a_disk_that_is_said_to_be_raw_is_raw_whatever_it_looks_like(string text, bool isRaw)
    {
        Assert.Equal(isRaw, Assert.Single(Parse("k", "--disk", text).Disks).IsRaw);
    }

    [Theory]
    [InlineData("disk.img", false)]
    [InlineData("disk.img,raw,xvda,w,snapshot", true)]
    [InlineData("snapshot,target=disk.img", true)]
    public void A_disk_can_be_left_as_it_is(string text, bool isSnapshot)
    {
        Assert.Equal(isSnapshot, Assert.Single(Parse("k", "--disk", text).Disks).IsSnapshot);
    }

    [Fact]
    public void Disks_without_names_get_the_next_ones_that_are_free()
    {
        Assert.Equal(["xvda", "xvdc", "xvdb", "xvdd"], Parse("k", "--disk", "a", "--disk", "b,,xvdc", "--disk", "c", "--disk", "d").Disks.Select(disk => disk.Device));
    }

    [Fact]
    public void A_network_card_is_described_with_its_ways_to_the_host()
    {
        RunOptions options = Parse("k", "--net", "user,mac=00:16:3e:aa:bb:cc,allow=tcp:8080,forward=tcp:2222:22,forward=udp:53:53,hostname=web,pcap=f.pcap", "--net", "user");

        Assert.Equal(2, options.NetworkCards.Count);
        Assert.Equal("00:16:3e:aa:bb:cc", options.NetworkCards[0].Options.GuestMac.ToString());
        Assert.Equal((1, 2), (options.NetworkCards[0].Options.Allowed.Count, options.NetworkCards[0].Options.Forwards.Count));
        Assert.Equal(("web", "f.pcap"), (options.NetworkCards[0].Options.HostName, options.NetworkCards[0].CaptureFile));
        Assert.Equal(("10.0.3.0", "00:16:3e:00:00:02"), (options.NetworkCards[1].Options.Network.ToString(), options.NetworkCards[1].Options.GuestMac.ToString()));
        Assert.False(options.NetworkCards[1].Options.ReachesHost);
    }

    [Theory]
    [InlineData("2s:shutdown", 2_000_000_000, ToolstackAction.Shutdown, 0)]
    [InlineData("1.5s:reboot", 1_500_000_000, ToolstackAction.Reboot, 0)]
    [InlineData("0ms:save", 0, ToolstackAction.Save, 0)]
    [InlineData("1500ms:mem-set=128M", 1_500_000_000, ToolstackAction.SetMemory, 128 << 20)]
    [InlineData("7us:vcpu-set=2", 7_000, ToolstackAction.SetVcpus, 2)]
    [InlineData("7ns:sysrq=h", 7, ToolstackAction.SysRq, 'h')]
    [InlineData("7ns:sysrq==", 7, ToolstackAction.SysRq, '=')]
    [InlineData("3s:nmi", 3_000_000_000, ToolstackAction.Nmi, 0)]
    [InlineData("3s:debug-keys", 3_000_000_000, ToolstackAction.DebugKeys, 0)]
    public void The_toolstack_is_told_what_to_do_when(string text, ulong time, ToolstackAction action, ulong value)
    {
        Assert.Equal(new ToolstackCommand(time, action, value), Assert.Single(Parse("k", "--xl", text).ToolstackCommands));
    }

    [Fact]
    public void Commands_come_in_the_order_of_their_times_and_of_the_command_line()
    {
        RunOptions options = Parse("k", "--xl", "2s:shutdown", "--xl", "1s:save", "--xl", "2s:nmi");

        Assert.Equal([ToolstackAction.Save, ToolstackAction.Shutdown, ToolstackAction.Nmi], options.ToolstackCommands.Select(command => command.Action));
    }

    [Fact]
    public void A_guest_is_started_anew_only_where_somebody_says_so()
    {
        Assert.Equal(RestartPolicy.Never, Parse("k").Restart);
        Assert.Equal(RestartPolicy.Never, Parse("k", "--restarts", "0").Restart);
        Assert.Equal((RestartPolicy.Reboot, 3), (Parse("k", "--restarts", "3").Restart, Parse("k", "--restarts", "3").MaximumRestarts));
        Assert.Equal(MachineProfile.Pc, Parse("k", "--restarts", "3").Machine);
    }

    [Theory]
    [InlineData("--disk", "")]
    [InlineData("--disk", ",raw,xvda")]
    [InlineData("--disk", "a,raw,nvme0")]
    [InlineData("--disk", "a,raw,xvda,x")]
    [InlineData("--disk", "a,raw,xvda,w,more")]
    [InlineData("--disk", "a,qcow,xvda")]
    [InlineData("--disk", "a,speed=fast")]
    [InlineData("--disk", "vdev=xvda,vdev=xvdb,target=a")]
    [InlineData("--disk", "iscsi:/a,xvda")]
    [InlineData("--disk", "specification=virtio,target=a")]
    [InlineData("--disk", "devtype=tape,target=a")]
    [InlineData("--disk", ",,hdc,cdrom")]
    [InlineData("--net", "tap")]
    [InlineData("--net", "mac=00:16:3e:00:00")]
    [InlineData("--net", "mac=01:16:3e:00:00:01")]
    [InlineData("--net", "allow=22")]
    [InlineData("--net", "forward=tcp:22")]
    [InlineData("--net", "forward=tcp:22:99999")]
    [InlineData("--net", "hostname=a b")]
    [InlineData("--net", "pcap=")]
    [InlineData("--name", "a/b")]
    [InlineData("--name", "")]
    [InlineData("--hypercalls", "some")]
    [InlineData("--restarts", "-1")]
    [InlineData("--xl", "shutdown")]
    [InlineData("--xl", "2:shutdown")]
    [InlineData("--xl", "2m:shutdown")]
    [InlineData("--xl", "-2s:shutdown")]
    [InlineData("--xl", "1.2.3s:shutdown")]
    [InlineData("--xl", "99999999999s:shutdown")]
    [InlineData("--xl", "2s:explode")]
    [InlineData("--xl", "2s:shutdown=now")]
    [InlineData("--xl", "2s:mem-set")]
    [InlineData("--xl", "2s:mem-set=lots")]
    [InlineData("--xl", "2s:vcpu-set=0")]
    [InlineData("--xl", "2s:vcpu-set=33")]
    [InlineData("--xl", "2s:sysrq")]
    [InlineData("--xl", "2s:sysrq=hh")]
    [InlineData("--xl", "2s:sysrq=é")]
    public void A_mistake_is_refused_in_one_sentence_that_names_it(string option, string value)
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse("k", option, value));

        Assert.Contains(option, e.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
    }

    private static RunOptions Parse(params string[] arguments) => RunLine.Parse(["run", .. arguments]);
}
