using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Debian's kernel as a Xen domain that is started from a configuration and obeys its toolstack. They need <c>.ci/guests</c>.</summary>
public sealed partial class ToolstackTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Memory_and_processors_are_taken_away_and_given_back_and_the_guest_switches_itself_off()
    {
        (EmuResult result, State[] states) = Run(
            "memory = 512\nvcpus = 2", "--xl", "2s:mem-set=256M", "--xl", "3s:mem-set=512M", "--xl", "4s:vcpu-set=1", "--xl", "5s:vcpu-set=2", "--xl",
            "5500ms:sysrq=h", "--xl", "6s:shutdown");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("ASKED for poweroff", result.Console, StringComparison.Ordinal);
        Assert.Contains("sysrq: HELP", result.Console, StringComparison.Ordinal);
        long whole = At(states, 1.9).Kibibytes;
        // All pages are given back, and counted.
        Assert.Equal(whole - (256 << 10), At(states, 2.9).Kibibytes);
        Assert.Equal(whole, At(states, 3.9).Kibibytes);
        Assert.Equal(["0-1", "0", "0-1"], new[] { 3.9, 4.9, 5.9 }.Select(time => At(states, time).Processors));
    }

    [SkippableFact]
    public void A_guest_with_less_than_it_may_have_gives_the_rest_back_and_takes_it_when_told()
    {
        (EmuResult result, State[] states) = Run(
            "memory = 256\nmaxmem = 768\nvcpus = 1\nmaxvcpus = 3", "--xl", "3s:mem-set=768M", "--xl", "3s:vcpu-set=3", "--xl", "5s:shutdown");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("0", At(states, 2.9).Processors);
        Assert.Equal("0-2", At(states, 4.9).Processors);
        Assert.Equal(512 << 10, At(states, 4.9).Kibibytes - At(states, 2.9).Kibibytes);
    }

    [SkippableFact]
    public void A_guest_that_is_saved_goes_on_where_it_was_and_one_that_reboots_starts_anew()
    {
        string[] arguments = ["--xl", "2s:save", "--xl", "3s:save", "--xl", "4s:reboot", "--xl", "6500ms:shutdown"];
        (EmuResult result, State[] states) = Run("memory = 256\nvcpus = 2", arguments);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(2, result.Console.Split("Freezing user space processes completed").Length - 1);
        Assert.Equal(2, result.Console.Split("OOM killer enabled.").Length - 1);
        Assert.Equal(2, result.Console.Split("INIT-START").Length - 1);
        Assert.Contains("ASKED for reboot", result.Console, StringComparison.Ordinal);
        Assert.Contains("ASKED for poweroff", result.Console, StringComparison.Ordinal);
        // Time neither stopped nor jumped: a line every quarter of a second, and a little more.
        int second = Array.FindIndex(states, 1, state => state.Seconds < states[0].Seconds + 0.1);
        Assert.All(states[..second].Zip(states[1..second]), pair => Assert.InRange(pair.Second.Seconds - pair.First.Seconds, 0.2, 0.4));
        Assert.Equal(result.Console, Run("memory = 256\nvcpus = 2", arguments).Result.Console);
    }

    [SkippableFact]
    public void Disk_and_network_card_go_on_through_checkpoints()
    {
        string disk = FileSystemImage.Make(_folder);
        string configuration = _folder.Write("guest.cfg", Encoding.UTF8.GetBytes($"""
            type = "pvh"
            kernel = "{TestFiles.Guest("vmlinuz-amd64")}"
            ramdisk = "{TestFiles.Guest("initrd-domu.gz")}"
            vcpus = 2
            disk = [ '{disk},raw,xvda,w' ]
            vif = [ '' ]
            """));
        // While the modules find their devices, the file system is written, and the network carries a megabyte or two.
        string[] times = ["1800ms", "2s", "2200ms", "2500ms", "3s", "3500ms", "4s", "5s"];

        EmuResult result = EmuProcess.Run(["run", configuration, "--timeout", "280", .. times.SelectMany(time => new[] { "--xl", time + ":save" })]);

        string report = $"exit code {result.ExitCode}\n{result.Console}\n--- stderr\n{result.Error}";
        Assert.True(result.Console.Split("OOM killer enabled.").Length - 1 >= 5, report);
        Assert.True(result.Console.Contains("PASS all", StringComparison.Ordinal), report);
        Assert.True(result.ExitCode == 0, report);
        Assert.True(FileSystemImage.IsSound(disk));
    }

    /// <summary>The last line at or before a time.</summary>
    private static State At(State[] states, double seconds) => states.Last(state => state.Seconds <= seconds);

    private (EmuResult Result, State[] States) Run(string lines, params string[] arguments)
    {
        string configuration = _folder.Write("guest.cfg", Encoding.UTF8.GetBytes($"""
            name = "guest"; type = "pvh"
            kernel = "{TestFiles.Guest("vmlinuz-amd64")}"
            ramdisk = "{TestFiles.Guest("initrd-toolstack.gz")}"
            {lines}
            """));
        EmuResult result = EmuProcess.Run(["run", configuration, "--timeout", "280", .. arguments]);
        State[] states =
        [
            .. StateLine().Matches(result.Console).Select(match => new State(
                double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture),
                long.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture),
                match.Groups[3].Value)),
        ];
        Assert.True(states.Length != 0, $"{result.Console}\n--- stderr\n{result.Error}");
        return (result, states);
    }

    [GeneratedRegex(@"STATE at ([\d.]+) memory (\d+) processors ([\d,-]+)")]
    private static partial Regex StateLine();

    private sealed record State(double Seconds, long Kibibytes, string Processors);
}
