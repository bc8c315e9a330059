using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>CMPPS (SDM Vol. 2A): a mask in each lane.</summary>
internal readonly struct Cmpps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.Compare(a.AsSingle(), b.AsSingle(), immediate, ref context).AsByte();
}

/// <summary>CMPPD (SDM Vol. 2A): a mask in each lane.</summary>
internal readonly struct Cmppd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat64.Compare(a.AsDouble(), b.AsDouble(), immediate, ref context).AsByte();
}

/// <summary>CMPSS (SDM Vol. 2A).</summary>
internal readonly struct Cmpss : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var holds = Float32.Compare(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), immediate, ref context);
        return a.AsUInt32().WithElement(0, holds ? uint.MaxValue : 0).AsByte();
    }
}

/// <summary>CMPSD (SDM Vol. 2A).</summary>
internal readonly struct Cmpsd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var holds = Float64.Compare(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), immediate, ref context);
        return a.AsUInt64().WithElement(0, holds ? ulong.MaxValue : 0).AsByte();
    }
}

/// <summary>ROUNDPS (SDM Vol. 2B).</summary>
internal readonly struct Roundps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.RoundToIntegral(b.AsSingle(), immediate, ref context).AsByte();
}

/// <summary>ROUNDPD (SDM Vol. 2B).</summary>
internal readonly struct Roundpd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat64.RoundToIntegral(b.AsDouble(), immediate, ref context).AsByte();
}

/// <summary>ROUNDSS (SDM Vol. 2B).</summary>
internal readonly struct Roundss : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt32().WithElement(0, Float32.RoundToIntegral(b.AsUInt32().ToScalar(), immediate, ref context)).AsByte();
}

/// <summary>ROUNDSD (SDM Vol. 2B).</summary>
internal readonly struct Roundsd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        a.AsUInt64().WithElement(0, Float64.RoundToIntegral(b.AsUInt64().ToScalar(), immediate, ref context)).AsByte();
}

/// <summary>ADDSUBPS (SDM Vol. 2A).</summary>
internal readonly struct Addsubps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat32.AddSubtract(a.AsSingle(), b.AsSingle(), ref context).AsByte();
}

/// <summary>ADDSUBPD (SDM Vol. 2A).</summary>
internal readonly struct Addsubpd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context) =>
        PackedFloat64.AddSubtract(a.AsDouble(), b.AsDouble(), ref context).AsByte();
}

/// <summary>HADDPS, HSUBPS (SDM Vol. 2A): neighbours combined, first those of a, then those of b.</summary>
internal readonly struct HorizontalSingle<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var even = Vector128.Narrow(a.AsUInt64(), b.AsUInt64()).AsSingle();
        var odd = Vector128.Narrow(a.AsUInt64() >>> 32, b.AsUInt64() >>> 32).AsSingle();
        return TArithmetic.Compute(even, odd, ref context).AsByte();
    }
}

/// <summary>HADDPD, HSUBPD (SDM Vol. 2A).</summary>
internal readonly struct HorizontalDouble<TArithmetic> : IFloatOperation
    where TArithmetic : IFloatArithmetic
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var even = Punpcklqdq.Compute(a, b, 0).AsDouble();
        var odd = Punpckhqdq.Compute(a, b, 0).AsDouble();
        return TArithmetic.Compute(even, odd, ref context).AsByte();
    }
}

/// <summary>DPPS (SDM Vol. 2A): the selected products, added in pairs; an unmasked exception ends it there.</summary>
internal readonly struct Dpps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var products = Multiply(a, b, immediate, ref context);
        if (context.Unmasked != 0)
            return default;
        var sums = Add(products, ref context);
        if (context.Unmasked != 0)
            return default;
        return (Vector128.Create(Float32.Add(sums[0], sums[1], ref context)) & Lanes(immediate)).AsByte();
    }

    // Both lanes take each step together: an exception of one lane's products keeps the other from its sums.
    public static void Settle(
        Vector128<byte> a, Vector128<byte> b, Vector128<byte> highA, Vector128<byte> highB, int immediate, uint before, ref SseContext context)
    {
        context = new SseContext(before);
        var (low, high) = (Multiply(a, b, immediate, ref context), Multiply(highA, highB, immediate, ref context));
        context.SettlePacked(before);
        if (context.Unmasked != 0)
            return;
        before = context.Mxcsr;
        (low, high) = (Add(low, ref context), Add(high, ref context));
        context.SettlePacked(before);
        if (context.Unmasked != 0)
            return;
        before = context.Mxcsr;
        _ = Float32.Add(low[0], low[1], ref context);
        _ = Float32.Add(high[0], high[1], ref context);
        context.SettlePacked(before);
    }

    private static Vector128<uint> Multiply(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var factors = Lanes(immediate >> 4).AsSingle();
        return PackedFloat32.Multiply(a.AsSingle() & factors, b.AsSingle() & factors, ref context).AsUInt32();
    }

    // Of each pair, at the two lowest places.
    private static Vector128<uint> Add(Vector128<uint> products, ref SseContext context)
    {
        var before = context.Mxcsr;
        var sums = Vector128.Create(Float32.Add(products[0], products[1], ref context), Float32.Add(products[2], products[3], ref context), 0, 0);
        context.SettlePacked(before);
        return sums;
    }

    private static Vector128<uint> Lanes(int selection)
    {
        var bits = Vector128.Create(1u, 2, 4, 8);
        return Vector128.Equals(Vector128.Create((uint)selection) & bits, bits);
    }
}

/// <summary>DPPD (SDM Vol. 2A).</summary>
internal readonly struct Dppd : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var factors = Lanes(immediate >> 4).AsDouble();
        var products = PackedFloat64.Multiply(a.AsDouble() & factors, b.AsDouble() & factors, ref context).AsUInt64();
        if (context.Unmasked != 0)
            return default;
        return (Vector128.Create(Float64.Add(products[0], products[1], ref context)) & Lanes(immediate)).AsByte();
    }

    private static Vector128<ulong> Lanes(int selection)
    {
        var bits = Vector128.Create(1ul, 2);
        return Vector128.Equals(Vector128.Create((ulong)selection) & bits, bits);
    }
}

/// <summary>RCPPS (SDM Vol. 2B): raises nothing.</summary>
internal readonly struct Rcpps : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        PackedFloat32.ReciprocalEstimate(b.AsSingle()).AsByte();
}

/// <summary>RCPSS (SDM Vol. 2B).</summary>
internal readonly struct Rcpss : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        a.AsUInt32().WithElement(0, Float32.ReciprocalEstimate(b.AsUInt32().ToScalar())).AsByte();
}

/// <summary>RSQRTPS (SDM Vol. 2B): raises nothing.</summary>
internal readonly struct Rsqrtps : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        PackedFloat32.ReciprocalSquareRootEstimate(b.AsSingle()).AsByte();
}

/// <summary>RSQRTSS (SDM Vol. 2B).</summary>
internal readonly struct Rsqrtss : IVectorOperation
{
    public static bool IsInline => false;

    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        a.AsUInt32().WithElement(0, Float32.ReciprocalSquareRootEstimate(b.AsUInt32().ToScalar())).AsByte();
}
