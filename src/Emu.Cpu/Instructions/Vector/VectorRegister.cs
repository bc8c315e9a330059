using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Where vector and MMX registers lie.</summary>
internal static unsafe class VectorRegister
{
    /// <summary>A YMM register as two lanes; the lower one is the XMM register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte>* Of(CpuState* s, byte number) => (Vector128<byte>*)((byte*)s + CpuState.VectorsOffset + ((nuint)number << 5));

    /// <summary>Writes the lower lane; VEX clears the upper one. One store where the host can: a load of both lanes then need not wait for two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<TEncoding>(Vector128<byte>* register, Vector128<byte> value)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsVex)
        {
            register[0] = value;
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            *(Vector256<byte>*)register = value.ToVector256();
        }
        else
        {
            register[1] = default;
            register[0] = value;
        }
    }

    /// <summary>Writes both lanes, with one store where the host can.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(Vector128<byte>* register, Vector128<byte> low, Vector128<byte> high)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            *(Vector256<byte>*)register = Vector256.Create(low, high);
        }
        else
        {
            register[1] = high;
            register[0] = low;
        }
    }

    /// <summary>An MMX register: the significand of the physical x87 register of the same number (SDM Vol. 1, 9.2.2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Mmx(CpuState* s, byte number) => s->X87.Registers + (number << 1);

    /// <summary>Writes an MMX register: sign and exponent become ones (SDM Vol. 1, 9.5.2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetMmx(CpuState* s, byte number, ulong value)
    {
        var register = Mmx(s, number);
        register[0] = value;
        register[1] = 0xFFFF;
    }

    /// <summary>What every MMX instruction but EMMS does to the FPU: TOP = 0, no register is empty (SDM Vol. 1, 9.5.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EnterMmx(CpuState* s)
    {
        s->X87.Valid = 0xFF;
        s->X87.Context.StatusWord &= unchecked((ushort)~X87Context.TopMask);
    }
}
