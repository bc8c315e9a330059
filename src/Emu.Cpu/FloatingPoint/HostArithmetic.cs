using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Emu.Cpu.FloatingPoint;

/// <summary>What the host's own floating point is good for. Never decides a result, only how it is found.</summary>
internal static class HostArithmetic
{
    /// <summary>Fused multiply-add is one instruction here, not a library call.</summary>
    internal static bool HasFusedMultiplyAdd => Fma.IsSupported || AdvSimd.Arm64.IsSupported;
}
