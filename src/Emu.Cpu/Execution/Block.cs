using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Execution;

/// <summary>The header of a run of predecoded instructions that ends with a branch, at a page's end, or at <see cref="MaxInstructions"/>; its ops follow, a fall-through last.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public unsafe struct Block
{
    /// <summary>Most instructions in a block: <see cref="Op.Remaining"/> is a byte.</summary>
    public const int MaxInstructions = 64;

    /// <summary>The <see cref="Count"/> of a block whose code has changed.</summary>
    public const long Forgotten = long.MaxValue;

    /// <summary>Instructions; <see cref="Forgotten"/> once the code has changed, so that no budget lets a link through.</summary>
    public long Count;

    /// <summary>Guest-physical address of the first byte.</summary>
    public ulong PhysicalAddress;

    /// <summary>Guest-physical address of the page of the last byte; differs where the (only) instruction crosses pages.</summary>
    public ulong LastPage;

    /// <summary>Next block in the same bucket of its page.</summary>
    public Block* NextInBucket;

    /// <summary>Bytes of guest code.</summary>
    public uint ByteLength;

    /// <summary>Mode it was decoded for.</summary>
    public CodeMode Mode;

    /// <summary>
    /// The handler of the first instruction. What stands in the first op itself may count executions, or be a compiled region that
    /// begins here: it is what whoever chains to the block calls.
    /// </summary>
    public delegate*<Vcpu, CpuState*, Op*, void> Interpreter;

    /// <summary>Executions that are still to be counted before the block asks to be compiled, or asks again with more urgency.</summary>
    public int Heat;

    /// <summary>Number of the block among the entries of the compiled region that begins here.</summary>
    public ushort Entry;

    /// <summary>True once a compiled region was asked for that contains the block.</summary>
    public bool IsInRegion;

    /// <summary>How often the block has asked to be compiled: each time it has been executed twice as often as the time before.</summary>
    public byte Requests;

    /// <summary>Ops that there is room for behind the header.</summary>
    public uint Room;

    /// <summary>What a trace called the block where it was executed last; 0 where it has no name yet.</summary>
    public uint TraceId;

    /// <summary>True where direct links from its own page may lead here: it lies in one page.</summary>
    public readonly bool IsLinkable => (PhysicalAddress & 0xFFF) + ByteLength <= PhysicalMemory.PageSize;

    /// <summary>How often the block has been executed, as far as it was counted.</summary>
    /// <param name="first">Executions before the first request.</param>
    public readonly long Executions(int first) => ((long)first << Requests) - Heat;

    /// <summary>The first op.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Op* Ops(Block* block) => (Op*)(block + 1);
}

/// <summary>What decoding and address arithmetic depend on, besides the bytes. Part of every block's key.</summary>
[Flags]
public enum CodeMode : uint
{
    /// <summary>16-bit code: real, virtual-8086 or protected mode.</summary>
    Code16 = 0,

    /// <summary>32-bit code (D = 1).</summary>
    Code32 = 1,

    /// <summary>64-bit code.</summary>
    Code64 = 2,

    /// <summary>Mask of the code size.</summary>
    CodeSize = 3,

    /// <summary>ES, SS, DS and CS are flat (base 0, limit 4 GiB, read/write): no segment checks are needed. Always set for 64-bit code.</summary>
    Flat = 4,

    /// <summary>SS.B = 1: the stack pointer is ESP. (Meaningless for 64-bit code.)</summary>
    Stack32 = 8,

    /// <summary>Real or virtual-8086 mode: instructions that need protected mode raise #UD.</summary>
    Unprotected = 16,

    /// <summary>CPL is 3. In the code tag only: blocks themselves do not depend on it.</summary>
    User = 32,

    /// <summary>CS's limit is less than 4 GiB: links, which skip the look at it, may not be followed. (Never set for 64-bit code.)</summary>
    Limited = 64,
}

/// <summary>One entry of the cache from virtual address to block.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public unsafe struct JumpCacheEntry
{
    /// <summary>Entries in the cache.</summary>
    public const int Count = 8192;

    /// <summary>Virtual address.</summary>
    public ulong Rip;

    /// <summary><see cref="CpuState.CodeTag"/> when the entry was made.</summary>
    public ulong Tag;

    /// <summary>The block there.</summary>
    public Block* Block;

    /// <summary>The indirect branch that came this way last: what the compiler knows of where such branches lead.</summary>
    public Op* From;

    /// <summary>The entry where a virtual address belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static JumpCacheEntry* For(CpuState* s, ulong rip) => s->JumpCache + ((rip ^ (rip >> 12)) & (Count - 1));
}

/// <summary>From one block to the next, without the run loop where possible.</summary>
public static unsafe class Chain
{
    /// <summary>Goes to a successor that is always the same: through the terminator's link. Nothing may follow this call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Direct(Vcpu vcpu, CpuState* s, Op* terminator, ulong rip)
    {
        var block = (Block*)terminator->Immediate;
        s->Rip = rip;
        var budget = s->Budget - block->Count;
        if (budget >= 0)
        {
            s->Budget = budget;
            Block.Ops(block)->Handler(vcpu, s, Block.Ops(block));
            return;
        }
        s->LinkRequest = terminator;
    }

    /// <summary>Goes to a successor that is known only now: through the jump cache. Nothing may follow this call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Indirect(Vcpu vcpu, CpuState* s, ulong rip)
    {
        var entry = JumpCacheEntry.For(s, rip);
        s->Rip = rip;
        if (entry->Rip == rip && entry->Tag == s->CodeTag)
        {
            var block = entry->Block;
            var budget = s->Budget - block->Count;
            if (budget >= 0)
            {
                s->Budget = budget;
                Block.Ops(block)->Handler(vcpu, s, Block.Ops(block));
            }
        }
    }

    /// <summary>Like <see cref="Indirect"/>, and leaves a note for the compiler. Nothing may follow this call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Computed(Vcpu vcpu, CpuState* s, Op* op, ulong rip)
    {
        JumpCacheEntry.For(s, rip)->From = op;
        Indirect(vcpu, s, rip);
    }

    /// <summary>Goes on at an address after a change of mode, privilege or IF: to the run loop where an event waits, else through the jump cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Resume(Vcpu vcpu, CpuState* s, ulong rip)
    {
        if (s->Pending != 0 || (s->SystemFlags & Rflags.Trap) != 0)
            Boundary(s, rip);
        else
            Indirect(vcpu, s, rip);
    }

    /// <summary>Leaves a block after an instruction that is not its last: what follows it has not been retired.</summary>
    public static void Leave(CpuState* s, Op* op)
    {
        s->Budget += op->Remaining - 1;
        Boundary(s, Step.RipAfter(s, op));
    }

    /// <summary>Back to the run loop, to look at <see cref="CpuState.Pending"/> or a new mode before the instruction at <paramref name="rip"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Boundary(CpuState* s, ulong rip)
    {
        s->Rip = rip;
        s->Exit = EngineExit.Boundary;
    }
}

/// <summary>How a direct branch reaches its target. A type argument of handlers.</summary>
public unsafe interface ILink
{
    /// <summary>Goes there. Nothing may follow this call.</summary>
    static abstract void Go(Vcpu vcpu, CpuState* s, Op* terminator, ulong rip);
}

/// <summary>The target lies in the branch's own page, and so shares its translation: a link, once made, needs no check.</summary>
public readonly unsafe struct InPage : ILink
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Go(Vcpu vcpu, CpuState* s, Op* terminator, ulong rip) => Chain.Direct(vcpu, s, terminator, rip);
}

/// <summary>The target lies in another page, whose translation may change: the jump cache knows.</summary>
public readonly unsafe struct AcrossPages : ILink
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Go(Vcpu vcpu, CpuState* s, Op* terminator, ulong rip) => Chain.Indirect(vcpu, s, rip);
}
