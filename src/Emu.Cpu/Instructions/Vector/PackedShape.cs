using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Takes the operands of vector instructions into their ops.</summary>
internal static unsafe class VectorOperands
{
    /// <summary>
    /// Destination, first source (in <see cref="Op.Source"/>: the destination itself for two operands) and second source: a memory
    /// operand, or the register number in <see cref="Op.Base"/>; then the immediate.
    /// </summary>
    /// <returns>True where the second source is in memory.</returns>
    public static bool Take(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        var count = i.OpCount;
        if (i.GetOpKind(count - 1) == OpKind.Immediate8)
        {
            op->Immediate = i.Immediate8;
            count--;
        }
        op->Destination = operands.RegisterOf(0);
        op->Source = operands.RegisterOf(IsVex(in i) && count > 2 ? 1 : 0);
        var last = IsVex(in i) && count > 2 ? 2 : 1;
        if (i.GetOpKind(last) == OpKind.Memory)
            return true;
        op->Base = operands.RegisterOf(last);
        return false;
    }

    /// <summary>True for a VEX encoding.</summary>
    public static bool IsVex(in Instruction instruction) => instruction.Encoding == EncodingKind.VEX;

    /// <summary>True where an operand has 256 bits.</summary>
    public static bool IsWide(in Instruction instruction)
    {
        for (var i = 0; i < instruction.OpCount; i++)
        {
            var kind = instruction.GetOpKind(i);
            if (kind == OpKind.Register ? instruction.GetOpRegister(i).IsYMM() : kind == OpKind.Memory && instruction.MemorySize.GetSize() == 32)
                return true;
        }
        return false;
    }
}

/// <summary>Binds <c>op mm, mm/m64</c>, <c>op xmm, xmm/m</c> and <c>vop ymm, ymm, ymm/m</c>, with or without an immediate, from one operation.</summary>
internal static unsafe class PackedShape<TOperation, TSource>
    where TOperation : IVectorOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (i.Op0Register.IsMM())
            MmxShape<TOperation, TSource>.Bind(ref operands);
        else if (!VectorOperands.IsVex(in i))
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
            operands.Emission = new PackedEmission(typeof(TOperation), VectorForm.Of<TEncoding, TSource>(), TOperation.UpperImmediate((int)op->Immediate));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (TOperation.IsInline && TEncoding.IsOpen(s))
        {
            Compute<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base));
            Step.Next(vcpu, s, op);
        }
        else
        {
            Step.Other(vcpu, s, op, &RegisterSlow<TEncoding>);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlow<TEncoding>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        Call<TEncoding>(s, op, (byte*)VectorRegister.Of(s, op->Base));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (TOperation.IsInline && !TAddress.MayFault && TEncoding.IsOpen(s))
        {
            var size = VectorMemory.Size<TSource, TEncoding>();
            var linear = TAddress.Linear(vcpu, s, op, size, false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsReadable(entry, linear, size, VectorMemory.IsAligned<TSource, TEncoding>()))
            {
                Compute<TEncoding>(s, op, Operand.Place(entry, linear));
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
        if (source == null)
            return;
        Call<TEncoding>(s, op, source);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compute<TEncoding>(CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var first = VectorRegister.Of(s, op->Source);
        var immediate = (int)op->Immediate;
        if (!TEncoding.IsWide)
        {
            VectorRegister.Set<TEncoding>(destination, TOperation.Compute(first[0], TSource.Load(source), immediate));
        }
        else if (TSource.Stride == 16 && Vector256.IsHardwareAccelerated)
        {
            *(Vector256<byte>*)destination = BothLanes.Compute<TOperation>(*(Vector256<byte>*)first, *(Vector256<byte>*)source, immediate);
        }
        else
        {
            var low = TOperation.Compute(first[0], TSource.Load(source), immediate);
            var high = TOperation.Compute(first[1], TSource.Load(source + TSource.Stride), TOperation.UpperImmediate(immediate));
            VectorRegister.Set(destination, low, high);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Call<TEncoding>(CpuState* s, Op* op, byte* source)
        where TEncoding : IVectorEncoding =>
        Compute<TEncoding>(s, op, source);
}

/// <summary>Binds <c>op mm, mm/m64</c> and <c>op mm, mm/m64, imm8</c>.</summary>
internal static unsafe class MmxShape<TOperation, TSource>
    where TOperation : IVectorOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        if (VectorOperands.Take(ref operands))
        {
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &Memory<LongAddress>,
                AddressingKind.LongSegment => &Memory<LongSegmentAddress>,
                AddressingKind.Flat => &Memory<FlatAddress>,
                _ => &Memory<SegmentedAddress>,
            };
        }
        else
        {
            op->Handler = &Register;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Mmx(vcpu, s, op))
            return;
        Compute(s, op, *VectorRegister.Mmx(s, op->Base));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Mmx(vcpu, s, op))
            return;
        if (TSource.MmxBytes == 4)
        {
            var source = Operand.Read<TAddress, uint>(vcpu, s, op);
            if (source == null)
                return;
            Compute(s, op, *source);
        }
        else
        {
            var source = Operand.Read<TAddress, ulong>(vcpu, s, op);
            if (source == null)
                return;
            Compute(s, op, *source);
        }
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Compute(CpuState* s, Op* op, ulong source)
    {
        var first = *VectorRegister.Mmx(s, op->Source);
        var immediate = (int)op->Immediate;
        var result = TOperation.HasMmxForm
            ? TOperation.ComputeMmx(first, source, immediate)
            : TOperation.Compute(Vector128.CreateScalar(first).AsByte(), Vector128.CreateScalar(source).AsByte(), immediate).AsUInt64().ToScalar();
        VectorRegister.EnterMmx(s);
        VectorRegister.SetMmx(s, op->Destination, result);
    }
}
