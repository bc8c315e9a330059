using System.Globalization;
using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary><c>emu run --record</c> and <c>emu replay</c>, as users have them.</summary>
public sealed class RecordingTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(7, "--max-instructions", "500")]
    public void Ends_are_the_same_again(int code, params string[] options)
    {
        // out 0xF4, 3 ends with 7; the limit comes first where there is one.
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB9, 0, 1, 0, 0, 0xE2, 0xFE, 0xB0, (byte)(code == 0 ? 0 : 3), 0xE6, 0xF4));
        EmuResult first = Record([kernel, .. options]);
        EmuResult second = Replay();

        Assert.Equal((first.ExitCode, first.Output), (second.ExitCode, second.Output));
        Assert.Equal(Statistics("first"), Statistics("second"));
        Assert.Contains("equal", second.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tour_is_the_same_again_on_each_engine()
    {
        EmuResult first = Record([]);
        foreach (string engine in (string[])["interpreter", "jit", "auto"])
        {
            EmuResult second = Replay("--engine", engine);
            Assert.Equal((0, first.Output), (second.ExitCode, second.Output));
            Assert.Equal(Statistics("first"), Statistics("second"));
        }
    }

    [Fact]
    public void Run_that_a_time_limit_ended_ends_there_again()
    {
        EmuResult first = Record([_folder.Write("kernel", TinyKernel.Build(0xEB, 0xFE)), "--timeout", "0.3"]);
        EmuResult second = Replay();

        Assert.Equal((4, 4), (first.ExitCode, second.ExitCode));
        Assert.Equal(Statistics("first"), Statistics("second"));
    }

    [Fact]
    public void Lives_follow_one_another_as_they_did()
    {
        // A guest that asks for a reset by port 0x64.
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB0, (byte)'R', 0xE6, 0xE9, 0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE));
        EmuResult first = Record([kernel, "--restarts", "3", "--debug-console", "stdout"]);
        EmuResult second = Replay();

        Assert.Equal("RRRR", first.Output);
        Assert.Equal((first.ExitCode, first.Output), (second.ExitCode, second.Output));
        Assert.Equal(Statistics("first"), Statistics("second"));
    }

    [Fact]
    public void Recording_of_a_run_that_was_killed_is_replayed_up_to_there()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB0, (byte)'K', 0xE6, 0xE9, 0xEB, 0xFE));
        string recording = _folder.File("recording");
        using EmuProcess emu = EmuProcess.Start("run", kernel, "--debug-console", "stdout", "--record", recording);
        emu.WaitForOutput("K");
        // The guest works on; a checkpoint comes soon.
        long length = new FileInfo(recording).Length;
        while (new FileInfo(recording).Length == length)
            Thread.Sleep(20);
        emu.Kill("KILL");
        emu.Wait();

        EmuResult replay = EmuProcess.Run("replay", recording);
        Assert.Equal((2, "K"), (replay.ExitCode, replay.Output));
        Assert.Contains("cut off", replay.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernel_that_is_not_what_it_was_is_refused_and_may_lie_elsewhere()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB0, 3, 0xE6, 0xF4));
        byte[] content = File.ReadAllBytes(kernel);
        Record([kernel]);
        File.WriteAllBytes(kernel, TinyKernel.Build(0xB0, 4, 0xE6, 0xF4));
        Assert.Contains("kernel", EmuProcess.Refused("replay", _folder.File("recording")), StringComparison.Ordinal);
        File.Delete(kernel);
        Assert.Contains("--file", EmuProcess.Refused("replay", _folder.File("recording")), StringComparison.Ordinal);

        string copy = _folder.Write("copy", content);
        Assert.Equal(7, Replay("--file", copy).ExitCode);
        Directory.CreateDirectory(_folder.File("elsewhere"));
        File.Move(copy, Path.Combine(_folder.File("elsewhere"), "kernel"));
        Assert.Equal(7, Replay("--file", _folder.File("elsewhere")).ExitCode);
    }

    [Fact]
    public void Disk_that_is_not_what_it_was_is_refused()
    {
        string disk = _folder.Write("disk", new byte[4096]);
        EmuResult first = Record(["--disk", disk]);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(0, Replay().ExitCode);
        _folder.Write("disk", [.. new byte[4095], 1]);
        Assert.Contains("--file takes a copy", EmuProcess.Refused("replay", _folder.File("recording")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_sound_recording_ends_with_2()
    {
        Record([]);
        byte[] whole = File.ReadAllBytes(_folder.File("recording"));
        byte[] damaged = [.. whole];
        damaged[^40] ^= 1;
        byte[] newer = [.. whole];
        newer[8]++;
        EmuProcess.Refused("replay", _folder.Write("damaged", damaged));
        EmuProcess.Refused("replay", _folder.Write("newer", newer));
        EmuProcess.Refused("replay", _folder.Write("short", whole[..100]));
        EmuProcess.Refused("replay", _folder.Write("empty", []));
        EmuProcess.Refused("replay", TestFiles.TourKernel);
        EmuProcess.Refused("replay", _folder.Path);
        EmuProcess.Refused("replay", _folder.File("missing"));
        EmuProcess.Refused("replay");
        EmuProcess.Refused("replay", _folder.File("recording"), "--vcpus", "2");
        EmuProcess.Refused("run", "--record", Path.Combine(_folder.File("no"), "folder"));
    }

    [SkippableFact]
    public void Session_at_a_shell_with_two_vcpus_a_disk_and_a_network_is_the_same_again()
    {
        string disk = FileSystemImage.Make(_folder);
        byte[] content = File.ReadAllBytes(disk);
        // The modules of the one, and the shell of the other, whose /init comes later.
        string initrd = _folder.Write(
            "initrd", [.. File.ReadAllBytes(TestFiles.Guest("initrd-domu.gz")), .. File.ReadAllBytes(TestFiles.Guest("initrd-shell.gz"))]);
        string recording = _folder.File("recording");
        using HostPeer host = new();
        EmuResult first;
        using (EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--initrd", initrd, "--disk", disk + ",raw,snapshot",
            "--net", string.Create(CultureInfo.InvariantCulture, $"user,allow=tcp:{host.Port},forward=tcp:{host.ForwardedPort}:80"),
            "--record", recording, "--stats", _folder.File("first"), "--timeout", "280"))
        {
            emu.WaitForOutput("/ # ");
            Type(emu, "while read -r module rest; do insmod /modules/$module $rest; done < /modules/order\n");
            Type(emu, "while [ ! -b /dev/xvda ]; do sleep 0.1; done; mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt && echo moun''ted\n");
            emu.WaitForOutput("mounted");
            Type(emu, "dd if=/dev/urandom of=/mnt/x bs=64k count=10; sync; md5sum /mnt/x; date\n");
            Type(emu, "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0\n");
            Type(emu, string.Create(CultureInfo.InvariantCulture, $"echo question | nc 10.0.2.2 {host.Port} | md5sum; echo ans''wered\n"));
            emu.WaitForOutput("answered");
            Type(emu, "echo from guest | nc -l -p 80 | md5sum; echo cal''led\n");
            host.Call();
            emu.WaitForOutput("called");
            Type(emu, "umount /mnt; poweroff -f\n");
            first = emu.Wait();
        }

        Assert.True(first.ExitCode == 0, first.Error);
        long length = new FileInfo(recording).Length;
        foreach (string engine in (string[])["interpreter", "auto"])
        {
            EmuResult second = Replay("--engine", engine);
            Assert.True(second.ExitCode == 0, second.Error);
            Assert.Equal(first.Output, second.Output);
            Assert.Equal(Statistics("first"), Statistics("second"));
        }

        Assert.Equal(content, File.ReadAllBytes(disk));
        // What came over the network, and a few bytes for each key.
        Assert.InRange(length, HostPeer.Sent, HostPeer.Sent + 100_000);
    }

    private static void Type(EmuProcess emu, string text)
    {
        foreach (char key in text)
        {
            emu.Type(key.ToString());
            Thread.Sleep(3);
        }
    }

    private EmuResult Record(string[] arguments) =>
        EmuProcess.Run(["run", .. arguments, "--record", _folder.File("recording"), "--stats", _folder.File("first")]);

    private EmuResult Replay(params string[] arguments) =>
        EmuProcess.Run(["replay", _folder.File("recording"), .. arguments, "--stats", _folder.File("second")]);

    /// <summary>All of the statistics that the host has no part in.</summary>
    private string Statistics(string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(_folder.File(name)));
        return string.Join(' ', ((string[])["instructions", "virtualNanoseconds", "stateHash", "exit", "restarts", "vcpus"])
            .Select(key => json.RootElement.GetProperty(key).GetRawText()));
    }
}
