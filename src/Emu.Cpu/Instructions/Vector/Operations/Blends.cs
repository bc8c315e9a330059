using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>BLENDPS, VPBLENDD (SDM Vol. 2A).</summary>
internal readonly struct BlendDoublewords : IVectorOperation
{
    public static int UpperImmediate(int immediate) => immediate >> 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var bits = Vector128.Create(1, 2, 4, 8);
        return Vector128.ConditionalSelect(Vector128.Equals(Vector128.Create(immediate) & bits, bits).AsByte(), b, a);
    }
}

/// <summary>BLENDPD (SDM Vol. 2A).</summary>
internal readonly struct BlendQuadwords : IVectorOperation
{
    public static int UpperImmediate(int immediate) => immediate >> 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var bits = Vector128.Create(1L, 2);
        return Vector128.ConditionalSelect(Vector128.Equals(Vector128.Create((long)immediate) & bits, bits).AsByte(), b, a);
    }
}

/// <summary>PBLENDW (SDM Vol. 2B).</summary>
internal readonly struct BlendWords : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var bits = Vector128.Create((short)1, 2, 4, 8, 16, 32, 64, 128);
        return Vector128.ConditionalSelect(Vector128.Equals(Vector128.Create((short)immediate) & bits, bits).AsByte(), b, a);
    }
}

/// <summary>INSERTPS from a register: bits 7:6 choose the source, 5:4 the place, 3:0 what is zeroed (SDM Vol. 2A).</summary>
internal readonly struct Insertps : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var inserted = a.AsUInt32().WithElement(immediate >> 4 & 3, b.AsUInt32().GetElement(immediate >> 6 & 3));
        var bits = Vector128.Create(1, 2, 4, 8);
        return Vector128.AndNot(inserted.AsByte(), Vector128.Equals(Vector128.Create(immediate) & bits, bits).AsByte());
    }
}

/// <summary>INSERTPS from memory: there is but one source.</summary>
internal readonly struct InsertpsFromMemory : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Insertps.Compute(a, b, immediate & 0x3F);
}
