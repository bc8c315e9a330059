using Emu.Xen.Grants;
using Xunit;

namespace Emu.Xen.Tests.Grants;

/// <summary>Mappings: by the domain itself of its own grants, and by the control domain's back ends.</summary>
public sealed class GrantMappingTests : GrantTestBase
{
    private const ulong Granted = 0x20, Elsewhere = 0x300;

    private GrantTable Grants => Test.Domain.Grants;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Page_shows_where_it_is_mapped_until_it_is_unmapped(bool is64Bit, bool isVersion2)
    {
        Select(is64Bit);
        if (isVersion2)
            UseVersion2();
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Put(Granted << 12, 0x1234);
        var (status, handle) = MapOne(8, Elsewhere);
        Assert.Equal(Okay, status);
        Assert.Equal(Granted << 12, UInt64(Buffer + 24));
        Assert.Equal(0x18, StatusOf(8));
        Assert.Equal(0x1234U, UInt32(Elsewhere << 12));
        Put(Elsewhere << 12, 0x5678);
        Assert.Equal(0x5678U, UInt32(Granted << 12));
        Assert.Equal(Okay, UnmapOne(handle, Elsewhere));
        Assert.Equal(0, StatusOf(8));
        Assert.Equal(-1, Test.Domain.Memory.FrameAt(Elsewhere));
        Assert.Equal(BadHandle, UnmapOne(handle, Elsewhere));
    }

    [Fact]
    public void Read_only_mapping_cannot_be_written_and_shows_reading_alone()
    {
        PlaceTable();
        Grant(8, 5, Own, Granted);
        Assert.Equal(General, MapOne(8, Elsewhere).Status);
        Assert.Equal(0, StatusOf(8));
        var (status, handle) = MapOne(8, Elsewhere, flags: 6);
        Assert.Equal(Okay, status);
        Assert.Equal(8, StatusOf(8));
        Assert.False(Test.Memory.TryWrite(Elsewhere << 12, [1]));
        Assert.Equal(Okay, UnmapOne(handle, Elsewhere));
        Assert.Equal(0, StatusOf(8));
    }

    [Fact]
    public void Writing_ends_with_the_last_writer_and_reading_with_the_last_of_all()
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        var reader = MapOne(8, Elsewhere, flags: 6).Handle;
        Assert.Equal(8, StatusOf(8));
        var writer = MapOne(8, Elsewhere + 1).Handle;
        Assert.Equal(0x18, StatusOf(8));
        Assert.Equal(Okay, UnmapOne(writer, Elsewhere + 1));
        Assert.Equal(8, StatusOf(8));
        Assert.Equal(Okay, UnmapOne(reader, Elsewhere));
        Assert.Equal(0, StatusOf(8));
    }

    [Theory]
    [InlineData(0U, BadReference)]
    [InlineData(4U, BadReference)]
    [InlineData(1U, General)]
    [InlineData(3U, General)]
    [InlineData(10U, General)]
    [InlineData(18U, General)]
    [InlineData(0x1_0002U, General)]
    [InlineData(0x22U, General)]
    public void Flags_that_cannot_be_are_an_error_and_leave_nothing_behind(uint flags, int status)
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Assert.Equal(status, MapOne(8, Elsewhere, flags).Status);
        Assert.Equal(0, StatusOf(8));
        Assert.Equal(Okay, MapOne(8, Elsewhere).Status);
    }

    [Theory]
    [InlineData(8U, Self, BadDomain)]
    [InlineData(8U, Unknown, BadDomain)]
    [InlineData(8U, Control, General)]
    [InlineData(512U, Control, BadReference)]
    [InlineData(512U, Own, BadReference)]
    [InlineData(uint.MaxValue, Own, BadReference)]
    [InlineData(9U, Own, General)]
    [InlineData(0U, Own, General)]
    public void Grant_that_there_is_not_is_an_error(uint reference, ushort domain, int status)
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Assert.Equal(status, MapOne(reference, Elsewhere, domain: domain).Status);
    }

    [Theory]
    [InlineData((ushort)0, Own, Granted, General)]
    [InlineData((ushort)2, Own, Granted, General)]
    [InlineData((ushort)3, Own, Granted, General)]
    [InlineData((ushort)0x101, Own, Granted, General)]
    [InlineData((ushort)1, Self, Granted, General)]
    [InlineData((ushort)1, Control, Granted, General)]
    [InlineData((ushort)1, Own, 0x123_4567UL, BadPage)]
    [InlineData((ushort)1, Own, 0xFFFF_FFFFUL, BadPage)]
    public void Entry_that_does_not_allow_it_is_left_as_it_is(ushort flags, ushort domain, ulong frame, int status)
    {
        PlaceTable();
        Grant(8, flags, domain, frame);
        var before = Test.Read(EntryAddress(8), 8);
        Assert.Equal(status, MapOne(8, Elsewhere).Status);
        Assert.Equal(before, Test.Read(EntryAddress(8), 8));
    }

    [Theory]
    [InlineData((ushort)3)]
    [InlineData((ushort)0x101)]
    public void Version_2_does_not_map_what_may_be_copied_only(ushort flags)
    {
        UseVersion2();
        PlaceTable();
        Grant(8, flags, Own, Granted);
        Assert.Equal(General, MapOne(8, Elsewhere).Status);
        Grant(8, flags, Control, Granted);
        Assert.False(Grants.TryMap(8, false, out _));
        Assert.Equal(0, StatusOf(8));
    }

    [Theory]
    [InlineData(1UL << 40)]
    [InlineData(1UL << 28)]
    [InlineData(0xFEE00UL)]
    [InlineData(Elsewhere)]
    public void Place_where_nothing_can_be_put_is_an_error_and_leaves_nothing_behind(ulong gfn)
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Grant(9, 1, Own, Granted + 1);
        Assert.Equal(Okay, MapOne(8, Elsewhere).Status);
        Assert.Equal(General, MapOne(9, gfn).Status);
        Assert.Equal(0, StatusOf(9));
    }

    [Fact]
    public void A_129th_use_of_a_kind_is_refused()
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        for (var i = 0UL; i < 128; i++)
            Assert.Equal(Okay, MapOne(8, Elsewhere + i).Status);
        Assert.Equal(General, MapOne(8, Elsewhere + 128).Status);
        for (var i = 0UL; i < 128; i++)
            Assert.Equal(Okay, MapOne(8, Elsewhere + 256 + i, flags: 6).Status);
        Assert.Equal(General, MapOne(8, Elsewhere + 512, flags: 6).Status);
    }

    [Fact]
    public void Unmap_without_an_address_changes_nothing_and_with_a_wrong_one_is_an_error()
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Grant(9, 1, Own, Granted + 1);
        var handle = MapOne(8, Elsewhere).Handle;
        MapOne(9, Elsewhere + 1);
        Assert.Equal(Okay, UnmapOne(handle, 0));
        Assert.Equal(General, UnmapOne(handle, Elsewhere + 1));
        Assert.Equal(General, UnmapOne(handle, Granted));
        Assert.Equal(General, UnmapOne(handle, 1UL << 45));
        Assert.Equal(0x18, StatusOf(8));
        Assert.Equal(Okay, UnmapOne(handle, Elsewhere));
    }

    [Theory]
    [InlineData(1U)]
    [InlineData(255U)]
    [InlineData(1_000_000U)]
    [InlineData(uint.MaxValue)]
    public void Handle_that_there_is_not_is_an_error(uint handle)
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Assert.Equal(0U, MapOne(8, Elsewhere).Handle);
        Assert.Equal(BadHandle, UnmapOne(handle, Elsewhere));
    }

    [Fact]
    public void Freed_page_is_not_used_again_while_it_is_mapped()
    {
        PlaceTable();
        Grant(8, 1, Own, Granted);
        Put(Granted << 12, 0x1234);
        var handle = MapOne(8, Elsewhere).Handle;
        var before = Test.Domain.Memory.RamPages;
        Assert.Equal(0, Test.Domain.Memory.Free(Granted));
        Assert.False(Test.Domain.Memory.Populate(Granted, 1));
        Assert.Equal(0x1234U, UInt32(Elsewhere << 12));
        Assert.Equal(Okay, UnmapOne(handle, Elsewhere));
        Assert.True(Test.Domain.Memory.Populate(Granted, 1));
        Assert.Equal(before, Test.Domain.Memory.RamPages);
        Assert.Equal(0U, UInt32(Granted << 12));
    }

    [Fact]
    public void Page_that_a_back_end_has_is_not_taken_for_a_frame_of_the_table()
    {
        PlaceTable();
        Grant(8, 1, Control, Granted);
        Put(Granted << 12, 0x1234);
        Assert.True(Grants.TryMap(8, true, out var mapping));
        Assert.Equal(0, Place(1, Granted));
        Assert.Equal(0U, UInt32(Granted << 12));
        Assert.Equal(0x1234U, mapping.Page.ReadUInt32(0));
        mapping.Page.WriteUInt32(0, 0x5678);
        Assert.Equal(0U, UInt32(Granted << 12));
        Grants.Unmap(mapping);
    }

    [Fact]
    public void Frame_of_the_table_that_a_back_end_has_stays_that_frame_wherever_it_is_placed()
    {
        PlaceTable();
        Grant(8, 1, Control, TableGfn);
        Assert.True(Grants.TryMap(8, true, out var mapping));
        Assert.Equal(0, Place(0, Granted));
        mapping.Page.WriteUInt32(4092, 0xABCD);
        Assert.Equal(0xABCDU, UInt32((Granted << 12) + 4092));
        Grants.Unmap(mapping);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Back_end_maps_what_is_granted_to_the_control_domain(bool isVersion2)
    {
        if (isVersion2)
            UseVersion2();
        PlaceTable();
        Grant(8, 1, Control, Granted);
        Assert.True(Grants.TryMap(8, true, out var writer));
        Assert.Equal(0x18, StatusOf(8));
        Assert.True(Grants.TryMap(8, false, out var reader));
        writer.Page.WriteUInt32(12, 0x1234);
        Assert.Equal(0x1234U, UInt32((Granted << 12) + 12));
        Assert.Equal(0x1234U, reader.Page.ReadUInt32(12));
        Grants.Unmap(writer);
        Assert.Equal(8, StatusOf(8));
        Grants.Unmap(writer);
        Assert.False(writer.IsMapped);
        Assert.Equal(8, StatusOf(8));
        Grants.Unmap(reader);
        Assert.Equal(0, StatusOf(8));
    }

    [Theory]
    [InlineData((ushort)0, Control, true)]
    [InlineData((ushort)1, Own, true)]
    [InlineData((ushort)5, Control, true)]
    [InlineData((ushort)2, Control, false)]
    public void Back_end_does_not_get_what_is_not_granted_to_it(ushort flags, ushort domain, bool isWrite)
    {
        PlaceTable();
        Grant(8, flags, domain, Granted);
        Assert.False(Grants.TryMap(8, isWrite, out _));
        Assert.False(Grants.TryMap(512, isWrite, out _));
        Assert.Equal(0, StatusOf(8));
    }

    [Fact]
    public void Domain_cannot_map_what_a_back_end_has_and_the_other_way_round()
    {
        PlaceTable();
        Grant(8, 1, Control, Granted);
        Assert.True(Grants.TryMap(8, true, out var mapping));
        Grant(8, 1, Own, Granted);
        Assert.Equal(General, MapOne(8, Elsewhere).Status);
        Grants.Unmap(mapping);
        Assert.Equal(Okay, MapOne(8, Elsewhere).Status);
        Grant(8, 1, Control, Granted);
        Assert.False(Grants.TryMap(8, true, out _));
    }
}
