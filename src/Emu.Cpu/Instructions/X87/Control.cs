using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>Instructions that control the FPU and do not record themselves as its last: FNINIT, FNCLEX, FLDCW, FNSTCW, FNSTSW, WAIT, EMMS.</summary>
internal static unsafe class X87Control
{
    private const byte RaxOffset = 0;

    /// <summary>FNINIT (SDM Vol. 2A): the contents of the registers stay.</summary>
    public static void BindFninit(ref Operands operands) => operands.Op->Handler = &Fninit;

    /// <summary>FNCLEX (SDM Vol. 2A).</summary>
    public static void BindFnclex(ref Operands operands) => operands.Op->Handler = &Fnclex;

    /// <summary>WAIT (SDM Vol. 2B).</summary>
    public static void BindWait(ref Operands operands) => operands.Op->Handler = &Wait;

    /// <summary>EMMS (SDM Vol. 2A): every register is empty.</summary>
    public static void BindEmms(ref Operands operands) => operands.Op->Handler = &Emms;

    /// <summary>FNENI, FNDISI, FNSETPM: of the 8087 and 80287, nothing today.</summary>
    public static void BindIgnored(ref Operands operands) => operands.Op->Handler = &Ignored;

    /// <summary>FNSTSW (SDM Vol. 2A): to AX or memory.</summary>
    public static void BindFnstsw(ref Operands operands) => operands.Op->Handler = operands.IsRegister(0) ? &FnstswAx : operands.Addressing switch
    {
        AddressingKind.Long => &Fnstsw<LongAddress>,
        AddressingKind.LongSegment => &Fnstsw<LongSegmentAddress>,
        AddressingKind.Flat => &Fnstsw<FlatAddress>,
        _ => &Fnstsw<SegmentedAddress>,
    };

    /// <summary>FNSTCW (SDM Vol. 2A).</summary>
    public static void BindFnstcw(ref Operands operands) => operands.Op->Handler = operands.Addressing switch
    {
        AddressingKind.Long => &Fnstcw<LongAddress>,
        AddressingKind.LongSegment => &Fnstcw<LongSegmentAddress>,
        AddressingKind.Flat => &Fnstcw<FlatAddress>,
        _ => &Fnstcw<SegmentedAddress>,
    };

    /// <summary>FLDCW (SDM Vol. 2A): an exception that it unmasks is pending at once.</summary>
    public static void BindFldcw(ref Operands operands) => operands.Op->Handler = operands.Addressing switch
    {
        AddressingKind.Long => &Fldcw<LongAddress>,
        AddressingKind.LongSegment => &Fldcw<LongSegmentAddress>,
        AddressingKind.Flat => &Fldcw<FlatAddress>,
        _ => &Fldcw<SegmentedAddress>,
    };

    /// <summary>The state after FNINIT, except for the registers' contents (SDM Vol. 3, table 10-1).</summary>
    public static void Initialize(CpuState* s)
    {
        s->X87.Context = new X87Context(X87Context.InitialControl);
        s->X87.Valid = 0;
        s->X87.LastOpcode = s->X87.LastCodeSelector = s->X87.LastDataSelector = 0;
        s->X87.LastInstruction = s->X87.LastOperand = 0;
    }

    /// <summary>Loads the control word; bit 6 is always set, reserved bits are not kept.</summary>
    public static void LoadControl(CpuState* s, ushort control)
    {
        const ushort reserved = 0xE080;
        s->X87.Control = (ushort)((control & ~reserved) | 0x40);
        X87Stack.Summarize(s);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fninit(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        Initialize(s);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fnclex(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        s->X87.Context.StatusWord &= X87Context.TopMask | X87Context.ConditionMask;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wait(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Wait(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Emms(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.Mmx(vcpu, s, op))
            return;
        VectorRegister.EnterMmx(s);
        s->X87.Valid = 0;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Ignored(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FnstswAx(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!Availability.X87NoWait(vcpu, s, op))
            return;
        Step.Set(s, RaxOffset, s->X87.Context.StatusWord);
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fnstsw<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87NoWait(vcpu, s, op) || !Operand.Write<TAddress, ushort>(vcpu, s, op, s->X87.Context.StatusWord))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fnstcw<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87NoWait(vcpu, s, op) || !Operand.Write<TAddress, ushort>(vcpu, s, op, s->X87.Context.ControlWord))
            return;
        Step.Next(vcpu, s, op);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fldcw<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!Availability.X87(vcpu, s, op))
            return;
        var operand = Operand.Read<TAddress, ushort>(vcpu, s, op);
        if (operand == null)
            return;
        LoadControl(s, *operand);
        Step.Next(vcpu, s, op);
    }
}
