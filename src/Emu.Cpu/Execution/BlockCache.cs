using System.Runtime.InteropServices;
using Emu.Cpu.Compilation;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Execution;

/// <summary>All translated blocks, found by guest-physical address and mode, and forgotten exactly when their bytes change.</summary>
/// <remarks>
/// Blocks live in one arena that only grows; when it is full, everything is forgotten at once (<see cref="Flushed"/>). An invalidated
/// block stays where it is with an impossible <see cref="Block.Count"/>, so that links to it fail their budget check and need no
/// list of their own. What is decoded at its address next takes its place, and the links are good again.
/// </remarks>
public sealed unsafe class BlockCache : IDisposable
{
    private const int GranuleShift = 6;
    private const int GranulesInPage = PhysicalMemory.PageSize >> GranuleShift;

    // How far before a byte a block that holds it may start.
    private const ulong LongestBlock = Block.MaxInstructions * 15;
    private const nuint DefaultArenaBytes = 64 << 20;

    private readonly PhysicalMemory _memory;
    private readonly CodePage?[] _pages;
    private readonly byte* _arena;
    private readonly nuint _arenaBytes;
    private nuint _used;
    private bool _isTraced;

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
        *NoBlock = new Block { Count = Block.Forgotten };
        memory.CodePageWritten = Invalidate;
    }

    /// <summary>The 64-byte granules of a page that hold code, and the blocks of each by the granule where they start.</summary>
    private sealed class CodePage
    {
        // Granules that blocks lie in, and how many in each.
        public ulong Granules;
        public readonly ushort[] BlocksIn = new ushort[GranulesInPage];

        // Forgotten blocks stay, for what is decoded at their address next, until it needs more room than they have.
        public readonly nint[] Buckets = new nint[GranulesInPage];

        // Blocks that start in another page, any other, and end in this one; some may have been forgotten since.
        public List<nint>? Reaching;

        public void Enter(ulong from, ulong to)
        {
            Granules |= BlockCache.Granules(from, to);
            for (var i = from >> GranuleShift; i <= (to - 1) >> GranuleShift; i++)
                BlocksIn[i]++;
        }

        public void Leave(ulong from, ulong to)
        {
            for (var i = from >> GranuleShift; i <= (to - 1) >> GranuleShift; i++)
            {
                if (--BlocksIn[i] == 0)
                    Granules &= ~(1UL << (int)i);
            }
        }
    }

    /// <summary>How often blocks have been forgotten: whoever was about to go on with one looks whether this has changed.</summary>
    public ulong ForgottenCount { get; private set; }

    /// <summary>What an unlinked terminator leads to: a block that no budget admits.</summary>
    public Block* NoBlock { get; }

    /// <summary>Called after everything was forgotten: pointers to blocks are no longer good.</summary>
    public Action? Flushed { get; set; }

    /// <summary>Called when a page of RAM begins to hold code: it may no longer be written without a check.</summary>
    public Action<nint>? CodePageAdded { get; set; }

    /// <summary>Whether a trace is taken of what is executed: all blocks get its probe, and none is compiled.</summary>
    public bool IsTraced
    {
        get => _isTraced;
        internal set
        {
            _isTraced = value;
            Flush();
        }
    }

    /// <summary>What has hot blocks compiled, or null.</summary>
    public TieredCompiler? Compiler { get; internal set; }

    /// <summary>Where vCPUs stop for whoever looks at the guest from outside.</summary>
    public CodeBreakpoints Breakpoints { get; } = new();

    /// <summary>Replaces the breakpoints; to be called between two runs.</summary>
    /// <param name="addresses">Linear addresses of instructions.</param>
    public void SetBreakpoints(IEnumerable<ulong> addresses)
    {
        var changed = Breakpoints.Replace(addresses);
        if (changed.Count == 0)
            return;
        for (var index = 0; index < _pages.Length; index++)
        {
            if (_pages[index] is not { } page)
                continue;
            var home = _memory.HomeAddress(_memory.Host + (long)index * PhysicalMemory.PageSize);
            foreach (var offset in changed)
            {
                if ((page.Granules & Granules(offset, offset + 1)) != 0)
                    Drop(page, home, offset, offset + 1);
            }
        }
    }

    /// <summary>Whether a block looks for a breakpoint each time: such a block is never part of a compiled region.</summary>
    internal bool MayBeAtBreakpoint(Block* block) => Breakpoints.MayBeAt((uint)block->PhysicalAddress & (PhysicalMemory.PageSize - 1));

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
        var page = PageOf(physical);
        if (page == null)
            return null;
        for (var block = (Block*)page.Buckets[(physical & 0xFFF) >> GranuleShift]; block != null; block = block->NextInBucket)
        {
            if (block->PhysicalAddress == physical && block->Mode == mode && block->Count != Block.Forgotten)
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
    /// <returns>
    /// Where it is kept: in place of what was known at its address and has been forgotten, so that what led there leads to it, and code that
    /// changes again and again takes no more room; else where it was built.
    /// </returns>
    public Block* Add(Block* block, int ops)
    {
        var page = Watch(block->PhysicalAddress);
        var first = block->PhysicalAddress & 0xFFF;
        ref var bucket = ref page.Buckets[first >> GranuleShift];
        block->Room = (uint)ops;
        var forgotten = TakeForgotten(ref bucket, block);
        if (forgotten != null)
        {
            block->Room = forgotten->Room;
            Buffer.MemoryCopy(block, forgotten, sizeof(Block) + ops * sizeof(Op), sizeof(Block) + ops * sizeof(Op));
            block = forgotten;
        }
        else
        {
            _used += (nuint)(sizeof(Block) + ops * sizeof(Op) + 63) & ~(nuint)63;
        }
        block->NextInBucket = (Block*)bucket;
        bucket = (nint)block;
        block->IsInRegion = false;
        SetFirstHandler(block);
        page.Enter(first, Math.Min(first + block->ByteLength, PhysicalMemory.PageSize));
        if (!block->IsLinkable)
        {
            var last = Watch(block->LastPage);
            last.Enter(0, first + block->ByteLength - PhysicalMemory.PageSize);
            (last.Reaching ??= []).Add((nint)block);
        }
        return block;
    }

    /// <summary>True where a write would change translated code.</summary>
    public bool Overlaps(ulong physical, int length)
    {
        var page = PageOf(physical);
        return page != null && (page.Granules & Granules(physical & 0xFFF, (physical & 0xFFF) + (ulong)length)) != 0;
    }

    /// <summary>Forgets the blocks that a write within one page changes.</summary>
    public void Invalidate(ulong physical, int length)
    {
        var host = _memory.HostAtHome(physical);
        if (host == null)
            return;
        var index = (host - _memory.Host) / PhysicalMemory.PageSize;
        var page = _pages[index];
        var from = physical & 0xFFF;
        if (page == null)
            return;
        if ((page.Granules & Granules(from, from + (ulong)length)) == 0)
        {
            // Not when its last code goes: code that is changed and run in turns would be watched and not watched in turns.
            if (page.Granules == 0)
                _memory.ForgetCode(index);
            return;
        }

        Drop(page, physical & ~0xFFFUL, from, from + (ulong)length);
        if (page.Reaching != null)
            DropReaching(page, from);
    }

    /// <summary>Forgets everything.</summary>
    public void Flush()
    {
        Array.Clear(_pages);
        _memory.ForgetCode();
        _used = 0;
        ForgottenCount++;
        Compiler?.ForgetAll();
        Flushed?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_arena);
        NativeMemory.AlignedFree(NoBlock);
    }

    // What whoever chains to a new block calls.
    private void SetFirstHandler(Block* block)
    {
        if (MayBeAtBreakpoint(block))
            Block.Ops(block)->Handler = &Vcpu.LookForBreakpoint;
        else if (_isTraced)
            BlockTracer.Watch(block);
        else
            Compiler?.Watch(block);
    }

    private CodePage? PageOf(ulong physical)
    {
        var host = _memory.HostAtHome(physical);
        return host == null ? null : _pages[(nuint)(host - _memory.Host) / PhysicalMemory.PageSize];
    }

    private CodePage Watch(ulong physical)
    {
        var host = _memory.HostAtHome(physical);
        var index = (host - _memory.Host) / PhysicalMemory.PageSize;
        if (_memory.NoteCode(index))
            CodePageAdded?.Invoke((nint)(_memory.Host + index * PhysicalMemory.PageSize));
        return _pages[index] ??= new CodePage();
    }

    // Forgets the page's blocks that overlap [from, to), offsets in the page.
    private void Drop(CodePage page, ulong pageAddress, ulong from, ulong to)
    {
        var firstBucket = (from - Math.Min(from, LongestBlock)) >> GranuleShift;
        for (var bucket = firstBucket; bucket <= (to - 1) >> GranuleShift; bucket++)
        {
            for (var block = (Block*)page.Buckets[bucket]; block != null;)
            {
                var next = block->NextInBucket;
                var start = block->PhysicalAddress - pageAddress;
                if (block->Count != Block.Forgotten && start < to && start + block->ByteLength > from)
                    Forget(page, block);
                block = next;
            }
        }
    }

    // Forgets the blocks that reach into the page as far as an offset.
    private void DropReaching(CodePage page, ulong from)
    {
        for (var i = page.Reaching!.Count - 1; i >= 0; i--)
        {
            var block = (Block*)page.Reaching[i];
            if ((block->PhysicalAddress & 0xFFF) + block->ByteLength - PhysicalMemory.PageSize > from)
                Forget(PageOf(block->PhysicalAddress)!, block);
        }
    }

    private void Forget(CodePage page, Block* block)
    {
        block->Count = Block.Forgotten;
        ForgottenCount++;
        if (block->IsInRegion)
            Compiler?.Forget(block);
        var first = block->PhysicalAddress & 0xFFF;
        page.Leave(first, Math.Min(first + block->ByteLength, PhysicalMemory.PageSize));
        if (block->IsLinkable)
            return;
        var last = PageOf(block->LastPage)!;
        last.Leave(0, first + block->ByteLength - PhysicalMemory.PageSize);
        last.Reaching!.Remove((nint)block);
    }

    // Takes the forgotten block of the same address and mode out of a bucket; null where there is none, or none with the room. What crosses
    // pages has no part in it: one address and mode may name several of it at different times, each with another second page.
    private static Block* TakeForgotten(ref nint bucket, Block* like)
    {
        Block* last = null;
        for (var block = (Block*)bucket; block != null; last = block, block = block->NextInBucket)
        {
            if (block->PhysicalAddress != like->PhysicalAddress || block->Mode != like->Mode || block->Count != Block.Forgotten)
                continue;
            if (last == null)
                bucket = (nint)block->NextInBucket;
            else
                last->NextInBucket = block->NextInBucket;
            return block->Room >= like->Room && block->IsLinkable && like->IsLinkable ? block : null;
        }
        return null;
    }

    private static ulong Granules(ulong from, ulong to)
    {
        var first = (int)(from >> GranuleShift);
        var last = (int)((to - 1) >> GranuleShift);
        return (ulong.MaxValue >> (63 - last)) & (ulong.MaxValue << first);
    }
}
