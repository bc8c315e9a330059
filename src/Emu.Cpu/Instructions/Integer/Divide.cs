using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>A division of rDX:rAX, or AX, by an operand: what the host's division gives at once, and the rest.</summary>
public interface IDivision
{
    /// <summary>Whether no #DE is due and <see cref="Quotient{T}"/> gives the quotient.</summary>
    static abstract bool IsPlain<T>(T high, T low, T divisor) where T : unmanaged;

    /// <summary>The quotient of a plain division.</summary>
    static abstract T Quotient<T>(T high, T low, T divisor) where T : unmanaged;

    /// <summary>Any division: sets quotient and remainder, or changes nothing and returns false where #DE is due.</summary>
    static abstract unsafe bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged;
}

/// <summary>DIV (SDM Vol. 2A).</summary>
public readonly unsafe struct UnsignedDivision : IDivision
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain<T>(T high, T low, T divisor) where T : unmanaged => sizeof(T) == 8
        ? Width.ZeroExtend(high) == 0 && Width.ZeroExtend(divisor) != 0
        : Width.ZeroExtend(high) < Width.ZeroExtend(divisor);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Quotient<T>(T high, T low, T divisor) where T : unmanaged
    {
        if (sizeof(T) < 4)
            return Width.Truncate<T>(((uint)Width.ZeroExtend(low) | ((uint)Width.ZeroExtend(high) << (Width.Bits<T>() & 31))) / (uint)Width.ZeroExtend(divisor));
        var dividend = sizeof(T) == 8 ? Width.ZeroExtend(low) : Width.ZeroExtend(low) | (Width.ZeroExtend(high) << (Width.Bits<T>() & 63));
        var by = Width.ZeroExtend(divisor);
        return Width.Truncate<T>(dividend / by);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged
    {
        if (IsPlain(Division.High<T>(s), Division.Low<T>(s), divisor))
        {
            Division.Set<T>(s, Width.ZeroExtend(Quotient(Division.High<T>(s), Division.Low<T>(s), divisor)), divisor);
            return true;
        }
        var by = Width.ZeroExtend(divisor);
        if (sizeof(T) != 8 || s->Registers[2] >= by)
            return false;
        Division.Set<T>(s, (ulong)(new UInt128(s->Registers[2], s->Registers[0]) / by), divisor);
        return true;
    }
}

/// <summary>IDIV (SDM Vol. 2A).</summary>
public readonly unsafe struct SignedDivision : IDivision
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain<T>(T high, T low, T divisor) where T : unmanaged =>
        Width.SignExtend(high) == (ulong)((long)Width.SignExtend(low) >> 63) && Width.SignExtend(divisor) + 1 > 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Quotient<T>(T high, T low, T divisor) where T : unmanaged => sizeof(T) == 8
        ? Width.Truncate<T>((ulong)((long)Width.SignExtend(low) / (long)Width.SignExtend(divisor)))
        : Width.Truncate<T>((ulong)((int)Width.SignExtend(low) / (int)Width.SignExtend(divisor)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryDivide<T>(CpuState* s, T divisor) where T : unmanaged
    {
        T high = Division.High<T>(s), low = Division.Low<T>(s);
        if (IsPlain(high, low, divisor))
        {
            Division.Set<T>(s, Width.ZeroExtend(Quotient(high, low, divisor)), divisor);
            return true;
        }
        var by = (long)Width.SignExtend(divisor);
        if (sizeof(T) == 8)
            return by != 0 && TryDivideWide(s, by);
        // The dividend has at most 64 bits, and its quotient by -1 at least one more than fits where .NET would throw.
        var dividend = (long)((Width.SignExtend(high) << (Width.Bits<T>() & 63)) | Width.ZeroExtend(low));
        if (by == 0 || (by == -1 && dividend == long.MinValue))
            return false;
        var quotient = dividend / by;
        if ((long)Width.SignExtend(Width.Truncate<T>((ulong)quotient)) != quotient)
            return false;
        Division.Set<T>(s, (ulong)quotient, divisor);
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
        var quotientIsNegative = negative != by < 0;
        if (quotient > (quotientIsNegative ? 1UL << 63 : long.MaxValue))
            return false;
        Division.Set<ulong>(s, quotientIsNegative ? 0 - quotient : quotient, (ulong)by);
        return true;
    }
}

/// <summary>Where divisions find the dividend and leave their results.</summary>
internal static unsafe class Division
{
    /// <summary>rDX, or AH: the dividend's high half, and the remainder.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte HighRegister(int size) => (byte)(size == 1 ? 1 : 16);

    /// <summary>The dividend's high half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T High<T>(CpuState* s) where T : unmanaged => Step.Get<T>(s, HighRegister(sizeof(T)));

    /// <summary>The dividend's low half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Low<T>(CpuState* s) where T : unmanaged => Step.Get<T>(s, 0);

    /// <summary>What a quotient, signed or not, leaves of the dividend: its low half tells.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Remainder<T>(T low, T divisor, T quotient) where T : unmanaged =>
        Width.Truncate<T>(Width.ZeroExtend(low) - Width.ZeroExtend(quotient) * Width.ZeroExtend(divisor));

    /// <summary>Quotient to rAX (AL), remainder to rDX (AH).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, ulong quotient, T divisor) where T : unmanaged
    {
        var remainder = Remainder(Low<T>(s), divisor, Width.Truncate<T>(quotient));
        Step.Set(s, 0, Width.Truncate<T>(quotient));
        Step.Set(s, HighRegister(sizeof(T)), remainder);
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
        if (operands.IsForCompiler)
            operands.Emission = new DivideEmission(typeof(TDivision), sizeof(T));
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
