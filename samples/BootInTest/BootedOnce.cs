using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Snapshots;
using Emu.Pvh;
using Xunit;

namespace Emu.Samples;

/// <summary>Boots once for all tests of a class; each begins with the machine as it was then.</summary>
public sealed class BootedOnce : IDisposable
{
    private readonly MachineSnapshot _booted;

    public BootedOnce()
    {
        Machine = new PvhMachine(new MachineOptions { MemorySize = 64UL << 20, ConsoleOutput = Console });
        Machine.Load(KernelImage.Open(Path.Combine(AppContext.BaseDirectory, "tour.elf")), commandLine: "sightseeing"u8.ToArray());
        Machine.RunUntil(Console, "hvm_start_info");
        _booted = Machine.TakeSnapshot();
    }

    public ConsoleText Console { get; } = new();

    public PvhMachine Machine { get; }

    public void Rewind() => Machine.Restore(_booted);

    public void Dispose() => Machine.Dispose();
}

public sealed class AfterBootTests : IClassFixture<BootedOnce>
{
    private readonly BootedOnce _boot;

    public AfterBootTests(BootedOnce boot)
    {
        _boot = boot;
        _boot.Rewind();
    }

    [Fact]
    public void It_finishes()
    {
        Assert.Equal(StopReason.PoweredOff, _boot.Machine.Run().Reason);
        Assert.EndsWith("PASS\n", _boot.Console.Text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void It_does_the_same_each_time()
    {
        _boot.Machine.Run();
        var first = _boot.Machine.StateHash();
        _boot.Rewind();
        _boot.Machine.Run();
        Assert.Equal(first, _boot.Machine.StateHash());
    }

    [Fact]
    public void It_dies_of_an_interrupt_for_which_it_has_no_table()
    {
        _boot.Machine.InjectNmi(0);
        Assert.Equal(StopReason.Crashed, _boot.Machine.Run().Reason);
    }
}
