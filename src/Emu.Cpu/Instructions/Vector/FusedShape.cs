using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Which operands of FMA are multiplied and which is added; the digits of the mnemonic.</summary>
internal enum FusedOrder
{
    /// <summary>First × third + second.</summary>
    Order132,

    /// <summary>Second × first + third.</summary>
    Order213,

    /// <summary>Second × third + first.</summary>
    Order231,
}

/// <summary>The digits. A type argument of handlers.</summary>
internal interface IFusedOrder
{
    /// <summary>The order.</summary>
    static abstract FusedOrder Order { get; }
}

/// <summary>132.</summary>
internal readonly struct Order132 : IFusedOrder
{
    public static FusedOrder Order => FusedOrder.Order132;
}

/// <summary>213.</summary>
internal readonly struct Order213 : IFusedOrder
{
    public static FusedOrder Order => FusedOrder.Order213;
}

/// <summary>231.</summary>
internal readonly struct Order231 : IFusedOrder
{
    public static FusedOrder Order => FusedOrder.Order231;
}

/// <summary>The signs of FMA. A type argument of handlers.</summary>
internal interface IFusedSigns
{
    /// <summary>The product is negated.</summary>
    static abstract bool NegatesProduct { get; }

    /// <summary>The addend is subtracted in even elements.</summary>
    static abstract bool SubtractsEven { get; }

    /// <summary>The addend is subtracted in odd elements.</summary>
    static abstract bool SubtractsOdd { get; }
}

/// <summary>VFMADD.</summary>
internal readonly struct Vfmadd : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool SubtractsEven => false;

    public static bool SubtractsOdd => false;
}

/// <summary>VFMSUB.</summary>
internal readonly struct Vfmsub : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool SubtractsEven => true;

    public static bool SubtractsOdd => true;
}

/// <summary>VFNMADD.</summary>
internal readonly struct Vfnmadd : IFusedSigns
{
    public static bool NegatesProduct => true;

    public static bool SubtractsEven => false;

    public static bool SubtractsOdd => false;
}

/// <summary>VFNMSUB.</summary>
internal readonly struct Vfnmsub : IFusedSigns
{
    public static bool NegatesProduct => true;

    public static bool SubtractsEven => true;

    public static bool SubtractsOdd => true;
}

/// <summary>VFMADDSUB.</summary>
internal readonly struct Vfmaddsub : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool SubtractsEven => true;

    public static bool SubtractsOdd => false;
}

/// <summary>VFMSUBADD.</summary>
internal readonly struct Vfmsubadd : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool SubtractsEven => false;

    public static bool SubtractsOdd => true;
}

/// <summary>The format of FMA. A type argument of handlers.</summary>
internal interface IFusedFormat
{
    /// <summary>±x × y ± z; a scalar's rest comes from <paramref name="first"/>.</summary>
    static abstract Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns;

    /// <summary>A 256-bit form is offered by <see cref="Host{TSigns}(Vector256{byte}, Vector256{byte}, Vector256{byte})"/>, too.</summary>
    static virtual bool HasWideHostForm => false;

    /// <summary>What the host computes (where <see cref="HostArithmetic.HasFusedMultiplyAdd"/>).</summary>
    static abstract Vector128<byte> Host<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z)
        where TSigns : IFusedSigns;

    /// <summary>The host's result is that of <see cref="Compute"/> while <see cref="SseContext.IsHostLikeAndInexact"/>, and raises nothing new.</summary>
    static abstract bool IsPlain(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, Vector128<byte> result);

    /// <summary>What the host computes in both lanes.</summary>
    static virtual Vector256<byte> Host<TSigns>(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z)
        where TSigns : IFusedSigns => default;

    /// <summary>The same of both lanes.</summary>
    static virtual bool IsPlain(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z, Vector256<byte> result) => false;
}

/// <summary>PS.</summary>
internal readonly struct FusedSingles : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns =>
        PackedFloat32.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd, ref context).AsByte();

    public static bool HasWideHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z)
        where TSigns : IFusedSigns =>
        PackedFloat32.HostFused(x.AsSingle(), y.AsSingle(), z.AsSingle(), TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, Vector128<byte> result) =>
        PackedFloat32.ArePlainFused(x.AsSingle(), y.AsSingle(), z.AsSingle(), result.AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Host<TSigns>(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z)
        where TSigns : IFusedSigns =>
        PackedFloat32.HostFused(x.AsSingle(), y.AsSingle(), z.AsSingle(), TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z, Vector256<byte> result) =>
        PackedFloat32.ArePlainFused(x.AsSingle(), y.AsSingle(), z.AsSingle(), result.AsSingle());
}

/// <summary>PD.</summary>
internal readonly struct FusedDoubles : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns =>
        PackedFloat64.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd, ref context).AsByte();

    public static bool HasWideHostForm => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z)
        where TSigns : IFusedSigns =>
        PackedFloat64.HostFused(x.AsDouble(), y.AsDouble(), z.AsDouble(), TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, Vector128<byte> result) =>
        PackedFloat64.ArePlainFused(x.AsDouble(), y.AsDouble(), z.AsDouble(), result.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Host<TSigns>(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z)
        where TSigns : IFusedSigns =>
        PackedFloat64.HostFused(x.AsDouble(), y.AsDouble(), z.AsDouble(), TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector256<byte> x, Vector256<byte> y, Vector256<byte> z, Vector256<byte> result) =>
        PackedFloat64.ArePlainFused(x.AsDouble(), y.AsDouble(), z.AsDouble(), result.AsDouble());
}

/// <summary>SS.</summary>
internal readonly struct FusedSingle : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns
    {
        var result = Float32.FusedMultiplyAdd(x.AsUInt32().ToScalar(), y.AsUInt32().ToScalar(), z.AsUInt32().ToScalar(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, ref context);
        return first.AsUInt32().WithElement(0, result).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z)
        where TSigns : IFusedSigns
    {
        float a = x.AsSingle().ToScalar(), c = z.AsSingle().ToScalar();
        var result = float.FusedMultiplyAdd(TSigns.NegatesProduct ? -a : a, y.AsSingle().ToScalar(), TSigns.SubtractsEven ? -c : c);
        return first.AsSingle().WithElement(0, result).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, Vector128<byte> result) =>
        Float32.IsPlainFused(x.AsUInt32().ToScalar(), y.AsUInt32().ToScalar(), z.AsUInt32().ToScalar(), result.AsUInt32().ToScalar());
}

/// <summary>SD.</summary>
internal readonly struct FusedDouble : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns
    {
        var result = Float64.FusedMultiplyAdd(x.AsUInt64().ToScalar(), y.AsUInt64().ToScalar(), z.AsUInt64().ToScalar(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, ref context);
        return first.AsUInt64().WithElement(0, result).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Host<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z)
        where TSigns : IFusedSigns
    {
        double a = x.AsDouble().ToScalar(), c = z.AsDouble().ToScalar();
        var result = double.FusedMultiplyAdd(TSigns.NegatesProduct ? -a : a, y.AsDouble().ToScalar(), TSigns.SubtractsEven ? -c : c);
        return first.AsDouble().WithElement(0, result).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, Vector128<byte> result) =>
        Float64.IsPlainFused(x.AsUInt64().ToScalar(), y.AsUInt64().ToScalar(), z.AsUInt64().ToScalar(), result.AsUInt64().ToScalar());
}

/// <summary>Binds FMA (SDM Vol. 1, 14.5): <c>vop xmm, xmm, xmm/m</c>, the destination being the first operand too.</summary>
internal static unsafe class FusedShape<TSigns, TOrder, TFormat, TSource>
    where TSigns : IFusedSigns
    where TOrder : IFusedOrder
    where TFormat : IFusedFormat
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else if (VectorOperands.IsWide(in operands.Instruction))
            Bind<Vex256>(ref operands);
        else
            Bind<Vex128>(ref operands);
    }

    private static void Bind<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &FromRegister<TEncoding> : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<TEncoding, LongAddress>,
            AddressingKind.LongSegment => &FromMemory<TEncoding, LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<TEncoding, FlatAddress>,
            _ => &FromMemory<TEncoding, SegmentedAddress>,
        };
        if (operands.IsForCompiler && HostArithmetic.HasFusedMultiplyAdd)
            operands.Emission = new FusedEmission(((HostMethod)Host).Method, ((PlainMethod)IsPlain).Method, VectorForm.Of<TEncoding, TSource>());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (TEncoding.IsOpen(s) && TryHost<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base)))
            Step.Next(vcpu, s, op);
        else
            Step.Other(vcpu, s, op, &FromRegisterSlow<TEncoding>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegisterSlow<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op) || !Compute<TEncoding>(vcpu, s, op, (byte*)VectorRegister.Of(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TAddress.MayFault && TEncoding.IsOpen(s))
        {
            var size = VectorMemory.Size<TSource, TEncoding>();
            var linear = TAddress.Linear(vcpu, s, op, size, false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsReadable(entry, linear, size, VectorMemory.IsAligned<TSource, TEncoding>())
                && TryHost<TEncoding>(s, op, Operand.Place(entry, linear)))
            {
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &FromMemorySlow<TEncoding, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemorySlow<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, TEncoding>(vcpu, s, op);
        if (source == null || !Compute<TEncoding>(vcpu, s, op, source))
            return;
        Step.Next(vcpu, s, op);
    }

    // The common case, short enough for each handler: false where it is another one, and nothing has changed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryHost<TEncoding>(CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        if (!HostArithmetic.HasFusedMultiplyAdd || !s->Sse.IsHostLikeAndInexact)
            return false;
        var destination = VectorRegister.Of(s, op->Destination);
        var middle = VectorRegister.Of(s, op->Source);
        if (!TEncoding.IsWide)
        {
            var first = *destination;
            var second = *middle;
            var third = TSource.Load(source);
            var result = Host(first, second, third);
            if (!IsPlain(first, second, third, result))
                return false;
            VectorRegister.Set<TEncoding>(destination, result);
        }
        else
        {
            if (!TFormat.HasWideHostForm || !Vector256.IsHardwareAccelerated)
                return false;
            var first = *(Vector256<byte>*)destination;
            var second = *(Vector256<byte>*)middle;
            var third = *(Vector256<byte>*)source;
            var x = TOrder.Order == FusedOrder.Order132 ? first : second;
            var y = TOrder.Order == FusedOrder.Order213 ? first : third;
            var z = TOrder.Order == FusedOrder.Order132 ? second : TOrder.Order == FusedOrder.Order213 ? third : first;
            var result = TFormat.Host<TSigns>(x, y, z);
            if (!TFormat.IsPlain(x, y, z, result))
                return false;
            *(Vector256<byte>*)destination = result;
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute<TEncoding>(Vcpu vcpu, CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var second = VectorRegister.Of(s, op->Source);
        if (!TEncoding.IsWide)
        {
            var result = Fuse(destination[0], second[0], TSource.Load(source), ref s->Sse);
            if (s->Sse.Unmasked != 0)
                return Availability.RaiseSimdException(vcpu, s, op);
            VectorRegister.Set<TEncoding>(destination, result);
            return true;
        }
        var both = Fuse(
            Vector256.Create(destination[0], destination[1]), Vector256.Create(second[0], second[1]),
            Vector256.Create(TSource.Load(source), TSource.Load(source + TSource.Stride)), ref s->Sse);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        VectorRegister.Set(destination, both.GetLower(), both.GetUpper());
        return true;
    }

    private delegate Vector128<byte> HostMethod(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third);

    private delegate bool PlainMethod(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, Vector128<byte> result);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Host(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third) => TOrder.Order switch
    {
        FusedOrder.Order132 => TFormat.Host<TSigns>(first, first, third, second),
        FusedOrder.Order213 => TFormat.Host<TSigns>(first, second, first, third),
        _ => TFormat.Host<TSigns>(first, second, third, first),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPlain(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, Vector128<byte> result) => TOrder.Order switch
    {
        FusedOrder.Order132 => TFormat.IsPlain(first, third, second, result),
        FusedOrder.Order213 => TFormat.IsPlain(second, first, third, result),
        _ => TFormat.IsPlain(second, third, first, result),
    };

    /// <summary>One lane, as every engine computes it; where <see cref="SseContext.Unmasked"/> is not zero afterwards, it means nothing.</summary>
    /// <param name="first">The destination's.</param>
    /// <param name="second">The second operand's.</param>
    /// <param name="third">The third operand's.</param>
    /// <param name="context">MXCSR.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Fuse(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, ref SseContext context)
    {
        var x = TOrder.Order == FusedOrder.Order132 ? first : second;
        var y = TOrder.Order == FusedOrder.Order213 ? first : third;
        var z = TOrder.Order == FusedOrder.Order132 ? second : TOrder.Order == FusedOrder.Order213 ? third : first;
        if (HostArithmetic.HasFusedMultiplyAdd && context.IsHostLikeAndInexact)
        {
            var result = TFormat.Host<TSigns>(first, x, y, z);
            if (TFormat.IsPlain(x, y, z, result))
                return result;
        }
        return FuseSlow(first, x, y, z, ref context);
    }

    /// <summary>The same of both lanes of a packed 256-bit form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Fuse(Vector256<byte> first, Vector256<byte> second, Vector256<byte> third, ref SseContext context)
    {
        var x = TOrder.Order == FusedOrder.Order132 ? first : second;
        var y = TOrder.Order == FusedOrder.Order213 ? first : third;
        var z = TOrder.Order == FusedOrder.Order132 ? second : TOrder.Order == FusedOrder.Order213 ? third : first;
        if (HostArithmetic.HasFusedMultiplyAdd && TFormat.HasWideHostForm && Vector256.IsHardwareAccelerated && context.IsHostLikeAndInexact)
        {
            var result = TFormat.Host<TSigns>(x, y, z);
            if (TFormat.IsPlain(x, y, z, result))
                return result;
        }
        return FuseSlow(first, x, y, z, ref context);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector128<byte> FuseSlow(
        Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context) =>
        TFormat.Compute<TSigns>(first, x, y, z, ref context);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector256<byte> FuseSlow(
        Vector256<byte> first, Vector256<byte> x, Vector256<byte> y, Vector256<byte> z, ref SseContext context)
    {
        var before = context.Mxcsr;
        var low = TFormat.Compute<TSigns>(first.GetLower(), x.GetLower(), y.GetLower(), z.GetLower(), ref context);
        var high = TFormat.Compute<TSigns>(first.GetUpper(), x.GetUpper(), y.GetUpper(), z.GetUpper(), ref context);
        context.SettlePacked(before);
        return Vector256.Create(low, high);
    }
}
