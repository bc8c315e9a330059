using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

/// <summary>memory_op. The domain is number 7 and has 256 pages from 0 on, and 8 special pages.</summary>
public sealed class MemoryOperationTests : IDisposable
{
    private const uint MemoryOp = 12;
    private const uint Increase = 0, Decrease = 1, MaximumRamPage = 2, Current = 3, Maximum = 4, Populate = 6, AddToPhysmap = 7, MemoryMap = 9,
        SetMemoryMap = 13, MaximumGpfn = 14, RemoveFromPhysmap = 15, AddBatch = 23;

    private const ulong Buffer = 0x8000, List = 0x9000, Nowhere = 0xF000_0000, Hole = 0x1000;
    private const uint Self = 0x7FF0;
    private const uint SharedInfo = 0, Gfn = 2, GfnRange = 3, Foreign = 4, DeviceMemory = 5;

    private readonly TestDomain _domain = new();

    public static TheoryData<bool> Widths => [false, true];

    public void Dispose() => _domain.Dispose();

    [Theory]
    [MemberData(nameof(Widths))]
    public void Shared_info_takes_the_place_of_ram(bool is64Bit)
    {
        _domain.Select(is64Bit);
        Assert.Equal(264, Count(Current));
        _domain.Put(0x1_0000, 0xDEAD_BEEF);
        Assert.Equal(0, Add(SharedInfo, 0, 0x10));
        Assert.Equal(_domain.Domain.SharedInfo.Bytes.Bytes.ToArray(), _domain.Read(0x1_0000, 4096));
        Assert.Equal(263, Count(Current));
        // It moves on, and leaves a hole.
        Assert.Equal(0, Add(SharedInfo, 0, Hole));
        Assert.Equal(-1, _domain.Domain.Memory.FrameAt(0x10));
        Assert.Equal(_domain.Domain.SharedInfo.Bytes.Bytes.ToArray(), _domain.Read(Hole << 12, 4096));
        Assert.Equal(263, Count(Current));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Own_page_moves(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.Put(0x1_0000, 0x1111_1111);
        _domain.Put(0x1_1000, 0x2222_2222);
        Assert.Equal(0, Add(Gfn, 0x10, 0x11));
        Assert.Equal(0x1111_1111U, _domain.Read32(0x1_1000));
        Assert.Equal(-1, _domain.Domain.Memory.FrameAt(0x10));
        Assert.Equal(-22, Add(Gfn, 0x10, 0x12));
        Assert.Equal(0, Add(Gfn, 0x11, 0x11));
        Assert.Equal(0, Add(Gfn, 0x11, Hole));
        Assert.Equal(0x1111_1111U, _domain.Read32(Hole << 12));
        Assert.Equal(263, Count(Current));
    }

    [Fact]
    public void Range_of_pages_moves_up_to_the_first_that_is_not_there()
    {
        _domain.Put(0x1_0000, 1);
        _domain.Put(0x1_1000, 2);
        Assert.Equal(0, Add(GfnRange, 0x10, Hole, size: 2));
        Assert.Equal((1U, 2U), (_domain.Read32(Hole << 12), _domain.Read32((Hole + 1) << 12)));
        Assert.Equal(-22, Add(GfnRange, 0xFF, Hole + 2, size: 2));
        Assert.NotEqual(-1, _domain.Domain.Memory.FrameAt(Hole + 2));
        Assert.Equal(0, Add(GfnRange, 0x1234, Hole, size: 0));
    }

    [Theory]
    [InlineData(SharedInfo, 1UL, 0x10UL, -22)]
    [InlineData(Gfn, Hole, 0x10UL, -22)]
    [InlineData(Gfn, 0x10UL, ulong.MaxValue, -22)]
    [InlineData(Gfn, 0x10UL, 1UL << 30, -22)]
    [InlineData(Gfn, 0x10UL, 0xFEE00UL, -1)]
    [InlineData(SharedInfo, 0UL, 0xFEE00UL, -1)]
    [InlineData(Foreign, 0UL, 0x10UL, -38)]
    [InlineData(DeviceMemory, 0UL, 0x10UL, -13)]
    [InlineData(6U, 0UL, 0x10UL, -22)]
    public void Not_everything_can_be_placed(uint space, ulong index, ulong gfn, long expected)
    {
        _domain.Use64BitCode();
        Assert.Equal(expected, Add(space, index, gfn));
        Assert.Equal(256UL, _domain.Domain.Memory.RamPages);
    }

    [Fact]
    public void Other_domains_are_not_to_be_named()
    {
        Assert.Equal(-1, Add(SharedInfo, 0, 0x10, domain: 0));
        Assert.Equal(-3, Add(SharedInfo, 0, 0x10, domain: 9));
        Assert.Equal(0, Add(SharedInfo, 0, 0x10, domain: 7));
        Assert.Equal(-3, Add(DeviceMemory, 0, 0x10, domain: 9));
        foreach (var command in (uint[])[Current, Maximum, MaximumGpfn, RemoveFromPhysmap])
        {
            _domain.Put(Buffer, 0, 0, 0, 0);
            Assert.Equal(-1, _domain.Try(MemoryOp, command, Buffer));
            _domain.Put(Buffer, 9);
            Assert.Equal(-3, _domain.Try(MemoryOp, command, Buffer));
        }
    }

    [Theory]
    [InlineData(Current)]
    [InlineData(Maximum)]
    [InlineData(MaximumGpfn)]
    [InlineData(AddToPhysmap)]
    [InlineData(MemoryMap)]
    [InlineData(SetMemoryMap)]
    [InlineData(RemoveFromPhysmap)]
    [InlineData(16U)]
    [InlineData(17U)]
    [InlineData(21U)]
    [InlineData(AddBatch)]
    [InlineData(26U)]
    [InlineData(27U)]
    public void Argument_that_cannot_be_read_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(MemoryOp, command, Nowhere));

    [Theory]
    [InlineData(Increase)]
    [InlineData(Decrease)]
    [InlineData(Populate)]
    public void Reservations_give_the_number_of_extents_done_for_every_mistake(uint command)
    {
        Assert.Equal(0, _domain.Try(MemoryOp, command, Nowhere));
        Assert.Equal(5, _domain.Try(MemoryOp, command | (5 << 6), Nowhere));
        _domain.Put(List, 0x10);
        Assert.Equal(0, Reserve(command, 1, domain: 9));
        Assert.Equal(0, Reserve(command, 1, order: 10));
        Assert.Equal(0, Reserve(command, 1, list: Nowhere));
        Assert.Equal(0, Reserve(command, 1 << 26));
        Assert.Equal(0, Reserve(command, 1, flags: 12));
        Assert.Equal(0, Reserve(command, 1, flags: (1 << 17) | (1 << 8)));
        Assert.Equal(7, Reserve(command | (7 << 6), 3));
        Assert.Equal(256UL, _domain.Domain.Memory.RamPages);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Pages_go_and_come_back_as_zeros(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.Put(0x1_0000, 0xDEAD_BEEF);
        _domain.PutWords(List, 0x10, 0x20, Hole, 0x30);
        // The third is not there.
        Assert.Equal(2, Reserve(Decrease, 4));
        Assert.Equal(262, Count(Current));
        Assert.Equal(-1, _domain.Domain.Memory.FrameAt(0x20));
        _domain.PutWords(List, Hole + 5, 0x10, 0x11);
        Assert.Equal(2, Reserve(Populate, 2));
        Assert.Equal(264, Count(Current));
        Assert.Equal(0U, _domain.Read32(0x1_0000));
        Assert.Equal(0U, _domain.Read32((Hole + 5) << 12));
        _domain.PutWords(List, Hole + 6);
        Assert.Equal(0, Reserve(Populate, 1));
    }

    [Fact]
    public void Extent_has_a_power_of_two_of_pages_or_none()
    {
        _domain.PutWords(List, 0x40);
        Assert.Equal(1, Reserve(Decrease, 1, order: 4));
        Assert.Equal(248, Count(Current));
        Assert.Equal(-1, _domain.Domain.Memory.FrameAt(0x4F));
        Assert.NotEqual(-1, _domain.Domain.Memory.FrameAt(0x50));
        _domain.PutWords(List, Hole, Hole + 32);
        // Sixteen are free, and the second extent gets none of them.
        Assert.Equal(0, Reserve(Populate, 1, order: 5));
        Assert.Equal(1, Reserve(Populate, 2, order: 4));
        Assert.Equal(-1, _domain.Domain.Memory.FrameAt(Hole + 32));
    }

    [Fact]
    public void Page_that_another_is_populated_over_is_lost()
    {
        _domain.PutWords(List, 0x10);
        Assert.Equal(1, Reserve(Decrease, 1));
        _domain.PutWords(List, 0x20, 0x20);
        Assert.Equal(1, Reserve(Populate, 2));
        Assert.Equal(264, Count(Current));
        _domain.PutWords(List, 0x20, 0x20);
        Assert.Equal(1, Reserve(Decrease, 2));
    }

    [Fact]
    public void Continued_reservation_begins_where_it_says()
    {
        _domain.PutWords(List, Hole, 0x20);
        Assert.Equal(2, Reserve(Decrease | (1 << 6), 2));
        Assert.Equal(263, Count(Current));
    }

    [Fact]
    public void Populate_on_demand_is_not_for_oneself()
    {
        _domain.PutWords(List, 0x10);
        Assert.Equal(1, Reserve(Decrease, 1));
        Assert.Equal(0, Reserve(Populate, 1, flags: 1 << 16));
        Assert.Equal(1, Reserve(Populate, 1));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Removed_page_is_lost_but_still_counts(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.PutWords(Buffer, Self, 0x10);
        Assert.Equal(0, _domain.Try(MemoryOp, RemoveFromPhysmap, Buffer));
        Assert.Equal(264, Count(Current));
        _domain.PutWords(Buffer, Self, 0x10);
        Assert.Equal(-2, _domain.Try(MemoryOp, RemoveFromPhysmap, Buffer));
        _domain.PutWords(List, 0x10);
        Assert.Equal(0, Reserve(Populate, 1));
    }

    [Fact]
    public void Removed_shared_info_can_be_placed_again()
    {
        Assert.Equal(0, Add(SharedInfo, 0, Hole));
        _domain.PutWords(Buffer, Self, Hole);
        Assert.Equal(0, _domain.Try(MemoryOp, RemoveFromPhysmap, Buffer));
        Assert.Equal(0, Add(SharedInfo, 0, Hole + 1));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Batch_gives_each_page_its_error(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.PutWords(List, 0x10, Hole, 0x11);
        _domain.PutWords(List + 0x100, Hole + 1, 0x20, Hole + 2);
        Assert.Equal(0, Batch(Gfn, 3));
        Assert.Equal((0U, unchecked((uint)-22), 0U), (_domain.Read32(List + 0x200), _domain.Read32(List + 0x204), _domain.Read32(List + 0x208)));
        Assert.NotEqual(-1, _domain.Domain.Memory.FrameAt(Hole + 2));
        Assert.Equal(0, Batch(Foreign, 1));
        Assert.Equal(unchecked((uint)-1), _domain.Read32(List + 0x200));
    }

    [Fact]
    public void Batch_must_be_of_a_kind_that_has_single_pages()
    {
        Assert.Equal(-95, Batch(GfnRange, 1));
        Assert.Equal(-13, Batch(DeviceMemory, 1));
        Assert.Equal(0, Batch(Gfn, 0));
        Assert.Equal(-84, Batch(Gfn, 1, start: 1));
        Assert.Equal(-33, Batch(Gfn, 1, start: 0x1_0000));
        Assert.Equal(-84, Add(GfnRange, 0x10, Hole, size: 1, start: 2));
        Assert.Equal(-33, Add(Gfn, 0x10, Hole, start: 0x1_0000));
    }

    [Fact]
    public void Range_beyond_the_last_number_overflows()
    {
        _domain.Use64BitCode();
        Assert.Equal(-75, Add(GfnRange, ulong.MaxValue - 1, Hole, size: 3));
        Assert.Equal(-75, Add(GfnRange, 0x10, ulong.MaxValue - 1, size: 3));
    }

    [Fact]
    public void Numbers_of_pages()
    {
        Assert.Equal(256, _domain.Try(MemoryOp, MaximumRamPage));
        Assert.Equal(512, Count(Maximum));
        Assert.Equal(0xFEFFF, Count(MaximumGpfn));
        Assert.Equal(0, Add(Gfn, 0x10, 0x10_0000));
        Assert.Equal(0x10_0000, Count(MaximumGpfn));
    }

    [Theory]
    [InlineData(MaximumRamPage, -22)]
    [InlineData(Current, -22)]
    [InlineData(MaximumGpfn, -22)]
    [InlineData(RemoveFromPhysmap, -22)]
    [InlineData(24U, -22)]
    [InlineData(26U, -22)]
    [InlineData(27U, -22)]
    [InlineData(MemoryMap, -38)]
    [InlineData(SetMemoryMap, -38)]
    [InlineData(18U, -38)]
    public void Only_long_operations_are_continued(uint command, long expected) =>
        Assert.Equal(expected, _domain.Try(MemoryOp, command | (1 << 6), Buffer));

    [Theory]
    [InlineData(10U, -38)]
    [InlineData(12U, -38)]
    [InlineData(18U, 0)]
    [InlineData(19U, 0)]
    [InlineData(20U, -38)]
    [InlineData(22U, -38)]
    [InlineData(28U, -13)]
    [InlineData(29U, -38)]
    [InlineData(63U, -38)]
    public void Others_give_one_answer(uint command, long expected)
    {
        Assert.Equal(expected, _domain.Try(MemoryOp, command, Buffer));
        _domain.Use64BitCode();
        Assert.Equal(expected, _domain.Try(MemoryOp, command, Buffer));
    }

    [Fact]
    public void Claims_are_the_toolstacks_and_unknown_to_32_bit_callers()
    {
        _domain.Put(Buffer, 0, 0, 1, 0, 0, 0, 7, 0);
        Assert.Equal(-38, _domain.Try(MemoryOp, 24, Buffer));
        _domain.Use64BitCode();
        Assert.Equal(-1, _domain.Try(MemoryOp, 24, Buffer));
        _domain.Put(Buffer + 24, Self);
        Assert.Equal(-22, _domain.Try(MemoryOp, 24, Buffer));
        _domain.Put(Buffer, 1, 0, 1, 0, 0, 0, 7, 0);
        Assert.Equal(-22, _domain.Try(MemoryOp, 24, Buffer));
    }

    [Fact]
    public void Topology_is_not_told()
    {
        _domain.Put(Buffer, Self);
        Assert.Equal(-95, _domain.Try(MemoryOp, 26, Buffer));
        _domain.Put(Buffer, Self | (1 << 16));
        Assert.Equal(-22, _domain.Try(MemoryOp, 26, Buffer));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void No_memory_is_reserved_for_devices(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.Put(Buffer, 1, 5, 0, 0, 0, 0);
        Assert.Equal(0, _domain.Try(MemoryOp, 27, Buffer));
        Assert.Equal(0U, _domain.Read32(Buffer + 4));
        _domain.Put(Buffer, 2);
        Assert.Equal(-22, _domain.Try(MemoryOp, 27, Buffer));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Domain_may_tell_itself_another_map(bool is64Bit)
    {
        _domain.Select(is64Bit);
        _domain.Put(List, 0x1000, 0, 0x2000, 0, 1, 0x8000, 0, 0x100, 0, 2);
        _domain.PutWords(Buffer, Self, 2, List);
        Assert.Equal(0, _domain.Try(MemoryOp, SetMemoryMap, Buffer));
        _domain.PutWords(Buffer, 9, List + 0x100);
        Assert.Equal(0, _domain.Try(MemoryOp, MemoryMap, Buffer));
        Assert.Equal(2U, _domain.Read32(Buffer));
        Assert.Equal(_domain.Read(List, 40), _domain.Read(List + 0x100, 40));
        _domain.PutWords(Buffer, Self, 1025, List);
        Assert.Equal(-22, _domain.Try(MemoryOp, SetMemoryMap, Buffer));
        _domain.PutWords(Buffer, Self, 2, Nowhere);
        Assert.Equal(-14, _domain.Try(MemoryOp, SetMemoryMap, Buffer));
    }

    private long Count(uint command)
    {
        _domain.Put(Buffer, Self);
        return _domain.Try(MemoryOp, command, Buffer);
    }

    private long Add(uint space, ulong index, ulong gfn, uint domain = Self, uint size = 0, uint start = 0)
    {
        _domain.Put(Buffer, domain | (size << 16), space);
        _domain.PutWords(Buffer + 8, index, gfn);
        return _domain.Try(MemoryOp, AddToPhysmap | (start << 6), Buffer);
    }

    private long Batch(uint space, uint size, uint start = 0)
    {
        _domain.Put(Buffer, Self | (space << 16), size);
        _domain.PutWords(Buffer + 8, List, List + 0x100, List + 0x200);
        return _domain.Try(MemoryOp, AddBatch | (start << 6), Buffer);
    }

    private long Reserve(uint command, ulong count, uint order = 0, uint flags = 0, uint domain = Self, ulong list = List)
    {
        _domain.PutWords(Buffer, list, count);
        _domain.Put(Buffer + (_domain.Vcpu.Is64BitCode ? 16UL : 8), order, flags, domain, 0);
        return _domain.Try(MemoryOp, command, Buffer);
    }
}
