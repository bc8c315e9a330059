using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>A function of ST(0).</summary>
internal interface IX87Function
{
    /// <summary>C2 afterwards says that the operand was out of range.</summary>
    static virtual bool ReportsRange => false;

    /// <summary>The result.</summary>
    static abstract Float80 Compute(Float80 value, ref X87Context context);

    /// <summary>There is a short way (<see cref="PlainX87"/>).</summary>
    static virtual bool HasPlainForm => false;

    /// <summary>The short way: the result goes to its place; status bits or <see cref="Float80.NotPlain"/> are returned.</summary>
    static virtual unsafe uint ComputePlain(ulong* place, Float80 value) => Float80.NotPlain;
}

/// <summary>FCHS (SDM Vol. 2A): raises nothing.</summary>
internal readonly struct Fchs : IX87Function
{
    public static Float80 Compute(Float80 value, ref X87Context context)
    {
        context.Complete();
        return Float80.Negate(value);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 value)
    {
        place[1] ^= Float80.SignMask;
        return 0;
    }
}

/// <summary>FABS (SDM Vol. 2A): raises nothing.</summary>
internal readonly struct Fabs : IX87Function
{
    public static Float80 Compute(Float80 value, ref X87Context context)
    {
        context.Complete();
        return Float80.Abs(value);
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 value)
    {
        place[1] &= 0x7FFF;
        return 0;
    }
}

/// <summary>FSQRT (SDM Vol. 2A).</summary>
internal readonly struct Fsqrt : IX87Function
{
    public static Float80 Compute(Float80 value, ref X87Context context) => Float80.SquareRoot(value, ref context);

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint ComputePlain(ulong* place, Float80 value) => Float80.SquareRootPlain(place, value);
}

/// <summary>FRNDINT (SDM Vol. 2A).</summary>
internal readonly struct Frndint : IX87Function
{
    public static Float80 Compute(Float80 value, ref X87Context context) => Float80.RoundToIntegral(value, ref context);
}

/// <summary>F2XM1 (SDM Vol. 2A).</summary>
internal readonly struct F2xm1 : IX87Function
{
    public static Float80 Compute(Float80 value, ref X87Context context) => Float80.Exp2MinusOne(value, ref context);
}

/// <summary>FSIN (SDM Vol. 2A).</summary>
internal readonly struct Fsin : IX87Function
{
    public static bool ReportsRange => true;

    public static Float80 Compute(Float80 value, ref X87Context context) => Float80.Sine(value, ref context);
}

/// <summary>FCOS (SDM Vol. 2A).</summary>
internal readonly struct Fcos : IX87Function
{
    public static bool ReportsRange => true;

    public static Float80 Compute(Float80 value, ref X87Context context) => Float80.Cosine(value, ref context);
}

/// <summary>ST(0) ← f(ST(0)).</summary>
internal readonly unsafe struct OfTop<TFunction> : IX87Operation
    where TFunction : IX87Function
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        Float80 result;
        if (X87Stack.IsEmpty(s, 0))
        {
            context.RaiseStackFault(false);
            if (TFunction.ReportsRange)
                context.ClearCondition2();
            result = Float80.Indefinite;
        }
        else
        {
            result = TFunction.Compute(X87Stack.Read(s, 0), ref context);
        }
        X87Stack.Commit(s, 0, result);
    }

    public static bool HasPlainForm => TFunction.HasPlainForm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words)
    {
        var top = PlainX87.Physical(words, 0);
        if (!PlainX87.IsFull(s, top))
            return false;
        var place = PlainX87.Place(s, top);
        var bits = TFunction.ComputePlain(place, PlainX87.Value(place));
        if (bits == Float80.NotPlain)
            return false;
        PlainX87.Complete(s, words, bits);
        return true;
    }
}

/// <summary>A function of ST(0) with two results, one of which is pushed.</summary>
internal interface IX87PairFunction
{
    /// <summary>C2 afterwards says that the operand was out of range.</summary>
    static virtual bool ReportsRange => true;

    /// <summary>What replaces ST(0).</summary>
    static abstract Float80 Compute(Float80 value, out Float80 pushed, ref X87Context context);
}

/// <summary>FSINCOS (SDM Vol. 2A).</summary>
internal readonly struct Fsincos : IX87PairFunction
{
    public static Float80 Compute(Float80 value, out Float80 pushed, ref X87Context context) => Float80.SineCosine(value, out pushed, ref context);
}

/// <summary>FPTAN (SDM Vol. 2A): pushes 1.</summary>
internal readonly struct Fptan : IX87PairFunction
{
    public static Float80 Compute(Float80 value, out Float80 pushed, ref X87Context context) => Float80.Tangent(value, out pushed, ref context);
}

/// <summary>FXTRACT (SDM Vol. 2A): the exponent replaces ST(0), the significand is pushed.</summary>
internal readonly struct Fxtract : IX87PairFunction
{
    public static bool ReportsRange => false;

    public static Float80 Compute(Float80 value, out Float80 pushed, ref X87Context context)
    {
        pushed = Float80.Extract(value, out var exponent, ref context);
        return exponent;
    }
}

/// <summary>ST(0) ← f(ST(0)), and a push. C2 says that the operand was out of range, and nothing changes.</summary>
internal readonly unsafe struct OfTopAndPush<TFunction> : IX87Operation
    where TFunction : IX87PairFunction
{
    public static void Execute(CpuState* s, int i)
    {
        ref var context = ref s->X87.Context;
        Float80 result, pushed;
        if (X87Stack.IsEmpty(s, 0) || !X87Stack.IsEmpty(s, 7))
        {
            context.RaiseStackFault(!X87Stack.IsEmpty(s, 0));
            if (TFunction.ReportsRange)
                context.ClearCondition2();
            result = pushed = Float80.Indefinite;
        }
        else
        {
            result = TFunction.Compute(X87Stack.Read(s, 0), out pushed, ref context);
            if (TFunction.ReportsRange && (context.StatusWord & X87Context.C2) != 0)
                return;
        }
        if (X87Stack.Commit(s, 0, result))
            X87Stack.Push(s, pushed);
    }
}

/// <summary>A constant that is loaded, rounded by RC.</summary>
internal interface IX87Constant
{
    /// <summary>The constant.</summary>
    static abstract Float80 Value(RoundingMode rounding);
}

/// <summary>FLD1.</summary>
internal readonly struct Fld1 : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.One;
}

/// <summary>FLDZ.</summary>
internal readonly struct Fldz : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.Zero;
}

/// <summary>FLDPI.</summary>
internal readonly struct Fldpi : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.Pi(rounding);
}

/// <summary>FLDL2T.</summary>
internal readonly struct Fldl2t : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.Log2Of10(rounding);
}

/// <summary>FLDL2E.</summary>
internal readonly struct Fldl2e : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.Log2OfE(rounding);
}

/// <summary>FLDLG2.</summary>
internal readonly struct Fldlg2 : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.Log10Of2(rounding);
}

/// <summary>FLDLN2.</summary>
internal readonly struct Fldln2 : IX87Constant
{
    public static Float80 Value(RoundingMode rounding) => Float80.LnOf2(rounding);
}

/// <summary>FLD1 and its kin (SDM Vol. 2A).</summary>
internal readonly unsafe struct LoadConstant<TConstant> : IX87Operation
    where TConstant : IX87Constant
{
    public static void Execute(CpuState* s, int i)
    {
        s->X87.Context.Complete();
        X87Stack.Load(s, TConstant.Value(s->X87.Context.Rounding));
    }

    public static bool HasPlainForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryExecute(CpuState* s, int i, uint words)
    {
        var value = TConstant.Value(RoundingMode.Nearest);
        return PlainX87.TryPush(s, words, value.Significand, value.SignExponent);
    }
}

/// <summary>FNOP.</summary>
internal readonly unsafe struct Fnop : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
    }
}

/// <summary>FFREE (SDM Vol. 2A).</summary>
internal readonly unsafe struct Ffree : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        s->X87.Context.Complete();
        X87Stack.Free(s, i);
    }
}

/// <summary>FFREEP: FFREE and a pop (not documented by Intel, but present everywhere).</summary>
internal readonly unsafe struct Ffreep : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        Ffree.Execute(s, i);
        X87Stack.Pop(s);
    }
}

/// <summary>FINCSTP (SDM Vol. 2A): not a pop.</summary>
internal readonly unsafe struct Fincstp : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        s->X87.Context.Complete();
        X87Stack.Rotate(s, 1);
    }
}

/// <summary>FDECSTP (SDM Vol. 2A): not a push.</summary>
internal readonly unsafe struct Fdecstp : IX87Operation
{
    public static void Execute(CpuState* s, int i)
    {
        s->X87.Context.Complete();
        X87Stack.Rotate(s, -1);
    }
}
