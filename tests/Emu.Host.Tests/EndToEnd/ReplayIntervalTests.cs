using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Emu.Host.Tests.EndToEnd;

/// <summary><c>emu replay --cut</c> and <c>--interval</c>: a run in parts, each by itself, is the run.</summary>
public sealed class ReplayIntervalTests : IDisposable
{
    private const int Parts = 8;

    private readonly TestFiles.TemporaryFolder _folder = new();

    private string Recording => _folder.File("session.rec");

    private string Cuts => _folder.File("cuts");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData("exceptions")]
    [InlineData("smp", "--vcpus", "4")]
    [InlineData("xen-smp", "--machine", "xen", "--vcpus", "4")]
    public void Traces_and_consoles_of_all_parts_are_those_of_the_whole(string? kernel, params string[] options)
    {
        EmuResult whole = Record(kernel, options);

        Cut(Parts);
        Assert.Equal(Parts - 1, Directory.GetFiles(Cuts, "session.rec.*.cut").Length);
        Assert.Equal(whole.Output, ReplayParts(Parts, 1, isCut: true));
        AssertMergeEqualsWhole();
    }

    [Fact]
    public void Without_snapshots_each_part_is_replayed_from_the_start()
    {
        EmuResult whole = Record(null);

        Assert.Equal(whole.Output, ReplayParts(3, 1, isCut: false));
        AssertMergeEqualsWhole();
    }

    [Fact]
    public void Parts_of_another_size_begin_with_the_nearest_snapshot()
    {
        Record(null);
        Cut(4);

        string[] cuts = [.. Directory.GetFiles(Cuts).Order(StringComparer.Ordinal)];
        Assert.Contains($"'{cuts[0]}'", Part("3/8").Error, StringComparison.Ordinal);
        Assert.Contains($"'{cuts[1]}'", Part("6/8").Error, StringComparison.Ordinal);
        Assert.Contains("from the start", Part("2/8").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Registers_and_accesses_of_parts_are_those_of_the_whole()
    {
        Record("exceptions", detail: "all");
        Cut(3);
        ReplayParts(3, 1, isCut: true, "all");

        AssertMergeEqualsWhole();
    }

    [Fact]
    public void Replay_in_parts_ends_with_0_whatever_the_guest_ended_with()
    {
        // 100 turns of a loop, then out 0xF4, 3, which ends with 7.
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB9, 100, 0, 0, 0, 0xE2, 0xFE, 0xB0, 3, 0xE6, 0xF4));
        Assert.Equal(7, EmuProcess.Run("run", kernel, "--record", Recording).ExitCode);

        Assert.Equal(0, Cut(2).ExitCode);
        Assert.Equal((0, 0), (Part("1/2").ExitCode, Part("2/2").ExitCode));
    }

    [Fact]
    public void Last_part_goes_on_through_all_lives_and_others_stay_in_the_first()
    {
        string kernel = _folder.Write("kernel", TinyKernel.Build(0xB0, (byte)'R', 0xE6, 0xE9, 0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE));
        EmuProcess.Run("run", kernel, "--restarts", "3", "--debug-console", "stdout", "--record", Recording);
        Cut(2);

        EmuResult first = Part("1/2"), second = Part("2/2");
        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Equal("RRRR", first.Output + second.Output);
        Assert.Equal("R", first.Output);
    }

    [Fact]
    public void Replay_that_cuts_ends_as_the_recorded_run_and_replaces_older_snapshots()
    {
        EmuResult whole = Record(null);
        Cut(8);
        EmuResult cut = Cut(3);

        Assert.Equal(whole.Output, cut.Output);
        Assert.Equal(2, Directory.GetFiles(Cuts).Length);
    }

    [Fact]
    public void Snapshot_is_one_for_a_live_run_too_but_not_with_a_disk_that_is_written_to()
    {
        EmuResult whole = Record(null);
        Cut(2);
        EmuResult resumed = EmuProcess.Run("run", "--resume", Assert.Single(Directory.GetFiles(Cuts)));
        Assert.Equal((0, whole.Output), (resumed.ExitCode, Part("1/2").Output + resumed.Output));

        Record(null, ["--disk", _folder.Write("disk", new byte[4096])]);
        Cut(2);
        Assert.Contains("--interval", EmuProcess.Refused("run", "--resume", Assert.Single(Directory.GetFiles(Cuts))), StringComparison.Ordinal);
        Assert.Equal(0, Part("2/2").ExitCode);
    }

    [Fact]
    public void Snapshots_of_another_recording_and_damaged_ones_are_refused()
    {
        Record(null);
        Cut(2);
        string cut = Assert.Single(Directory.GetFiles(Cuts));
        byte[] bytes = File.ReadAllBytes(cut);

        byte[] damaged = [.. bytes];
        damaged[^20] ^= 1;
        File.WriteAllBytes(cut, damaged);
        EmuProcess.Refused("replay", Recording, "--interval", "2/2", "--cut-dir", Cuts);
        damaged = [.. bytes];
        damaged[100] ^= 1;
        File.WriteAllBytes(cut, damaged);
        EmuProcess.Refused("replay", Recording, "--interval", "2/2", "--cut-dir", Cuts);
        Assert.Equal(0, Part("1/2").ExitCode);

        File.WriteAllBytes(cut, bytes);
        Assert.Equal(0, EmuProcess.Run("run", "--seed", "5", "--record", Recording).ExitCode);
        Assert.Contains("another", EmuProcess.Refused("replay", Recording, "--interval", "2/2", "--cut-dir", Cuts), StringComparison.Ordinal);
        // One that was taken otherwise, under such a name.
        Assert.Equal(0, EmuProcess.Run("run", "--snapshot-at", "1000", "--snapshot-file", cut, "--snapshot-exit").ExitCode);
        EmuProcess.Refused("replay", Recording, "--interval", "2/2", "--cut-dir", Cuts);
    }

    [Fact]
    public void What_is_not_equal_to_the_recorded_run_ends_with_5_and_leaves_no_snapshots()
    {
        Record(null);
        Cut(3);
        ChangeLastState(Recording);

        EmuResult cut = EmuProcess.Run("replay", Recording, "--cut", "3", "--cut-dir", Cuts);
        Assert.Equal(5, cut.ExitCode);
        Assert.Contains("border 2 of 2", cut.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Cuts));
        // The only checkpoint lies behind it.
        Assert.Equal(5, Part("1/3").ExitCode);
    }

    [Theory]
    [InlineData("--interval", "0/8")]
    [InlineData("--interval", "9/8")]
    [InlineData("--interval", "3")]
    [InlineData("--interval", "1/999999999999")]
    [InlineData("--interval", "-1/-1")]
    [InlineData("--cut", "1")]
    [InlineData("--cut", "100000")]
    [InlineData("--cut", "2", "--interval", "1/2")]
    [InlineData("--cut", "2", "--max-instructions", "5")]
    [InlineData("--cut-dir", "folder")]
    [InlineData("--interval", "1/2", "--gdb", "0")]
    [InlineData("--interval", "1/2", "--dump-at", "5")]
    [InlineData("--interval", "1/2", "--trace", "x.emut", "--trace-from", "5")]
    [InlineData("--interval", "1/2", "--trace", "x.txt", "--trace-count", "5")]
    [InlineData("--interval", "1/2", "--cut-dir", "no-such-folder")]
    public void Mistake_ends_with_2_and_a_sentence(params string[] arguments)
    {
        Assert.Equal(0, EmuProcess.Run("run", "--record", Recording).ExitCode);
        EmuProcess.Refused(["replay", Recording, .. arguments.Select(argument => argument.EndsWith("folder", StringComparison.Ordinal) || argument.StartsWith('x') ? _folder.File(argument) : argument)]);
    }

    [SkippableFact]
    public void Boot_of_Linux_in_parts_two_at_a_time_is_the_boot()
    {
        string[] boot = ["--initrd", TestFiles.Guest("initrd-test.gz"), "--append", "console=ttyS0", "--memory", "512M"];
        EmuResult whole = Record(TestFiles.Guest("vmlinuz-amd64"), boot);
        Cut(Parts);

        Assert.Equal(whole.Output, ReplayParts(Parts, 2, isCut: true));
        AssertMergeEqualsWhole();
    }

    /// <summary>Records a run, and traces a replay of it from its beginning to its end.</summary>
    private EmuResult Record(string? kernel, string[]? options = null, string detail = "blocks")
    {
        string[] guest = kernel is null ? [] : [File.Exists(kernel) ? kernel : Path.Combine(TestFiles.TestKernels, kernel, kernel + ".elf")];
        EmuResult run = EmuProcess.Run(["run", .. guest, .. options ?? [], "--record", Recording]);
        EmuResult replay = EmuProcess.Run("replay", Recording, "--trace", _folder.File("whole.emut"), "--trace-detail", detail);
        Assert.Equal((run.ExitCode, run.Output), (replay.ExitCode, replay.Output));
        return run;
    }

    private EmuResult Cut(int parts)
    {
        EmuResult result = EmuProcess.Run("replay", Recording, "--cut", parts.ToString(CultureInfo.InvariantCulture), "--cut-dir", Cuts);
        Assert.Contains("is equal to the recorded run", result.Error, StringComparison.Ordinal);
        return result;
    }

    private EmuResult Part(string part, params string[] options) =>
        EmuProcess.Run(["replay", Recording, "--interval", part, .. Directory.Exists(Cuts) ? (string[])["--cut-dir", Cuts] : [], .. options]);

    /// <summary>Replays all parts with traces.</summary>
    /// <returns>What they wrote to the console, one after the other.</returns>
    private string ReplayParts(int parts, int atOnce, bool isCut, string detail = "blocks")
    {
        string[] outputs = new string[parts];
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, i =>
        {
            EmuResult result = Part(
                string.Create(CultureInfo.InvariantCulture, $"{i + 1}/{parts}"),
                "--trace", _folder.File(string.Create(CultureInfo.InvariantCulture, $"part{i}.emut")), "--trace-detail", detail);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Contains(isCut && i != 0 ? ".cut'" : "from the start", result.Error, StringComparison.Ordinal);
            Assert.Contains("is equal to the recorded run", result.Error, StringComparison.Ordinal);
            outputs[i] = result.Output;
        });
        return string.Concat(outputs);
    }

    private void AssertMergeEqualsWhole()
    {
        string merged = _folder.File("merged.emut");
        EmuResult merge = EmuProcess.Run(["trace", "merge", .. Directory.GetFiles(_folder.Path, "part*.emut"), "-o", merged]);
        Assert.True(merge.ExitCode == 0, merge.Error);
        EmuResult diff = EmuProcess.Run("trace", "diff", _folder.File("whole.emut"), merged);
        Assert.StartsWith("Equal: ", diff.Output, StringComparison.Ordinal);
        Assert.Equal(0, diff.ExitCode);
    }

    /// <summary>Another state hash at the end of a recording of one life: that of the last frame but one, whose checksum is made to fit.</summary>
    private static void ChangeLastState(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        List<int> frames = [];
        for (int at = 14 + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(10)) + 4; at < bytes.Length; at += 8 + Length(at))
            frames.Add(at);
        int frame = frames[^2];
        Span<byte> entries = bytes.AsSpan(frame + 8, Length(frame));
        entries[^1] ^= 1;
        uint crc = uint.MaxValue;
        foreach (byte value in entries)
            crc = BitOperations.Crc32C(crc, value);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(frame + 4), ~crc);
        File.WriteAllBytes(path, bytes);

        int Length(int at) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) & 0xFF_FFFF);
    }
}
