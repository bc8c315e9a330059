using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>SSE arithmetic on 4 packed singles; here stand its conversions, and the approximations.</summary>
public abstract class PackedFloat32 : PackedFloat<Binary32, float, uint>
{
    private const int Lanes = 4;

    /// <summary>CVTDQ2PS.</summary>
    /// <param name="value">Four integers.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<float> FromInt32(Vector128<int> value, ref SseContext ctx)
    {
        if (ctx.IsHostLikeAndInexact) return Vector128.ConvertToSingle(value);
        uint before = ctx.Mxcsr;
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++) result = result.WithElement(lane, Float32.FromInt32(value[lane], ref ctx));
        ctx.SettlePacked(before);
        return result.AsSingle();
    }

    /// <summary>CVTPS2DQ: rounded by MXCSR.</summary>
    /// <param name="a">Four singles.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<int> ToInt32(Vector128<float> a, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        Vector128<int> result = default;
        for (int lane = 0; lane < Lanes; lane++) result = result.WithElement(lane, Float32.ToInt32(Bits(a, lane), ref ctx));
        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>CVTTPS2DQ: truncated.</summary>
    /// <param name="a">Four singles.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<int> ToInt32Truncated(Vector128<float> a, ref SseContext ctx)
    {
        if (ctx.IgnoresInexact && Vector128.LessThanAll(Vector128.Abs(a), Vector128.Create(2147483648f)))
            return Vector128.ConvertToInt32Native(a);
        uint before = ctx.Mxcsr;
        Vector128<int> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, Float32.ToInt32Truncated(Bits(a, lane), ref ctx));
        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>CVTPS2PD: the two lower singles.</summary>
    /// <param name="a">Four singles, of which the two lower ones count.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<double> ToFloat64(Vector128<float> a, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        ulong low = Float32.ToFloat64(Bits(a, 0), ref ctx);
        ulong high = Float32.ToFloat64(Bits(a, 1), ref ctx);
        ctx.SettlePacked(before);
        return Vector128.Create(low, high).AsDouble();
    }

    /// <summary>VCVTPS2PH on four lanes.</summary>
    /// <param name="a">Four singles.</param>
    /// <param name="control">The immediate: bits 1:0 RC, bit 2 takes MXCSR's RC instead.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>Four halves, the lowest lane lowest.</returns>
    public static ulong ToFloat16(Vector128<float> a, int control, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        ulong result = 0;
        for (int lane = 0; lane < Lanes; lane++)
            result |= (ulong)Float32.ToFloat16(Bits(a, lane), control, ref ctx) << (16 * lane);
        ctx.SettlePacked(before);
        return result;
    }

    /// <summary>VCVTPH2PS on four lanes.</summary>
    /// <param name="halves">Four halves, the lowest lane lowest.</param>
    /// <param name="ctx">MXCSR.</param>
    public static Vector128<float> FromFloat16(ulong halves, ref SseContext ctx)
    {
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, Float32.FromFloat16((ushort)(halves >> (16 * lane)), ref ctx));
        return result.AsSingle();
    }

    /// <summary>RCPPS (see <see cref="Float32.ReciprocalEstimate"/>). Raises nothing.</summary>
    /// <param name="a">Four singles.</param>
    public static Vector128<float> ReciprocalEstimate(Vector128<float> a)
    {
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++) result = result.WithElement(lane, Float32.ReciprocalEstimate(Bits(a, lane)));
        return result.AsSingle();
    }

    /// <summary>RSQRTPS (see <see cref="Float32.ReciprocalSquareRootEstimate"/>). Raises nothing.</summary>
    /// <param name="a">Four singles.</param>
    public static Vector128<float> ReciprocalSquareRootEstimate(Vector128<float> a)
    {
        Vector128<uint> result = default;
        for (int lane = 0; lane < Lanes; lane++)
            result = result.WithElement(lane, Float32.ReciprocalSquareRootEstimate(Bits(a, lane)));
        return result.AsSingle();
    }
}
