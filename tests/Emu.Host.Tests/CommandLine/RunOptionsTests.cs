using System.Text;
using Emu.Cpu;
using Emu.Host.CommandLine;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Tests.CommandLine;

public sealed class RunOptionsTests
{
    [Fact]
    public void Without_options_the_tour_runs_on_the_machine_with_hypercalls()
    {
        RunOptions options = Parse("run");

        Assert.Null(options.Kernel);
        Assert.Equal(MachineProfile.Xen, options.Machine);
        Assert.Equal(512UL << 20, options.MemorySize);
        Assert.Null(options.CommandLine);
    }

    [Fact]
    public void With_a_kernel_the_machine_is_a_pc()
    {
        RunOptions options = Parse("run", "vmlinuz");

        Assert.Equal("vmlinuz", options.Kernel);
        Assert.Equal(MachineProfile.Pc, options.Machine);
    }

    [Fact]
    public void A_trace_of_hypercalls_asks_for_a_machine_that_has_them()
    {
        RunOptions options = Parse("run", "vmlinuz", "--trace-xen", "log", "--symbols", "System.map");

        Assert.Equal(MachineProfile.Xen, options.Machine);
        Assert.Equal(("log", "System.map"), (options.XenTraceFile, options.SymbolFile));
    }

    [Theory]
    [InlineData("console=ttyS0")]
    [InlineData("")]
    [InlineData(" two  spaces ")]
    [InlineData("--")]
    [InlineData("-- init arguments")]
    [InlineData("--initrd")]
    [InlineData("@file")]
    [InlineData("\"quoted\" 'text' \\ back")]
    [InlineData("a=b,c=\"d e\"")]
    [InlineData("ünïcödé ✓ 𝄞")]
    [InlineData("-h")]
    public void The_kernel_command_line_arrives_byte_for_byte(string text)
    {
        RunOptions options = Parse("run", "vmlinuz", "--append", text);

        Assert.Equal(Encoding.UTF8.GetBytes(text), options.CommandLine!.Value.ToArray());
        Assert.Equal("vmlinuz", options.Kernel);
    }

    [Fact]
    public void A_command_line_that_lost_bytes_on_its_way_is_refused()
    {
        Assert.Throws<UsageException>(() => Parse("run", "k", "--append", "a\uFFFDb"));
    }

    [Fact]
    public void The_initrd_is_module_0_wherever_it_stands()
    {
        RunOptions options = Parse("run", "k", "--module", "a,one=1,two", "--initrd", "i,j", "--module", "b");

        Assert.Equal(["i,j", "a", "b"], options.Modules.Select(module => module.Path));
        Assert.Null(options.Modules[0].CommandLine);
        Assert.Equal("one=1,two", Encoding.UTF8.GetString(options.Modules[1].CommandLine!.Value.Span));
        Assert.Null(options.Modules[2].CommandLine);
    }

    [Theory]
    [InlineData("auto", BootProtocol.Auto)]
    [InlineData("multiboot", BootProtocol.Multiboot)]
    [InlineData("multiboot2", BootProtocol.Multiboot2)]
    public void Every_way_into_a_kernel_can_be_asked_for(string text, BootProtocol protocol) =>
        Assert.Equal(protocol, Parse("run", "k", "--entry", text).Entry);

    [Fact]
    public void The_forced_emulation_prefix_must_be_asked_for()
    {
        Assert.False(Parse("run", "k").ForcedEmulation);
        Assert.True(Parse("run", "k", "--forced-emulation").ForcedEmulation);
    }

    [Fact]
    public void Choices_and_numbers_are_understood()
    {
        RunOptions options = Parse(
            "run", "k", "--machine", "xen", "--engine", "interpreter", "--entry", "pvh", "--start-info", "v0", "--entry-profile", "cloud-hypervisor",
            "--cpu-vendor", "amd", "--cpu", "x86-64-v2", "--seed", "0x2A", "--max-instructions", "1_000_000", "--timeout", "1.5", "--memory", "1G", "--dump-at", "7", "--dump-at", "3",
            "--trace", "t", "--trace-from", "5", "--trace-count", "6");

        Assert.Equal(MachineProfile.Xen, options.Machine);
        Assert.Equal(ExecutionEngine.Interpreter, options.Engine);
        Assert.Equal(StartInfoVersion.V0, options.StartInfo);
        Assert.Equal(EntryProfile.CloudHypervisor, options.EntryProfile);
        Assert.Equal(CpuVendor.Amd, options.CpuVendor);
        Assert.Equal(CpuLevel.V2, options.CpuLevel);
        Assert.Equal(42UL, options.RandomSeed);
        Assert.Equal(1_000_000UL, options.MaximumInstructions);
        Assert.Equal(TimeSpan.FromSeconds(1.5), options.Timeout);
        Assert.Equal(1UL << 30, options.MemorySize);
        Assert.Equal([3UL, 7UL], options.DumpAt);
        Assert.Equal(("t", 5UL, 6UL), (options.TraceFile!, options.TraceFrom, options.TraceCount!.Value));
    }

    [Theory]
    [InlineData("--bogus", "k", "--bogus")]
    [InlineData("--bogus", "--bogus")]
    [InlineData("extra", "k", "extra")]
    [InlineData("--append", "k", "--append")]
    [InlineData("--append", "k", "--append", "a", "--append", "b")]
    [InlineData("--memory", "k", "--memory", "lots")]
    [InlineData("--memory", "k", "--memory", "4K")]
    [InlineData("--memory", "k", "--memory", "1048577B")]
    [InlineData("--vcpus", "k", "--vcpus", "0")]
    [InlineData("--vcpus", "k", "--vcpus", "33")]
    [InlineData("--engine", "k", "--engine", "steam")]
    [InlineData("--entry", "k", "--entry", "multiboot3")]
    [InlineData("--machine", "k", "--machine", "pdp11")]
    [InlineData("--start-info", "k", "--start-info", "v2")]
    [InlineData("--entry-profile", "k", "--entry-profile", "bochs")]
    [InlineData("--cpu-vendor", "k", "--cpu-vendor", "via")]
    [InlineData("--cpu", "k", "--cpu", "x86-64-v4")]
    [InlineData("--seed", "k", "--seed", "lucky")]
    [InlineData("--max-instructions", "k", "--max-instructions", "-1")]
    [InlineData("--timeout", "k", "--timeout", "0")]
    [InlineData("--timeout", "k", "--timeout", "NaN")]
    [InlineData("--trace", "k", "--trace-from", "1")]
    [InlineData("--module", "k", "--module", ",text")]
    [InlineData("--log-level", "k", "-v", "loud")]
    [InlineData("'k'", "k", "--firmware", "rom")]
    [InlineData("--initrd", "--firmware", "rom", "--initrd", "i")]
    [InlineData("--module", "--firmware", "rom", "--module", "m")]
    [InlineData("--append", "--firmware", "rom", "--append", "")]
    [InlineData("--entry", "--firmware", "rom", "--entry", "pvh")]
    [InlineData("--start-info", "--firmware", "rom", "--start-info", "v1")]
    [InlineData("--entry-profile", "--firmware", "rom", "--entry-profile", "qemu")]
    public void A_mistake_is_refused_in_one_sentence_that_names_it(string named, params string[] arguments)
    {
        UsageException e = Assert.Throws<UsageException>(() => Parse(["run", .. arguments]));

        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
    }

    private static RunOptions Parse(params string[] arguments) => RunLine.Parse(arguments);
}
