using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>FLD, FILD, FBLD from memory (SDM Vol. 2A).</summary>
internal readonly unsafe struct LoadFrom<TFormat> : IX87Load
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static void Execute(CpuState* s, byte* operand)
    {
        ref var context = ref s->X87.Context;
        if (!X87Stack.IsEmpty(s, 7))
        {
            X87Stack.Load(s, default);
            return;
        }
        var value = TFormat.Load(operand, ref context);
        if (!context.IsLoadSuppressed)
            X87Stack.Push(s, value);
    }

    public static bool HasPlainForm => TFormat.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, byte* operand, uint words) => TFormat.TryPush(s, operand, words);
}

/// <summary>FST, FIST to memory (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreTo<TFormat> : IX87Store
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static bool Compute(CpuState* s, byte* result) => Transfers.Store<TFormat>(s, false, result);

    public static void Complete(CpuState* s)
    {
    }

    public static bool HasPlainForm => TFormat.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, byte* place, uint words) => Transfers.TryStore<TFormat>(s, place, words, false);
}

/// <summary>FSTP, FISTP, FBSTP to memory (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreAndPop<TFormat> : IX87Store
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static bool Compute(CpuState* s, byte* result) => Transfers.Store<TFormat>(s, false, result);

    public static void Complete(CpuState* s) => X87Stack.Pop(s);

    public static bool HasPlainForm => TFormat.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, byte* place, uint words) => Transfers.TryStore<TFormat>(s, place, words, true);
}

/// <summary>FISTTP (SDM Vol. 2A).</summary>
internal readonly unsafe struct TruncateAndPop<TFormat> : IX87Store
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static bool Compute(CpuState* s, byte* result) => Transfers.Store<TFormat>(s, true, result);

    public static void Complete(CpuState* s) => X87Stack.Pop(s);
}

/// <summary>What stores share.</summary>
internal static unsafe class Transfers
{
    /// <summary>Rounds ST(0) into a format; false where an unmasked exception holds the result back.</summary>
    public static bool Store<TFormat>(CpuState* s, bool truncate, byte* result)
        where TFormat : IX87Format
    {
        ref var context = ref s->X87.Context;
        if (X87Stack.IsEmpty(s, 0))
        {
            context.RaiseStackFault(false);
            TFormat.StoreIndefinite(result);
        }
        else
        {
            TFormat.Store(X87Stack.Read(s, 0), truncate, result, ref context);
        }
        return !context.IsStoreSuppressed;
    }

    /// <summary>The short way of a store, and of a pop after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryStore<TFormat>(CpuState* s, byte* place, uint words, bool pops)
        where TFormat : IX87Format
    {
        var top = PlainX87.Physical(words, 0);
        if (!PlainX87.IsFull(s, top))
            return false;
        var bits = TFormat.StorePlain(PlainX87.Value(PlainX87.Place(s, top)), place);
        if (bits == Float80.NotPlain)
            return false;
        if (pops)
            PlainX87.CompleteAndPop(s, words, bits);
        else
            PlainX87.Complete(s, words, bits);
        return true;
    }

    /// <summary>The short way of a copy of ST(0) to ST(i), and of a pop after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryCopy(CpuState* s, int i, uint words, bool pops)
    {
        var top = PlainX87.Physical(words, 0);
        if (!PlainX87.IsFull(s, top))
            return false;
        var other = PlainX87.Physical(words, i);
        var from = PlainX87.Place(s, top);
        var to = PlainX87.Place(s, other);
        to[0] = from[0];
        to[1] = from[1];
        s->X87.Valid |= (byte)(1u << (int)other);
        if (pops)
            PlainX87.CompleteAndPop(s, words, 0);
        else
            PlainX87.Complete(s, words, 0);
        return true;
    }
}

/// <summary>FLD ST(i) (SDM Vol. 2A).</summary>
internal readonly unsafe struct LoadRegister : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        context.Complete();
        if (X87Stack.IsEmpty(s, i))
        {
            context.RaiseStackFault(false);
            if (!context.IsResultSuppressed)
                X87Stack.Push(s, Float80.Indefinite);
            return;
        }
        X87Stack.Load(s, X87Stack.Read(s, i));
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words)
    {
        var from = PlainX87.Physical(words, i);
        var place = PlainX87.Place(s, from);
        return PlainX87.IsFull(s, from) && PlainX87.TryPush(s, words, place[0], place[1]);
    }
}

/// <summary>FST ST(i) (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreRegister : IX87Operation
{
    public static void Execute(CpuState* s, int i) => Copy(s, i);

    /// <summary>False where an unmasked stack underflow held the copy back.</summary>
    public static bool Copy(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        context.Complete();
        var value = X87Stack.Read(s, 0);
        if (X87Stack.IsEmpty(s, 0))
        {
            context.RaiseStackFault(false);
            value = Float80.Indefinite;
        }
        return X87Stack.Commit(s, i, value);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words) => Transfers.TryCopy(s, i, words, false);
}

/// <summary>FSTP ST(i) (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreRegisterAndPop : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        if (StoreRegister.Copy(s, i))
            X87Stack.Pop(s);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words) => Transfers.TryCopy(s, i, words, true);
}

/// <summary>FSTPNCE, D9 D8+i: FSTP without a fault, which leaves the destination alone where ST(0) is empty.</summary>
internal readonly unsafe struct StoreRegisterQuietly : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        s->X87.Context.Complete();
        if (!X87Stack.IsEmpty(s, 0))
            X87Stack.Write(s, i, X87Stack.Read(s, 0));
        X87Stack.Pop(s);
    }
}

/// <summary>FXCH (SDM Vol. 2A).</summary>
internal readonly unsafe struct Fxch : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        context.Complete();
        bool topEmpty = X87Stack.IsEmpty(s, 0), otherEmpty = X87Stack.IsEmpty(s, i);
        if (topEmpty || otherEmpty)
        {
            context.RaiseStackFault(false);
            if (context.IsResultSuppressed)
                return;
        }
        var top = topEmpty ? Float80.Indefinite : X87Stack.Read(s, 0);
        var other = otherEmpty ? Float80.Indefinite : X87Stack.Read(s, i);
        X87Stack.Write(s, 0, other);
        X87Stack.Write(s, i, top);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words)
    {
        uint top = PlainX87.Physical(words, 0), other = PlainX87.Physical(words, i);
        if (!PlainX87.AreFull(s, top, other))
            return false;
        ulong* one = PlainX87.Place(s, top), two = PlainX87.Place(s, other);
        ulong significand = one[0], signExponent = one[1];
        one[0] = two[0];
        one[1] = two[1];
        two[0] = significand;
        two[1] = signExponent;
        PlainX87.Complete(s, words, 0);
        return true;
    }
}

/// <summary>FCMOVcc (SDM Vol. 2A): an empty register is a fault whether or not it moves.</summary>
internal readonly unsafe struct ConditionalMove<TCondition> : IX87Operation
    where TCondition : ICondition
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        if (X87Stack.IsEmpty(s, 0) || X87Stack.IsEmpty(s, i))
        {
            context.RaiseStackFault(false);
            X87Stack.Commit(s, 0, Float80.Indefinite);
        }
        else if (TCondition.Holds(ref s->Flags))
        {
            X87Stack.Write(s, 0, X87Stack.Read(s, i));
        }
    }
}
