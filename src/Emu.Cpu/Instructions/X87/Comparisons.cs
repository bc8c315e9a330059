using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>Whether a quiet NaN is an invalid operand. A type argument of comparisons.</summary>
internal interface IX87Comparison
{
    /// <summary>FCOM; otherwise FUCOM.</summary>
    static abstract bool IsSignaling { get; }
}

/// <summary>FCOM and its kin.</summary>
internal readonly struct Ordered : IX87Comparison
{
    public static bool IsSignaling => true;
}

/// <summary>FUCOM and its kin.</summary>
internal readonly struct Unordered : IX87Comparison
{
    public static bool IsSignaling => false;
}

/// <summary>How many registers an instruction pops.</summary>
internal interface IPops
{
    /// <summary>0, 1 or 2.</summary>
    static abstract int Count { get; }
}

/// <summary>None.</summary>
internal readonly struct PopsNone : IPops
{
    public static int Count => 0;
}

/// <summary>One.</summary>
internal readonly struct PopsOne : IPops
{
    public static int Count => 1;
}

/// <summary>Two.</summary>
internal readonly struct PopsTwo : IPops
{
    public static int Count => 2;
}

/// <summary>FCOM, FUCOM, FCOMP, FUCOMP with a register (SDM Vol. 2A).</summary>
internal readonly unsafe struct CompareRegister<TComparison, TPops> : IX87Operation
    where TComparison : IX87Comparison
    where TPops : IPops
{
    public static void Execute(CpuState* s, int i)
    {
        var isEmpty = X87Stack.IsEmpty(s, 0) || X87Stack.IsEmpty(s, i);
        Comparisons.Compare<TComparison, TPops>(s, isEmpty, X87Stack.Read(s, i), 0);
    }
}

/// <summary>FCOMPP, FUCOMPP (SDM Vol. 2A).</summary>
internal readonly unsafe struct CompareNextAndPopBoth<TComparison> : IX87Operation
    where TComparison : IX87Comparison
{
    public static void Execute(CpuState* s, int i) => CompareRegister<TComparison, PopsTwo>.Execute(s, 1);
}

/// <summary>FCOM, FICOM and their popping forms with memory (SDM Vol. 2A).</summary>
internal readonly unsafe struct CompareMemory<TFormat, TPops> : IX87Load
    where TFormat : IX87Format
    where TPops : IPops
{
    public static int Bytes => TFormat.Bytes;

    public static void Execute(CpuState* s, byte* operand)
    {
        var source = TFormat.Widen(operand, out var flags);
        Comparisons.Compare<Ordered, TPops>(s, X87Stack.IsEmpty(s, 0), source, flags);
    }
}

/// <summary>FTST (SDM Vol. 2A).</summary>
internal readonly unsafe struct Ftst : IX87Operation
{
    public static void Execute(CpuState* s, int i) => Comparisons.Compare<Ordered, PopsNone>(s, X87Stack.IsEmpty(s, 0), Float80.Zero, 0);
}

/// <summary>FCOMI, FUCOMI and their popping forms (SDM Vol. 2A): ZF, PF and CF; OF, SF and AF become 0.</summary>
internal readonly unsafe struct CompareToFlags<TComparison, TPops> : IX87Operation
    where TComparison : IX87Comparison
    where TPops : IPops
{
    private const ulong Incomparable = Rflags.Zero | Rflags.Parity | Rflags.Carry;

    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        if (X87Stack.IsEmpty(s, 0) || X87Stack.IsEmpty(s, i))
        {
            context.RaiseStackFault(false);
            s->Flags.SetFrom(Incomparable);
        }
        else
        {
            // C1 stays, as AMD documents it.
            var c1 = context.StatusWord & X87Context.C1;
            s->Flags.SetFrom(Float80.CompareToEFlags(X87Stack.Read(s, 0), X87Stack.Read(s, i), TComparison.IsSignaling, ref context));
            context.StatusWord |= (ushort)c1;
        }
        // Flags are written even where an unmasked exception is pending, but then nothing is popped.
        if (context.IsResultSuppressed)
            return;
        if (TPops.Count == 1)
            X87Stack.Pop(s);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words)
    {
        uint top = PlainX87.Physical(words, 0), other = PlainX87.Physical(words, i);
        if (!PlainX87.AreFull(s, top, other))
            return false;
        var relation = Float80.ComparePlain(PlainX87.Value(PlainX87.Place(s, top)), PlainX87.Value(PlainX87.Place(s, other)));
        if (relation == Relation.Unordered)
            return false;
        s->Flags.SetOrder(relation == Relation.Less, relation == Relation.Equal);
        var c1 = words >> 16 & X87Context.C1;
        if (TPops.Count == 1)
            PlainX87.CompleteAndPop(s, words, c1);
        else
            PlainX87.Complete(s, words, c1);
        return true;
    }
}

/// <summary>FXAM (SDM Vol. 2A): the class of ST(0), empty or not.</summary>
internal readonly unsafe struct Fxam : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        var value = X87Stack.Read(s, 0);
        var conditions = Float80.Examine(value);
        if (X87Stack.IsEmpty(s, 0))
            conditions = (ushort)(X87Context.C3 | X87Context.C0 | (value.IsNegative ? X87Context.C1 : 0));
        s->X87.Context.StatusWord = (ushort)((s->X87.Context.StatusWord & ~X87Context.ConditionMask) | conditions);
    }
}

/// <summary>What comparisons share.</summary>
internal static unsafe class Comparisons
{
    /// <summary>Compares ST(0) with a number: C3, C2 and C0.</summary>
    public static void Compare<TComparison, TPops>(CpuState* s, bool isEmpty, Float80 source, uint operandFlags)
        where TComparison : IX87Comparison
        where TPops : IPops
    {
        ref var context = ref s->X87.Context;
        if (isEmpty)
        {
            context.RaiseStackFault(false);
            context.SetConditions(X87Context.C3 | X87Context.C2 | X87Context.C0);
        }
        else if (TComparison.IsSignaling)
        {
            Float80.CompareOrdered(X87Stack.Read(s, 0), source, ref context, operandFlags);
        }
        else
        {
            Float80.CompareUnordered(X87Stack.Read(s, 0), source, ref context, operandFlags);
        }
        if (context.IsResultSuppressed)
            return;
        for (var i = 0; i < TPops.Count; i++)
            X87Stack.Pop(s);
    }
}
