using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Operations under MXCSR on one lane, for code that goes on whatever the result is: the host's way inline, everything else called.</summary>
internal static class OneLane
{
    /// <summary>The result; where <see cref="SseContext.Unmasked"/> is not zero afterwards, it means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute<TOperation>(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
        where TOperation : IFloatOperation
    {
        if (TOperation.HasHostForm && context.IsHostLikeAndInexact)
        {
            var result = TOperation.Host(a, b);
            if (TOperation.IsPlain(a, b, result))
                return result;
        }
        return ComputeSlow<TOperation>(a, b, immediate, ref context);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<byte> ComputeSlow<TOperation>(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
        where TOperation : IFloatOperation =>
        TOperation.Compute(a, b, immediate, ref context);
}
