using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>MOVAPS, MOVDQU, MOVQ and all moves that replace the destination: what is narrower is zero-extended.</summary>
internal readonly struct Move : IVectorOperation
{
    public static bool HasWideForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Compute(Vector256<byte> a, Vector256<byte> b, int immediate) => b;
}

/// <summary>MOVSS between registers (SDM Vol. 2B): the lowest doubleword alone.</summary>
internal readonly struct MoveLowDoubleword : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        a.AsUInt32().WithElement(0, b.AsUInt32().ToScalar()).AsByte();
}

/// <summary>MOVSD between registers, MOVLPS from memory (SDM Vol. 2B): the lower quadword alone.</summary>
internal readonly struct MoveLowQuadword : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        a.AsUInt64().WithElement(0, b.AsUInt64().ToScalar()).AsByte();
}

/// <summary>MOVHLPS (SDM Vol. 2B).</summary>
internal readonly struct Movhlps : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Create(b.AsUInt64().GetElement(1), a.AsUInt64().GetElement(1)).AsByte();
}

/// <summary>MOVDDUP (SDM Vol. 2B).</summary>
internal readonly struct Movddup : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.Create(b.AsUInt64().ToScalar()).AsByte();
}

/// <summary>MOVSLDUP (SDM Vol. 2B).</summary>
internal readonly struct Movsldup : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Shuffle(b.AsInt32(), Vector128.Create(0, 0, 2, 2)).AsByte();
}

/// <summary>MOVSHDUP (SDM Vol. 2B).</summary>
internal readonly struct Movshdup : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Shuffle(b.AsInt32(), Vector128.Create(1, 1, 3, 3)).AsByte();
}

/// <summary>PMOVSXBW (SDM Vol. 2B).</summary>
internal readonly struct Pmovsxbw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b.AsSByte()).AsByte();
}

/// <summary>PMOVSXWD (SDM Vol. 2B).</summary>
internal readonly struct Pmovsxwd : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b.AsInt16()).AsByte();
}

/// <summary>PMOVSXDQ (SDM Vol. 2B).</summary>
internal readonly struct Pmovsxdq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b.AsInt32()).AsByte();
}

/// <summary>PMOVZXBW (SDM Vol. 2B).</summary>
internal readonly struct Pmovzxbw : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b).AsByte();
}

/// <summary>PMOVZXWD (SDM Vol. 2B).</summary>
internal readonly struct Pmovzxwd : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b.AsUInt16()).AsByte();
}

/// <summary>PMOVZXDQ (SDM Vol. 2B).</summary>
internal readonly struct Pmovzxdq : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.WidenLower(b.AsUInt32()).AsByte();
}

/// <summary>One operation after another: PMOVSXBD is PMOVSXBW, then PMOVSXWD.</summary>
internal readonly struct Then<TFirst, TSecond> : IVectorOperation
    where TFirst : IVectorOperation
    where TSecond : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        TSecond.Compute(a, TFirst.Compute(a, b, immediate), immediate);
}
