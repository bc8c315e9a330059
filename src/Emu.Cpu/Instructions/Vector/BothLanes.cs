using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>256-bit forms of operations, as every engine computes them: at once where host and operation can, else lane by lane.</summary>
internal static class BothLanes
{
    /// <summary>Both lanes of an operation whose sources take 32 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute<TOperation>(Vector256<byte> a, Vector256<byte> b, int immediate)
        where TOperation : IVectorOperation =>
        TOperation.HasWideForm && Vector256.IsHardwareAccelerated
            ? TOperation.Compute(a, b, immediate)
            : Vector256.Create(
                TOperation.Compute(a.GetLower(), b.GetLower(), immediate),
                TOperation.Compute(a.GetUpper(), b.GetUpper(), TOperation.UpperImmediate(immediate)));

    /// <summary>The same of an operation under MXCSR; where <see cref="SseContext.Unmasked"/> is not zero afterwards, the result means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute<TOperation>(Vector256<byte> a, Vector256<byte> b, int immediate, ref SseContext context)
        where TOperation : IFloatOperation
    {
        if (TOperation.HasHostForm && Vector256.IsHardwareAccelerated && context.IsHostLikeAndInexact)
        {
            var result = TOperation.Host(a, b);
            if (TOperation.IsPlain(a, b, result))
                return result;
        }
        return ByLane<TOperation>(a, b.GetLower(), b.GetUpper(), immediate, ref context);
    }

    /// <summary>One lane after the other, with second sources of any width; an unmasked exception of either is settled for both.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Vector256<byte> ByLane<TOperation>(
        Vector256<byte> a, Vector128<byte> lowB, Vector128<byte> highB, int immediate, ref SseContext context)
        where TOperation : IFloatOperation
    {
        var before = context.Mxcsr;
        var low = TOperation.Compute(a.GetLower(), lowB, immediate, ref context);
        var high = TOperation.Compute(a.GetUpper(), highB, immediate, ref context);
        if (context.Unmasked != 0)
            TOperation.Settle(a.GetLower(), lowB, a.GetUpper(), highB, immediate, before, ref context);
        return Vector256.Create(low, high);
    }
}
