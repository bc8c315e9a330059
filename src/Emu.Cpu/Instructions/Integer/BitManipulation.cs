using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>ANDN (SDM Vol. 2A): the second operand without the bits of the first.</summary>
public readonly struct Andn : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        And.Compute(~destination, source, ref flags);
}

/// <summary>BEXTR (SDM Vol. 2A): source bits 7:0 give the start, 15:8 the length.</summary>
public readonly struct Bextr : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var start = (int)Width.ZeroExtend(source) & 0xFF;
        var length = (int)(Width.ZeroExtend(source) >> 8) & 0xFF;
        var field = start >= 64 ? 0 : Width.ZeroExtend(destination) >> start;
        var result = Width.Truncate<T>(length >= 64 ? field : field & ((1UL << length) - 1));
        flags.SetLogic(result);
        return result;
    }
}

/// <summary>BZHI (SDM Vol. 2A): clears the bits from the index in source bits 7:0 on; CF tells an index beyond the operand.</summary>
public readonly struct Bzhi : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var index = (int)Width.ZeroExtend(source) & 0xFF;
        var beyond = index >= Width.Bits<T>();
        var result = beyond ? destination : Width.Truncate<T>(Width.ZeroExtend(destination) & ((1UL << index) - 1));
        flags.SetResult(result, beyond, false);
        return result;
    }
}

/// <summary>BLSI (SDM Vol. 2A): the lowest set bit; CF tells a source that is not zero.</summary>
public readonly struct Blsi : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = source & (T.Zero - source);
        flags.SetResult(result, source != T.Zero, false);
        return result;
    }
}

/// <summary>BLSMSK (SDM Vol. 2A): a mask up to the lowest set bit; CF tells a source of zero.</summary>
public readonly struct Blsmsk : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = source ^ (source - T.One);
        flags.SetResult(result, source == T.Zero, false);
        return result;
    }
}

/// <summary>BLSR (SDM Vol. 2A): the source without its lowest set bit; CF tells a source of zero.</summary>
public readonly struct Blsr : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = source & (source - T.One);
        flags.SetResult(result, source == T.Zero, false);
        return result;
    }
}

/// <summary>PDEP (SDM Vol. 2B): no flags.</summary>
public readonly struct Pdep : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Truncate<T>(Deposit(Width.ZeroExtend(destination), Width.ZeroExtend(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Deposit(ulong value, ulong mask) =>
        Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitDeposit(value, mask) : PortableDeposit(value, mask);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PortableDeposit(ulong value, ulong mask)
    {
        var result = 0UL;
        for (; mask != 0; mask &= mask - 1, value >>= 1)
        {
            if ((value & 1) != 0)
                result |= mask & (0 - mask);
        }
        return result;
    }
}

/// <summary>PEXT (SDM Vol. 2B): no flags.</summary>
public readonly struct Pext : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Truncate<T>(Extract(Width.ZeroExtend(destination), Width.ZeroExtend(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Extract(ulong value, ulong mask) =>
        Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(value, mask) : PortableExtract(value, mask);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PortableExtract(ulong value, ulong mask)
    {
        var result = 0UL;
        for (var bit = 1UL; mask != 0; mask &= mask - 1, bit <<= 1)
        {
            if ((value & mask & (0 - mask)) != 0)
                result |= bit;
        }
        return result;
    }
}

/// <summary>RORX (SDM Vol. 2B): no flags.</summary>
public readonly struct Rorx : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var count = (int)Width.ZeroExtend(source);
        var value = Width.ZeroExtend(destination);
        return Width.Truncate<T>(Width.Bits<T>() == 64 ? BitOperations.RotateRight(value, count) : BitOperations.RotateRight((uint)value, count));
    }
}

/// <summary>SARX (SDM Vol. 2B, "SARX/SHLX/SHRX"): no flags.</summary>
public readonly struct Sarx : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Truncate<T>((ulong)((long)Width.SignExtend(destination) >> ((int)Width.ZeroExtend(source) & (Width.Bits<T>() - 1))));
}

/// <summary>SHLX (SDM Vol. 2B, "SARX/SHLX/SHRX"): no flags.</summary>
public readonly struct Shlx : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Truncate<T>(Width.ZeroExtend(destination) << ((int)Width.ZeroExtend(source) & (Width.Bits<T>() - 1)));
}

/// <summary>SHRX (SDM Vol. 2B, "SARX/SHLX/SHRX"): no flags.</summary>
public readonly struct Shrx : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Width.Truncate<T>(Width.ZeroExtend(destination) >> ((int)Width.ZeroExtend(source) & (Width.Bits<T>() - 1)));
}

/// <summary>ADCX (SDM Vol. 2A): carries through CF and leaves the other flags.</summary>
public readonly struct Adcx : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination + source + Width.Truncate<T>(flags.CarryValue);
        flags.SetCarry(Width.IsNegative((destination & source) | ((destination | source) & ~result)));
        return result;
    }
}

/// <summary>ADOX (SDM Vol. 2A): carries through OF and leaves the other flags.</summary>
public readonly struct Adox : IBinaryOperation
{
    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var result = destination + source + Width.Truncate<T>(flags.Overflow ? 1UL : 0);
        flags.SetOverflow(Width.IsNegative((destination & source) | ((destination | source) & ~result)));
        return result;
    }
}
