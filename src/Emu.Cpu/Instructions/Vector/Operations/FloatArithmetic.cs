using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>One arithmetic operation in the four forms that SSE has of it.</summary>
internal interface IFloatArithmetic
{
    /// <summary>Four singles.</summary>
    static abstract Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context);

    /// <summary>Two doubles.</summary>
    static abstract Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context);

    /// <summary>A single.</summary>
    static abstract uint Compute(uint a, uint b, ref SseContext context);

    /// <summary>A double.</summary>
    static abstract ulong Compute(ulong a, ulong b, ref SseContext context);
}

/// <summary>The PS form of an operation.</summary>
internal readonly struct PackedSingle<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        TArithmetic.Compute(a.AsSingle(), b.AsSingle(), ref context).AsByte();
}

/// <summary>The PD form of an operation.</summary>
internal readonly struct PackedDouble<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        TArithmetic.Compute(a.AsDouble(), b.AsDouble(), ref context).AsByte();
}

/// <summary>The SS form of an operation: the rest comes from the first source.</summary>
internal readonly struct ScalarSingle<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, TArithmetic.Compute(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), ref context)).AsByte();
}

/// <summary>The SD form of an operation: the rest comes from the first source.</summary>
internal readonly struct ScalarDouble<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, TArithmetic.Compute(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), ref context)).AsByte();
}

/// <summary>ADDPS, ADDPD, ADDSS, ADDSD (SDM Vol. 2A).</summary>
internal readonly struct FloatAdd : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Add(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Add(a, b, ref context);
}

/// <summary>SUBPS, SUBPD, SUBSS, SUBSD (SDM Vol. 2B).</summary>
internal readonly struct FloatSubtract : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Subtract(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Subtract(a, b, ref context);
}

/// <summary>MULPS, MULPD, MULSS, MULSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMultiply : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Multiply(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Multiply(a, b, ref context);
}

/// <summary>DIVPS, DIVPD, DIVSS, DIVSD (SDM Vol. 2A).</summary>
internal readonly struct FloatDivide : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Divide(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Divide(a, b, ref context);
}

/// <summary>MINPS, MINPD, MINSS, MINSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMinimum : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Minimum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Minimum(a, b, ref context);
}

/// <summary>MAXPS, MAXPD, MAXSS, MAXSD (SDM Vol. 2B).</summary>
internal readonly struct FloatMaximum : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.Maximum(a, b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.Maximum(a, b, ref context);
}

/// <summary>SQRTPS, SQRTPD, SQRTSS, SQRTSD (SDM Vol. 2B).</summary>
internal readonly struct FloatSquareRoot : IFloatArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Compute(Vector128<float> a, Vector128<float> b, ref SseContext context) => PackedFloat32.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Compute(Vector128<double> a, Vector128<double> b, ref SseContext context) => PackedFloat64.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(uint a, uint b, ref SseContext context) => Float32.SquareRoot(b, ref context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a, ulong b, ref SseContext context) => Float64.SquareRoot(b, ref context);
}
