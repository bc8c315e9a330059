using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>A vector result from a general register or an integer in memory: MOVD, PINSRW, CVTSI2SD.</summary>
internal interface IFromGeneral
{
    /// <summary>False where it only moves bits.</summary>
    static virtual bool CanRaise => true;

    /// <summary>The result.</summary>
    /// <param name="a">First source: the destination of a two-operand form.</param>
    /// <param name="value">The integer, zero-extended.</param>
    /// <param name="immediate">The immediate byte, where there is one.</param>
    /// <param name="context">MXCSR.</param>
    static abstract Vector128<byte> Compute(Vector128<byte> a, ulong value, int immediate, ref SseContext context);

    /// <summary>When <see cref="Host"/> does the same, and raises nothing new.</summary>
    static virtual HostForm HostForm => HostForm.Never;

    /// <summary>A short way to the result.</summary>
    static virtual Vector128<byte> Host(Vector128<byte> a, ulong value, int immediate) => default;
}

/// <summary>Conversions and moves between general and vector registers, as every engine makes them.</summary>
internal static class GeneralForms
{
    /// <summary>A vector from an integer; where <see cref="SseContext.Unmasked"/> is not zero afterwards, it means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> From<TOperation>(Vector128<byte> a, ulong value, int immediate, ref SseContext context)
        where TOperation : IFromGeneral =>
        TOperation.HostForm == HostForm.Always || (TOperation.HostForm == HostForm.HostLike && context.IsHostLikeAndInexact)
            ? TOperation.Host(a, value, immediate)
            : TOperation.Compute(a, value, immediate, ref context);

    /// <summary>An integer from a vector; where <see cref="SseContext.Unmasked"/> is not zero afterwards, it means nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong To<TOperation>(Vector128<byte> b, int immediate, ref SseContext context)
        where TOperation : IToGeneral =>
        TOperation.HostForm == HostForm.Always || (TOperation.HostForm == HostForm.HostLike && context.IsHostLikeAndInexact && TOperation.IsPlain(b))
            ? TOperation.Host(b, immediate)
            : TOperation.Compute(b, immediate, ref context);
}

/// <summary>When a short way to a result may be taken.</summary>
internal enum HostForm
{
    /// <summary>There is none.</summary>
    Never,

    /// <summary>While <see cref="SseContext.IsHostLikeAndInexact"/>.</summary>
    HostLike,

    /// <summary>Whatever MXCSR says.</summary>
    Always,
}

/// <summary>Binds <c>op xmm, r/m</c> and <c>op mm, r/m</c>; <typeparamref name="T"/> is the integer's width in memory.</summary>
internal static unsafe class FromGeneralShape<TOperation, T>
    where TOperation : IFromGeneral
    where T : unmanaged
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (i.Op0Register.IsMM())
            BindTarget<MmxTarget>(ref operands);
        else if (!VectorOperands.IsVex(in i))
            BindTo<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else
            BindTo<Vex128>(ref operands);
    }

    private static void BindTo<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        BindTarget<XmmTarget<TEncoding>>(ref operands);
        if (operands.IsForCompiler)
            operands.Emission = new FromGeneralEmission(typeof(TOperation), TEncoding.IsVex, sizeof(T), TOperation.CanRaise, TOperation.HostForm);
    }

    private static void BindTarget<TTarget>(ref Operands operands)
        where TTarget : ITarget
    {
        var op = operands.Op;
        if (VectorOperands.Take(ref operands))
        {
            op->Handler = operands.Addressing switch
            {
                AddressingKind.Long => &Memory<TTarget, LongAddress>,
                AddressingKind.LongSegment => &Memory<TTarget, LongSegmentAddress>,
                AddressingKind.Flat => &Memory<TTarget, FlatAddress>,
                _ => &Memory<TTarget, SegmentedAddress>,
            };
        }
        else
        {
            op->Handler = &Register<TTarget>;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Register<TTarget>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : ITarget
    {
        if (TTarget.TryHost(s, op, Width.ZeroExtend(Step.Get<T>(s, op->Base))))
            Step.Next(vcpu, s, op);
        else
            Step.Other(vcpu, s, op, &RegisterSlow<TTarget>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RegisterSlow<TTarget>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : ITarget
    {
        if (!TTarget.IsAvailable(vcpu, s, op) || !TTarget.Compute(vcpu, s, op, Width.ZeroExtend(Step.Get<T>(s, op->Base))))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Memory<TTarget, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : ITarget
        where TAddress : IAddressing
    {
        if (TOperation.HostForm != HostForm.Never && !TAddress.MayFault)
        {
            var linear = TAddress.Linear(vcpu, s, op, sizeof(T), false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsReadable(entry, linear, sizeof(T), false)
                && TTarget.TryHost(s, op, Width.ZeroExtend(*(T*)Operand.Place(entry, linear))))
            {
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &MemorySlow<TTarget, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MemorySlow<TTarget, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TTarget : ITarget
        where TAddress : IAddressing
    {
        if (!TTarget.IsAvailable(vcpu, s, op))
            return;
        var source = Operand.Read<TAddress, T>(vcpu, s, op);
        if (source == null || !TTarget.Compute(vcpu, s, op, Width.ZeroExtend(*source)))
            return;
        Step.Next(vcpu, s, op);
    }

    private interface ITarget
    {
        static abstract bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op);

        static abstract bool Compute(Vcpu vcpu, CpuState* s, Op* op, ulong value);

        // The short way; false where it does not apply, and nothing has changed.
        static virtual bool TryHost(CpuState* s, Op* op, ulong value) => false;
    }

    private readonly struct XmmTarget<TEncoding> : ITarget
        where TEncoding : IVectorEncoding
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => TEncoding.IsAvailable(vcpu, s, op);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static bool Compute(Vcpu vcpu, CpuState* s, Op* op, ulong value)
        {
            var destination = VectorRegister.Of(s, op->Destination);
            var result = TOperation.Compute(*VectorRegister.Of(s, op->Source), value, (int)op->Immediate, ref s->Sse);
            if (s->Sse.Unmasked != 0)
                return Availability.RaiseSimdException(vcpu, s, op);
            VectorRegister.Set<TEncoding>(destination, result);
            return true;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool TryHost(CpuState* s, Op* op, ulong value)
        {
            if (TOperation.HostForm == HostForm.Never || !TEncoding.IsOpen(s)
                || (TOperation.HostForm == HostForm.HostLike && !s->Sse.IsHostLikeAndInexact))
            {
                return false;
            }
            var result = TOperation.Host(*VectorRegister.Of(s, op->Source), value, (int)op->Immediate);
            VectorRegister.Set<TEncoding>(VectorRegister.Of(s, op->Destination), result);
            return true;
        }
    }

    private readonly struct MmxTarget : ITarget
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => Availability.Mmx(vcpu, s, op);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static bool Compute(Vcpu vcpu, CpuState* s, Op* op, ulong value)
        {
            // Four words, so that an insertion's position counts modulo 4.
            var first = Vector128.CreateScalar(*VectorRegister.Mmx(s, op->Destination)).AsByte();
            var result = TOperation.Compute(first, value, (int)op->Immediate & 3, ref s->Sse).AsUInt64().ToScalar();
            VectorRegister.EnterMmx(s);
            VectorRegister.SetMmx(s, op->Destination, result);
            return true;
        }
    }
}

/// <summary>An integer from a vector: PMOVMSKB, PEXTRW, CVTSD2SI, MOVD to a general register or to memory.</summary>
internal interface IToGeneral
{
    /// <summary>False where it only moves bits.</summary>
    static virtual bool CanRaise => true;

    /// <summary>Bits that each lane of a 256-bit form contributes; 0 where there is none.</summary>
    static virtual int BitsOfLane => 0;

    /// <summary>The integer, zero-extended.</summary>
    static abstract ulong Compute(Vector128<byte> b, int immediate, ref SseContext context);

    /// <summary>When <see cref="Host"/> does the same, and raises nothing new, provided that <see cref="IsPlain"/>.</summary>
    static virtual HostForm HostForm => HostForm.Never;

    /// <summary>The operand has a short way.</summary>
    static virtual bool IsPlain(Vector128<byte> b) => true;

    /// <summary>A short way to the result.</summary>
    static virtual ulong Host(Vector128<byte> b, int immediate) => 0;
}

/// <summary>Binds <c>op r, xmm/m</c>, <c>op r, mm</c>, <c>op r/m, xmm</c> and <c>op r/m, mm</c>.</summary>
internal static unsafe class ToGeneralShape<TOperation, TSource>
    where TOperation : IToGeneral
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        if (i.Op1Kind == OpKind.Register && i.Op1Register.IsMM())
            BindSource<MmxRegister>(ref operands);
        else if (!VectorOperands.IsVex(in i))
            BindFrom<LegacySse>(ref operands);
        else if ((operands.Mode & CodeMode.Unprotected) != 0)
            Undefined.BindInvalid(ref operands);
        else if (VectorOperands.IsWide(in i))
            BindFrom<Vex256>(ref operands);
        else
            BindFrom<Vex128>(ref operands);
    }

    private static void BindFrom<TEncoding>(ref Operands operands)
        where TEncoding : IVectorEncoding
    {
        BindSource<XmmRegister<TEncoding>>(ref operands);
        if (operands.IsForCompiler)
        {
            operands.Emission = new ToGeneralEmission(
                typeof(TOperation), VectorForm.Of<TEncoding, TSource>(), TOperation.BitsOfLane, operands.SizeOf(0), TOperation.CanRaise, TOperation.HostForm);
        }
    }

    private static void BindSource<TRegister>(ref Operands operands)
        where TRegister : IRegister
    {
        ref readonly var i = ref operands.Instruction;
        var op = operands.Op;
        if (i.GetOpKind(i.OpCount - 1) == OpKind.Immediate8)
            op->Immediate = i.Immediate8;
        if (operands.IsRegister(1))
            op->Source = operands.RegisterOf(1);
        if (!operands.IsRegister(0))
        {
            switch (operands.SizeOf(0))
            {
                case 1:
                    BindStore<TRegister, byte>(ref operands);
                    break;
                case 2:
                    BindStore<TRegister, ushort>(ref operands);
                    break;
                case 4:
                    BindStore<TRegister, uint>(ref operands);
                    break;
                default:
                    BindStore<TRegister, ulong>(ref operands);
                    break;
            }
            return;
        }
        op->Destination = operands.RegisterOf(0);
        op->Handler = operands.IsRegister(1) ? &ToRegister<TRegister> : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<TRegister, LongAddress>,
            AddressingKind.LongSegment => &FromMemory<TRegister, LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<TRegister, FlatAddress>,
            _ => &FromMemory<TRegister, SegmentedAddress>,
        };
    }

    private static void BindStore<TRegister, T>(ref Operands operands)
        where TRegister : IRegister
        where T : unmanaged
    {
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &ToMemory<TRegister, LongAddress, T>,
            AddressingKind.LongSegment => &ToMemory<TRegister, LongSegmentAddress, T>,
            AddressingKind.Flat => &ToMemory<TRegister, FlatAddress, T>,
            _ => &ToMemory<TRegister, SegmentedAddress, T>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToRegister<TRegister>(Vcpu vcpu, CpuState* s, Op* op)
        where TRegister : IRegister
    {
        if (TRegister.HasHostForm && TRegister.IsOpen(s))
        {
            var source = *VectorRegister.Of(s, op->Source);
            if (TOperation.IsPlain(source))
            {
                Step.Set(s, op->Destination, TOperation.Host(source, (int)op->Immediate));
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &ToRegisterSlow<TRegister>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TRegister, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TRegister : IRegister
        where TAddress : IAddressing
    {
        if (TRegister.HasHostForm && !TAddress.MayFault && TRegister.IsOpen(s))
        {
            var linear = TAddress.Linear(vcpu, s, op, TSource.Bytes, false);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsReadable(entry, linear, TSource.Bytes, TSource.IsAligned))
            {
                var source = TSource.Load(Operand.Place(entry, linear));
                if (TOperation.IsPlain(source))
                {
                    Step.Set(s, op->Destination, TOperation.Host(source, (int)op->Immediate));
                    Step.Next(vcpu, s, op);
                    return;
                }
            }
        }
        Step.Other(vcpu, s, op, &FromMemorySlow<TRegister, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToRegisterSlow<TRegister>(Vcpu vcpu, CpuState* s, Op* op)
        where TRegister : IRegister
    {
        if (!TRegister.IsAvailable(vcpu, s, op))
            return;
        var result = TRegister.Compute(s, op);
        if (s->Sse.Unmasked != 0)
        {
            Availability.RaiseSimdException(vcpu, s, op);
            return;
        }
        TRegister.Complete(s);
        Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemorySlow<TRegister, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TRegister : IRegister
        where TAddress : IAddressing
    {
        if (!TRegister.IsAvailable(vcpu, s, op))
            return;
        var source = VectorMemory.Read<TAddress, TSource, LegacySse>(vcpu, s, op);
        if (source == null)
            return;
        var result = Compute(s, op, source);
        if (s->Sse.Unmasked != 0)
        {
            Availability.RaiseSimdException(vcpu, s, op);
            return;
        }
        Step.Set(s, op->Destination, result);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToMemory<TRegister, TAddress, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TRegister : IRegister
        where TAddress : IAddressing
        where T : unmanaged
    {
        if (!TRegister.IsAvailable(vcpu, s, op))
            return;
        if (!Operand.Write<TAddress, T>(vcpu, s, op, Width.Truncate<T>(TRegister.Compute(s, op))))
            return;
        TRegister.Complete(s);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Compute(CpuState* s, Op* op, byte* source) => TOperation.Compute(TSource.Load(source), (int)op->Immediate, ref s->Sse);

    private interface IRegister
    {
        static abstract bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op);

        static abstract ulong Compute(CpuState* s, Op* op);

        static abstract void Complete(CpuState* s);

        // The short way is there, for the operation and this kind of register.
        static virtual bool HasHostForm => false;

        static virtual bool IsOpen(CpuState* s) => false;
    }

    private readonly struct XmmRegister<TEncoding> : IRegister
        where TEncoding : IVectorEncoding
    {
        public static bool HasHostForm => TOperation.HostForm != HostForm.Never && !TEncoding.IsWide;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsOpen(CpuState* s) =>
            TEncoding.IsOpen(s) && (TOperation.HostForm == HostForm.Always || s->Sse.IsHostLikeAndInexact);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => TEncoding.IsAvailable(vcpu, s, op);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static ulong Compute(CpuState* s, Op* op)
        {
            var source = VectorRegister.Of(s, op->Source);
            var result = TOperation.Compute(source[0], (int)op->Immediate, ref s->Sse);
            return TEncoding.IsWide ? result | TOperation.Compute(source[1], (int)op->Immediate, ref s->Sse) << TOperation.BitsOfLane : result;
        }

        public static void Complete(CpuState* s)
        {
        }
    }

    private readonly struct MmxRegister : IRegister
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) => Availability.Mmx(vcpu, s, op);

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static ulong Compute(CpuState* s, Op* op) =>
            TOperation.Compute(Vector128.CreateScalar(*VectorRegister.Mmx(s, op->Source)).AsByte(), (int)op->Immediate & 3, ref s->Sse);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Complete(CpuState* s) => VectorRegister.EnterMmx(s);
    }
}
