using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>
/// Binds VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ (SDM Vol. 2C): elements whose mask is clear are not accessed, nor checked against
/// their segment.
/// </summary>
internal static unsafe class MaskedMove<T>
    where T : unmanaged
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
        op->Immediate = VectorOperands.IsWide(in operands.Instruction) ? 32 : 16;
        if (operands.IsRegister(0))
        {
            op->Destination = operands.RegisterOf(0);
            op->Source = operands.RegisterOf(1);
            op->Handler = &Load;
            return;
        }
        op->Source = operands.RegisterOf(1);
        op->Destination = operands.RegisterOf(2);
        op->Handler = &Store;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op) || !LoadElements(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op) || !StoreElements(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    // Each element has its own look at the segment: those whose mask is clear cannot fault. None wraps within the address size.
    private static ulong Element(Vcpu vcpu, CpuState* s, Op* op, int at, bool write) =>
        vcpu.Segment(op, (SegmentName)op->Segment, (LongAddress.Linear(vcpu, s, op, 0, write) & op->AddressMask) + (ulong)at, sizeof(T), write);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool LoadElements(Vcpu vcpu, CpuState* s, Op* op)
    {
        var mask = (byte*)VectorRegister.Of(s, op->Source);
        Vector256<byte> result = default;
        for (var at = 0; at < op->Immediate; at += sizeof(T))
        {
            if ((mask[at + sizeof(T) - 1] & 0x80) == 0)
                continue;
            var element = Operand.ReadAt<T>(vcpu, s, op, Element(vcpu, s, op, at, false));
            if (element == null)
                return false;
            *(T*)((byte*)&result + at) = *element;
        }
        *(Vector256<byte>*)VectorRegister.Of(s, op->Destination) = result;
        return true;
    }

    // Every chosen element must be writable before the first is written.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StoreElements(Vcpu vcpu, CpuState* s, Op* op)
    {
        var mask = (byte*)VectorRegister.Of(s, op->Source);
        var data = (byte*)VectorRegister.Of(s, op->Destination);
        for (var at = 0; at < op->Immediate; at += sizeof(T))
        {
            if ((mask[at + sizeof(T) - 1] & 0x80) != 0
                && !vcpu.ProbeWrite(op, Element(vcpu, s, op, at, true), sizeof(T), (SegmentName)op->Segment))
            {
                return false;
            }
        }
        for (var at = 0; at < op->Immediate; at += sizeof(T))
        {
            if ((mask[at + sizeof(T) - 1] & 0x80) != 0
                && !Operand.WriteAt(vcpu, s, op, Element(vcpu, s, op, at, true), *(T*)(data + at)))
            {
                return false;
            }
        }
        return true;
    }
}

/// <summary>Binds gathers (SDM Vol. 2C, VPGATHERDD): <typeparamref name="T"/> elements, <typeparamref name="TIndex"/> indexes.</summary>
/// <remarks>An element that has been read clears its mask at once: a fault on a later one leaves what is done, and a restart goes on there.</remarks>
internal static unsafe class Gather<T, TIndex>
    where T : unmanaged
    where TIndex : unmanaged
{
    /// <summary>Binds one instruction. #UD where destination, index and mask are not three registers.</summary>
    public static void Bind(ref Operands operands)
    {
        var op = operands.Op;
        op->Destination = operands.RegisterOf(0);
        op->Source = Operands.RegisterOffset(operands.Instruction.MemoryIndex);
        op->Immediate = operands.RegisterOf(2);
        if ((operands.Mode & CodeMode.Unprotected) != 0 || op->Destination == op->Source || op->Destination == op->Immediate || op->Source == op->Immediate)
        {
            Undefined.BindInvalid(ref operands);
            return;
        }
        // Elements, by the wider of the two: bits 8 and up of the immediate.
        var bytes = VectorOperands.IsWide(in operands.Instruction) || operands.Instruction.MemoryIndex.IsYMM() ? 32 : 16;
        op->Immediate |= (long)(bytes / Math.Max(sizeof(T), sizeof(TIndex))) << 8;
        op->Handler = &Read;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Avx(vcpu, s, op) || !ReadElements(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ReadElements(Vcpu vcpu, CpuState* s, Op* op)
    {
        var destination = (byte*)VectorRegister.Of(s, op->Destination);
        var index = (byte*)VectorRegister.Of(s, op->Source);
        var mask = (byte*)VectorRegister.Of(s, (byte)op->Immediate);
        var count = (int)(op->Immediate >> 8);
        // A mask is its element's sign.
        // Intel's processors spread it before they begin, which a fault shows; AMD's leave it.
        for (var i = 0; i < count && vcpu.Model.Vendor == CpuVendor.Intel; i++)
        {
            var all = (byte)((sbyte)mask[(i + 1) * sizeof(T) - 1] >> 7);
            new Span<byte>(mask + i * sizeof(T), sizeof(T)).Fill(all);
        }
        for (var i = 0; i < count; i++)
        {
            if ((sbyte)mask[(i + 1) * sizeof(T) - 1] >= 0)
            {
                new Span<byte>(mask + i * sizeof(T), sizeof(T)).Clear();
                continue;
            }
            var offset = sizeof(TIndex) == 4 ? ((int*)index)[i] : ((long*)index)[i];
            var linear = DistantAddress.Linear(vcpu, s, op, (ulong)(offset << op->Scale), sizeof(T), false);
            var element = Operand.ReadAt<T>(vcpu, s, op, linear);
            if (element == null)
                return false;
            *(T*)(destination + i * sizeof(T)) = *element;
            new Span<byte>(mask + i * sizeof(T), sizeof(T)).Clear();
        }
        var done = count * sizeof(T);
        new Span<byte>(destination + done, 32 - done).Clear();
        new Span<byte>(mask, 32).Clear();
        return true;
    }
}

/// <summary>Binds VCVTPS2PH (SDM Vol. 2C): to a register or to memory.</summary>
internal static unsafe class ConvertToHalves
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
        var isWide = VectorOperands.IsWide(in operands.Instruction);
        op->Source = operands.RegisterOf(1);
        op->Immediate = operands.Instruction.Immediate8 | (isWide ? 0x100 : 0);
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
        if (!Availability.Avx(vcpu, s, op) || !Store(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ToMemory<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.Avx(vcpu, s, op) || !Write<TAddress>(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Store(Vcpu vcpu, CpuState* s, Op* op)
    {
        var result = Compute(s, op);
        if (s->Sse.Unmasked != 0)
            return Availability.RaiseSimdException(vcpu, s, op);
        var destination = VectorRegister.Of(s, op->Destination);
        destination[0] = result.AsByte();
        destination[1] = default;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Write<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        var isWide = (op->Immediate & 0x100) != 0;
        var linear = TAddress.Linear(vcpu, s, op, isWide ? 16 : 8, true);
        var before = s->Sse.Mxcsr;
        var result = Compute(s, op);
        if (s->Sse.Unmasked != 0)
        {
            // The place comes before what would be stored there.
            if (vcpu.ProbeWrite(op, linear, isWide ? 16 : 8, (SegmentName)op->Segment))
                return Availability.RaiseSimdException(vcpu, s, op);
            s->Sse.Mxcsr = before;
            s->Sse.Unmasked = 0;
            return false;
        }
        if (isWide ? Operand.WriteAt(vcpu, s, op, linear, result) : Operand.WriteAt(vcpu, s, op, linear, result.ToScalar()))
            return true;
        s->Sse.Mxcsr = before;
        return false;
    }

    private static Vector128<ulong> Compute(CpuState* s, Op* op)
    {
        var source = VectorRegister.Of(s, op->Source);
        var before = s->Sse.Mxcsr;
        var control = (int)op->Immediate & 0xFF;
        var low = FloatingPoint.PackedFloat32.ToFloat16(source[0].AsSingle(), control, ref s->Sse);
        var high = (op->Immediate & 0x100) != 0 ? FloatingPoint.PackedFloat32.ToFloat16(source[1].AsSingle(), control, ref s->Sse) : 0;
        s->Sse.SettlePacked(before);
        return Vector128.Create(low, high);
    }
}
