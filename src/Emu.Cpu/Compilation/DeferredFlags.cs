using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>How compiled code holds the arithmetic flags at a point: worked out, or as the operands that they follow from.</summary>
/// <remarks>
/// Most flags are never looked at. Compiled code keeps the two operands of the last addition or subtraction in place of result and carries, and
/// works the flags out where something reads them or where the region is left.
/// The kinds of additions and subtractions are ordered by operand width: 8, 16, 32, 64 bits.
/// </remarks>
internal static unsafe class DeferredFlags
{
    /// <summary>As <see cref="ArithmeticFlags"/> has them.</summary>
    public const int WorkedOut = 0;

    /// <summary>The operands of an 8-bit addition; wider ones follow.</summary>
    public const int Sum = 1;

    /// <summary>The operands of an 8-bit subtraction; wider ones follow.</summary>
    public const int Difference = 5;

    /// <summary>Not known while compiling: a local variable says which.</summary>
    public const int Dynamic = -1;

    /// <summary>The kind of an addition or subtraction.</summary>
    /// <param name="first"><see cref="Sum"/> or <see cref="Difference"/>.</param>
    /// <param name="size">Operand size in bytes.</param>
    public static int Of(int first, int size) => first + BitOperations.Log2((uint)size);

    /// <summary>Operand size in bytes of a kind that is not <see cref="WorkedOut"/>.</summary>
    public static int SizeOf(int kind) => 1 << ((kind - 1) & 3);

    /// <summary>True for subtractions.</summary>
    public static bool IsDifference(int kind) => kind >= Difference;

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

    /// <summary>Works flags of any kind out into the CPU's state.</summary>
    /// <param name="s">The state.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="a">The first operand, or <see cref="ArithmeticFlags.Result"/>.</param>
    /// <param name="b">The second operand, or <see cref="ArithmeticFlags.Aux"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(CpuState* s, int kind, ulong a, ulong b)
    {
        switch (kind)
        {
            case WorkedOut:
                s->Flags = new ArithmeticFlags { Result = a, Aux = b };
                break;
            case Sum:
                WorkOutSum<byte>(a, b, ref s->Flags);
                break;
            case Sum + 1:
                WorkOutSum<ushort>(a, b, ref s->Flags);
                break;
            case Sum + 2:
                WorkOutSum<uint>(a, b, ref s->Flags);
                break;
            case Sum + 3:
                WorkOutSum<ulong>(a, b, ref s->Flags);
                break;
            case Difference:
                WorkOutDifference<byte>(a, b, ref s->Flags);
                break;
            case Difference + 1:
                WorkOutDifference<ushort>(a, b, ref s->Flags);
                break;
            case Difference + 2:
                WorkOutDifference<uint>(a, b, ref s->Flags);
                break;
            default:
                WorkOutDifference<ulong>(a, b, ref s->Flags);
                break;
        }
    }
}
