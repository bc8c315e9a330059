using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>An operation on two numbers.</summary>
internal interface IX87Arithmetic
{
    /// <summary>The result.</summary>
    /// <param name="destination">What it replaces.</param>
    /// <param name="source">The other operand.</param>
    /// <param name="context">Control and status.</param>
    /// <param name="operandFlags">Exceptions met when an operand was widened.</param>
    static abstract Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags);

    /// <summary>There is a short way (<see cref="PlainX87"/>).</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>The short way.</summary>
    /// <param name="place">Receives the result.</param>
    /// <param name="destination">What it replaces.</param>
    /// <param name="source">The other operand.</param>
    /// <returns>Status bits, or <see cref="Float80.NotPlain"/>.</returns>
    static virtual unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => Float80.NotPlain;
}

/// <summary>FADD, FADDP, FIADD (SDM Vol. 2A).</summary>
internal readonly struct Fadd : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Add(destination, source, ref context, operandFlags);

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => Float80.AddPlain(place, destination, source);
}

/// <summary>FSUB, FSUBP, FISUB (SDM Vol. 2A).</summary>
internal readonly struct Fsub : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Subtract(destination, source, ref context, operandFlags);

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => Float80.AddPlain(place, destination, Float80.Negate(source));
}

/// <summary>FMUL, FMULP, FIMUL (SDM Vol. 2A).</summary>
internal readonly struct Fmul : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Multiply(destination, source, ref context, operandFlags);

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => Float80.MultiplyPlain(place, destination, source);
}

/// <summary>FDIV, FDIVP, FIDIV (SDM Vol. 2A).</summary>
internal readonly struct Fdiv : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Divide(destination, source, ref context, operandFlags);

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => Float80.DividePlain(place, destination, source);
}

/// <summary>FSUBR, FDIVR and their kin: the operands change places.</summary>
internal readonly struct Reversed<TArithmetic> : IX87Arithmetic
    where TArithmetic : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        TArithmetic.Compute(source, destination, ref context, operandFlags);

    public static bool HasPlainForm => TArithmetic.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 destination, Float80 source) => TArithmetic.ComputePlain(place, source, destination);
}

/// <summary>FPREM (SDM Vol. 2A).</summary>
internal readonly struct Fprem : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Remainder(destination, source, ref context);
}

/// <summary>FPREM1 (SDM Vol. 2A).</summary>
internal readonly struct Fprem1 : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.RemainderToNearest(destination, source, ref context);
}

/// <summary>FSCALE (SDM Vol. 2A).</summary>
internal readonly struct Fscale : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Scale(destination, source, ref context);
}

/// <summary>FYL2X (SDM Vol. 2A): ST(1) × log2 ST(0).</summary>
internal readonly struct Fyl2x : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.YLog2X(destination, source, ref context);
}

/// <summary>FYL2XP1 (SDM Vol. 2A): ST(1) × log2 (ST(0) + 1).</summary>
internal readonly struct Fyl2xp1 : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.YLog2XPlusOne(destination, source, ref context);
}

/// <summary>FPATAN (SDM Vol. 2A): arctan (ST(1) / ST(0)).</summary>
internal readonly struct Fpatan : IX87Arithmetic
{
    public static Float80 Compute(Float80 destination, Float80 source, ref X87Context context, uint operandFlags) =>
        Float80.Arctangent(destination, source, ref context);
}

/// <summary><c>op ST(0), ST(i)</c>.</summary>
internal readonly unsafe struct ToTop<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i) => StackArithmetic.Execute<TArithmetic>(s, 0, i);

    public static bool HasPlainForm => TArithmetic.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words) => StackArithmetic.TryExecute<TArithmetic>(s, 0, i, words, false);
}

/// <summary><c>op ST(0), ST(1)</c>, both implied.</summary>
internal readonly unsafe struct ToTopFromNext<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i) => StackArithmetic.Execute<TArithmetic>(s, 0, 1);
}

/// <summary>FPREM, FPREM1: C2 tells whether they are to be repeated, which is not so after a stack fault.</summary>
internal readonly unsafe struct PartialRemainder<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        context.StatusWord &= unchecked((ushort)~X87Context.C2);
        var kept = (uint)context.StatusWord & (X87Context.C0 | X87Context.C3);
        if (!StackArithmetic.Execute<TArithmetic>(s, 0, 1))
            context.SetConditions(kept);
    }
}

/// <summary><c>op ST(i), ST(0)</c>.</summary>
internal readonly unsafe struct FromTop<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i) => StackArithmetic.Execute<TArithmetic>(s, i, 0);

    public static bool HasPlainForm => TArithmetic.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words) => StackArithmetic.TryExecute<TArithmetic>(s, i, 0, words, false);
}

/// <summary><c>op ST(i), ST(0)</c>, then pop.</summary>
internal readonly unsafe struct FromTopAndPop<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i)
    {
        if (StackArithmetic.Execute<TArithmetic>(s, i, 0))
            X87Stack.Pop(s);
    }

    public static bool HasPlainForm => TArithmetic.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words) => StackArithmetic.TryExecute<TArithmetic>(s, i, 0, words, true);
}

/// <summary><c>op ST(1), ST(0)</c>, both implied, then pop.</summary>
internal readonly unsafe struct ToNextAndPop<TArithmetic> : IX87Operation
    where TArithmetic : IX87Arithmetic
{
    public static void Execute(CpuState* s, int i) => FromTopAndPop<TArithmetic>.Execute(s, 1);
}

/// <summary><c>op ST(0), memory</c>.</summary>
internal readonly unsafe struct WithMemory<TArithmetic, TFormat> : IX87Load
    where TArithmetic : IX87Arithmetic
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static void Execute(CpuState* s, byte* operand)
    {
        ref var context = ref s->X87.Context;
        Float80 result;
        if (X87Stack.IsEmpty(s, 0))
        {
            context.RaiseStackFault(false);
            result = Float80.Indefinite;
        }
        else
        {
            var source = TFormat.Widen(operand, out var flags);
            result = TArithmetic.Compute(X87Stack.Read(s, 0), source, ref context, flags);
        }
        X87Stack.Commit(s, 0, result);
    }

    public static bool HasPlainForm => TArithmetic.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, byte* operand, uint words)
    {
        var top = PlainX87.Physical(words, 0);
        if (!PlainX87.IsFull(s, top))
            return false;
        var place = PlainX87.Place(s, top);
        var bits = TArithmetic.ComputePlain(place, PlainX87.Value(place), TFormat.WidenPlain(operand));
        if (bits == Float80.NotPlain)
            return false;
        PlainX87.Complete(s, words, bits);
        return true;
    }
}

/// <summary>What the forms on the stack share.</summary>
internal static unsafe class StackArithmetic
{
    /// <summary>ST(destination) ← ST(destination) op ST(source).</summary>
    /// <returns>False where an unmasked exception held the result back.</returns>
    public static bool Execute<TArithmetic>(CpuState* s, int destination, int source)
        where TArithmetic : IX87Arithmetic
    {
        ref var context = ref s->X87.Context;
        Float80 result;
        if (X87Stack.IsEmpty(s, destination) || X87Stack.IsEmpty(s, source))
        {
            context.RaiseStackFault(false);
            result = Float80.Indefinite;
        }
        else
        {
            result = TArithmetic.Compute(X87Stack.Read(s, destination), X87Stack.Read(s, source), ref context, 0);
        }
        return X87Stack.Commit(s, destination, result);
    }

    /// <summary>The short way of <see cref="Execute"/>, and of a pop after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute<TArithmetic>(CpuState* s, int destination, int source, uint words, bool pops)
        where TArithmetic : IX87Arithmetic
    {
        uint first = PlainX87.Physical(words, destination), second = PlainX87.Physical(words, source);
        if (!PlainX87.AreFull(s, first, second))
            return false;
        var place = PlainX87.Place(s, first);
        var bits = TArithmetic.ComputePlain(place, PlainX87.Value(place), PlainX87.Value(PlainX87.Place(s, second)));
        if (bits == Float80.NotPlain)
            return false;
        if (pops)
            PlainX87.CompleteAndPop(s, words, bits);
        else
            PlainX87.Complete(s, words, bits);
        return true;
    }
}
