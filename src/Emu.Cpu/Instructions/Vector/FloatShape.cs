using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Like <see cref="PackedShape{TOperation, TSource}"/>, for arithmetic under MXCSR: an unmasked exception leaves the destination alone.</summary>
internal static unsafe class FloatShape<TOperation, TSource>
    where TOperation : IFloatOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (!VectorOperands.IsVex(in i))
            Bind<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else if (VectorOperands.IsWide(in i))
            Bind<Vex256>(ref operands);
        else
            Bind<Vex128>(ref operands);
    }

    private static void Bind<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        var op = operands.Op;
        if (VectorOperands.Take(ref operands))
        {
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &Memory<TEncoding, LongAddress>,
                AddressingKind.LongSegment => &Memory<TEncoding, LongSegmentAddress>,
                AddressingKind.Flat => &Memory<TEncoding, FlatAddress>,
                _ => &Memory<TEncoding, SegmentedAddress>,
            };
        }
        else
        {
            op->Handler = &Register<TEncoding>;
        }
        if (operands.IsForCompiler)
            operands.Emission = new FloatEmission(typeof(TOperation), VectorForm.Of<TEncoding, TSource>(), TOperation.HasHostForm);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (TEncoding.IsOpen(s) && TryHost<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base)))
            Step.Next(vcpu, s, op);
        else
            Step.Other(vcpu, s, op, &RegisterSlow<TEncoding>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlow<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op) || !Compute<TEncoding>(vcpu, s, op, (byte*)VectorRegister.Of(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (TOperation.HasHostForm && !TAddress.MayFault && TEncoding.IsOpen(s))
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
        Step.Other(vcpu, s, op, &MemorySlow<TEncoding, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemorySlow<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
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
        if (!TOperation.HasHostForm || (TEncoding.IsWide && !Vector256.IsHardwareAccelerated) || !s->Sse.IsHostLikeAndInexact)
            return false;
        var destination = VectorRegister.Of(s, op->Destination);
        if (TEncoding.IsWide)
        {
            var first = *(Vector256<byte>*)VectorRegister.Of(s, op->Source);
            var second = *(Vector256<byte>*)source;
            var result = TOperation.Host(first, second);
            if (!TOperation.IsPlain(first, second, result))
                return false;
            *(Vector256<byte>*)destination = result;
        }
        else
        {
            var first = *VectorRegister.Of(s, op->Source);
            var second = TSource.Load(source);
            var result = TOperation.Host(first, second);
            if (!TOperation.IsPlain(first, second, result))
                return false;
            VectorRegister.Set<TEncoding>(destination, result);
        }
        return true;
    }

    // Not inlined: vectors passed on by value would be address-taken locals of the handler.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool Compute<TEncoding>(Vcpu vcpu, CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var first = VectorRegister.Of(s, op->Source);
        var immediate = (int)op->Immediate;
        if (!TEncoding.IsWide)
        {
            var result = TOperation.Compute(first[0], TSource.Load(source), immediate, ref s->Sse);
            if (s->Sse.Unmasked != 0)
                return Availability.RaiseSimdException(vcpu, s, op);
            VectorRegister.Set<TEncoding>(destination, result);
            return true;
        }
        var both = BothLanes.ByLane<TOperation>(
            Vector256.Create(first[0], first[1]), TSource.Load(source), TSource.Load(source + TSource.Stride), immediate, ref s->Sse);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        VectorRegister.Set(destination, both.GetLower(), both.GetUpper());
        return true;
    }
}
