using Emu.Cpu.Snapshots;
using Emu.Machine.Recording;
using Emu.Machine.Tests.Support;
using Emu.Machine.Xen.Disks;
using Emu.Xen.Backends.Block;
using Xunit;

namespace Emu.Machine.Tests.Recording;

/// <summary>A run that can be gone back in leaves its disks' images as they are.</summary>
public sealed class KeptDiskTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public KeptDiskTests() => File.WriteAllBytes(_path, new byte[16 * 512]);

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void What_is_written_is_kept_in_memory_for_the_next_machine_and_can_be_taken_back()
    {
        using InputHistory history = new();
        var before = Open(history);
        var clean = StateStream.Save(before);
        before.Write(3, Sector(0xAB));
        before.Dispose();

        var after = Open(history);
        Assert.Equal(Sector(0xAB), Read(after, 3));
        StateStream.Restore(after, clean);
        Assert.Equal(Sector(0), Read(after, 3));
        Assert.Equal(new byte[16 * 512], File.ReadAllBytes(_path));
    }

    [Fact]
    public void Image_is_written_where_that_is_wanted()
    {
        using InputHistory history = new() { WritesDisks = true };
        using (var image = Open(history))
            image.Write(3, Sector(0xAB));

        Assert.Equal(Sector(0xAB), File.ReadAllBytes(_path)[(3 * 512)..(4 * 512)]);
    }

    [Fact]
    public void Snapshot_of_a_machine_that_writes_its_image_is_gone_on_from_if_that_is_what_it_was()
    {
        MachineOptions options = new() { Profile = MachineProfile.Xen, MemorySize = 16 << 20, Disks = [new DiskOptions { Path = _path, IsRaw = true }] };
        Machine.Snapshots.MachineSnapshot snapshot;
        using (PvhMachine machine = new(options))
        {
            machine.Load(CodeKernel.Of(0xEB, 0xFE), [], null);
            snapshot = machine.TakeSnapshot();
        }

        using (PvhMachine kept = new(options with { Journal = new InputHistory() }))
        {
            kept.Restore(snapshot);
            kept.Restore(kept.TakeSnapshot());
        }

        File.WriteAllBytes(_path, [.. new byte[(16 * 512) - 1], 1]);
        using PvhMachine other = new(options with { Journal = new InputHistory() });
        Assert.Throws<SnapshotException>(() => other.Restore(snapshot));
    }

    private IBlockImage Open(InputHistory history) => history.OpenImage(
        new DiskOptions { Path = _path, IsRaw = true }, static disk => RawImage.Open(disk.Path, disk.IsReadOnly || disk.IsSnapshot, disk.IsRaw));

    private static byte[] Read(IBlockImage image, ulong sector)
    {
        var bytes = new byte[512];
        image.Read(sector, bytes);
        return bytes;
    }

    private static byte[] Sector(byte value)
    {
        var bytes = new byte[512];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
