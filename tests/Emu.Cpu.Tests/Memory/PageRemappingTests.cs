using System.Runtime.InteropServices;
using Emu.Cpu.Memory;
using Xunit;

namespace Emu.Cpu.Tests.Memory;

public sealed unsafe class PageRemappingTests : IDisposable
{
    private const ulong Page = PhysicalMemory.PageSize;
    private const ulong RamBytes = 16 * Page;
    private const int Spare = 4;

    private readonly byte* _host = (byte*)NativeMemory.AlignedAlloc((nuint)(RamBytes + (Spare * Page)), 4096);
    private readonly PhysicalMemory _memory;

    public PageRemappingTests()
    {
        NativeMemory.Clear(_host, (nuint)(RamBytes + (Spare * Page)));
        _memory = new PhysicalMemory(_host, RamBytes, RamBytes, 0, Spare);
    }

    public void Dispose() => NativeMemory.AlignedFree(_host);

    [Fact]
    public void Spare_page_shows_where_it_is_mapped_and_nowhere_else()
    {
        const ulong distant = 0x12_3456_7000;
        Assert.False(_memory.TryRead(distant, stackalloc byte[1]));
        _memory.Remap(distant, 16);
        Assert.True(_memory.TryWrite(distant + 5, [42]));
        Assert.Equal(42, _memory.Frame(16)[5]);
        Assert.False(_memory.TryRead(distant + Page, stackalloc byte[1]));
        Assert.False(_memory.TryRead(RamBytes, stackalloc byte[1]));
    }

    [Fact]
    public void Page_that_shows_twice_is_one_page()
    {
        _memory.Remap(3 * Page, 5);
        Assert.True(_memory.TryWrite(3 * Page, [7]));
        var value = new byte[1];
        Assert.True(_memory.TryRead(5 * Page, value));
        Assert.Equal(7, value[0]);
        Assert.Equal(_memory.HomeAddress(_memory.HostAddress(5 * Page)), _memory.HomeAddress(_memory.HostAddress(3 * Page)));
    }

    [Fact]
    public void Hole_is_no_memory_until_the_page_is_put_back()
    {
        _memory.Remap(2 * Page, -1);
        Assert.True(_memory.HostAddress(2 * Page) == null);
        Assert.Equal(-1, _memory.FrameAt(2 * Page));
        Assert.Equal(2 * Page, _memory.PlainLimit);
        _memory.Remap(2 * Page, 2);
        Assert.True(_memory.HostAddress(2 * Page) == _host + (2 * Page));
        Assert.Empty(_memory.Remappings);
    }

    [Fact]
    public void Read_only_page_is_read_and_not_written()
    {
        _memory.Remap(4 * Page, 6, isReadOnly: true);
        Assert.False(_memory.TryWrite(4 * Page, [1]));
        Assert.True(_memory.TryRead(4 * Page, stackalloc byte[1]));
        Assert.True(_memory.TryWrite(6 * Page, [1]));
    }

    [Fact]
    public void What_is_remapped_is_listed_in_order()
    {
        _memory.Remap(0x40_0000_0000, 17);
        _memory.Remap(9 * Page, -1);
        _memory.Remap(0x8000_0000, 18);
        Assert.Equal([9 * Page, 0x8000_0000UL, 0x40_0000_0000UL], _memory.Remappings.Select(static remapping => remapping.Address));
    }

    [Fact]
    public void A_page_that_is_moved_through_all_of_memory_leaves_nothing_behind()
    {
        var remapping = new PageRemapping(40);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (ulong address = 0; address < 1UL << 38; address += 2 << 20)
        {
            remapping[address] = PageRemapping.Hole;
            remapping[address] = PageRemapping.Usual;
        }

        // A directory for each GiB is all.
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 8 << 20);
        Assert.Empty(remapping.Unusual);
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(20)]
    public void Page_that_is_not_in_the_mapping_is_refused(int frame) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Remap(0, frame));

    [Fact]
    public void Address_beyond_the_width_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Remap(1UL << 40, 0));
}
