using Xunit;

namespace Emu.Xen.Tests.Grants;

public sealed class GrantTableTests : GrantTestBase
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Size_is_one_frame_of_64_at_first(bool is64Bit)
    {
        Select(is64Bit);
        Put(Buffer, Self);
        Assert.Equal(0, Operation(Query));
        Assert.Equal(1U, UInt32(Buffer + 4));
        Assert.Equal(64U, UInt32(Buffer + 8));
        Assert.Equal(Okay, Int16(Buffer + 12));
    }

    [Theory]
    [InlineData(Own, Okay)]
    [InlineData(Control, Denied)]
    [InlineData(Unknown, BadDomain)]
    public void Size_is_the_domains_own_business(ushort domain, int status)
    {
        Put(Buffer, domain);
        Assert.Equal(0, Operation(Query));
        Assert.Equal(status, Int16(Buffer + 12));
    }

    [Theory]
    [InlineData(Query, 0U)]
    [InlineData(Query, 2U)]
    [InlineData(Setup, 2U)]
    [InlineData(Map, 0xFFFF_FFFFU)]
    [InlineData(SetVersion, 0x8000_0000U)]
    [InlineData(Copy, 0x0010_0000U)]
    public void Count_that_cannot_be_is_invalid(uint command, uint count) => Assert.Equal(-22, Operation(command, count));

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, -22)]
    public void Empty_setup_is_no_mistake_in_32_bits(bool is64Bit, int expected)
    {
        Select(is64Bit);
        Assert.Equal(expected, Operation(Setup, 0));
    }

    [Theory]
    [InlineData(Map)]
    [InlineData(Unmap)]
    [InlineData(Setup)]
    [InlineData(Copy)]
    [InlineData(Query)]
    [InlineData(SetVersion)]
    [InlineData(GetVersion)]
    [InlineData(Swap)]
    public void List_outside_memory_is_a_bad_address(uint command)
    {
        Assert.Equal(-14, Operation(command, 1, 0xF000_0000));
        Select(true);
        Assert.Equal(-14, Operation(command, 1, 0xFFFF_8000_0000_0000));
        Assert.Equal(-14, Operation(command, 1, 0x0000_9000_0000_0000));
    }

    [Theory]
    [InlineData(3U)]
    [InlineData(4U)]
    [InlineData(7U)]
    [InlineData(9U)]
    [InlineData(12U)]
    [InlineData(13U)]
    [InlineData(0x1000U)]
    public void What_a_translated_domain_may_not_do_is_not_implemented(uint command)
    {
        Assert.Equal(-38, Operation(command));
        Assert.Equal([$"sub-operation {command} of hypercall 20"], Test.Host.Reported);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Setup_lists_where_the_frames_are(bool is64Bit)
    {
        Select(is64Bit);
        Assert.Equal(0, Place(1, TableGfn));
        Assert.Equal(Okay, SetUp(3));
        Assert.Equal(3, Test.Domain.Grants.FrameCount);
        var width = is64Bit ? 8UL : 4UL;
        var nowhere = is64Bit ? ulong.MaxValue : uint.MaxValue;
        ulong[] frames = [.. Enumerable.Range(0, 4).Select(i => is64Bit ? UInt64(List + ((ulong)i * width)) : UInt32(List + ((ulong)i * width)))];
        Assert.Equal([nowhere, TableGfn, nowhere, 0], frames);
    }

    [Fact]
    public void Setup_of_more_than_64_frames_is_an_error()
    {
        Assert.Equal(Okay, SetUp(64));
        Assert.Equal(General, SetUp(65));
        Assert.Equal(General, SetUp(uint.MaxValue));
    }

    [Theory]
    [InlineData(Control, Denied)]
    [InlineData(Unknown, BadDomain)]
    public void Setup_of_anothers_table_is_an_error(ushort domain, int status) => Assert.Equal(status, SetUp(1, domain));

    [Fact]
    public void Setup_says_that_the_list_cannot_be_written()
    {
        Write(Buffer, [(byte)Own, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0]);
        Assert.Equal(0, Operation(Setup));
        Assert.Equal(BadPointer, Int16(Buffer + 8));
    }

    [Theory]
    [InlineData(0U, TableGfn, 0, 1)]
    [InlineData(5U, TableGfn, 0, 6)]
    [InlineData(63U, TableGfn, 0, 64)]
    [InlineData(64U, TableGfn, -22, 1)]
    [InlineData(uint.MaxValue, TableGfn, -22, 1)]
    [InlineData(0x8000_0000U, TableGfn, -22, 1)]
    [InlineData(0U, 0xFFFF_FFFFUL, -22, 1)]
    public void Placing_a_frame_makes_the_table_grow(uint index, ulong gfn, int expected, int frames)
    {
        Assert.Equal(expected, Place(index, gfn));
        Assert.Equal(frames, Test.Domain.Grants.FrameCount);
    }

    [Theory]
    [InlineData(0x8000_0000U, 0, 1, 1)]
    [InlineData(0x8000_0001U, 0, 16, 2)]
    [InlineData(0x8000_0007U, 0, 64, 8)]
    [InlineData(0x8000_0008U, -22, 1, 1)]
    [InlineData(0xFFFF_FFFFU, -22, 1, 1)]
    public void Placing_a_status_frame_makes_the_table_grow(uint index, int expected, int frames, int statusFrames)
    {
        UseVersion2();
        Assert.Equal(expected, Place(index, StatusGfn));
        Assert.Equal(frames, Test.Domain.Grants.FrameCount);
        Assert.Equal(statusFrames, Test.Domain.Grants.StatusFrameCount);
    }

    [Fact]
    public void Frames_can_be_placed_in_a_batch()
    {
        Write(Buffer, [(byte)Own, 0, 1, 0, 2, 0, 0, 0, 0, 0x90, 0, 0, 0, 0x91, 0, 0, 0, 0x92, 0, 0]);
        Write(0x9000, [0, 0, 0, 0, 64, 0, 0, 0]);
        Write(0x9100, [0, 2, 0, 0, 1, 2, 0, 0]);
        Assert.Equal(0, Test.Try(MemoryOp, 23, Buffer));
        Assert.Equal(0U, UInt32(0x9200));
        Assert.Equal(unchecked((uint)-22), UInt32(0x9204));
        Assert.Equal(1, Test.Read(TableGfn << 12, 1)[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Toolstacks_entries_are_there_and_survive_both_versions(bool is64Bit)
    {
        Select(is64Bit);
        PlaceTable();
        byte[] first = [1, 0, 0, 0, 0xFF, 0xEF, 0x0F, 0, 1, 0, 0, 0, 0xFC, 0xEF, 0x0F, 0];
        Assert.Equal(first, Test.Read(TableGfn << 12, 16));
        Grant(20, 1, Own, 5);
        UseVersion2();
        Assert.Equal((byte[])[1, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xEF, 0x0F, 0, 0, 0, 0, 0], Test.Read(TableGfn << 12, 16));
        Assert.Equal(new byte[4096 - 32], Test.Read((TableGfn << 12) + 32, 4096 - 32));
        Put(Buffer, 1);
        Assert.Equal(0, Operation(SetVersion));
        Assert.Equal(first, Test.Read(TableGfn << 12, 16));
    }

    [Fact]
    public void Reserved_entry_in_use_keeps_its_status_across_versions()
    {
        PlaceTable();
        Assert.True(Test.Domain.Grants.TryMap(0, true, out var mapping));
        Assert.Equal(0x18, StatusOf(0));
        UseVersion2();
        PlaceTable();
        Assert.Equal(0x18, StatusOf(0));
        Test.Domain.Grants.Unmap(mapping);
        Assert.Equal(0, StatusOf(0));
        Assert.Equal(1, Test.Read(TableGfn << 12, 1)[0]);
    }

    [Theory]
    [InlineData(0U)]
    [InlineData(3U)]
    [InlineData(uint.MaxValue)]
    public void Version_that_there_is_not_is_invalid_and_tells_the_one_that_holds(uint version)
    {
        Put(Buffer, version);
        Assert.Equal(-22, Operation(SetVersion));
        Assert.Equal(1U, UInt32(Buffer));
    }

    [Fact]
    public void Version_stays_while_an_entry_is_in_use()
    {
        PlaceTable();
        Grant(8, 1, Control, 5);
        Assert.True(Test.Domain.Grants.TryMap(8, false, out var mapping));
        Put(Buffer, 2);
        Assert.Equal(-16, Operation(SetVersion));
        Assert.Equal(1U, UInt32(Buffer));
        Test.Domain.Grants.Unmap(mapping);
        UseVersion2();
    }

    [Theory]
    [InlineData((ushort)1, 0x1_0000_0000UL, -34)]
    [InlineData((ushort)3, 0UL, -34)]
    [InlineData((ushort)2, 0x1_0000_0000UL, 0)]
    [InlineData((ushort)1, 0xFFFF_FFFFUL, 0)]
    public void Reserved_entry_that_version_1_cannot_have_keeps_version_2(ushort flags, ulong frame, int expected)
    {
        UseVersion2();
        PlaceTable();
        Grant(3, flags, Control, frame);
        Put(Buffer, 1);
        Assert.Equal(expected, Operation(SetVersion));
        Assert.Equal(expected == 0 ? 1U : 2U, UInt32(Buffer));
    }

    [Fact]
    public void Changing_versions_again_and_again_takes_no_more_pages()
    {
        Assert.Equal(Okay, SetUp(64));
        for (var i = 0; i < 100; i++)
        {
            UseVersion2();
            Assert.Equal(8, Test.Domain.Grants.StatusFrameCount);
            Assert.Equal(0, Place(0x8000_0007, StatusGfn));
            Put(Buffer, 1);
            Assert.Equal(0, Operation(SetVersion));
            Assert.Equal(-1, Test.Domain.Memory.FrameAt(StatusGfn));
        }
    }

    [Theory]
    [InlineData(Own, 0)]
    [InlineData(Self, 0)]
    [InlineData(Control, -1)]
    [InlineData(Unknown, -3)]
    public void Version_is_the_domains_own_business(ushort domain, int expected)
    {
        Write(Buffer, [.. BitConverter.GetBytes(domain), 0, 0, 0, 0, 0, 0]);
        Assert.Equal(expected, Operation(GetVersion));
        Assert.Equal(expected == 0 ? 1U : 0U, UInt32(Buffer + 4));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Swap_exchanges_entries(bool is64Bit)
    {
        Select(is64Bit);
        PlaceTable();
        Grant(8, 1, Own, 5);
        Grant(9, 5, Control, 6);
        Assert.Equal(Okay, SwapOne(8, 9));
        Assert.Equal((byte[])[5, 0, 0, 0, 6, 0, 0, 0, 1, 0, (byte)Own, 0, 5, 0, 0, 0], Test.Read(EntryAddress(8), 16));
        Assert.Equal(Okay, SwapOne(8, 8));
    }

    [Fact]
    public void Swap_exchanges_status_too_in_version_2()
    {
        UseVersion2();
        PlaceTable();
        Grant(8, 1, Own, 5);
        Write((StatusGfn << 12) + 16, [0x18, 0]);
        Assert.Equal(Okay, SwapOne(8, 9));
        Assert.Equal(0x18, StatusOf(9));
        Assert.Equal(0, StatusOf(8));
        Assert.Equal(5, Test.Read(EntryAddress(9) + 8, 1)[0]);
    }

    [Theory]
    [InlineData(512U, 1U)]
    [InlineData(1U, 512U)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    public void Swap_of_an_entry_that_there_is_not_is_an_error(uint first, uint second) =>
        Assert.Equal(BadReference, SwapOne(first, second));

    [Fact]
    public void Swap_of_an_entry_in_use_has_to_wait()
    {
        Assert.True(Test.Domain.Grants.TryMap(1, false, out _));
        Assert.Equal(Again, SwapOne(1, 8));
        Assert.Equal(Again, SwapOne(8, 1));
    }

    private int SwapOne(uint first, uint second)
    {
        Write(Buffer, [.. BitConverter.GetBytes(first), .. BitConverter.GetBytes(second), 0x55, 0x55, 0, 0]);
        Assert.Equal(0, Operation(Swap));
        return Int16(Buffer + 8);
    }

    private int SetUp(uint frames, ushort domain = Self)
    {
        Write(
            Buffer,
            Test.Vcpu.Is64BitCode
                ? [.. BitConverter.GetBytes(domain), 0, 0, .. BitConverter.GetBytes(frames), .. new byte[8], .. BitConverter.GetBytes(List)]
                : [.. BitConverter.GetBytes(domain), 0, 0, .. BitConverter.GetBytes(frames), .. new byte[4], .. BitConverter.GetBytes((uint)List)]);
        Assert.Equal(0, Operation(Setup));
        return Int16(Buffer + 8);
    }
}
