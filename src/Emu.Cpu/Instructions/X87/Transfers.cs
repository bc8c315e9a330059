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
}

/// <summary>FSTP, FISTP, FBSTP to memory (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreAndPop<TFormat> : IX87Store
    where TFormat : IX87Format
{
    public static int Bytes => TFormat.Bytes;

    public static bool Compute(CpuState* s, byte* result) => Transfers.Store<TFormat>(s, false, result);

    public static void Complete(CpuState* s) => X87Stack.Pop(s);
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
}

/// <summary>FSTP ST(i) (SDM Vol. 2A).</summary>
internal readonly unsafe struct StoreRegisterAndPop : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        if (StoreRegister.Copy(s, i))
            X87Stack.Pop(s);
    }
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
