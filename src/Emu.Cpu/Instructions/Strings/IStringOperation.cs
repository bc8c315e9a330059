using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>What a string instruction does with its elements: one of them anywhere, or many in plain RAM.</summary>
public unsafe interface IStringOperation
{
    /// <summary>True where an element at rSI is read.</summary>
    static abstract bool UsesSource { get; }

    /// <summary>True where an element at rDI is read or written.</summary>
    static abstract bool UsesDestination { get; }

    /// <summary>True where the element at rDI is written.</summary>
    static abstract bool WritesDestination { get; }

    /// <summary>True where a REP prefix also looks at ZF.</summary>
    static abstract bool Compares { get; }

    /// <summary>One element; rSI and rDI move on.</summary>
    /// <returns>False after a fault, with nothing changed.</returns>
    static abstract bool One<T, TString>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TString : IStringAddressing;

    /// <summary>Elements one after the other; rSI, rDI and rCX are the caller's.</summary>
    /// <param name="s">State: accumulator and flags.</param>
    /// <param name="source">The first element at rSI.</param>
    /// <param name="destination">The first element at rDI.</param>
    /// <param name="count">Elements, at least one.</param>
    /// <param name="step">1, or −1 where DF is set.</param>
    /// <param name="whileEqual">For comparisons: whether they go on while ZF is 1, or while it is 0.</param>
    /// <returns>How many were done: fewer than <paramref name="count"/> where a comparison ended it.</returns>
    static abstract int Many<T>(CpuState* s, T* source, T* destination, int count, int step, bool whileEqual)
        where T : unmanaged, IBinaryInteger<T>;
}

/// <summary>Registers of string instructions.</summary>
internal static unsafe class StringRegister
{
    /// <summary>Byte offset of rCX.</summary>
    public const byte Count = 1 * 8;

    /// <summary>Byte offset of rSI.</summary>
    public const byte Source = 6 * 8;

    /// <summary>Byte offset of rDI.</summary>
    public const byte Destination = 7 * 8;

    /// <summary>1, or −1 where DF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Step(CpuState* s) => 1 - (int)((s->SystemFlags & Rflags.Direction) >> 9);
}
