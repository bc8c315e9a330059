using Emu.Xen.Domains;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>Which page a frame shows, where pages are the hypervisor's, another domain's, or in use while the guest moves them.</summary>
public sealed class PhysmapTests : IDisposable
{
    private const ulong Hole = 0x1000;

    private readonly TestDomain _domain = new();

    private Physmap Memory => _domain.Domain.Memory;

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Page_of_the_hypervisor_takes_the_home_of_the_ram_that_it_replaces()
    {
        var page = Memory.AllocatePage();
        Assert.Equal(0, Memory.Place(page, 0x10));
        Assert.Equal(0x10, page.Frame);
        Assert.DoesNotContain(_domain.Memory.Remappings, static entry => entry.Address < 0x10_0000);
        Assert.False(Memory.IsRam(0x10));
        Assert.Equal(255UL, Memory.RamPages);
    }

    [Fact]
    public void Page_in_use_keeps_its_frame_when_it_moves()
    {
        var page = Memory.AllocatePage();
        Memory.Pin(page.Frame);
        var frame = page.Frame;
        Assert.Equal(0, Memory.Place(page, 0x10));
        Assert.Equal((frame, frame), (page.Frame, Memory.FrameAt(0x10)));
    }

    [Fact]
    public void Ram_in_use_is_not_overwritten_by_a_page_in_its_place()
    {
        _domain.Put(0x1_0000, 0x1234);
        Memory.Pin(0x10);
        Assert.Equal(0, Memory.Place(Memory.AllocatePage(), 0x10));
        Assert.Equal(0x1234U, BitConverter.ToUInt32(_domain.Memory.Frame(0x10)));
        Assert.Equal(0U, _domain.Read32(0x1_0000));
    }

    [Fact]
    public void Freed_page_in_use_is_given_to_nobody_before_its_last_user_is_done()
    {
        Memory.Pin(0x10);
        Memory.Pin(0x10);
        Assert.Equal(0, Memory.Free(0x10));
        Assert.False(Memory.Populate(Hole, 1));
        Memory.Unpin(0x10);
        Assert.False(Memory.Populate(Hole, 1));
        Memory.Unpin(0x10);
        Assert.True(Memory.Populate(Hole, 1));
        Assert.Equal(0x10, Memory.FrameAt(Hole));
    }

    [Fact]
    public void Nothing_takes_the_place_of_another_domains_page()
    {
        var page = Memory.AllocatePage();
        Assert.Equal(0, Memory.PlaceForeign(Hole, page.Frame, isReadOnly: false));
        Assert.True(Memory.IsForeign(Hole));
        Assert.Equal(-6, Memory.Place(_domain.Domain.SharedInfo.Page, Hole));
        Assert.Equal(-6, Memory.Move(0x10, Hole));
        Assert.Equal(-22, Memory.Move(Hole, 0x10));
        Assert.Equal(-2, Memory.Remove(Hole));
        Assert.Equal(-6, Memory.Free(Hole));
        Assert.Equal(0, Memory.Free(0x20));
        Assert.False(Memory.Populate(Hole, 1));
        Assert.Null(_domain.Domain.Map(Hole));
        Assert.Equal(page.Frame, Memory.FrameAt(Hole));
        Assert.Equal(0x10, Memory.FrameAt(0x10));
    }

    [Fact]
    public void Page_that_comes_back_is_where_it_was_if_that_is_asked_for()
    {
        foreach (var gfn in (ulong[])[0x10, 0x20, 0x30])
            Assert.Equal(0, Memory.Free(gfn));
        Assert.True(Memory.Populate(0x20, 1));
        Assert.Equal(0x20, Memory.FrameAt(0x20));
        Assert.True(Memory.Populate(Hole, 2));
        Assert.Equal([0x10, 0x30], new[] { Memory.FrameAt(Hole), Memory.FrameAt(Hole + 1) }.Order());
    }

    [Theory]
    [InlineData(ulong.MaxValue, 1UL)]
    [InlineData(ulong.MaxValue, 2UL)]
    [InlineData((1UL << 28) - 1, 2UL)]
    [InlineData(0xFEDFFUL, 2UL)]
    public void Range_that_cannot_be_populated_changes_nothing(ulong first, ulong count)
    {
        Assert.Equal(0, Memory.Free(0x10));
        Assert.Equal(0, Memory.Free(0x20));
        Assert.False(Memory.Populate(first, count));
        Assert.Equal(254UL, Memory.RamPages);
    }
}
