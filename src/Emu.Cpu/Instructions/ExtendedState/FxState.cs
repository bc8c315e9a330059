using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.ExtendedState;

/// <summary>FXSAVE, FXRSTOR, LDMXCSR, STMXCSR (SDM Vol. 2).</summary>
internal static unsafe class FxState
{
    private const ulong Alignment = 15;

    /// <summary>FXSAVE: #GP(0) where the area is not aligned to 16 bytes. XMM registers are saved whatever CR4.OSFXSR says.</summary>
    public static void BindFxsave(ref Operands operands)
    {
        Take(ref operands);
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Fxsave<LongAddress>,
            AddressingKind.LongSegment => &Fxsave<LongSegmentAddress>,
            AddressingKind.Flat => &Fxsave<FlatAddress>,
            _ => &Fxsave<SegmentedAddress>,
        };
    }

    /// <summary>FXRSTOR: #GP(0) for reserved bits of MXCSR, too.</summary>
    public static void BindFxrstor(ref Operands operands)
    {
        Take(ref operands);
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Fxrstor<LongAddress>,
            AddressingKind.LongSegment => &Fxrstor<LongSegmentAddress>,
            AddressingKind.Flat => &Fxrstor<FlatAddress>,
            _ => &Fxrstor<SegmentedAddress>,
        };
    }

    /// <summary>LDMXCSR: #GP(0) for reserved bits. Nothing that it unmasks is pending.</summary>
    public static void BindLdmxcsr(ref Operands operands) => operands.Op->Handler = operands.Addressing switch
    {
        AddressingKind.Long => &Ldmxcsr<LongAddress>,
        AddressingKind.LongSegment => &Ldmxcsr<LongSegmentAddress>,
        AddressingKind.Flat => &Ldmxcsr<FlatAddress>,
        _ => &Ldmxcsr<SegmentedAddress>,
    };

    /// <summary>STMXCSR.</summary>
    public static void BindStmxcsr(ref Operands operands) => operands.Op->Handler = operands.Addressing switch
    {
        AddressingKind.Long => &Stmxcsr<LongAddress>,
        AddressingKind.LongSegment => &Stmxcsr<LongSegmentAddress>,
        AddressingKind.Flat => &Stmxcsr<FlatAddress>,
        _ => &Stmxcsr<SegmentedAddress>,
    };

    // Source: 64-bit pointers; Destination: XMM registers that the mode can name.
    private static void Take(ref Operands operands)
    {
        operands.Op->Source = operands.Instruction.Code is Code.Fxsave64_m512byte or Code.Fxrstor64_m512byte ? (byte)1 : (byte)0;
        operands.Op->Destination = operands.Is64 ? (byte)16 : (byte)8;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fxsave<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        var linear = TAddress.Linear(vcpu, s, op, sizeof(LegacyArea), true);
        if ((linear & Alignment) != 0)
        {
            vcpu.RaiseMisalignedState(op, linear);
            return;
        }
        var area = (byte*)Operand.ModifyAt<LegacyArea>(vcpu, s, op, linear);
        if (area == null)
            return;
        StateArea.StoreX87(s, area, op->Source != 0, vcpu.Model.Vendor);
        StateArea.StoreMxcsr(s, area);
        StateArea.StoreXmm(s, area, op->Destination);
        Operand.Commit(vcpu, s, area);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fxrstor<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        var linear = TAddress.Linear(vcpu, s, op, sizeof(LegacyArea), false);
        if ((linear & Alignment) != 0)
        {
            vcpu.RaiseMisalignedState(op, linear);
            return;
        }
        var area = (byte*)Operand.ReadAt<LegacyArea>(vcpu, s, op, linear);
        if (area == null)
            return;
        if ((StateArea.Mxcsr(area) & ~SseContext.WritableBits) != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        StateArea.LoadX87(s, area, op->Source != 0);
        s->Mxcsr = StateArea.Mxcsr(area);
        StateArea.LoadXmm(s, area, op->Destination);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Ldmxcsr<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!IsAvailable(vcpu, s, op))
            return;
        var operand = Operand.Read<TAddress, uint>(vcpu, s, op);
        if (operand == null)
            return;
        if ((*operand & ~SseContext.WritableBits) != 0)
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        s->Sse.Mxcsr = *operand;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Stmxcsr<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!IsAvailable(vcpu, s, op) || !Operand.Write<TAddress, uint>(vcpu, s, op, s->Sse.Mxcsr))
            return;
        Step.Next(vcpu, s, op);
    }

    // The VEX forms share these handlers.
    private static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op) =>
        (Code)op->Code is Code.VEX_Vldmxcsr_m32 or Code.VEX_Vstmxcsr_m32 ? Availability.Avx(vcpu, s, op) : Availability.Sse(vcpu, s, op);
}
