using System.Text.Json;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Runs that are cut by <c>--snapshot-at</c> and go on with <c>--resume</c>, and boots that are done once.</summary>
public sealed class SnapshotTests : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pc", "1", "tour")]
    [InlineData("xen", "1", "tour")]
    [InlineData("pc", "4", "smp")]
    [InlineData("xen", "2", "xen-smp")]
    public void Resumed_run_ends_as_the_uninterrupted_one(string machine, string vcpus, string kernel)
    {
        string[] guest = [Path.Combine(TestFiles.TestKernels, kernel, kernel + ".elf"), "--machine", machine, "--vcpus", vcpus];
        (EmuResult whole, string outcome) = Run("run", guest);
        ulong instructions = Instructions(outcome);
        (EmuResult cut, string cutOutcome) = Run("run", guest, "--snapshot-at", $"{instructions / 2}", "--snapshot-at", $"{instructions * 3 / 4}", "--snapshot-file", At("a.snapshot"));
        Assert.Equal(outcome, cutOutcome);
        Assert.Equal(whole.Output, cut.Output);
        foreach (string file in (string[])["a.snapshot", "a.2.snapshot"])
        {
            foreach (string engine in (string[])["interpreter", "jit", "auto"])
            {
                (EmuResult resumed, string resumedOutcome) = Run("run", ["--resume", At(file)], "--engine", engine);
                Assert.Equal(outcome, resumedOutcome);
                Assert.Equal(whole.ExitCode, resumed.ExitCode);
                Assert.EndsWith(resumed.Output, whole.Output, StringComparison.Ordinal);
                Assert.True(resumed.Output.Length < whole.Output.Length);
            }
        }
    }

    [Fact]
    public void Snapshot_is_taken_right_when_a_text_has_appeared()
    {
        (EmuResult whole, string outcome) = Run("run", [TestFiles.TourKernel]);
        string word = whole.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries)[40];
        EmuResult cut = EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "on:" + word, "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        Assert.Equal(0, cut.ExitCode);
        Assert.EndsWith(word, cut.Output, StringComparison.Ordinal);
        Assert.Equal(whole.Output.IndexOf(word, StringComparison.Ordinal) + word.Length, cut.Output.Length);
        Assert.Contains("Snapshot at on:" + word, cut.Error, StringComparison.Ordinal);

        (EmuResult resumed, string resumedOutcome) = Run("run", ["--resume", At("a.snapshot")]);
        Assert.Equal(whole.Output, cut.Output + resumed.Output);
        Assert.Equal(outcome, resumedOutcome);
    }

    [Fact]
    public void Snapshot_at_a_virtual_time_is_taken_then()
    {
        string kernel = Path.Combine(TestFiles.TestKernels, "pit", "pit.elf");
        (_, string outcome) = Run("run", [kernel]);
        EmuResult cut = EmuProcess.Run("run", kernel, "--snapshot-at", "2ms", "--snapshot-at", "500us", "--snapshot-file", At("a.snapshot"), "--stats", At("cut.json"));
        Assert.Equal(0, cut.ExitCode);
        foreach (string file in (string[])["a.snapshot", "a.2.snapshot"])
            Assert.Equal(outcome, Run("run", ["--resume", At(file)]).Outcome);
    }

    [Fact]
    public void Snapshot_of_a_resumed_run_goes_on_from_the_first()
    {
        (_, string outcome) = Run("run", [TestFiles.TourKernel]);
        EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "10_000", "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        EmuResult second = EmuProcess.Run("run", "--resume", At("a.snapshot"), "--snapshot-at", "20_000", "--snapshot-file", At("b.snapshot"), "--snapshot-exit");
        Assert.Equal(0, second.ExitCode);
        Assert.Equal(outcome, Run("run", ["--resume", At("b.snapshot")]).Outcome);
        File.Delete(At("a.snapshot"));
        Assert.Contains("a.snapshot", EmuProcess.Refused("run", "--resume", At("b.snapshot")), StringComparison.Ordinal);
    }

    [Fact]
    public void Snapshot_that_was_never_due_is_said_so()
    {
        EmuResult result = EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "on:no kernel says this", "--snapshot-file", At("a.snapshot"));
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("that snapshot was not taken", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(At("a.snapshot")));
    }

    [Fact]
    public void What_cannot_be_resumed_is_refused_in_a_sentence()
    {
        EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "10_000", "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        byte[] bytes = File.ReadAllBytes(At("a.snapshot"));
        bytes[bytes.Length / 2] ^= 1;
        EmuProcess.Refused("run", "--resume", _folder.Write("damaged.snapshot", bytes));
        EmuProcess.Refused("run", "--resume", _folder.Write("short.snapshot", bytes[..^100]));
        EmuProcess.Refused("run", "--resume", _folder.Write("empty.snapshot", []));
        Assert.Contains("no snapshot", EmuProcess.Refused("run", "--resume", TestFiles.TourKernel), StringComparison.Ordinal);
        EmuProcess.Refused("run", "--resume", _folder.Path);
        EmuProcess.Refused("run", "--resume", At("missing.snapshot"));
        Assert.Contains("has passed already", EmuProcess.Refused("run", "--resume", At("a.snapshot"), "--snapshot-at", "5000"), StringComparison.Ordinal);
        Assert.Contains("--dump-at 5000 has passed already", EmuProcess.Refused("run", "--resume", At("a.snapshot"), "--dump-at", "5000"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--resume", "a.snapshot", "kernel.elf")]
    [InlineData("--resume", "a.snapshot", "--memory", "1G")]
    [InlineData("--resume", "a.snapshot", "--vcpus", "2")]
    [InlineData("--resume", "a.snapshot", "--disk", "disk.img")]
    [InlineData("--resume", "a.snapshot", "--append", "quiet")]
    [InlineData("--resume", "a.snapshot", "--boot-cache", "dir,at=2s")]
    [InlineData("--snapshot-file", "a.snapshot")]
    [InlineData("--snapshot-exit")]
    [InlineData("--snapshot-at", "soon")]
    [InlineData("--snapshot-at", "on:")]
    [InlineData("--snapshot-at", "1_000", "--snapshot-file", "no/such/folder/a.snapshot")]
    [InlineData("--boot-cache", "dir")]
    [InlineData("--boot-cache", "dir,at=")]
    [InlineData("--boot-cache", "dir,at=1s", "--snapshot-at", "2s")]
    [InlineData("--boot-cache", "dir,at=1s", "--net", "user,forward=tcp:2222:22")]
    public void Options_that_make_no_sense_are_refused(params string[] arguments) => EmuProcess.Refused(["run", .. arguments]);

    [Fact]
    public void Boot_is_done_once_as_long_as_nothing_changes()
    {
        string cache = At("cache") + ",at=on:long mode";
        string kernel = _folder.Write("kernel.elf", File.ReadAllBytes(TestFiles.TourKernel));
        string[] guest = [kernel, "--machine", "pc", "--append", "sightseeing"];
        (EmuResult whole, string outcome) = Run("run", guest);
        Assert.Contains("long mode", whole.Output, StringComparison.Ordinal);

        (EmuResult first, string firstOutcome) = Run("run", guest, "--boot-cache", cache);
        Assert.Equal(whole.Output, first.Output);
        Assert.Equal(outcome, firstOutcome);
        Assert.DoesNotContain("Not booted", first.Error, StringComparison.Ordinal);
        (EmuResult second, string secondOutcome) = Run("run", guest, "--boot-cache", cache, "--engine", "interpreter");
        Assert.Contains("Not booted", second.Error, StringComparison.Ordinal);
        Assert.Equal(outcome, secondOutcome);
        Assert.EndsWith(second.Output, whole.Output, StringComparison.Ordinal);
        Assert.True(second.Output.Length < whole.Output.Length);

        // Another command line, another amount of memory, another kernel.
        Assert.DoesNotContain("Not booted", Run("run", [kernel, "--machine", "pc", "--append", "other"], "--boot-cache", cache).Result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Not booted", Run("run", guest, "--boot-cache", cache, "--memory", "256M").Result.Error, StringComparison.Ordinal);
        File.WriteAllBytes(kernel, [.. File.ReadAllBytes(kernel), 0]);
        Assert.DoesNotContain("Not booted", Run("run", guest, "--boot-cache", cache).Result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Boot_is_found_again_where_its_files_lie_elsewhere_but_not_under_other_names()
    {
        string cache = At("cache") + ",at=20_000";
        byte[] content = File.ReadAllBytes(TestFiles.TourKernel);
        Run("run", [_folder.Write("kernel.elf", content), "--machine", "pc"], "--boot-cache", cache);
        Directory.CreateDirectory(At("elsewhere"));
        string[] elsewhere = [_folder.Write("elsewhere/kernel.elf", content), "--machine", "pc"];
        Assert.Contains("Not booted", Run("run", elsewhere, "--boot-cache", cache).Result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Not booted", Run("run", [_folder.Write("other.elf", content), "--machine", "pc"], "--boot-cache", cache).Result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Boot_is_done_again_for_a_dump_that_lies_in_it()
    {
        string[] run = [TestFiles.TourKernel, "--machine", "pc", "--boot-cache", At("cache") + ",at=20_000", "--dump-at", "10_000"];
        (EmuResult first, string outcome) = Run("run", run);
        (EmuResult second, string secondOutcome) = Run("run", run);
        Assert.Contains("Booted anew: --dump-at 10000", second.Error, StringComparison.Ordinal);
        Assert.Contains("State after 10000 instructions", second.Error, StringComparison.Ordinal);
        Assert.Equal((outcome, first.Output), (secondOutcome, second.Output));
    }

    [Theory]
    [InlineData("no/such/kernel", "--boot-cache: the kernel 'no/such/kernel' cannot be read: there is no such file.")]
    [InlineData("no-such-kernel", "--boot-cache: the kernel 'no-such-kernel' cannot be read: there is no such file.")]
    [InlineData(".", "--boot-cache: the kernel '.' is a folder, not a file.")]
    public void Kernel_of_a_boot_that_cannot_be_read_is_said_so_in_our_words(string kernel, string sentence) =>
        Assert.Equal($"emu: {sentence}\n", EmuProcess.Refused("run", kernel, "--boot-cache", At("cache") + ",at=1s"));

    [Fact]
    public void Boot_cache_speaks_of_itself()
    {
        Assert.Equal("emu: The kernel file 'no-such-kernel' cannot be read: there is no such file.\n", EmuProcess.Refused("run", "no-such-kernel"));
        string file = _folder.Write("file", [1]);
        Assert.Equal($"emu: --boot-cache cannot use '{file}' as a folder: it is a file.\n", EmuProcess.Refused("run", TestFiles.TourKernel, "--boot-cache", file + ",at=1s"));
        EmuResult never = EmuProcess.Run("run", TestFiles.TourKernel, "--boot-cache", At("cache") + ",at=on:no kernel says this");
        Assert.Equal(0, never.ExitCode);
        Assert.Contains("--boot-cache", never.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("--snapshot-at", never.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Snapshot_never_goes_over_one_that_the_run_needs()
    {
        EmuProcess.Run("run", TestFiles.TourKernel, "--snapshot-at", "10_000", "--snapshot-at", "20_000", "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        Assert.Contains("Name another file", EmuProcess.Refused("run", "--resume", At("a.2.snapshot"), "--snapshot-at", "30_000", "--snapshot-file", At("a.snapshot")), StringComparison.Ordinal);
        Assert.Equal(0, Run("run", ["--resume", At("a.2.snapshot")]).Result.ExitCode);
    }

    [Fact]
    public void Kernel_that_is_gone_is_missed_where_its_names_are_wanted_alone()
    {
        string kernel = _folder.Write("kernel.elf", File.ReadAllBytes(TestFiles.TourKernel));
        EmuProcess.Run("run", kernel, "--snapshot-at", "10_000", "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        File.Delete(kernel);
        const string Gone = "is not there any more";
        Assert.DoesNotContain(Gone, EmuProcess.Run("run", "--resume", At("a.snapshot")).Error, StringComparison.Ordinal);
        EmuResult traced = EmuProcess.Run("run", "--resume", At("a.snapshot"), "--trace", At("trace.txt"), "--trace-count", "10");
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(traced.Error, Gone));
    }

    [Fact]
    public void Damaged_boot_is_done_again()
    {
        string cache = At("cache") + ",at=20_000";
        string[] guest = [TestFiles.TourKernel, "--machine", "pc"];
        (_, string outcome) = Run("run", guest, "--boot-cache", cache);
        string kept = Assert.Single(Directory.GetFiles(At("cache")));
        byte[] bytes = File.ReadAllBytes(kept);
        bytes[100] ^= 1;
        File.WriteAllBytes(kept, bytes);
        (EmuResult again, string againOutcome) = Run("run", guest, "--boot-cache", cache);
        Assert.Contains("replaced by a new boot", again.Error, StringComparison.Ordinal);
        Assert.Equal(outcome, againOutcome);
        Assert.Contains("Not booted", Run("run", guest, "--boot-cache", cache).Result.Error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("pc", "1", "initrd-test.gz", "console=ttyS0")]
    [InlineData("xen", "4", "initrd-smp.gz", "console=hvc0")]
    public void Resumed_Linux_ends_as_the_uninterrupted_one(string machine, string vcpus, string initrd, string commandLine)
    {
        (EmuResult whole, string outcome) = Run(
            "run",
            [TestFiles.Guest("vmlinuz-amd64"), "--machine", machine, "--vcpus", vcpus, "--initrd", TestFiles.Guest(initrd), "--append", commandLine],
            "--snapshot-at", "on:Freeing unused kernel image", "--snapshot-at", "700ms", "--snapshot-file", At("a.snapshot"));
        foreach (string file in (string[])["a.snapshot", "a.2.snapshot"])
        {
            (EmuResult resumed, string resumedOutcome) = Run("run", ["--resume", At(file)], "--engine", file == "a.snapshot" ? "interpreter" : "auto");
            Assert.Equal(outcome, resumedOutcome);
            Assert.EndsWith(resumed.Output, whole.Output, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void Domain_with_disk_and_network_goes_on_in_the_middle_of_its_work()
    {
        string disk = FileSystemImage.Make(_folder);
        (EmuResult whole, string outcome) = Run(
            "run",
            [
                TestFiles.Guest("vmlinuz-amd64"), "--machine", "xen", "--vcpus", "2", "--initrd", TestFiles.Guest("initrd-domu.gz"), "--disk", disk + ",snapshot", "--net", "user",
            ],
            "--snapshot-at", "on:PASS read", "--snapshot-at", "on:PASS ping", "--snapshot-file", At("a.snapshot"));
        Assert.Contains("PASS all", whole.Console, StringComparison.Ordinal);
        foreach (string file in (string[])["a.snapshot", "a.2.snapshot"])
            Assert.Equal(outcome, Run("run", ["--resume", At(file)]).Outcome);
        // What the disk holds beneath what the guest has written is part of the guest.
        byte[] image = File.ReadAllBytes(disk);
        image[image.Length / 2] ^= 1;
        File.WriteAllBytes(disk, image);
        Assert.Contains("does not hold what it held", EmuProcess.Refused("run", "--resume", At("a.snapshot")), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Shell_takes_input_where_its_snapshot_was_taken()
    {
        EmuResult boot = EmuProcess.Run(
            "run", TestFiles.Guest("vmlinuz-amd64"), "--initrd", TestFiles.Guest("initrd-shell.gz"), "--append", "console=ttyS0",
            "--snapshot-at", "on:/ # ", "--snapshot-file", At("a.snapshot"), "--snapshot-exit");
        Assert.Equal(0, boot.ExitCode);
        for (int i = 0; i < 2; i++)
        {
            using EmuProcess emu = EmuProcess.Start("run", "--resume", At("a.snapshot"), "--timeout", "200");
            emu.Type("echo $((6 * 7)) is the answer\n");
            emu.WaitForOutput("42 is the answer");
            emu.Type("poweroff -f\n");
            Assert.Equal(0, emu.Wait().ExitCode);
        }
    }

    private string At(string name) => _folder.File(name);

    private static ulong Instructions(string outcome) => ulong.Parse(outcome.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

    // What two equal runs agree in.
    private (EmuResult Result, string Outcome) Run(string verb, string[] guest, params string[] others)
    {
        EmuResult result = EmuProcess.Run([verb, .. guest, .. others, "--stats", At("stats.json")]);
        Assert.True(File.Exists(At("stats.json")), result.Error);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(At("stats.json")));
        JsonElement root = json.RootElement;
        return (result, $"{root.GetProperty("instructions")} {root.GetProperty("virtualNanoseconds")} {root.GetProperty("stateHash")} {root.GetProperty("vcpus")} {root.GetProperty("exit")}");
    }
}
