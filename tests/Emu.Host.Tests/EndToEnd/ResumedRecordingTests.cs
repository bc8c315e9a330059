using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Recordings that begin with a snapshot: <c>--record</c> beside <c>--resume</c> and <c>--boot-cache</c>.</summary>
public sealed class ResumedRecordingTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    private string Recording => _folder.File("session.rec");

    private string Snapshot => _folder.File("a.snapshot");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tour", "pc", "1")]
    [InlineData("smp", "pc", "4")]
    [InlineData("xen-smp", "xen", "2")]
    public void Run_from_a_snapshot_is_the_same_again_on_each_engine(string kernel, string machine, string vcpus)
    {
        EmuResult boot = TakeSnapshot(Path.Combine(TestFiles.TestKernels, kernel, kernel + ".elf"), "--machine", machine, "--vcpus", vcpus);
        EmuResult first = Record("--resume", Snapshot);
        Assert.Equal(0, first.ExitCode);
        Assert.NotEmpty(boot.Output);
        foreach (string engine in (string[])["interpreter", "jit", "auto"])
        {
            EmuResult second = Replay("--engine", engine);
            Assert.True(second.ExitCode == 0, second.Error);
            Assert.Contains("The replay is equal", second.Error, StringComparison.Ordinal);
            Assert.Equal((first.Output, Statistics("first")), (second.Output, Statistics("second")));
        }
    }

    [Fact]
    public void Keys_come_again_where_they_came()
    {
        string kernel = ResumedConsoleTests.WriteKernel(_folder);
        TakeSnapshot(kernel);
        EmuResult first = EmuProcess.RunWithInput("k", "run", "--resume", Snapshot, "--record", Recording, "--stats", _folder.File("first"));
        Assert.Equal((7, "k"), (first.ExitCode, first.Output));
        // The kernel has been loaded: nobody needs its file.
        File.Delete(kernel);
        EmuResult second = Replay();
        Assert.Equal((7, "k", Statistics("first")), (second.ExitCode, second.Output, Statistics("second")));
    }

    [Fact]
    public void Parts_of_a_resumed_session_write_what_the_whole_does()
    {
        string kernel = ResumedConsoleTests.WriteKernel(_folder, keys: 2);
        EmuProcess.Run("run", kernel, "--snapshot-at", "200_000", "--snapshot-file", Snapshot, "--snapshot-exit");
        EmuResult first = EmuProcess.RunWithInput("kl", "run", "--resume", Snapshot, "--record", Recording, "--stats", _folder.File("first"));
        Assert.Equal((7, "kl"), (first.ExitCode, first.Output));
        Assert.Equal(0, Replay("--cut", "8").ExitCode);
        string output = "";
        for (int i = 1; i <= 8; i++)
        {
            EmuResult part = EmuProcess.Run("replay", Recording, "--interval", $"{i}/8");
            Assert.True(part.ExitCode == 0, part.Error);
            output += part.Output;
        }

        Assert.Equal("kl", output);
    }

    [Fact]
    public void Boot_that_is_kept_begins_a_recording_too()
    {
        string kernel = ResumedConsoleTests.WriteKernel(_folder);
        string[] cached = ["run", kernel, "--boot-cache", _folder.File("cache") + ",at=20_000"];
        EmuResult whole = EmuProcess.Run([.. cached, "--record", Recording, "--max-instructions", "30_000"]);
        Assert.Equal((4, 4), (whole.ExitCode, Replay().ExitCode));

        EmuResult first = EmuProcess.RunWithInput("k", [.. cached, "--record", Recording, "--stats", _folder.File("first")]);
        Assert.Contains("Not booted", first.Error, StringComparison.Ordinal);
        Assert.Equal((7, "k"), (first.ExitCode, first.Output));
        EmuResult second = Replay();
        Assert.Equal((7, "k", Statistics("first")), (second.ExitCode, second.Output, Statistics("second")));
    }

    [Fact]
    public void Snapshot_may_lie_elsewhere_but_must_be_the_same()
    {
        TakeSnapshot(TestFiles.TourKernel);
        Record("--resume", Snapshot);
        byte[] content = File.ReadAllBytes(Snapshot);
        File.Delete(Snapshot);
        Assert.Contains("The snapshot", EmuProcess.Refused("replay", Recording), StringComparison.Ordinal);
        Assert.Equal(0, Replay("--file", _folder.Write("copy", content)).ExitCode);
        Assert.Equal(Statistics("first"), Statistics("second"));
        EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "10_001", "--snapshot-file", Snapshot, "--snapshot-exit");
        Assert.Contains("is not what it was", EmuProcess.Refused("replay", Recording), StringComparison.Ordinal);
    }

    [Fact]
    public void Recordings_and_snapshots_follow_one_another()
    {
        // A recorded run leaves a snapshot, from which another recorded run goes on; its replay leaves one, from which a third goes on.
        EmuResult whole = EmuProcess.Run("run", TestFiles.TourKernel, "--stats", _folder.File("whole"));
        EmuResult one = Record(TestFiles.TourKernel, "--snapshot-at", "10_000", "--snapshot-file", Snapshot, "--snapshot-exit");
        Assert.Equal(0, Replay().ExitCode);
        EmuResult two = Record("--resume", Snapshot, "--snapshot-at", "20_000", "--snapshot-file", _folder.File("b.snapshot"));
        Assert.Equal(whole.Output, one.Output + two.Output);
        Assert.Equal(Statistics("whole"), Statistics("first"));
        EmuResult cut = Replay("--cut", "2");
        Assert.True(cut.ExitCode == 0, cut.Error);
        Assert.Equal(Statistics("whole"), Statistics("second"));
        foreach (string from in (string[])[_folder.File("b.snapshot"), Assert.Single(Directory.GetFiles(_folder.Path, "*.cut"))])
        {
            EmuResult three = Record("--resume", from);
            Assert.EndsWith(three.Output, whole.Output, StringComparison.Ordinal);
            Assert.Equal(0, Replay("--engine", "interpreter").ExitCode);
            Assert.Equal((Statistics("whole"), Statistics("whole")), (Statistics("first"), Statistics("second")));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Parts_of_a_run_from_a_snapshot_are_the_whole(bool isCut)
    {
        TakeSnapshot(TestFiles.TourKernel);
        EmuResult first = Record("--resume", Snapshot);
        Assert.Equal(0, Replay("--trace", _folder.File("whole.emut")).ExitCode);
        if (isCut)
            Assert.Equal(0, Replay("--cut", "4").ExitCode);
        string output = "";
        for (int i = 1; i <= 4; i++)
        {
            EmuResult part = EmuProcess.Run("replay", Recording, "--interval", $"{i}/4", "--trace", _folder.File($"part{i}.emut"));
            Assert.True(part.ExitCode == 0, part.Error);
            Assert.Equal(isCut && i > 1, part.Error.Contains(".cut", StringComparison.Ordinal));
            // Parts are of what was recorded, not of the boot before it: none is empty.
            Assert.True(new FileInfo(_folder.File($"part{i}.emut")).Length > new FileInfo(_folder.File("whole.emut")).Length / 20);
            output += part.Output;
        }

        Assert.Equal(first.Output, output);
        EmuResult merged = EmuProcess.Run(["trace", "merge", .. Enumerable.Range(1, 4).Select(i => _folder.File($"part{i}.emut")), "--output", _folder.File("merged.emut")]);
        Assert.True(merged.ExitCode == 0, merged.Error);
        Assert.Equal(0, EmuProcess.Run("trace", "diff", _folder.File("whole.emut"), _folder.File("merged.emut")).ExitCode);
    }

    [Fact]
    public void Snapshots_of_an_older_recording_of_the_same_name_are_not_taken_for_those_of_the_new_one()
    {
        Record(TestFiles.TourKernel, "--machine", "pc");
        Assert.Equal(0, Replay("--cut", "2").ExitCode);
        Record(TestFiles.TourKernel, "--machine", "xen");
        Assert.Contains("--cut N", EmuProcess.Refused("replay", Recording, "--interval", "2/2"), StringComparison.Ordinal);
        Assert.Equal(0, Replay("--cut", "3").ExitCode);
        Assert.Equal(2, Directory.GetFiles(_folder.Path, "*.cut").Length);
        for (int i = 1; i <= 3; i++)
            Assert.Equal(0, EmuProcess.Run("replay", Recording, "--interval", $"{i}/3").ExitCode);
    }

    [Fact]
    public void Recording_does_not_go_over_the_snapshot_that_it_begins_with()
    {
        TakeSnapshot(TestFiles.TourKernel);
        Assert.Contains("Name another file", EmuProcess.Refused("run", "--resume", Snapshot, "--record", Snapshot), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Session_from_a_shell_s_prompt_is_the_same_again_with_a_disk_that_is_written_to()
    {
        string disk = FileSystemImage.Make(_folder), kept = _folder.Write("kept.img", new byte[1 << 20]);
        string initrd = _folder.Write(
            "initrd", [.. File.ReadAllBytes(TestFiles.Guest("initrd-domu.gz")), .. File.ReadAllBytes(TestFiles.Guest("initrd-shell.gz"))]);
        using (EmuProcess emu = EmuProcess.Start(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--initrd", initrd, "--disk", disk + ",raw", "--disk", kept + ",raw,snapshot,xvdb", "--net", "user",
            "--snapshot-at", "on:ready", "--snapshot-file", Snapshot, "--snapshot-exit", "--timeout", "280"))
        {
            emu.WaitForOutput("/ # ");
            emu.Type("while read -r module rest; do insmod /modules/$module $rest; done < /modules/order\n");
            emu.Type("while [ ! -b /dev/xvdb ]; do sleep 0.1; done; mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt; echo before > /dev/xvdb; sync; echo rea''dy\n");
            Assert.Equal(0, emu.Wait().ExitCode);
        }

        string copy = _folder.Write("copy.img", File.ReadAllBytes(disk));
        EmuResult first;
        using (EmuProcess emu = EmuProcess.Start("run", "--resume", Snapshot, "--record", Recording, "--stats", _folder.File("first"), "--timeout", "280"))
        {
            emu.Type("head -c 6 /dev/xvdb; dd if=/dev/urandom of=/mnt/x bs=64k count=10; sync; md5sum /mnt/x; echo after > /dev/xvdb; umount /mnt; sync; poweroff -f\n");
            first = emu.Wait();
        }

        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("before", first.Output, StringComparison.Ordinal);
        Assert.NotEqual(File.ReadAllBytes(copy), File.ReadAllBytes(disk));
        Assert.Contains("--file takes a copy", EmuProcess.Refused("replay", Recording), StringComparison.Ordinal);
        foreach (string engine in (string[])["interpreter", "auto"])
        {
            EmuResult second = Replay("--engine", engine, "--file", copy);
            Assert.True(second.ExitCode == 0, second.Error);
            Assert.Equal((first.Output, Statistics("first")), (second.Output, Statistics("second")));
        }

        Assert.Equal(0, Replay("--file", copy, "--cut", "3").ExitCode);
        EmuResult part = EmuProcess.Run("replay", Recording, "--file", copy, "--interval", "3/3");
        Assert.True(part.ExitCode == 0, part.Error);
        Assert.EndsWith(part.Output, first.Output, StringComparison.Ordinal);
    }

    private EmuResult TakeSnapshot(string kernel, params string[] options)
    {
        EmuResult result = EmuProcess.Run(["run", kernel, .. options, "--snapshot-at", "10_000", "--snapshot-file", Snapshot, "--snapshot-exit"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }

    private EmuResult Record(params string[] arguments) => EmuProcess.Run(["run", .. arguments, "--record", Recording, "--stats", _folder.File("first")]);

    private EmuResult Replay(params string[] arguments) => EmuProcess.Run(["replay", Recording, .. arguments, "--stats", _folder.File("second")]);

    /// <summary>All of the statistics that the host has no part in.</summary>
    private string Statistics(string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(_folder.File(name)));
        return string.Join(' ', ((string[])["instructions", "virtualNanoseconds", "stateHash", "restarts", "vcpus"]).Select(key => json.RootElement.GetProperty(key).GetRawText()));
    }
}
