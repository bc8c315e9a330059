using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>CVTPI2PS (SDM Vol. 2A): two doublewords to the lower singles.</summary>
internal readonly struct Cvtpi2ps : IFromGeneral
{
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context)
    {
        var before = context.Mxcsr;
        var low = Float32.FromInt32((int)value, ref context);
        var high = Float32.FromInt32((int)(value >> 32), ref context);
        context.SettlePacked(before);
        return a.AsUInt64().WithElement(0, low | ((ulong)high << 32)).AsByte();
    }
}

/// <summary>CVTPI2PD (SDM Vol. 2A): exact.</summary>
internal readonly struct Cvtpi2pd : IFromGeneral
{
    public static Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context) =>
        PackedFloat64.FromInt32((int)value, (int)(value >> 32)).AsByte();
}

/// <summary>CVTPS2PI (SDM Vol. 2A).</summary>
internal readonly struct Cvtps2pi : IToGeneral
{
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context)
    {
        var before = context.Mxcsr;
        var low = (uint)Float32.ToInt32(b.AsUInt32().GetElement(0), ref context);
        var high = (uint)Float32.ToInt32(b.AsUInt32().GetElement(1), ref context);
        context.SettlePacked(before);
        return low | ((ulong)high << 32);
    }
}

/// <summary>CVTTPS2PI (SDM Vol. 2A).</summary>
internal readonly struct Cvttps2pi : IToGeneral
{
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context)
    {
        var before = context.Mxcsr;
        var low = (uint)Float32.ToInt32Truncated(b.AsUInt32().GetElement(0), ref context);
        var high = (uint)Float32.ToInt32Truncated(b.AsUInt32().GetElement(1), ref context);
        context.SettlePacked(before);
        return low | ((ulong)high << 32);
    }
}

/// <summary>CVTPD2PI (SDM Vol. 2A).</summary>
internal readonly struct Cvtpd2pi : IToGeneral
{
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => PackedFloat64.ToInt32(b.AsDouble(), ref context);
}

/// <summary>CVTTPD2PI (SDM Vol. 2A).</summary>
internal readonly struct Cvttpd2pi : IToGeneral
{
    public static ulong Compute(Vector128<byte> b, int immediate, ref SseContext context) => PackedFloat64.ToInt32Truncated(b.AsDouble(), ref context);
}

/// <summary>Binds <c>op xmm, mm/m64</c>. The register form uses the FPU as MMX instructions do; so does CVTPI2PS from memory.</summary>
internal static unsafe class FromMmxShape<TOperation>
    where TOperation : IFromGeneral
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &FromRegister : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<LongAddress>,
            AddressingKind.LongSegment => &FromMemory<LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<FlatAddress>,
            _ => &FromMemory<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Sse(vcpu, s, op) || !Availability.Mmx(vcpu, s, op))
            return;
        // As on the processors at hand, an instruction that ends with #XM has entered MMX state already.
        VectorRegister.EnterMmx(s);
        if (!Compute(vcpu, s, op, *VectorRegister.Mmx(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Sse(vcpu, s, op))
            return;
        var source = Operand.Read<TAddress, ulong>(vcpu, s, op);
        if (source == null || !Compute(vcpu, s, op, *source))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute(Vcpu vcpu, CpuState* s, Op* op, ulong value)
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var result = TOperation.Compute(*destination, value, 0, ref s->Sse);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        *destination = result;
        return true;
    }
}

/// <summary>Binds <c>op mm, xmm/m</c>.</summary>
internal static unsafe class ToMmxShape<TOperation, TSource>
    where TOperation : IToGeneral
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &FromRegister : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<LongAddress>,
            AddressingKind.LongSegment => &FromMemory<LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<FlatAddress>,
            _ => &FromMemory<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Sse(vcpu, s, op) || !Availability.Mmx(vcpu, s, op) || !Compute(vcpu, s, op, (byte*)VectorRegister.Of(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Sse(vcpu, s, op) || !Availability.Mmx(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, LegacySse>(vcpu, s, op);
        if (source == null || !Compute(vcpu, s, op, source))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute(Vcpu vcpu, CpuState* s, Op* op, byte* source)
    {
        VectorRegister.EnterMmx(s);
        var result = TOperation.Compute(TSource.Load(source), 0, ref s->Sse);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        VectorRegister.SetMmx(s, op->Destination, result);
        return true;
    }
}
