using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>How compiled code holds the arithmetic flags at a point: worked out, or as the operands that they follow from.</summary>
/// <remarks>
/// Most flags are never looked at. Compiled code keeps the two operands of the last operation in place of result and carries, and
/// works the flags out where something reads them or where the region is left.
/// The kinds of each operation are ordered by operand width: 8, 16, 32, 64 bits.
/// </remarks>
internal static unsafe class DeferredFlags
{
    /// <summary>As <see cref="ArithmeticFlags"/> has them.</summary>
    public const int WorkedOut = 0;

    /// <summary>The operands of an 8-bit addition; wider ones follow.</summary>
    public const int Sum = 1;

    /// <summary>The operands of an 8-bit subtraction; wider ones follow.</summary>
    public const int Difference = 5;

    /// <summary>The operand of an 8-bit INC, and the CF that stays; wider ones follow.</summary>
    public const int Increment = 9;

    /// <summary>The operand of an 8-bit DEC, and the CF that stays; wider ones follow.</summary>
    public const int Decrement = 13;

    /// <summary>The operand of an 8-bit SHL, and the count, which is not zero; wider ones follow.</summary>
    public const int ShiftLeft = 17;

    /// <summary>The operand of an 8-bit SHR, and the count, which is not zero; wider ones follow.</summary>
    public const int ShiftRight = 21;

    /// <summary>The operand of an 8-bit SAR, and the count, which is not zero; wider ones follow.</summary>
    public const int ShiftSigned = 25;

    /// <summary>Not known while compiling: a local variable says which.</summary>
    public const int Dynamic = -1;

    private static readonly MethodInfo Sums = typeof(DeferredFlags).GetMethod(nameof(WorkOutSum))!;
    private static readonly MethodInfo Differences = typeof(DeferredFlags).GetMethod(nameof(WorkOutDifference))!;
    private static readonly MethodInfo Increments = typeof(DeferredFlags).GetMethod(nameof(WorkOutIncrement))!;
    private static readonly MethodInfo Decrements = typeof(DeferredFlags).GetMethod(nameof(WorkOutDecrement))!;
    private static readonly MethodInfo Shifts = typeof(DeferredFlags).GetMethod(nameof(WorkOutShift))!;

    /// <summary>The kind of an operation at a width.</summary>
    /// <param name="first">Its kind at 8 bits.</param>
    /// <param name="size">Operand size in bytes.</param>
    public static int Of(int first, int size) => first + BitOperations.Log2((uint)size);

    /// <summary>The 8-bit kind of an operation with one operand, or of a shift; 0 where its flags are not deferred.</summary>
    /// <param name="operation">The <see cref="IUnaryOperation"/> or <see cref="IShiftOperation"/>.</param>
    public static int FirstOf(Type operation) =>
        operation == typeof(Inc) ? Increment
        : operation == typeof(Dec) ? Decrement
        : operation == typeof(Shl) ? ShiftLeft
        : operation == typeof(Shr) ? ShiftRight
        : operation == typeof(Sar) ? ShiftSigned
        : 0;

    /// <summary>The 8-bit kind that goes with one that is not <see cref="WorkedOut"/>.</summary>
    public static int FirstOf(int kind) => ((kind - 1) & ~3) + 1;

    /// <summary>Operand size in bytes of a kind that is not <see cref="WorkedOut"/>.</summary>
    public static int SizeOf(int kind) => 1 << ((kind - 1) & 3);

    /// <summary>What works a kind out: from the two words, into the flags behind a reference.</summary>
    public static MethodInfo MethodOf(int kind)
    {
        var type = RegionEmitter.TypeOf(SizeOf(kind));
        return FirstOf(kind) switch
        {
            Sum => Sums.MakeGenericMethod(type),
            Difference => Differences.MakeGenericMethod(type),
            Increment => Increments.MakeGenericMethod(type),
            Decrement => Decrements.MakeGenericMethod(type),
            ShiftLeft => Shifts.MakeGenericMethod(typeof(Shl), type),
            ShiftRight => Shifts.MakeGenericMethod(typeof(Shr), type),
            _ => Shifts.MakeGenericMethod(typeof(Sar), type),
        };
    }

    /// <summary>The flags of an addition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WorkOutSum<T>(ulong a, ulong b, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Add.Compute(Width.Truncate<T>(a), Width.Truncate<T>(b), ref flags);

    /// <summary>The flags of a subtraction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WorkOutDifference<T>(ulong a, ulong b, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T> =>
        Sub.Compute(Width.Truncate<T>(a), Width.Truncate<T>(b), ref flags);

    /// <summary>The flags of INC.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WorkOutIncrement<T>(ulong operand, ulong carry, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        flags.Aux = carry << 63;
        Inc.Compute(Width.Truncate<T>(operand), ref flags);
    }

    /// <summary>The flags of DEC.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WorkOutDecrement<T>(ulong operand, ulong carry, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        flags.Aux = carry << 63;
        Dec.Compute(Width.Truncate<T>(operand), ref flags);
    }

    /// <summary>The flags of a shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WorkOutShift<TShift, T>(ulong operand, ulong count, ref ArithmeticFlags flags)
        where TShift : IShiftOperation
        where T : unmanaged, IBinaryInteger<T> =>
        TShift.Compute(Width.Truncate<T>(operand), (int)count, ref flags);

    /// <summary>CF of any kind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Carry(int kind, ulong a, ulong b)
    {
        if ((uint)(kind - Difference) < 4)
            return a < b ? 1UL : 0;
        return kind == WorkedOut ? b >> 63 : OtherCarry(kind, a, b);
    }

    /// <summary>Works flags of any kind out into the CPU's state.</summary>
    /// <param name="s">The state.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="a">The first operand, or <see cref="ArithmeticFlags.Result"/>.</param>
    /// <param name="b">The second operand, or <see cref="ArithmeticFlags.Aux"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(CpuState* s, int kind, ulong a, ulong b) => WorkOut(kind, a, b, ref s->Flags);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong OtherCarry(int kind, ulong a, ulong b)
    {
        var flags = default(ArithmeticFlags);
        WorkOut(kind, a, b, ref flags);
        return flags.CarryValue;
    }

    private static void WorkOut(int kind, ulong a, ulong b, ref ArithmeticFlags flags)
    {
        if (kind == WorkedOut)
        {
            flags = new ArithmeticFlags { Result = a, Aux = b };
            return;
        }
        switch (SizeOf(kind))
        {
            case 1:
                WorkOut<byte>(FirstOf(kind), a, b, ref flags);
                break;
            case 2:
                WorkOut<ushort>(FirstOf(kind), a, b, ref flags);
                break;
            case 4:
                WorkOut<uint>(FirstOf(kind), a, b, ref flags);
                break;
            default:
                WorkOut<ulong>(FirstOf(kind), a, b, ref flags);
                break;
        }
    }

    private static void WorkOut<T>(int first, ulong a, ulong b, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        switch (first)
        {
            case Sum:
                WorkOutSum<T>(a, b, ref flags);
                break;
            case Difference:
                WorkOutDifference<T>(a, b, ref flags);
                break;
            case Increment:
                WorkOutIncrement<T>(a, b, ref flags);
                break;
            case Decrement:
                WorkOutDecrement<T>(a, b, ref flags);
                break;
            case ShiftLeft:
                WorkOutShift<Shl, T>(a, b, ref flags);
                break;
            case ShiftRight:
                WorkOutShift<Shr, T>(a, b, ref flags);
                break;
            default:
                WorkOutShift<Sar, T>(a, b, ref flags);
                break;
        }
    }
}
