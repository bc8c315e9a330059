using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// What SSE arithmetic reads and writes besides its operands: MXCSR (SDM Vol. 1, 10.2.3). Eight bytes without references,
/// so that it can lie in a CPU's unmanaged state and be passed by reference from there.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SseContext
{
    /// <summary>MXCSR after reset: every exception masked, rounding to nearest (SDM Vol. 1, 10.2.3).</summary>
    public const uint ResetValue = 0x1F80;

    /// <summary>The MXCSR bits that this library implements; the others are reserved.</summary>
    public const uint WritableBits = 0xFFFF;

    internal const uint DenormalsAreZeros = 1 << 6;
    internal const uint FlushToZero = 1 << 15;
    internal const uint UnderflowMask = FloatFlags.Underflow << MaskShift;
    internal const uint AllMasks = FloatFlags.All << MaskShift;
    private const int MaskShift = 7;
    private const uint InexactIgnored = FloatFlags.Precision | (FloatFlags.Precision << MaskShift);
    private const int RoundingShift = 13;
    private const uint FastControlBits = DenormalsAreZeros | AllMasks | (3u << RoundingShift) | FlushToZero;

    /// <summary>Creates a context with the given MXCSR and nothing pending.</summary>
    /// <param name="mxcsr">The register's value.</param>
    public SseContext(uint mxcsr)
    {
        Mxcsr = mxcsr;
        Unmasked = 0;
    }

    /// <summary>MXCSR: control bits are read, sticky exception flags are set.</summary>
    public uint Mxcsr;

    /// <summary>
    /// Exceptions raised whose mask bit is clear, as <see cref="FloatFlags"/>. Stays zero while everything is masked, so that
    /// a CPU tests one word after an instruction. When it is not zero, the instruction's result is not to be written and #XM
    /// (or #UD, by CR4.OSXMMEXCPT) is due; whoever delivers it clears this field.
    /// </summary>
    public uint Unmasked;

    /// <summary>RC.</summary>
    public RoundingMode Rounding
    {
        readonly get => (RoundingMode)((Mxcsr >> RoundingShift) & 3);
        set => Mxcsr = (Mxcsr & ~(3u << RoundingShift)) | ((uint)value << RoundingShift);
    }

    /// <summary>Rounding to nearest, everything masked, neither DAZ nor FTZ: the host's own arithmetic gives the same bits.</summary>
    internal readonly bool IsHostLike => (Mxcsr & FastControlBits) == AllMasks;

    /// <summary><see cref="IsHostLike"/>, and PE is set already: an inexact result leaves no new trace.</summary>
    internal readonly bool IsHostLikeAndInexact
        => (Mxcsr & (FastControlBits | FloatFlags.Precision)) == (AllMasks | FloatFlags.Precision);

    /// <summary>PE is set and masked: a result's inexactness leaves no trace.</summary>
    internal readonly bool IgnoresInexact => (Mxcsr & InexactIgnored) == InexactIgnored;

    internal readonly bool IsDenormalsAreZeros => (Mxcsr & DenormalsAreZeros) != 0;

    /// <summary>Records the exceptions of one operation. An unmasked pre-computation exception hides the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Raise(uint flags)
    {
        uint unmasked = flags & ~(Mxcsr >> MaskShift) & FloatFlags.All;
        if ((unmasked & FloatFlags.PreComputation) != 0) flags &= FloatFlags.PreComputation;
        Mxcsr |= flags;
        Unmasked |= unmasked;
    }

    /// <summary>
    /// Ends a packed operation whose lanes were computed one by one: where an operand of any lane has an unmasked
    /// pre-computation exception, no lane reports post-computation ones (SDM Vol. 1, 11.5.3).
    /// </summary>
    /// <param name="before">MXCSR before the first lane.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void SettlePacked(uint before)
    {
        if ((Unmasked & FloatFlags.PreComputation) != 0) Mxcsr = before | (Mxcsr & FloatFlags.PreComputation);
    }
}
