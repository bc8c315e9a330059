using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>A VEX.256 operation whose lanes depend on both lanes of its sources.</summary>
internal unsafe interface ICrossLaneOperation
{
    /// <summary>True where it is arithmetic, which may raise exceptions.</summary>
    static virtual bool CanRaise => false;

    /// <summary>Computes both lanes; sources and result may be the same register.</summary>
    /// <param name="result">Receives two lanes.</param>
    /// <param name="a">First source.</param>
    /// <param name="b">Second source.</param>
    /// <param name="immediate">The immediate byte.</param>
    /// <param name="context">MXCSR.</param>
    static abstract void Compute(Vector128<byte>* result, Vector128<byte>* a, Vector128<byte>* b, int immediate, ref SseContext context);
}

/// <summary>VPERM2F128, VPERM2I128 (SDM Vol. 2C).</summary>
internal readonly unsafe struct Vperm2f128 : ICrossLaneOperation
{
    public static void Compute(Vector128<byte>* result, Vector128<byte>* a, Vector128<byte>* b, int immediate, ref SseContext context)
    {
        var low = Choose(a, b, immediate);
        var high = Choose(a, b, immediate >> 4);
        result[0] = low;
        result[1] = high;
    }

    private static Vector128<byte> Choose(Vector128<byte>* a, Vector128<byte>* b, int control) =>
        (control & 8) != 0 ? default : (control & 2) != 0 ? b[control & 1] : a[control & 1];
}

/// <summary>VPERMQ, VPERMPD (SDM Vol. 2C).</summary>
internal readonly unsafe struct Vpermq : ICrossLaneOperation
{
    public static void Compute(Vector128<byte>* result, Vector128<byte>* a, Vector128<byte>* b, int immediate, ref SseContext context)
    {
        var from = (ulong*)b;
        var low = Vector128.Create(from[immediate & 3], from[immediate >> 2 & 3]);
        var high = Vector128.Create(from[immediate >> 4 & 3], from[immediate >> 6 & 3]);
        result[0] = low.AsByte();
        result[1] = high.AsByte();
    }
}

/// <summary>VPERMD, VPERMPS (SDM Vol. 2C): the first source holds the indexes.</summary>
internal readonly unsafe struct Vpermd : ICrossLaneOperation
{
    public static void Compute(Vector128<byte>* result, Vector128<byte>* a, Vector128<byte>* b, int immediate, ref SseContext context)
    {
        uint* from = (uint*)b, index = (uint*)a;
        var low = Vector128.Create(from[index[0] & 7], from[index[1] & 7], from[index[2] & 7], from[index[3] & 7]);
        var high = Vector128.Create(from[index[4] & 7], from[index[5] & 7], from[index[6] & 7], from[index[7] & 7]);
        result[0] = low.AsByte();
        result[1] = high.AsByte();
    }
}

/// <summary>VCVTPD2PS, VCVTPD2DQ, VCVTTPD2DQ from 256 bits: the results of both lanes in the lower one.</summary>
internal readonly unsafe struct NarrowTo128<TConversion> : ICrossLaneOperation
    where TConversion : IFloatOperation
{
    public static bool CanRaise => true;

    public static void Compute(Vector128<byte>* result, Vector128<byte>* a, Vector128<byte>* b, int immediate, ref SseContext context)
    {
        var before = context.Mxcsr;
        var low = TConversion.Compute(default, b[0], immediate, ref context).AsUInt64().ToScalar();
        var high = TConversion.Compute(default, b[1], immediate, ref context).AsUInt64().ToScalar();
        if (context.Unmasked != 0)
        {
            context.SettlePacked(before);
            return;
        }
        result[0] = Vector128.Create(low, high).AsByte();
        result[1] = default;
    }
}

/// <summary>Binds <c>vop ymm, ymm/m256, imm8</c>, <c>vop ymm, ymm, ymm/m256</c> and the like.</summary>
internal static unsafe class CrossLaneShape<TOperation>
    where TOperation : ICrossLaneOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if ((operands.Mode & CodeMode.Unprotected) != 0)
        {
            Undefined.BindInvalid(ref operands);
            return;
        }
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &FromRegister : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<LongAddress>,
            AddressingKind.LongSegment => &FromMemory<LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<FlatAddress>,
            _ => &FromMemory<SegmentedAddress>,
        };
        if (operands.IsForCompiler)
            operands.Emission = new CrossLaneEmission(typeof(TOperation), TOperation.CanRaise);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op) || !Compute(vcpu, s, op, VectorRegister.Of(s, op->Base)))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Avx(vcpu, s, op))
            return;
        var source = Operand.Read<TAddress, Vector256<byte>>(vcpu, s, op);
        if (source == null || !Compute(vcpu, s, op, (Vector128<byte>*)source))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Compute(Vcpu vcpu, CpuState* s, Op* op, Vector128<byte>* source)
    {
        TOperation.Compute(VectorRegister.Of(s, op->Destination), VectorRegister.Of(s, op->Source), source, (int)op->Immediate, ref s->Sse);
        return s->Sse.Unmasked == 0 || Availability.RaiseSimdException(vcpu, s, op);
    }
}

/// <summary>Binds VINSERTF128 and VINSERTI128 (SDM Vol. 2C).</summary>
internal static unsafe class InsertLane
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if ((operands.Mode & CodeMode.Unprotected) != 0)
        {
            Undefined.BindInvalid(ref operands);
            return;
        }
        operands.Op->Handler = !VectorOperands.Take(ref operands) ? &FromRegister : operands.Addressing switch
        {
            AddressingKind.Long => &FromMemory<LongAddress>,
            AddressingKind.LongSegment => &FromMemory<LongSegmentAddress>,
            AddressingKind.Flat => &FromMemory<FlatAddress>,
            _ => &FromMemory<SegmentedAddress>,
        };
        if (operands.IsForCompiler)
            operands.Emission = new InsertLaneEmission();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op))
            return;
        Insert(s, op, VectorRegister.Of(s, op->Base));
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FromMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Avx(vcpu, s, op))
            return;
        var source = Operand.Read<TAddress, Vector128<byte>>(vcpu, s, op);
        if (source == null)
            return;
        Insert(s, op, source);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Insert(CpuState* s, Op* op, Vector128<byte>* source)
    {
        var destination = VectorRegister.Of(s, op->Destination);
        var first = VectorRegister.Of(s, op->Source);
        var lane = (int)op->Immediate & 1;
        var inserted = *source;
        destination[1 - lane] = first[1 - lane];
        destination[lane] = inserted;
    }
}

/// <summary>Binds VEXTRACTF128 and VEXTRACTI128 (SDM Vol. 2C).</summary>
internal static unsafe class ExtractLane
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if ((operands.Mode & CodeMode.Unprotected) != 0)
        {
            Undefined.BindInvalid(ref operands);
            return;
        }
        var op = operands.Op;
        op->Immediate = operands.Instruction.Immediate8 & 1;
        if (operands.IsForCompiler)
            operands.Emission = new ExtractLaneEmission();
        op->Source = operands.RegisterOf(1);
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Handler = &ToRegister;
            return;
        }
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &ToMemory<LongAddress>,
            AddressingKind.LongSegment => &ToMemory<LongSegmentAddress>,
            AddressingKind.Flat => &ToMemory<FlatAddress>,
            _ => &ToMemory<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToRegister(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op))
            return;
        var destination = VectorRegister.Of(s, op->Destination);
        destination[0] = VectorRegister.Of(s, op->Source)[op->Immediate];
        destination[1] = default;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Avx(vcpu, s, op)
            || !Operand.Write<TAddress, Vector128<byte>>(vcpu, s, op, VectorRegister.Of(s, op->Source)[op->Immediate]))
        {
            return;
        }
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Binds VZEROUPPER and VZEROALL (SDM Vol. 2C): of the registers that the mode can name.</summary>
internal static unsafe class ZeroRegisters
{
    /// <summary>VZEROUPPER.</summary>
    public static void BindUpper(ref Operands operands) => Bind(ref operands, 1);

    /// <summary>VZEROALL.</summary>
    public static void BindAll(ref Operands operands) => Bind(ref operands, 0);

    private static void Bind(ref Operands operands, byte firstLane)
    {
        if ((operands.Mode & CodeMode.Unprotected) != 0)
        {
            Undefined.BindInvalid(ref operands);
            return;
        }
        operands.Op->Source = firstLane;
        operands.Op->Destination = operands.Is64 ? (byte)16 : (byte)8;
        operands.Op->Handler = &Zero;
        if (operands.IsForCompiler)
            operands.Emission = new ZeroRegistersEmission();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Zero(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op))
            return;
        var lanes = VectorRegister.Of(s, 0);
        for (var i = 0; i < op->Destination; i++)
        {
            lanes[i * 2 + 1] = default;
            if (op->Source == 0)
                lanes[i * 2] = default;
        }
        Step.Next(vcpu, s, op);
    }
}
