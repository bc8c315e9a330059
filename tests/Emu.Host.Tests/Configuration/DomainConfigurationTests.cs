using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Machine;

namespace Emu.Host.Tests.Configuration;

/// <summary>What the keys of xl's configurations (docs/man/xl.cfg.5.pod.in) do.</summary>
public sealed class DomainConfigurationTests : ConfigurationTests
{
    [Fact]
    public void A_whole_configuration_becomes_a_guest()
    {
        RunOptions options = Parse("""
            name = "web"
            uuid = "3b8e2a60-0000-4000-8000-000000000007"
            type = "pvh"
            kernel = "/boot/vmlinuz"
            ramdisk = "initrd.gz"
            root = "/dev/xvda1"
            extra = "console=hvc0 quiet"
            memory = 512
            maxmem = 1024
            vcpus = 2
            maxvcpus = 4
            disk = [ 'disk.img,raw,xvda,w', 'data.img,raw,xvdb,r' ]
            vif = [ 'mac=00:16:3e:12:34:56,bridge=xenbr0', 'script=vif-nat' ]
            on_poweroff = "destroy"
            on_reboot = "restart"
            on_crash = "preserve"
            pci = [ '01:00.0' ]
            """);

        Assert.Equal(MachineProfile.Xen, options.Machine);
        Assert.Equal("web", options.DomainName);
        Assert.Equal(new Guid("3b8e2a60-0000-4000-8000-000000000007"), options.DomainUuid);
        Assert.Equal("/boot/vmlinuz", options.Kernel);
        Assert.Equal(["initrd.gz"], options.Modules.Select(module => module.Path));
        Assert.Equal("root=/dev/xvda1 console=hvc0 quiet", Text(options.CommandLine));
        Assert.Equal((1024UL << 20, 512UL << 20), (options.MemorySize, options.MemoryTarget!.Value));
        Assert.Equal((4, 2), (options.VcpuCount, options.OnlineVcpus!.Value));
        Assert.Equal([("disk.img", "xvda", false), ("data.img", "xvdb", true)], options.Disks.Select(disk => (disk.Path, disk.Device, disk.IsReadOnly)));
        Assert.Equal(["00:16:3e:12:34:56", "00:16:3e:00:00:02"], options.NetworkCards.Select(card => card.Options.GuestMac.ToString()));
        Assert.Equal((RestartPolicy.Reboot, 10), (options.Restart, options.MaximumRestarts));
        Assert.Equal(["vif's bridge", "vif's script", "on_crash", "pci"], options.IgnoredKeys);
    }

    [Fact]
    public void What_is_not_said_is_as_xl_has_it()
    {
        RunOptions options = Parse(Minimal);

        Assert.Equal("guest", options.DomainName);
        Assert.Null(options.CommandLine);
        Assert.Empty(options.Modules);
        Assert.Equal(RunOptions.DefaultMemorySize, options.MemorySize);
        Assert.Equal(1, options.VcpuCount);
        Assert.Equal(RestartPolicy.Reboot, options.Restart);
        Assert.Empty(options.IgnoredKeys);
    }

    [Theory]
    [InlineData("cmdline='a'\nroot='b'\nextra='c'", "a", "root", "extra")]
    [InlineData("root='b'", "root=b")]
    [InlineData("extra='c'", "c")]
    public void The_command_line_is_put_together_as_xl_does(string lines, string expected, params string[] ignored)
    {
        RunOptions options = Parse(Minimal + lines);

        Assert.Equal(expected, Text(options.CommandLine));
        Assert.Equal(ignored, options.IgnoredKeys);
    }

    [Theory]
    [InlineData("memory=256", 256)]
    [InlineData("memory='256'", 256)]
    [InlineData("memory=0x100", 256)]
    [InlineData("memory=0400", 256)]
    [InlineData("maxmem=256", 256)]
    public void Numbers_are_decimal_hexadecimal_or_octal_in_quotes_or_not(string line, int mebibytes)
    {
        Assert.Equal((ulong)mebibytes << 20, Parse(Minimal + line).MemorySize);
    }

    [Theory]
    [InlineData("type = 'hvm'\nkernel='k'", ":1: type", "pvh")]
    [InlineData("type = 'pv'\nkernel='k'", ":1: type", "pvshim")]
    [InlineData("builder = 'hvm'\nkernel='k'", ":1: builder", "pvh")]
    [InlineData("kernel='k'", "type is missing", "pvh")]
    [InlineData("type = 'pvh'\nbootloader = 'pygrub'", "kernel is missing", "boot loader")]
    [InlineData(Minimal + "memory = 'lots'", ":3: memory", "'lots'")]
    [InlineData(Minimal + "memory = 'a\\nb'", ":3: memory", "'a?b'")]
    [InlineData(Minimal + "memory = 08", ":3: memory", "'08'")]
    [InlineData(Minimal + "memory = -1", ":3: ", "Python")]
    [InlineData(Minimal + "memory = 99999999999999999999999", ":3: memory", "9999")]
    [InlineData(Minimal + "memory = [ 512 ]", ":3: memory", "list")]
    [InlineData(Minimal + "memory = 512\nmaxmem = 256", ":4: maxmem", "512")]
    [InlineData(Minimal + "vcpus = 0", ":3: vcpus", "1 to 32")]
    [InlineData(Minimal + "vcpus = 4\nmaxvcpus = 2", ":4: maxvcpus", "4")]
    [InlineData(Minimal + "uuid = 'mine'", ":3: uuid", "'mine'")]
    [InlineData(Minimal + "name = 'a/b'", ":3: name", "letters")]
    [InlineData(Minimal + "name = ''", ":3: name", "letters")]
    [InlineData(Minimal + "ramdisk = ''", ":3: ramdisk", "name")]
    [InlineData(Minimal + "on_reboot = 'dance'", ":3: on_reboot", "'dance'")]
    [InlineData(Minimal + "pvshim = 1", ":3: pvshim", "pvshim_path")]
    [InlineData(Minimal + "disk = [ 'a,raw,xvda',\n'b,vmdk,xvdb' ]", ":4: disk", "vmdk")]
    [InlineData(Minimal + "disk = [ 'a,raw,xvda', 'b,raw,d0' ]", ":3: disk", "twice")]
    [InlineData(Minimal + "disk = [ ['a'] ]", ":3: disk", "lists")]
    [InlineData(Minimal + "vif = [ 'mac=1' ]", ":3: vif", "'1'")]
    public void A_mistake_is_named_with_file_line_and_key(string text, string where, string what)
    {
        string refusal = Refusal(text);

        Assert.Contains("guest.cfg", refusal, StringComparison.Ordinal);
        Assert.Contains(where, refusal, StringComparison.Ordinal);
        Assert.Contains(what, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shim_gets_the_kernel_and_the_ramdisk_as_modules()
    {
        RunOptions options = Parse(Minimal + "ramdisk='initrd'\nextra='quiet'\npvshim=1\npvshim_path='xen-shim'\npvshim_extra='loglvl=all'");

        Assert.Equal("xen-shim", options.Kernel);
        Assert.Equal("pv-shim console=xen,pv loglvl=all", Text(options.CommandLine));
        Assert.Equal([("vmlinuz", "quiet"), ("initrd", null)], options.Modules.Select(module => (module.Path, Text(module.CommandLine))));
    }

    [Fact]
    public void Options_beside_it_override_the_configuration()
    {
        RunOptions options = Parse(
            Minimal + "name='a'\nramdisk='i'\nmemory=256\nmaxmem=512\nvcpus=1\nmaxvcpus=3\ndisk=['a,raw,xvda','b,raw,xvdb']\nvif=['']\nextra='x'",
            "--name", "b", "--initrd", "j", "--memory", "1G", "--vcpus", "2", "--disk", "c,raw,xvdb,r", "--disk", "d", "--net", "none", "--append", "y", "--restarts", "0");

        Assert.Equal("b", options.DomainName);
        Assert.Equal(["j"], options.Modules.Select(module => module.Path));
        Assert.Equal((1UL << 30, (ulong?)null), (options.MemorySize, options.MemoryTarget));
        Assert.Equal((2, (int?)null), (options.VcpuCount, options.OnlineVcpus));
        Assert.Equal([("a", "xvda"), ("c", "xvdb"), ("d", "xvdc")], options.Disks.Select(disk => (disk.Path, disk.Device)));
        Assert.Empty(options.NetworkCards);
        Assert.Equal("y", Text(options.CommandLine));
        Assert.Equal(RestartPolicy.Never, options.Restart);
    }

    [Fact]
    public void A_configuration_is_known_by_its_name_or_by_what_is_in_it()
    {
        Assert.Equal("vmlinuz", ParseFile(Write("web", Minimal)).Kernel);
        Assert.Contains("type", Assert.Throws<UsageException>(() => ParseFile(Write("hvm", "type='hvm'\nkernel='k'"))).Message, StringComparison.Ordinal);
        Assert.Contains(":1:", Assert.Throws<UsageException>(() => ParseFile(Write("broken", "type='pvh\nkernel='k'"))).Message, StringComparison.Ordinal);
        foreach (string other in new[] { "#!/bin/sh\necho no kernel\n", "memory=512\n", "", "a\0b" })
        {
            string path = Write("other", other);
            Assert.Equal(path, ParseFile(path).Kernel);
        }

        Assert.Throws<UsageException>(() => ParseFile(Write("empty.cfg", "")));
    }

    [Fact]
    public void A_domain_is_not_started_as_a_pc()
    {
        Assert.Contains("--machine xen", Refusal(Minimal, "--machine", "pc"), StringComparison.Ordinal);
    }
}
