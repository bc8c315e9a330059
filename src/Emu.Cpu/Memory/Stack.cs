using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Memory;

/// <summary>How the stack is addressed. A type argument of handlers.</summary>
public unsafe interface IStack
{
    /// <summary>The stack pointer at its width.</summary>
    static abstract ulong Pointer(CpuState* s);

    /// <summary>Sets the stack pointer, leaving what lies above its width.</summary>
    static abstract void SetPointer(CpuState* s, ulong value);

    /// <summary>The linear address of an offset in the stack segment (taken modulo the pointer's width), checked like <see cref="IAddressing"/>.</summary>
    static abstract ulong Linear(Vcpu vcpu, CpuState* s, Op* op, ulong offset, int size, bool write);
}

/// <summary>64-bit code: RSP, no segment.</summary>
public readonly unsafe struct LongStack : IStack
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => s->Registers[4];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => s->Registers[4] = value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, ulong offset, int size, bool write) => offset;
}

/// <summary>ESP in a flat stack segment.</summary>
public readonly unsafe struct FlatStack : IStack
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pointer(CpuState* s) => (uint)s->Registers[4];

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetPointer(CpuState* s, ulong value) => s->Registers[4] = (uint)value;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, ulong offset, int size, bool write) => (uint)offset;
}

/// <summary>SP or ESP, as SS.B says, in a segment with base and limit.</summary>
public readonly unsafe struct SegmentedStack : IStack
{
    /// <inheritdoc/>
    public static ulong Pointer(CpuState* s) => s->Registers[4] & Mask(s);

    /// <inheritdoc/>
    public static void SetPointer(CpuState* s, ulong value)
    {
        if (Mask(s) == 0xFFFF)
            *(ushort*)&s->Registers[4] = (ushort)value;
        else
            s->Registers[4] = (uint)value;
    }

    /// <inheritdoc/>
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, ulong offset, int size, bool write) =>
        vcpu.Segment(op, SegmentName.Ss, offset & Mask(s), size, write);

    private static ulong Mask(CpuState* s) =>
        (s->Segments[(int)SegmentName.Ss].Attributes & SegmentAttributes.Default32) != 0 ? 0xFFFF_FFFFUL : 0xFFFF;
}

/// <summary>Pushes and pops for handlers, through the same fast path as any operand.</summary>
public static unsafe class Stack
{
    /// <summary>Writes below the stack pointer and moves it; on a fault nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Push<TStack, T>(Vcpu vcpu, CpuState* s, Op* op, T value)
        where TStack : IStack
        where T : unmanaged
    {
        var pointer = TStack.Pointer(s) - (ulong)sizeof(T);
        if (!Operand.WriteAt(vcpu, s, op, TStack.Linear(vcpu, s, op, pointer, sizeof(T), true), value, SegmentName.Ss))
            return false;
        TStack.SetPointer(s, pointer);
        return true;
    }

    /// <summary>Where the top of the stack lies, or null after a fault; the pointer is left to the caller (see <see cref="Drop"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Top<TStack, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TStack : IStack
        where T : unmanaged =>
        Operand.ReadAt<T>(vcpu, s, op, TStack.Linear(vcpu, s, op, TStack.Pointer(s), sizeof(T), false), SegmentName.Ss);

    /// <summary>Moves the stack pointer up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Drop<TStack>(CpuState* s, int bytes) where TStack : IStack =>
        TStack.SetPointer(s, TStack.Pointer(s) + (ulong)bytes);
}
