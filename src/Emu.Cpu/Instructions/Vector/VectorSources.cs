using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>How much of the second source a 128-bit lane takes, and how it must be aligned in memory. A type argument of handlers.</summary>
internal unsafe interface IVectorSource
{
    /// <summary>Bytes for a lane.</summary>
    static abstract int Bytes { get; }

    /// <summary>From one lane's bytes to the next one's.</summary>
    static virtual int Stride => 0;

    /// <summary>Bytes that an MMX form reads.</summary>
    static virtual int MmxBytes => 8;

    /// <summary>Legacy SSE forms raise #GP(0) where it is not aligned in memory.</summary>
    static virtual bool IsAligned => false;

    /// <summary>VEX forms raise #GP(0) too.</summary>
    static virtual bool IsAlwaysAligned => false;

    /// <summary>The bytes of one lane, zero-extended.</summary>
    static abstract Vector128<byte> Load(byte* place);
}

/// <summary>m128: aligned in legacy SSE (SDM Vol. 1, 14.9).</summary>
internal readonly unsafe struct Whole : IVectorSource
{
    public static int Bytes => 16;

    public static int Stride => 16;

    public static bool IsAligned => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => *(Vector128<byte>*)place;
}

/// <summary>m128 of an instruction whose MMX form reads m32: PUNPCKLBW and its kin.</summary>
internal readonly unsafe struct WholeOfLower : IVectorSource
{
    public static int Bytes => 16;

    public static int Stride => 16;

    public static int MmxBytes => 4;

    public static bool IsAligned => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => *(Vector128<byte>*)place;
}

/// <summary>m128 wherever it lies: MOVUPS, MOVDQU, LDDQU, PCMPESTRI.</summary>
internal readonly unsafe struct Unaligned : IVectorSource
{
    public static int Bytes => 16;

    public static int Stride => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => *(Vector128<byte>*)place;
}

/// <summary>m128 or m256 that must be aligned in every encoding: MOVAPS, MOVDQA, MOVNTDQA.</summary>
internal readonly unsafe struct Aligned : IVectorSource
{
    public static int Bytes => 16;

    public static int Stride => 16;

    public static bool IsAligned => true;

    public static bool IsAlwaysAligned => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => *(Vector128<byte>*)place;
}

/// <summary>An m128 that both lanes share: the count of shifts.</summary>
internal readonly unsafe struct Shared : IVectorSource
{
    public static int Bytes => 16;

    public static bool IsAligned => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => *(Vector128<byte>*)place;
}

/// <summary>m64.</summary>
internal readonly unsafe struct Half : IVectorSource
{
    public static int Bytes => 8;

    public static int Stride => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => Vector128.CreateScalar(*(ulong*)place).AsByte();
}

/// <summary>m32.</summary>
internal readonly unsafe struct Quarter : IVectorSource
{
    public static int Bytes => 4;

    public static int Stride => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => Vector128.CreateScalar(*(uint*)place).AsByte();
}

/// <summary>m16.</summary>
internal readonly unsafe struct Eighth : IVectorSource
{
    public static int Bytes => 2;

    public static int Stride => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(byte* place) => Vector128.CreateScalar(*(ushort*)place).AsByte();
}

/// <summary>Access to vector operands in memory.</summary>
internal static unsafe class VectorMemory
{
    /// <summary>Bytes of the second source.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Size<TSource, TEncoding>()
        where TSource : IVectorSource
        where TEncoding : IVectorEncoding =>
        TSource.Bytes + (TEncoding.IsWide ? TSource.Stride : 0);

    /// <summary>It must be aligned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAligned<TSource, TEncoding>()
        where TSource : IVectorSource
        where TEncoding : IVectorEncoding =>
        TEncoding.IsVex ? TSource.IsAlwaysAligned : TSource.IsAligned;

    /// <summary>The second source, to be read at once; null after a fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read<TAddress, TSource, TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
        where TSource : IVectorSource
        where TEncoding : IVectorEncoding
    {
        var size = Size<TSource, TEncoding>();
        var linear = TAddress.Linear(vcpu, s, op, size, false);
        if (IsAligned<TSource, TEncoding>() && (linear & (ulong)(size - 1)) != 0)
        {
            vcpu.RaiseMisaligned(op);
            return null;
        }
        return size switch
        {
            32 => (byte*)Operand.ReadAt<Vector256<byte>>(vcpu, s, op, linear),
            16 => (byte*)Operand.ReadAt<Vector128<byte>>(vcpu, s, op, linear),
            8 => (byte*)Operand.ReadAt<ulong>(vcpu, s, op, linear),
            4 => (byte*)Operand.ReadAt<uint>(vcpu, s, op, linear),
            2 => (byte*)Operand.ReadAt<ushort>(vcpu, s, op, linear),
            _ => Operand.ReadAt<byte>(vcpu, s, op, linear),
        };
    }
}
