using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>A division of rDX:rAX, or AX, by an operand.</summary>
public interface IDivision
{
    /// <summary>Sets quotient and remainder, or changes nothing and returns false where #DE is due. Flags, undefined by the SDM, stay.</summary>
    static abstract unsafe bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged;
}

/// <summary>DIV (SDM Vol. 2A).</summary>
public readonly unsafe struct UnsignedDivision : IDivision
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged
    {
        var by = Width.ZeroExtend(divisor);
        if (by == 0)
            return false;
        if (sizeof(T) == 8 && s->Registers[2] != 0)
            return TryDivideWide(s, by);
        var dividend = sizeof(T) switch
        {
            1 => *(ushort*)s->Registers,
            2 => (uint)*(ushort*)s->Registers | ((ulong)*(ushort*)&s->Registers[2] << 16),
            4 => (uint)s->Registers[0] | (s->Registers[2] << 32),
            _ => s->Registers[0],
        };
        ulong quotient, remainder;
        if ((dividend | by) <= uint.MaxValue)
        {
            quotient = (uint)dividend / (uint)by;
            remainder = (uint)dividend - (uint)quotient * (uint)by;
        }
        else
        {
            quotient = dividend / by;
            remainder = dividend - quotient * by;
        }
        if (sizeof(T) != 8 && quotient >> Width.Bits<T>() != 0)
            return false;
        DivisionResult.Set<T>(s, quotient, remainder);
        return true;
    }

    private static bool TryDivideWide(CpuState* s, ulong by)
    {
        if (s->Registers[2] >= by)
            return false;
        var dividend = new UInt128(s->Registers[2], s->Registers[0]);
        var quotient = (ulong)(dividend / by);
        s->Registers[2] = s->Registers[0] - quotient * by;
        s->Registers[0] = quotient;
        return true;
    }
}

/// <summary>IDIV (SDM Vol. 2A).</summary>
public readonly unsafe struct SignedDivision : IDivision
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged
    {
        var by = (long)Width.SignExtend(divisor);
        if (by == 0)
            return false;
        if (sizeof(T) == 8 && s->Registers[2] != (ulong)((long)s->Registers[0] >> 63))
            return TryDivideWide(s, by);
        var dividend = sizeof(T) switch
        {
            1 => *(short*)s->Registers,
            2 => (int)(*(ushort*)s->Registers | ((uint)*(ushort*)&s->Registers[2] << 16)),
            4 => (long)((uint)s->Registers[0] | (s->Registers[2] << 32)),
            _ => (long)s->Registers[0],
        };
        // The only quotient that a long does not hold, and .NET would throw.
        if (by == -1)
        {
            if (dividend == long.MinValue)
                return false;
            return TrySet<T>(s, -dividend, 0);
        }
        var quotient = dividend / by;
        return TrySet<T>(s, quotient, dividend - quotient * by);
    }

    private static bool TrySet<T>(CpuState* s, long quotient, long remainder) where T : unmanaged
    {
        if (sizeof(T) != 8 && (long)Width.SignExtend(Width.Truncate<T>((ulong)quotient)) != quotient)
            return false;
        DivisionResult.Set<T>(s, (ulong)quotient, (ulong)remainder);
        return true;
    }

    private static bool TryDivideWide(CpuState* s, long by)
    {
        var dividend = new UInt128(s->Registers[2], s->Registers[0]);
        var negative = (long)s->Registers[2] < 0;
        var magnitude = negative ? UInt128.Zero - dividend : dividend;
        var divisor = by < 0 ? 0 - (ulong)by : (ulong)by;
        if ((ulong)(magnitude >> 64) >= divisor)
            return false;
        var quotient = (ulong)(magnitude / divisor);
        var remainder = (ulong)magnitude - quotient * divisor;
        var quotientIsNegative = negative != by < 0;
        if (quotient > (quotientIsNegative ? 1UL << 63 : long.MaxValue))
            return false;
        s->Registers[0] = quotientIsNegative ? 0 - quotient : quotient;
        s->Registers[2] = negative ? 0 - remainder : remainder;
        return true;
    }
}

/// <summary>Where a division leaves its results.</summary>
internal static unsafe class DivisionResult
{
    /// <summary>Quotient to rAX (AL), remainder to rDX (AH).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, ulong quotient, ulong remainder) where T : unmanaged
    {
        Step.Set(s, 0, Width.Truncate<T>(quotient));
        Step.Set(s, (byte)(sizeof(T) == 1 ? 1 : 16), Width.Truncate<T>(remainder));
    }
}

/// <summary>Binds DIV and IDIV.</summary>
internal readonly unsafe struct Divide<TDivision> : IWidthShape
    where TDivision : IDivision
{
    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsRegister(0))
        {
            op->Source = operands.RegisterOf(0);
            op->Handler = &Register<T>;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Memory<T, LongAddress>,
            AddressingKind.LongSegment => &Memory<T, LongSegmentAddress>,
            AddressingKind.Flat => &Memory<T, FlatAddress>,
            _ => &Memory<T, SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op) where T : unmanaged
    {
        if (!TDivision.TryDivide(s, Step.Get<T>(s, op->Source)))
        {
            vcpu.RaiseFault(op, ExceptionVector.DivideError);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        if (!TDivision.TryDivide(s, *source))
        {
            vcpu.RaiseFault(op, ExceptionVector.DivideError);
            return;
        }
        Step.Next(vcpu, s, op);
    }
}
