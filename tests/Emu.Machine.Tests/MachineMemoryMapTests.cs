using Emu.Pvh;
using Xunit;

namespace Emu.Machine.Tests;

public class MachineMemoryMapTests
{
    [Theory]
    [InlineData(MachineProfile.Pc, 512UL << 20)]
    [InlineData(MachineProfile.Pc, 8UL << 30)]
    [InlineData(MachineProfile.Xen, 512UL << 20)]
    [InlineData(MachineProfile.Xen, 8UL << 30)]
    public void Entries_ascend_without_overlap_and_without_empty_ones(MachineProfile profile, ulong size)
    {
        ulong end = 0;
        foreach (var entry in MachineMemoryMap.Build(profile, size))
        {
            Assert.True(entry.Address >= end);
            Assert.NotEqual(0UL, entry.Size);
            end = entry.Address + entry.Size;
        }
    }

    [Fact]
    public void Ram_beyond_3_gib_continues_at_4_gib()
    {
        var map = MachineMemoryMap.Build(MachineProfile.Pc, 5UL << 30);
        Assert.Contains(new MemoryMapEntry(0x10_0000, 0xC000_0000 - 0x10_0000, MemoryMapType.Ram), map);
        Assert.Contains(new MemoryMapEntry(0x1_0000_0000, 2UL << 30, MemoryMapType.Ram), map);
    }

    [Fact]
    public void Xen_domain_has_all_of_its_ram()
    {
        var ram = MachineMemoryMap.RamOf(MachineMemoryMap.Build(MachineProfile.Xen, 64UL << 20));
        Assert.Equal([new GuestRange(0, 64UL << 20)], ram);
    }
}
