namespace Emu.Host.Tests.EndToEnd;

/// <summary>
/// Debian's Xen on the bare pc machine, through Multiboot, and on it Debian's kernel as its PV domain 0: ring 3 with page tables of its own.
/// They need <c>.ci/guests</c>; see <see cref="TestFiles.Guest"/>.
/// </summary>
public sealed class XenBootTests
{
    [SkippableTheory]
    [InlineData("auto", 1)]
    [InlineData("multiboot", 2)]
    public void Xen_boots_its_domain_0_to_init_which_powers_the_machine_off(string entry, int processors)
    {
        EmuResult result = EmuProcess.Run(
            "run", TestFiles.Guest("xen.gz"), "--entry", entry, "--vcpus", $"{processors}", "--memory", "1G",
            "--append", "console=com1 com1=115200,8n1 dom0_mem=512M loglvl=all",
            "--module", TestFiles.Guest("vmlinuz-amd64") + ",console=hvc0 earlyprintk=xen panic=-1",
            "--module", TestFiles.Guest("initrd-test.gz"),
            "--timeout", "280");

        string console = result.Console;
        string report = $"exit code {result.ExitCode}\n{(console.Length > 4000 ? console[^4000..] : console)}\n--- stderr\n{result.Error}";
        Assert.True(console.Contains("(XEN) *** Building a PV Dom0 ***", StringComparison.Ordinal), report);
        Assert.True(console.Contains($"(XEN) Brought up {processors} CPUs", StringComparison.Ordinal), report);
        Assert.True(console.Contains("Hypervisor detected: Xen PV", StringComparison.Ordinal), report);
        Assert.True(console.Contains("PASS all", StringComparison.Ordinal), report);
        Assert.True(console.Contains("INIT-DONE", StringComparison.Ordinal), report);
        Assert.DoesNotContain("FAIL ", console, StringComparison.Ordinal);
        Assert.True(console.Contains("(XEN) Entering ACPI S5 state", StringComparison.Ordinal), report);
        Assert.True(result.ExitCode == 0, report);
    }
}
