using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Cpu.State;

namespace Emu.Cpu.Execution;

/// <summary>One predecoded guest instruction: the handler that executes it and its operands. 32 bytes.</summary>
/// <remarks>
/// Position independent: <see cref="Offset"/> and RIP-relative displacements count from the first instruction of the block, so that
/// one translation serves every virtual address at which its physical page is mapped.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 32)]
public unsafe struct Op
{
    /// <summary>In <see cref="Scale"/> of a near branch or fall-through: its successor lies in the same page and may be linked.</summary>
    public const byte Linkable = 1;

    /// <summary>Executes the instruction and, unless it faults or ends the block, tail-calls the next one's handler.</summary>
    public delegate*<Vcpu, CpuState*, Op*, void> Handler;

    /// <summary>Immediate operand, sign-extended; for a near branch or fall-through the linked successor (<see cref="Block"/>*).</summary>
    public long Immediate;

    /// <summary>Displacement of the memory operand; for a near branch or fall-through the target's offset from the block's start.</summary>
    public int Displacement;

    /// <summary>Byte offset in <see cref="CpuState"/> of the destination general register; vector, x87 and other registers by number.</summary>
    public byte Destination;

    /// <summary>Byte offset of the source general register; vector, x87 and other registers by number. For a near branch its operand size in bytes.</summary>
    public byte Source;

    /// <summary>
    /// Byte offset of the memory operand's base register; <see cref="CpuState.ZeroOffset"/> for none. Without a memory operand a shape may
    /// keep a third register here.
    /// </summary>
    public byte Base;

    /// <summary>Byte offset of the memory operand's index register; <see cref="CpuState.ZeroOffset"/> for none.</summary>
    public byte Index;

    /// <summary>Left shift of the index, 0–3; for a near branch or fall-through <see cref="Linkable"/> or 0.</summary>
    public byte Scale;

    /// <summary>Segment of the memory operand (<see cref="SegmentName"/>).</summary>
    public byte Segment;

    /// <summary>Instructions of the block not yet retired when this one starts, itself included; 0 for the fall-through.</summary>
    public byte Remaining;

    /// <summary>Bits 0–3: length of the instruction in bytes; bits 4–5: address size (<see cref="AddressSizeOf"/>).</summary>
    public byte Shape;

    /// <summary>Offset of the instruction's first byte from the block's start.</summary>
    public ushort Offset;

    /// <summary>Iced's <c>Code</c> of the instruction.</summary>
    public ushort Code;

    /// <summary>Length of the instruction in bytes, 1–15.</summary>
    public readonly int Length => Shape & 15;

    /// <summary>Mask of the effective address: 0xFFFF, 0xFFFFFFFF or all ones.</summary>
    public readonly ulong AddressMask => (Shape >> 4) switch { 0 => 0xFFFF, 1 => 0xFFFF_FFFF, _ => ulong.MaxValue };

    /// <summary>Bytes of the effective address: 2, 4 or 8.</summary>
    public readonly int AddressSize => 2 << (Shape >> 4);

    /// <summary>Packs <see cref="Shape"/>.</summary>
    /// <param name="length">Instruction length in bytes.</param>
    /// <param name="addressSize">2, 4 or 8 bytes.</param>
    public static byte AddressSizeOf(int length, int addressSize) => (byte)(length | (addressSize switch { 2 => 0, 4 => 1, _ => 2 } << 4));
}

/// <summary>What every handler is made of: register access and the step to the next instruction.</summary>
/// <remarks>
/// <code>static void Handler(Vcpu vcpu, CpuState* s, Op* op)</code>
/// A handler does its work and ends with <see cref="Next"/> as its very last call, which RyuJIT turns into a jump (a tail call) in
/// optimised code: it must be marked <see cref="MethodImplOptions.AggressiveOptimization"/>, and no local's address may be taken in
/// it (use what the accessors return), or the call would grow the host's stack. A fault has been recorded before an accessor says
/// so: the handler returns at once, having changed nothing, and thereby unwinds to the run loop. One that ends its block
/// (<see cref="Decoding.Operands.EndsBlock"/>) leaves through <see cref="Chain"/> instead.
/// </remarks>
public static unsafe class Step
{
    /// <summary>Goes on with the block's next instruction. Nothing may follow this call.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Next(Vcpu vcpu, CpuState* s, Op* op) => op[1].Handler(vcpu, s, op + 1);

    /// <summary>Goes on with another handler of the same instruction: the one for what is not the common case. Nothing may follow this call.</summary>
    /// <remarks>
    /// By address: called by name, a short handler would be inlined, and its calls would cost the common case a frame on the host's stack. Marking
    /// it as not to be inlined would keep it from making tail calls.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Other(Vcpu vcpu, CpuState* s, Op* op, delegate*<Vcpu, CpuState*, Op*, void> handler) => handler(vcpu, s, op);

    /// <summary>Reads a general register of any width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(CpuState* s, byte offset) where T : unmanaged => *(T*)((byte*)s + offset);

    /// <summary>Writes a general register: 8 and 16 bits leave the rest, 32 bits clear the upper half (SDM Vol. 1, 3.4.1.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, byte offset, T value) where T : unmanaged
    {
        if (sizeof(T) == 4)
            *(ulong*)((byte*)s + offset) = Width.ZeroExtend(value);
        else
            *(T*)((byte*)s + offset) = value;
    }

    /// <summary>The immediate operand at the operand's width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Immediate<T>(Op* op) where T : unmanaged => *(T*)&op->Immediate;

    /// <summary>RIP of the instruction itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong RipOf(CpuState* s, Op* op) => s->Rip + op->Offset;

    /// <summary>RIP of the following instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong RipAfter(CpuState* s, Op* op) => s->Rip + op->Offset + (uint)op->Length;
}
