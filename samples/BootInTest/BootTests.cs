using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Pvh;
using Xunit;

namespace Emu.Samples;

/// <summary>A kernel under test: booted like any other object, in a few milliseconds, with the same result each time.</summary>
public class BootTests
{
    [Fact]
    public void The_kernel_boots_and_reads_its_command_line()
    {
        var console = new ConsoleText();
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 64UL << 20, ConsoleOutput = console });
        machine.Load(KernelImage.Open(Path.Combine(AppContext.BaseDirectory, "tour.elf")), commandLine: "from-a-test"u8.ToArray());
        var result = machine.Run(new RunLimits { MaxInstructions = 100_000_000 });
        Assert.Equal(StopReason.PoweredOff, result.Reason);
        Assert.Contains("command line: 'from-a-test'", console.Text, StringComparison.Ordinal);
    }
}
