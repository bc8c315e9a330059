using Emu.Cpu.Snapshots;
using Emu.Machine.Snapshots;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>Snapshots in files: they hold what they are to hold, and what is no snapshot is refused with a sentence.</summary>
public sealed class SnapshotFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("emu-snapshots").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Machine_goes_on_from_a_file()
    {
        var guest = Guest();
        using var machine = guest.Make();
        machine.Run(new RunLimits { MaxInstructions = 5000 });
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "this", new byte[] { 1, 2, 3 });
        var end = machine.Run(RunLimits.None);
        var outcome = SnapshotGuest.Outcome(machine);

        using var file = SnapshotFile.Open(At("a"));
        Assert.Equal("this", file.Program);
        Assert.Equal([1, 2, 3], file.Description.ToArray());
        Assert.Equal(5000UL, file.Snapshot.InstructionsRetired);
        using var other = guest.Make(isLoaded: false);
        other.Restore(file.Snapshot);
        Assert.Equal(end, other.Run(RunLimits.None));
        Assert.Equal(outcome, SnapshotGuest.Outcome(other));
    }

    [Fact]
    public void Chain_of_files_holds_each_page_once()
    {
        var guest = Guest();
        using var machine = guest.Make();
        SnapshotFile? last = null;
        List<string> hashes = [];
        for (var i = 0; i < 5; i++)
        {
            machine.Run(new RunLimits { MaxInstructions = (ulong)i * 4000 });
            last = SnapshotFile.Write(At(i), machine.TakeSnapshot(), "", default, last);
            hashes.Add(Convert.ToHexString(machine.StateHash()));
        }

        Assert.True(Length(4) < Length(0) / 2);
        using var other = guest.Make(isLoaded: false);
        foreach (var i in (int[])[2, 4, 0, 3, 1])
        {
            using var file = SnapshotFile.Open(At(i));
            other.Restore(file.Snapshot);
            Assert.Equal(hashes[i], Convert.ToHexString(other.StateHash()));
        }
    }

    [Fact]
    public void Snapshot_of_a_resumed_run_needs_the_file_that_it_was_resumed_from()
    {
        var guest = Guest();
        using var machine = guest.Make();
        machine.Run(new RunLimits { MaxInstructions = 5000 });
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        using var resumed = guest.Make(isLoaded: false);
        using (var first = SnapshotFile.Open(At("a")))
        {
            resumed.Restore(first.Snapshot);
            resumed.Run(new RunLimits { MaxInstructions = 9000 });
            SnapshotFile.Write(At("b"), resumed.TakeSnapshot(), "", default, first);
            SnapshotFile.Write(At("whole"), resumed.TakeSnapshot(), "", default);
        }

        foreach (var name in (string[])["b", "whole"])
        {
            using var file = SnapshotFile.Open(At(name));
            using var again = guest.Make(isLoaded: false);
            again.Restore(file.Snapshot);
            Assert.Equal(resumed.StateHash(), again.StateHash());
        }

        Assert.True(Length("b") < Length("whole"));
        File.Delete(At("a"));
        var refusal = Assert.Throws<SnapshotException>(() => SnapshotFile.Open(At("b")));
        Assert.Contains("there is no such file", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_file_of_the_parents_name_is_refused()
    {
        using var machine = Guest().Make();
        var parent = SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        machine.Run(new RunLimits { MaxInstructions = 5000 });
        SnapshotFile.Write(At("b"), machine.TakeSnapshot(), "", default, parent);
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        Assert.Contains("needs another", Assert.Throws<SnapshotException>(() => SnapshotFile.Open(At("b"))).Message, StringComparison.Ordinal);
        // A file that needs itself.
        File.Copy(At("b"), At("a"), overwrite: true);
        Assert.Throws<SnapshotException>(() => SnapshotFile.Open(At("b")));
    }

    [Fact]
    public void Every_changed_byte_is_noticed()
    {
        var guest = Guest();
        using var machine = guest.Make();
        machine.Run(new RunLimits { MaxInstructions = 5000 });
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "this", default);
        var bytes = File.ReadAllBytes(At("a"));
        using var other = guest.Make(isLoaded: false);
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            // All of the header and much of the directory, which is last; and anywhere.
            var at = round < 64 ? round : round < 200 ? bytes.Length - 1 - random.Next(600) : random.Next(bytes.Length);
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= (byte)(1 << random.Next(8));
            Refused(damaged, other);
        }
    }

    [Fact]
    public void Every_shorter_file_is_refused()
    {
        var guest = Guest();
        using var machine = guest.Make();
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "this", default);
        var bytes = File.ReadAllBytes(At("a"));
        var random = new Random(2);
        for (var round = 0; round < 200; round++)
            Refused(bytes[..(round < 80 ? round : random.Next(bytes.Length))], machine);
        Refused([.. bytes, 0], machine);
    }

    [Fact]
    public void What_is_no_snapshot_is_refused()
    {
        using var machine = Guest().Make();
        Refused("\u007fELF and more of it, but nothing that would be a snapshot, however long one reads"u8.ToArray(), machine);
        Assert.Contains("no such file", Assert.Throws<SnapshotException>(() => SnapshotFile.Open(At("nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains("a folder", Assert.Throws<SnapshotException>(() => SnapshotFile.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Forged_directory_with_a_right_checksum_is_refused()
    {
        using var machine = Guest().Make();
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "this", default);
        var bytes = File.ReadAllBytes(At("a"));
        var at = (int)BitConverter.ToInt64(bytes, 16);
        var random = new Random(3);
        var refused = 0;
        for (var round = 0; round < 400; round++)
        {
            var directory = bytes[at..];
            for (var i = random.Next(3); i >= 0; i--)
                directory[random.Next(directory.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(At("f"), [.. SnapshotFile.MakeHeader(at, directory), .. bytes[64..at], .. directory]);
            try
            {
                using var file = SnapshotFile.Open(At("f"));
                machine.Restore(file.Snapshot);
            }
            catch (SnapshotException)
            {
                refused++;
            }
        }

        Assert.True(refused > 200, $"{refused}");
    }

    [Fact]
    public void What_cannot_be_written_leaves_what_was_there()
    {
        using var machine = Guest().Make();
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        var before = File.ReadAllBytes(At("a"));
        var gone = SnapshotFile.Open(At("a"));
        machine.Restore(gone.Snapshot);
        gone.Dispose();
        // What was read of it lately is forgotten.
        GC.Collect();
        Assert.Throws<SnapshotException>(() => SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default));
        Assert.Equal(before, File.ReadAllBytes(At("a")));
        Assert.Equal([At("a")], Directory.GetFiles(_folder));
    }

    private static SnapshotGuest Guest() => new("paging-long", MachineProfile.Pc, 1, null);

    private void Refused(byte[] bytes, PvhMachine machine)
    {
        File.WriteAllBytes(At("refused"), bytes);
        var refusal = Assert.Throws<SnapshotException>(() =>
        {
            using var file = SnapshotFile.Open(At("refused"));
            machine.Restore(file.Snapshot);
        });
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
    }

    private string At(object name) => Path.Combine(_folder, $"{name}.snapshot");

    private long Length(object name) => new FileInfo(At(name)).Length;
}
