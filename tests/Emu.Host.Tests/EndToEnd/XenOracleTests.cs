using Emu.Host.Tracing.Comparison;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's kernel in a Xen domain here, against a log of the same kernel on real Xen (docs/xen.md). It needs <c>.ci/guests</c>; see
/// <see cref="TestFiles.Guest"/>.
/// </summary>
public sealed class XenOracleTests : IDisposable
{
    /// <summary>What depends on the host that the oracle ran on: docs/xen.md explains both.</summary>
    private static readonly string[] Explained = ["vcpu_op.register_vcpu_time", "sched_op.poll"];

    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Linux_makes_the_hypercalls_that_it_makes_on_real_Xen()
    {
        string path = _folder.File("trace");
        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--memory", "256M", "--cpu-vendor", "amd",
            "--initrd", TestFiles.Guest("initrd-test.gz"), "--append", "console=hvc0 mitigations=off nokaslr loglevel=8 apic=verbose",
            "--trace-xen", path, "--timeout", "280");
        Assert.True(result.ExitCode == 0, result.Console + result.Error);
        List<TracedCall> here = XenLog.Read(File.ReadAllText(path));
        List<TracedCall> real = XenLog.Read(File.ReadAllText(
            Path.Combine(TestFiles.Repository, "tests", "Emu.Host.Tests", "Tracing", "linux-6.1-on-xen-4.17.txt")));

        // From there on it is user space that asks, of sysfs and for devices.
        TraceDiffOptions options = new("here", "real") { DistinctOnly = true, Ignored = Explained, Until = "xen_version.capabilities" };
        Assert.True(TraceComparison.AreEqual(here, real, options, out string report), report);

        // Arguments, results and what Xen writes, up to where threads of the kernel run side by side. The log has not every send, timer and IPI.
        options = options with
        {
            DistinctOnly = false,
            Ignored = [.. Explained, "event_channel_op.send", "event_channel_op.bind_ipi", "vcpu_op.set_singleshot"],
            Until = "event_channel_op.bind_vcpu",
        };
        Assert.True(TraceComparison.AreEqual(here, real, options, out report), report);
    }
}
