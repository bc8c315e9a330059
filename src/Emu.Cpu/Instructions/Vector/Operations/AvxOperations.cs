using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>One element that every element of both lanes receives: the source of broadcasts.</summary>
internal readonly unsafe struct Element<T> : IVectorSource
    where T : unmanaged
{
    public static int Bytes => sizeof(T);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => sizeof(T) switch
    {
        1 => Vector128.CreateScalar(*place),
        2 => Vector128.CreateScalar(*(ushort*)place).AsByte(),
        4 => Vector128.CreateScalar(*(uint*)place).AsByte(),
        8 => Vector128.CreateScalar(*(ulong*)place).AsByte(),
        _ => *(Vector128<byte>*)place,
    };
}

/// <summary>VBROADCASTSS, VPBROADCASTB and their kin (SDM Vol. 2C).</summary>
internal readonly struct Broadcast<T> : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Vector128.Create(b.As<byte, T>().ToScalar()).AsByte();
}

/// <summary>VPERMILPS by a register (SDM Vol. 2C).</summary>
internal readonly struct PermuteSinglesByRegister : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Shuffle(a.AsInt32(), b.AsInt32() & Vector128.Create(3)).AsByte();
}

/// <summary>VPERMILPD by a register (SDM Vol. 2C): bit 1 of each index counts.</summary>
internal readonly struct PermuteDoublesByRegister : IVectorOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) =>
        Vector128.Shuffle(a.AsInt64(), (b.AsInt64() >>> 1) & Vector128.Create(1L)).AsByte();
}

/// <summary>VPERMILPD by an immediate (SDM Vol. 2C).</summary>
internal readonly struct PermuteDoublesByImmediate : IVectorOperation
{
    public static int UpperImmediate(int immediate) => immediate >> 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate) => Shufpd.Compute(b, b, immediate);
}

/// <summary>VPSLLVD, VPSLLVQ (SDM Vol. 2C): each element by its own count.</summary>
internal readonly struct ShiftLeftVariable<T> : IVectorOperation
    where T : unmanaged, IBinaryInteger<T>
{
    public static bool IsInline => false;

    public static unsafe Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        var result = a.As<byte, T>();
        for (var i = 0; i < Vector128<T>.Count; i++)
        {
            var count = ulong.CreateTruncating(b.As<byte, T>()[i]);
            result = result.WithElement(i, count < (ulong)sizeof(T) * 8 ? result[i] << (int)count : T.Zero);
        }
        return result.AsByte();
    }
}

/// <summary>VPSRLVD, VPSRLVQ, VPSRAVD (SDM Vol. 2C): by its own count, the sign following for signed elements.</summary>
internal readonly struct ShiftRightVariable<T> : IVectorOperation
    where T : unmanaged, IBinaryInteger<T>
{
    public static bool IsInline => false;

    public static unsafe Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate)
    {
        const ulong countMask = uint.MaxValue;
        var result = a.As<byte, T>();
        for (var i = 0; i < Vector128<T>.Count; i++)
        {
            var count = ulong.CreateTruncating(b.As<byte, T>()[i]);
            if (sizeof(T) == 4)
                count &= countMask;
            var half = result[i] >> (sizeof(T) * 8 - 1);
            result = result.WithElement(i, count < (ulong)sizeof(T) * 8 ? result[i] >> (int)count : T.IsNegative(half) ? half : T.Zero);
        }
        return result.AsByte();
    }
}

/// <summary>VCVTPH2PS (SDM Vol. 2C).</summary>
internal readonly struct Vcvtph2ps : IFloatOperation
{
    public static Vector128<byte> Compute(Vector128<byte> a, Vector128<byte> b, int immediate, ref SseContext context)
    {
        var before = context.Mxcsr;
        var result = PackedFloat32.FromFloat16(b.AsUInt64().ToScalar(), ref context).AsByte();
        context.SettlePacked(before);
        return result;
    }
}
