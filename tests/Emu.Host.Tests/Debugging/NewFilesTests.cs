using System.Text.Json;
using Emu.Host.Tests.EndToEnd;

namespace Emu.Host.Tests.Debugging;

/// <summary>Traces and snapshots that gdb's user asks for, and disks that stay as they are.</summary>
public sealed class NewFilesTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    // Where emu is started by these tests.
    private readonly string _name = $"emu-test-{Guid.NewGuid():n}";

    public void Dispose()
    {
        foreach (string file in Directory.GetFiles(Path.GetTempPath(), _name + "*"))
            File.Delete(file);
        _folder.Dispose();
    }

    [Fact]
    public void Snapshot_goes_on_to_the_same_end()
    {
        EmuResult plain = EmuProcess.Run("run", TestFiles.TourKernel, "--stats", _folder.File("plain.json"));
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", TestFiles.TourKernel, "--gdb", $"{port}");
        using GdbClient gdb = GdbClient.Connect(port);
        gdb.Monitor("goto 3000");
        gdb.Ask("c");
        gdb.Ask("bs");
        Assert.Contains("after 2999 instructions", gdb.Monitor($"snapshot {_name}.snapshot"), StringComparison.Ordinal);
        Assert.StartsWith("A name of", gdb.Monitor($"snapshot {_name}"), StringComparison.Ordinal);
        Assert.StartsWith("A name of", gdb.Monitor($"snapshot ../{_name}.snapshot"), StringComparison.Ordinal);
        gdb.Send("k");
        Assert.Contains("Snapshot after 2999 instructions", process.Wait().Error, StringComparison.Ordinal);

        EmuResult resumed = EmuProcess.Run("run", "--resume", Made(".snapshot"), "--stats", _folder.File("resumed.json"));
        Assert.Equal(plain.ExitCode, resumed.ExitCode);
        Assert.Equal(Hash("plain.json"), Hash("resumed.json"));
    }

    [Fact]
    public void File_that_is_there_is_not_written_over()
    {
        File.WriteAllText(Made(".emut"), "mine");
        File.WriteAllText(Made(".snapshot"), "mine");
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);

        Assert.Contains("cannot be written", guest.Client.Monitor($"trace {_name}.emut"), StringComparison.Ordinal);
        Assert.Contains("is there already", guest.Client.Monitor($"snapshot {_name}.snapshot"), StringComparison.Ordinal);
        Assert.Equal(("mine", "mine"), (File.ReadAllText(Made(".emut")), File.ReadAllText(Made(".snapshot"))));
    }

    [Fact]
    public void Trace_of_the_past_is_that_of_a_run_without_a_debugger()
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "smp", "smp.elf");
        EmuProcess.Run("run", kernel, "--vcpus", "4", "--trace", _folder.File("plain.emut"), "--trace-from", "50000", "--trace-count", "100000");
        int port = GdbClient.FreePort();
        using EmuProcess process = EmuProcess.Start("run", kernel, "--vcpus", "4", "--gdb", $"{port}");
        using GdbClient gdb = GdbClient.Connect(port);
        foreach (int place in (ReadOnlySpan<int>)[3_000_000, 50_000])
        {
            gdb.Monitor($"goto {place}");
            gdb.Ask("c");
        }

        Assert.StartsWith("Tracing from instruction 50000 on", gdb.Monitor($"trace {_name}.emut"), StringComparison.Ordinal);
        gdb.Monitor("goto 150000");
        gdb.Ask("s");
        gdb.Ask("c");
        Assert.Contains("instructions 50000 to 150000", gdb.Monitor("trace off"), StringComparison.Ordinal);
        gdb.Send("k");
        process.Wait();

        EmuResult difference = EmuProcess.Run("trace", "diff", _folder.File("plain.emut"), Made(".emut"));
        Assert.True(difference.ExitCode == 0, difference.Output + difference.Error);
    }

    [Theory]
    [InlineData("bs", "gdb goes back: instructions 0 to 5")]
    [InlineData("P", "gdb changes the guest: instructions 0 to 5")]
    public void Trace_ends_before_the_past_or_a_change(string action, string reason)
    {
        using DebuggedGuest guest = new(DebuggedGuest.Countdown);
        GdbClient gdb = guest.Client;
        gdb.Monitor($"trace {_name}.emut registers");
        gdb.Monitor("goto 5");
        gdb.Ask("c");
        if (action == "P")
            gdb.SetRegister("eax", 3);
        string said = gdb.Ask(action == "P" ? "s" : action);

        Assert.Contains(reason, System.Text.Encoding.UTF8.GetString(Convert.FromHexString(said[1..])), StringComparison.Ordinal);
        Assert.StartsWith("T05", gdb.Receive(), StringComparison.Ordinal);
        Assert.Equal("No trace is being taken.\n", gdb.Monitor("trace off"));
        Assert.Contains("5 of them", EmuProcess.Run("trace", "stats", Made(".emut")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Disk_stays_as_it_is_and_whoever_debugs_is_told()
    {
        string disk = _folder.Write("disk", new byte[4096]);
        using DebuggedGuest guest = new(DebuggedGuest.Forever, "--machine", "xen", "--disk", disk);
        guest.Client.Ask("s");
        // The image is open for reading: others may read it, too.
        Assert.Equal(4096, File.ReadAllBytes(disk).Length);
        guest.Client.Send("k");

        Assert.Contains($"Nothing is written to '{disk}'", guest.Process.Wait().Error, StringComparison.Ordinal);
    }

    private string Made(string suffix) => Path.Combine(Path.GetTempPath(), _name + suffix);

    private string Hash(string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(_folder.File(name)));
        return $"{json.RootElement.GetProperty("instructions")} {json.RootElement.GetProperty("stateHash")}";
    }
}
