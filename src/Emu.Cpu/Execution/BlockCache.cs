using System.Runtime.InteropServices;
using Emu.Cpu.Compilation;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Execution;

/// <summary>All translated blocks, found by guest-physical address and mode, and forgotten exactly when their bytes change.</summary>
/// <remarks>
/// Blocks live in one arena that only grows; when it is full, everything is forgotten at once (<see cref="Flushed"/>). An invalidated
/// block stays where it is with an impossible <see cref="Block.Count"/>, so that links to it fail their budget check and need no
/// list of their own.
/// </remarks>
public sealed unsafe class BlockCache : IDisposable
{
    private const int GranuleShift = 6;
    private const nuint DefaultArenaBytes = 64 << 20;

    private readonly PhysicalMemory _memory;
    private readonly CodePage?[] _pages;
    private readonly byte* _arena;
    private readonly nuint _arenaBytes;
    private nuint _used;

    /// <summary>Makes an empty cache over RAM, and watches RAM for writes by devices.</summary>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="arenaBytes">Host memory for blocks.</param>
    public BlockCache(PhysicalMemory memory, nuint arenaBytes = DefaultArenaBytes)
    {
        _memory = memory;
        _pages = new CodePage?[memory.PageCount];
        _arenaBytes = arenaBytes;
        _arena = (byte*)NativeMemory.AlignedAlloc(arenaBytes, 64);
        NoBlock = (Block*)NativeMemory.AlignedAlloc((nuint)sizeof(Block), 64);
        *NoBlock = new Block { Count = long.MaxValue };
        memory.CodePageWritten = Invalidate;
    }

    /// <summary>The 64-byte granules of a page that hold code, and the blocks of each by the granule where they start.</summary>
    private sealed class CodePage
    {
        public ulong Granules;
        public readonly nint[] Buckets = new nint[PhysicalMemory.PageSize >> GranuleShift];

        // Blocks that start in another page, any other, and end in this one; some may have been forgotten since.
        public readonly List<nint> Reaching = [];
    }

    /// <summary>What an unlinked terminator leads to: a block that no budget admits.</summary>
    public Block* NoBlock { get; }

    /// <summary>Called after everything was forgotten: pointers to blocks are no longer good.</summary>
    public Action? Flushed { get; set; }

    /// <summary>Called when a page of RAM begins to hold code: it may no longer be written without a check.</summary>
    public Action<nint>? CodePageAdded { get; set; }

    /// <summary>What has hot blocks compiled, or null.</summary>
    public TieredCompiler? Compiler { get; internal set; }

    /// <summary>Finds the block that a direct branch leads to, without translating anything, or null where it is not known.</summary>
    /// <param name="s">State of the vCPU.</param>
    /// <param name="from">The block with the branch.</param>
    /// <param name="displacement">The target's distance from the start of that block.</param>
    /// <param name="rip">The target.</param>
    internal Block* FindTarget(CpuState* s, Block* from, int displacement, ulong rip)
    {
        if ((ulong)((long)(from->PhysicalAddress & 0xFFF) + displacement) < PhysicalMemory.PageSize)
            return Find(from->PhysicalAddress + (ulong)displacement, from->Mode);
        var entry = JumpCacheEntry.For(s, rip);
        return entry->Rip == rip && entry->Tag == s->CodeTag ? entry->Block : null;
    }

    /// <summary>Finds the block that starts at a physical address, or null.</summary>
    public Block* Find(ulong physical, CodeMode mode)
    {
        var host = _memory.HostAddress(physical);
        var page = host == null ? null : _pages[(host - _memory.Host) / PhysicalMemory.PageSize];
        if (page == null)
            return null;
        for (var block = (Block*)page.Buckets[(physical & 0xFFF) >> GranuleShift]; block != null; block = block->NextInBucket)
        {
            if (block->PhysicalAddress == physical && block->Mode == mode)
                return block;
        }
        return null;
    }

    /// <summary>Room for a block of at most <paramref name="ops"/> ops; what is not used is given back by <see cref="Add"/>.</summary>
    public Block* Reserve(int ops)
    {
        var bytes = (nuint)(sizeof(Block) + ops * sizeof(Op));
        if (_used + bytes > _arenaBytes)
            Flush();
        return (Block*)(_arena + _used);
    }

    /// <summary>Enters the block that was built in the room from <see cref="Reserve"/>.</summary>
    /// <param name="block">The block: its address, mode and length are set.</param>
    /// <param name="ops">Ops that follow its header, terminators included.</param>
    public void Add(Block* block, int ops)
    {
        _used += (nuint)(sizeof(Block) + ops * sizeof(Op) + 63) & ~(nuint)63;
        var page = Watch(block->PhysicalAddress);
        var first = block->PhysicalAddress & 0xFFF;
        var bucket = first >> GranuleShift;
        block->NextInBucket = (Block*)page.Buckets[bucket];
        block->IsInRegion = false;
        Compiler?.Watch(block);
        page.Buckets[bucket] = (nint)block;
        page.Granules |= Granules(first, Math.Min(first + block->ByteLength, PhysicalMemory.PageSize));
        if (!block->IsLinkable)
        {
            var last = Watch(block->LastPage);
            last.Granules |= Granules(0, first + block->ByteLength - PhysicalMemory.PageSize);
            last.Reaching.Add((nint)block);
        }
    }

    /// <summary>True where a write would change translated code.</summary>
    public bool Overlaps(ulong physical, int length)
    {
        var host = _memory.HostAddress(physical);
        var page = host == null ? null : _pages[(host - _memory.Host) / PhysicalMemory.PageSize];
        return page != null && (page.Granules & Granules(physical & 0xFFF, (physical & 0xFFF) + (ulong)length)) != 0;
    }

    /// <summary>Forgets the blocks that a write within one page changes.</summary>
    public void Invalidate(ulong physical, int length)
    {
        var host = _memory.HostAddress(physical);
        if (host == null)
            return;
        var index = (host - _memory.Host) / PhysicalMemory.PageSize;
        var page = _pages[index];
        var from = physical & 0xFFF;
        if (page == null || (page.Granules & Granules(from, from + (ulong)length)) == 0)
            return;

        page.Granules = Drop(page, physical & ~0xFFFUL, from, from + (ulong)length) | DropReaching(page, from);
        if (page.Granules == 0)
            _memory.ForgetCode(index);
    }

    /// <summary>Forgets everything.</summary>
    public void Flush()
    {
        Array.Clear(_pages);
        _memory.ForgetCode();
        _used = 0;
        Compiler?.ForgetAll();
        Flushed?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_arena);
        NativeMemory.AlignedFree(NoBlock);
    }

    private CodePage Watch(ulong physical)
    {
        var host = _memory.HostAddress(physical);
        var index = (host - _memory.Host) / PhysicalMemory.PageSize;
        if (_memory.NoteCode(index))
            CodePageAdded?.Invoke((nint)(_memory.Host + index * PhysicalMemory.PageSize));
        return _pages[index] ??= new CodePage();
    }

    // Drops the page's blocks that overlap [from, to), offsets in the page; returns the granules that still hold code.
    private ulong Drop(CodePage page, ulong pageAddress, ulong from, ulong to)
    {
        var granules = 0UL;
        for (var bucket = 0; bucket < page.Buckets.Length; bucket++)
        {
            Block* last = null;
            for (var block = (Block*)page.Buckets[bucket]; block != null; block = block->NextInBucket)
            {
                var start = block->PhysicalAddress - pageAddress;
                var end = start + block->ByteLength;
                if (start < to && end > from)
                {
                    Retire(block);
                    if (last == null)
                        page.Buckets[bucket] = (nint)block->NextInBucket;
                    else
                        last->NextInBucket = block->NextInBucket;
                    continue;
                }
                granules |= Granules(start, Math.Min(end, PhysicalMemory.PageSize));
                last = block;
            }
        }
        return granules;
    }

    // Drops the blocks that reach into the page as far as an offset; returns the granules that others reach.
    private ulong DropReaching(CodePage page, ulong from)
    {
        var granules = 0UL;
        for (var i = page.Reaching.Count - 1; i >= 0; i--)
        {
            var block = (Block*)page.Reaching[i];
            var end = (block->PhysicalAddress & 0xFFF) + block->ByteLength - PhysicalMemory.PageSize;
            if (block->Count != long.MaxValue && end <= from)
            {
                granules |= Granules(0, end);
                continue;
            }
            page.Reaching.RemoveAt(i);
            if (block->Count == long.MaxValue)
                continue;
            Retire(block);
            Unlink(block);
        }
        return granules;
    }

    private void Unlink(Block* block)
    {
        var page = Watch(block->PhysicalAddress);
        var bucket = (block->PhysicalAddress & 0xFFF) >> GranuleShift;
        Block* last = null;
        for (var other = (Block*)page.Buckets[bucket]; other != block; other = other->NextInBucket)
            last = other;
        if (last == null)
            page.Buckets[bucket] = (nint)block->NextInBucket;
        else
            last->NextInBucket = block->NextInBucket;
    }

    private void Retire(Block* block)
    {
        block->Count = long.MaxValue;
        if (block->IsInRegion)
            Compiler?.Forget(block);
    }

    private static ulong Granules(ulong from, ulong to)
    {
        var first = (int)(from >> GranuleShift);
        var last = (int)((to - 1) >> GranuleShift);
        return (ulong.MaxValue >> (63 - last)) & (ulong.MaxValue << first);
    }
}
