using System.Runtime.Intrinsics;

namespace Emu.Cpu.FloatingPoint;

/// <summary>SSE arithmetic on 2 packed doubles; here stand its conversions.</summary>
public abstract class PackedFloat64 : PackedFloat<Binary64, double, ulong>
{

    /// <summary>CVTDQ2PD and CVTPI2PD: exact, raises nothing.</summary>
    /// <param name="low">The integer of lane 0.</param>
    /// <param name="high">The integer of lane 1.</param>
    public static Vector128<double> FromInt32(int low, int high) => Vector128.Create(low, (double)high);

    /// <summary>CVTPD2DQ and CVTPD2PI: rounded by MXCSR.</summary>
    /// <param name="a">Two doubles.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The two integers, lane 0 in the lower half.</returns>
    public static ulong ToInt32(Vector128<double> a, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        uint low = (uint)Float64.ToInt32(Bits(a, 0), ref ctx);
        uint high = (uint)Float64.ToInt32(Bits(a, 1), ref ctx);
        ctx.SettlePacked(before);
        return low | ((ulong)high << 32);
    }

    /// <summary>CVTTPD2DQ and CVTTPD2PI: truncated.</summary>
    /// <param name="a">Two doubles.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The two integers, lane 0 in the lower half.</returns>
    public static ulong ToInt32Truncated(Vector128<double> a, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        uint low = (uint)Float64.ToInt32Truncated(Bits(a, 0), ref ctx);
        uint high = (uint)Float64.ToInt32Truncated(Bits(a, 1), ref ctx);
        ctx.SettlePacked(before);
        return low | ((ulong)high << 32);
    }

    /// <summary>CVTPD2PS.</summary>
    /// <param name="a">Two doubles.</param>
    /// <param name="ctx">MXCSR.</param>
    /// <returns>The bits of the two singles, lane 0 in the lower half.</returns>
    public static ulong ToFloat32(Vector128<double> a, ref SseContext ctx)
    {
        uint before = ctx.Mxcsr;
        uint low = Float64.ToFloat32(Bits(a, 0), ref ctx);
        uint high = Float64.ToFloat32(Bits(a, 1), ref ctx);
        ctx.SettlePacked(before);
        return low | ((ulong)high << 32);
    }
}
