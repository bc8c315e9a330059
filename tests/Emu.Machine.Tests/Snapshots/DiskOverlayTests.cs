using Emu.Cpu.Snapshots;
using Emu.Machine.Snapshots;
using Emu.Machine.Tests.Support;
using Emu.Xen.Backends.Block;
using Xunit;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>What a guest has written to a disk that is kept in memory: part of each snapshot, and shared by them as far as it stays the same.</summary>
public sealed class DiskOverlayTests : IDisposable
{
    private const int Pages = 600;
    private const int PageSectors = 8;

    private readonly string _folder = Directory.CreateTempSubdirectory("emu-overlays").FullName;

    public DiskOverlayTests() => File.WriteAllBytes(At("disk"), new byte[8 << 20]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Snapshots_share_what_was_not_written_between_them()
    {
        using var machine = Make();
        var disk = Disk(machine);
        Fill(disk, 0, Pages, 1);
        var first = machine.TakeSnapshot();
        Fill(disk, 100, 3, 2);
        Fill(disk, Pages + 7, 1, 2);
        var second = machine.TakeSnapshot();

        Assert.Equal(Pages, first.StatePages.Count);
        Assert.Equal(Pages + 1, second.StatePages.Count);
        Assert.Equal(Pages - 3, second.StatePages.Intersect(first.StatePages).Count());
        Assert.True(first.State.Length < second.State.Length + 100);
    }

    [Fact]
    public void What_is_written_after_a_snapshot_is_not_in_it()
    {
        using var machine = Make();
        var disk = Disk(machine);
        Fill(disk, 0, Pages, 1);
        var first = machine.TakeSnapshot();
        Fill(disk, 0, 10, 2);
        disk.Write(20 * PageSectors, [.. Enumerable.Repeat((byte)3, 512)]);
        Fill(disk, Pages, 5, 2);
        var second = machine.TakeSnapshot();

        foreach (var (snapshot, value) in new[] { (first, 1), (second, 2), (first, 1) })
        {
            machine.Restore(snapshot);
            Assert.Equal([value, 1, value == 1 ? 1 : 3, value == 1 ? 0 : 2], new[] { 0, 15, 20, Pages + 4 }.Select(page => (int)ByteAt(disk, page)));
            // What is written in one future is not in the past, nor in another one.
            Fill(disk, 0, Pages + 5, 9);
        }

        using var other = Make();
        other.Restore(second);
        Assert.Equal(2, ByteAt(Disk(other), 3));
    }

    [Fact]
    public void File_holds_what_was_written_since_the_file_before()
    {
        using var machine = Make();
        var disk = Disk(machine);
        Fill(disk, 0, Pages, 1);
        var file = SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        Fill(disk, 300, 2, 2);
        file = SnapshotFile.Write(At("b"), machine.TakeSnapshot(), "", default, file);
        SnapshotFile.Write(At("c"), machine.TakeSnapshot(), "", default, file);
        Assert.True(Length("b") < Length("a") / 4, $"{Length("b")} of {Length("a")}");

        using (var opened = SnapshotFile.Open(At("c")))
        {
            opened.Verify();
            using var resumed = Make();
            resumed.Restore(opened.Snapshot);
            Assert.Equal((1, 2, 1), (ByteAt(Disk(resumed), 299), ByteAt(Disk(resumed), 301), ByteAt(Disk(resumed), Pages - 1)));
            Assert.Equal(StateStream.Save(machine), StateStream.Save(resumed));
            // The resumed run's own snapshot goes on from there.
            Fill(Disk(resumed), 0, 1, 4);
            SnapshotFile.Write(At("d"), resumed.TakeSnapshot(), "", default, opened);
        }

        Assert.True(Length("d") < Length("a") / 4, $"{Length("d")} of {Length("a")}");
        using var last = SnapshotFile.Open(At("d"));
        using var again = Make();
        again.Restore(last.Snapshot);
        Assert.Equal((4, 1, 2), (ByteAt(Disk(again), 0), ByteAt(Disk(again), 1), ByteAt(Disk(again), 300)));
    }

    [Fact]
    public void Damaged_page_of_a_disk_is_found()
    {
        using var machine = Make();
        Fill(Disk(machine), 0, Pages, 1);
        SnapshotFile.Write(At("a"), machine.TakeSnapshot(), "", default);
        var bytes = File.ReadAllBytes(At("a"));
        // The last piece before the directory is of the disk's pages.
        bytes[BitConverter.ToInt32(bytes, 16) - 20] ^= 1;
        File.WriteAllBytes(At("a"), bytes);
        using var file = SnapshotFile.Open(At("a"));
        Assert.Throws<SnapshotException>(file.Verify);
        using var other = Make();
        Assert.Throws<SnapshotException>(() => other.Restore(file.Snapshot));
    }

    [Fact]
    public void Disk_that_takes_writes_itself_does_not_get_those_that_were_kept_in_memory()
    {
        using var kept = Make();
        using var written = Make(isSnapshot: false, "other");
        // As long as nothing was written, both are the same.
        written.Restore(kept.TakeSnapshot());
        kept.Restore(written.TakeSnapshot());
        Fill(Disk(kept), 5, 1, 1);
        var refusal = Assert.Throws<SnapshotException>(() => written.Restore(kept.TakeSnapshot()));
        Assert.Contains("takes what is written itself", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Machine_with_other_disks_is_told_so()
    {
        using var one = Make();
        PvhMachine none = new(new MachineOptions { Profile = MachineProfile.Xen, MemorySize = 16UL << 20 });
        using (none)
            Assert.Equal("The snapshot is of another machine: disks xvda; not disks of none.", Assert.Throws<SnapshotException>(() => none.Restore(one.TakeSnapshot())).Message);
    }

    private PvhMachine Make(bool isSnapshot = true, string disk = "disk")
    {
        if (!File.Exists(At(disk)))
            File.Copy(At("disk"), At(disk));
        PvhMachine machine = new(new MachineOptions
        {
            Profile = MachineProfile.Xen,
            MemorySize = 16UL << 20,
            Disks = [new DiskOptions { Path = At(disk), IsSnapshot = isSnapshot }],
        });
        machine.Load(TestKernels.Open("xen-smp"), [], null);
        return machine;
    }

    private static SnapshotImage Disk(PvhMachine machine) =>
        StateSlot.Find(machine, static _ => false).Select(static slot => slot.Owner).OfType<SnapshotImage>().First();

    private static void Fill(SnapshotImage disk, int page, int count, byte value)
    {
        // Not too easy to compress.
        Random random = new(page);
        var bytes = new byte[SnapshotPage.Length];
        for (var i = 0; i < count; i++)
        {
            random.NextBytes(bytes);
            bytes[0] = value;
            disk.Write((ulong)(page + i) * PageSectors, bytes);
        }
    }

    private static byte ByteAt(SnapshotImage disk, int page)
    {
        var bytes = new byte[512];
        disk.Read((ulong)page * PageSectors, bytes);
        return bytes[0];
    }

    private string At(string name) => Path.Combine(_folder, name);

    private long Length(string name) => new FileInfo(At(name)).Length;
}
