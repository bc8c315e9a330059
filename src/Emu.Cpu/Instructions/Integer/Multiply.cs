using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>Both halves of a product, without a local whose address is taken.</summary>
internal static class Product
{
    /// <summary>The high half of an unsigned product of 64-bit factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong a, ulong b) => Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a, b) : PortableHigh(a, b);

    /// <summary>The high half of a signed product of 64-bit factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SignedHigh(ulong a, ulong b) =>
        High(a, b) - (b & (ulong)((long)a >> 63)) - (a & (ulong)((long)b >> 63));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong PortableHigh(ulong a, ulong b) => Math.BigMul(a, b, out _);
}

/// <summary>IMUL with two or three operands (SDM Vol. 2A): CF and OF tell that the product did not fit.</summary>
public readonly struct Imul : IBinaryOperation
{
    /// <inheritdoc/>
    public static FlagUse Flags => FlagUse.Replaces;

    /// <inheritdoc/>
    public static bool WritesDestination => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Compute<T>(T destination, T source, ref ArithmeticFlags flags)
        where T : unmanaged, IBinaryInteger<T>
    {
        var a = Width.SignExtend(destination);
        var b = Width.SignExtend(source);
        var low = a * b;
        var result = Width.Truncate<T>(low);
        var overflow = Width.Bits<T>() == 64
            ? Product.SignedHigh(a, b) != (ulong)((long)low >> 63)
            : Width.SignExtend(result) != low;
        flags.SetResult(result, overflow, overflow);
        return result;
    }
}

/// <summary>A product of double width: the semantics of MUL and IMUL with one operand.</summary>
public interface IWideProduct
{
    /// <summary>The low half.</summary>
    static abstract T Low<T>(T a, T b) where T : unmanaged;

    /// <summary>The high half.</summary>
    static abstract T High<T>(T a, T b) where T : unmanaged;

    /// <summary>Whether the high half says more than the low one: CF and OF.</summary>
    static abstract bool Overflows<T>(T low, T high) where T : unmanaged;
}

/// <summary>MUL (SDM Vol. 2B).</summary>
public readonly struct UnsignedProduct : IWideProduct
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Low<T>(T a, T b) where T : unmanaged => Width.Truncate<T>(Width.ZeroExtend(a) * Width.ZeroExtend(b));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T High<T>(T a, T b) where T : unmanaged => Width.Bits<T>() == 64
        ? Width.Truncate<T>(Product.High(Width.ZeroExtend(a), Width.ZeroExtend(b)))
        : Width.Truncate<T>((Width.ZeroExtend(a) * Width.ZeroExtend(b)) >> Width.Bits<T>());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Overflows<T>(T low, T high) where T : unmanaged => Width.ZeroExtend(high) != 0;
}

/// <summary>IMUL with one operand (SDM Vol. 2A).</summary>
public readonly struct SignedProduct : IWideProduct
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Low<T>(T a, T b) where T : unmanaged => UnsignedProduct.Low(a, b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T High<T>(T a, T b) where T : unmanaged => Width.Bits<T>() == 64
        ? Width.Truncate<T>(Product.SignedHigh(Width.ZeroExtend(a), Width.ZeroExtend(b)))
        : Width.Truncate<T>((Width.SignExtend(a) * Width.SignExtend(b)) >> Width.Bits<T>());

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Overflows<T>(T low, T high) where T : unmanaged =>
        Width.SignExtend(high) != (ulong)((long)Width.SignExtend(low) >> 63);
}

/// <summary>Binds MUL and IMUL with one operand: rDX:rAX ← rAX × r/m, or AX ← AL × r/m8.</summary>
internal readonly unsafe struct Multiply<TProduct> : IWidthShape
    where TProduct : IWideProduct
{
    private const byte Accumulator = 0, AccumulatorHigh8 = 1, Data = 16;

    /// <inheritdoc/>
    public static void Bind<T>(ref Operands operands)
        where T : unmanaged, IBinaryInteger<T>
    {
        var op = operands.Op;
        if (operands.IsForCompiler)
            operands.Emission = new MultiplyEmission(typeof(TProduct), sizeof(T));
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compute<T>(CpuState* s, T source)
        where T : unmanaged, IBinaryInteger<T>
    {
        var factor = Step.Get<T>(s, Accumulator);
        var low = TProduct.Low(factor, source);
        var high = TProduct.High(factor, source);
        Step.Set(s, Accumulator, low);
        Step.Set(s, sizeof(T) == 1 ? AccumulatorHigh8 : Data, high);
        var overflows = TProduct.Overflows(low, high);
        s->Flags.SetResult(low, overflows, overflows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<T>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
    {
        Compute(s, Step.Get<T>(s, op->Source));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<T, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where T : unmanaged, IBinaryInteger<T>
        where TAddress : IAddressing
    {
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null)
            return;
        Compute(s, *source);
        Step.Next(vcpu, s, op);
    }
}
