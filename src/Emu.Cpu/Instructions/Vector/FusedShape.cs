using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation;
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
}

/// <summary>PS.</summary>
internal readonly struct FusedSingles : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns =>
        PackedFloat32.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd, ref context).AsByte();
}

/// <summary>PD.</summary>
internal readonly struct FusedDoubles : IFusedFormat
{
    public static Vector128<byte> Compute<TSigns>(Vector128<byte> first, Vector128<byte> x, Vector128<byte> y, Vector128<byte> z, ref SseContext context)
        where TSigns : IFusedSigns =>
        PackedFloat64.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble(),
            TSigns.NegatesProduct, TSigns.SubtractsEven, TSigns.SubtractsOdd, ref context).AsByte();
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
        if (operands.IsForCompiler)
            operands.Emission = new FusedEmission(((FuseMethod)Fuse).Method, VectorForm.Of<TEncoding, TSource>());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
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
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, TEncoding>(vcpu, s, op);
        if (source == null || !Compute<TEncoding>(vcpu, s, op, source))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute<TEncoding>(Vcpu vcpu, CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var second = VectorRegister.Of(s, op->Source);
        var before = s->Sse.Mxcsr;
        var low = Fuse(destination[0], second[0], TSource.Load(source), ref s->Sse);
        var high = TEncoding.IsWide ? Fuse(destination[1], second[1], TSource.Load(source + TSource.Stride), ref s->Sse) : default;
        if (s->Sse.Unmasked != 0)
        {
            s->Sse.SettlePacked(before);
            return Availability.RaiseSimdException(vcpu, s, op);
        }
        destination[0] = low;
        destination[1] = high;
        return true;
    }

    private delegate Vector128<byte> FuseMethod(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, ref SseContext context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Fuse(Vector128<byte> first, Vector128<byte> second, Vector128<byte> third, ref SseContext context) => TOrder.Order switch
    {
        FusedOrder.Order132 => TFormat.Compute<TSigns>(first, first, third, second, ref context),
        FusedOrder.Order213 => TFormat.Compute<TSigns>(first, second, first, third, ref context),
        _ => TFormat.Compute<TSigns>(first, second, third, first, ref context),
    };
}
