using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Xunit;

namespace Emu.Cpu.Tests.Execution;

public sealed unsafe class BlockCacheTests : IDisposable
{
    private const int RamBytes = 1 << 20;
    private const CodeMode Mode = CodeMode.Code64 | CodeMode.Flat;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private int _flushes;

    public BlockCacheTests()
    {
        _ram = (byte*)NativeMemory.AlignedAlloc(RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, RamBytes).Clear();
        _blocks = new BlockCache(new PhysicalMemory(_ram, RamBytes, RamBytes), 64 << 10) { Flushed = () => _flushes++ };
    }

    public void Dispose()
    {
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    [Fact]
    public void Code_that_is_changed_and_run_again_and_again_takes_no_more_room()
    {
        var first = Enter(0x1000, 8);
        for (var i = 0; i < 10_000; i++)
        {
            _blocks.Invalidate(0x1003, 4);
            Assert.True(_blocks.Find(0x1000, Mode) == null);
            Assert.True(Enter(0x1000, 8) == first);
        }
        Assert.True(_blocks.Find(0x1000, Mode) == first);
        Assert.Equal(0, _flushes);
    }

    [Fact]
    public void Code_that_crosses_pages_does_not_take_the_place_of_other_code()
    {
        var within = Enter(0x1FFC, 4);
        _blocks.Invalidate(0x1FFC, 1);
        var across = Enter(0x1FFC, 6);
        Assert.True(across != within);
        _blocks.Invalidate(0x2001, 1);
        Assert.True(_blocks.Find(0x1FFC, Mode) == null);
        Assert.True(Enter(0x1FFC, 4) != across);
    }

    [Fact]
    public void A_write_forgets_what_begins_far_before_it_and_nothing_beside_it()
    {
        Enter(0x1000, 900);
        Enter(0x1100, 0x80);
        Enter(0x1384, 4);

        _blocks.Invalidate(0x1383, 1);

        Assert.True(_blocks.Find(0x1000, Mode) == null);
        Assert.True(_blocks.Find(0x1100, Mode) != null);
        Assert.True(_blocks.Find(0x1384, Mode) != null);
        Assert.True(_blocks.Overlaps(0x1384, 1));
        Assert.False(_blocks.Overlaps(0x1200, 0x100));
    }

    private Block* Enter(ulong physical, uint length)
    {
        var block = _blocks.Reserve(BlockDecoder.RoomFor(Block.MaxInstructions));
        block->PhysicalAddress = physical;
        block->LastPage = (physical + length - 1) & ~0xFFFUL;
        block->ByteLength = length;
        block->Mode = Mode;
        block->Count = 1;
        return _blocks.Add(block, 2);
    }
}
