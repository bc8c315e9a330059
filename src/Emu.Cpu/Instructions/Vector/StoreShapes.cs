using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>Which part of a register a store takes. A type argument of handlers.</summary>
internal interface IStoredPart
{
    /// <summary>Bytes stored: 16, 8 or 4.</summary>
    static abstract int Bytes { get; }

    /// <summary>Where they begin in the register.</summary>
    static abstract int Start { get; }

    /// <summary>#GP(0) where the operand is not aligned.</summary>
    static abstract bool IsAligned { get; }
}

/// <summary>The whole register to an aligned place: MOVAPS, MOVNTDQ.</summary>
internal readonly struct AlignedPart : IStoredPart
{
    public static int Bytes => 16;

    public static int Start => 0;

    public static bool IsAligned => true;
}

/// <summary>The whole register to any place: MOVUPS.</summary>
internal readonly struct UnalignedPart : IStoredPart
{
    public static int Bytes => 16;

    public static int Start => 0;

    public static bool IsAligned => false;
}

/// <summary>The lower quadword: MOVSD, MOVLPS, MOVQ.</summary>
internal readonly struct LowPart : IStoredPart
{
    public static int Bytes => 8;

    public static int Start => 0;

    public static bool IsAligned => false;
}

/// <summary>The upper quadword: MOVHPS.</summary>
internal readonly struct HighPart : IStoredPart
{
    public static int Bytes => 8;

    public static int Start => 8;

    public static bool IsAligned => false;
}

/// <summary>The lowest doubleword: MOVSS.</summary>
internal readonly struct LowestPart : IStoredPart
{
    public static int Bytes => 4;

    public static int Start => 0;

    public static bool IsAligned => false;
}

/// <summary>Binds <c>op m, xmm</c> and <c>vop m, ymm</c>.</summary>
internal static unsafe class StoreShape<TPart>
    where TPart : IStoredPart
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        operands.Op->Source = operands.RegisterOf(1);
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
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Store<TEncoding, LongAddress>,
            AddressingKind.LongSegment => &Store<TEncoding, LongSegmentAddress>,
            AddressingKind.Flat => &Store<TEncoding, FlatAddress>,
            _ => &Store<TEncoding, SegmentedAddress>,
        };
        if (operands.IsForCompiler)
            operands.Emission = new VectorStoreEmission(TEncoding.IsWide, TEncoding.IsVex, TPart.Bytes, TPart.Start, TPart.IsAligned);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TAddress.MayFault && TEncoding.IsOpen(s))
        {
            var size = TEncoding.IsWide ? 32 : TPart.Bytes;
            var linear = TAddress.Linear(vcpu, s, op, size, true);
            var entry = Tlb.Slot(s->DataTlb, linear);
            if (Operand.IsWritable(entry, linear, size, TPart.IsAligned))
            {
                var place = Operand.Place(entry, linear);
                var from = (byte*)VectorRegister.Of(s, op->Source) + TPart.Start;
                if (TEncoding.IsWide)
                    *(Vector256<byte>*)place = *(Vector256<byte>*)from;
                else if (TPart.Bytes == 16)
                    *(Vector128<byte>*)place = *(Vector128<byte>*)from;
                else if (TPart.Bytes == 8)
                    *(ulong*)place = *(ulong*)from;
                else
                    *(uint*)place = *(uint*)from;
                Step.Next(vcpu, s, op);
                return;
            }
        }
        Step.Other(vcpu, s, op, &StoreSlow<TEncoding, TAddress>);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreSlow<TEncoding, TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TEncoding : IVectorEncoding
        where TAddress : IAddressing
    {
        if (!TEncoding.IsAvailable(vcpu, s, op))
            return;
        var size = TEncoding.IsWide ? 32 : TPart.Bytes;
        var linear = TAddress.Linear(vcpu, s, op, size, true);
        if (TPart.IsAligned && (linear & (ulong)(size - 1)) != 0)
        {
            vcpu.RaiseMisaligned(op);
            return;
        }
        var from = (byte*)VectorRegister.Of(s, op->Source) + TPart.Start;
        if (TEncoding.IsWide)
        {
            if (!Operand.WriteAt(vcpu, s, op, linear, *(Vector256<byte>*)from))
                return;
        }
        else if (TPart.Bytes == 16)
        {
            if (!Operand.WriteAt(vcpu, s, op, linear, *(Vector128<byte>*)from))
                return;
        }
        else if (TPart.Bytes == 8)
        {
            if (!Operand.WriteAt(vcpu, s, op, linear, *(ulong*)from))
                return;
        }
        else
        {
            if (!Operand.WriteAt(vcpu, s, op, linear, *(uint*)from))
                return;
        }
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Binds stores that also have a register form: <c>op xmm/m, xmm</c>.</summary>
internal static unsafe class StoreOrMove<TPart, TMove, TSource>
    where TPart : IStoredPart
    where TMove : IVectorOperation
    where TSource : IVectorSource
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.IsRegister(0))
            PackedShape<TMove, TSource>.Bind(ref operands);
        else
            StoreShape<TPart>.Bind(ref operands);
    }
}

/// <summary>Binds <c>MOVQ m64, mm</c> and MOVNTQ.</summary>
internal static unsafe class MmxStore
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.IsRegister(0))
        {
            MmxShape<Move, Half>.Bind(ref operands);
            return;
        }
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Store<LongAddress>,
            AddressingKind.LongSegment => &Store<LongSegmentAddress>,
            AddressingKind.Flat => &Store<FlatAddress>,
            _ => &Store<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Mmx(vcpu, s, op) || !Operand.Write<TAddress, ulong>(vcpu, s, op, *VectorRegister.Mmx(s, op->Source)))
            return;
        VectorRegister.EnterMmx(s);
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Binds MOVNTI: a store from a general register that no control register forbids.</summary>
internal static unsafe class Movnti
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (operands.SizeOf(1) == 8)
            Bind<ulong>(ref operands);
        else
            Bind<uint>(ref operands);
    }

    private static void Bind<T>(ref Operands operands)
        where T : unmanaged
    {
        operands.Op->Source = operands.RegisterOf(1);
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Store<LongAddress, T>,
            AddressingKind.LongSegment => &Store<LongSegmentAddress, T>,
            AddressingKind.Flat => &Store<FlatAddress, T>,
            _ => &Store<SegmentedAddress, T>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TAddress, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
        where T : unmanaged
    {
        if (!Operand.Write<TAddress, T>(vcpu, s, op, Step.Get<T>(s, op->Source)))
            return;
        Step.Next(vcpu, s, op);
    }
}

/// <summary>Binds MASKMOVQ and MASKMOVDQU: bytes selected by a mask, to DS:rDI.</summary>
internal static unsafe class MaskedStore
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        op->Destination = operands.RegisterOf(1);
        op->Source = operands.RegisterOf(2);
        operands.TakeStringDestination(0);
        var isMmx = operands.SizeOf(1) == 8;
        op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => isMmx ? &StoreMmx<LongAddress> : &Store<LongAddress>,
            AddressingKind.LongSegment => isMmx ? &StoreMmx<LongSegmentAddress> : &Store<LongSegmentAddress>,
            AddressingKind.Flat => isMmx ? &StoreMmx<FlatAddress> : &Store<FlatAddress>,
            _ => isMmx ? &StoreMmx<SegmentedAddress> : &Store<SegmentedAddress>,
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!((Code)op->Code == Code.VEX_Vmaskmovdqu_rDI_xmm_xmm ? Availability.Avx(vcpu, s, op) : Availability.Sse(vcpu, s, op)))
            return;
        var data = (byte*)VectorRegister.Of(s, op->Destination);
        var mask = (byte*)VectorRegister.Of(s, op->Source);
        if (!StoreBytes(vcpu, s, op, TAddress.Linear(vcpu, s, op, 16, true), data, mask, 16))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreMmx<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Mmx(vcpu, s, op))
            return;
        var data = (byte*)VectorRegister.Mmx(s, op->Destination);
        var mask = (byte*)VectorRegister.Mmx(s, op->Source);
        // AMD's processors have left x87 mode by the time that the store faults.
        if (vcpu.Model.Vendor == CpuVendor.Amd)
            VectorRegister.EnterMmx(s);
        if (!StoreBytes(vcpu, s, op, TAddress.Linear(vcpu, s, op, 8, true), data, mask, 8))
            return;
        VectorRegister.EnterMmx(s);
        Step.Next(vcpu, s, op);
    }

    // The whole operand must be writable, whatever the mask (SDM Vol. 2B leaves it to the implementation). Bytes go one by one:
    // a repetition asked for on the way writes the same again.
    private static bool StoreBytes(Vcpu vcpu, CpuState* s, Op* op, ulong linear, byte* data, byte* mask, int size)
    {
        if (!vcpu.ProbeWrite(op, linear, size, (SegmentName)op->Segment))
            return false;
        for (var i = 0; i < size; i++)
        {
            if ((mask[i] & 0x80) != 0 && !Operand.WriteAt(vcpu, s, op, linear + (ulong)i, data[i]))
                return false;
        }
        return true;
    }
}
