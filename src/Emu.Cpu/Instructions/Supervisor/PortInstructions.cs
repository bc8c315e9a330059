using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>IN and OUT (SDM Vol. 2).</summary>
internal static unsafe class PortInstructions
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.In, &Bind);
        table.Add(Mnemonic.Out, &Bind);
    }

    private static void Bind(ref Operands operands)
    {
        ref readonly var i = ref operands.Instruction;
        var isIn = i.Mnemonic == Mnemonic.In;
        var port = isIn ? 1 : 0;
        var op = operands.Op;
        op->Source = (byte)i.GetOpRegister(1 - port).GetSize();
        // −1: the port is in DX.
        op->Immediate = operands.IsRegister(port) ? -1 : i.Immediate8;
        op->Handler = isIn ? &In : &Out;
        operands.EndsBlock = true;
    }

    // What the device did may have asked for anything: an interrupt, the end of the run, another meaning of addresses.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void In(Vcpu vcpu, CpuState* s, Op* op)
    {
        var port = PortOf(s, op);
        if (!PortPermission.Check(vcpu, s, op, port, op->Source))
            return;
        vcpu.EnterPlatform(op);
        var value = vcpu.Ports.Read(port, op->Source);
        vcpu.LeavePlatform();
        switch (op->Source)
        {
            case 1:
                Step.Set(s, 0, (byte)value);
                break;
            case 2:
                Step.Set(s, 0, (ushort)value);
                break;
            default:
                Step.Set(s, 0, value);
                break;
        }
        vcpu.NotePortAccess(port, op->Source);
        Chain.Resume(vcpu, s, Step.RipAfter(s, op));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Out(Vcpu vcpu, CpuState* s, Op* op)
    {
        var port = PortOf(s, op);
        if (!PortPermission.Check(vcpu, s, op, port, op->Source))
            return;
        var value = op->Source switch { 1 => (byte)s->Registers[0], 2 => (ushort)s->Registers[0], _ => (uint)s->Registers[0] };
        vcpu.EnterPlatform(op);
        vcpu.Ports.Write(port, op->Source, value);
        vcpu.LeavePlatform();
        vcpu.NotePortAccess(port, op->Source);
        Chain.Resume(vcpu, s, Step.RipAfter(s, op));
    }

    private static ushort PortOf(CpuState* s, Op* op) => op->Immediate < 0 ? (ushort)s->Registers[2] : (ushort)op->Immediate;
}

/// <summary>Whether an instruction may use a port: IOPL, else the I/O permission bitmap of the TSS (SDM Vol. 1, 19.5).</summary>
internal static unsafe class PortPermission
{
    private const uint BitmapBase = 0x66;
    private const uint LimitWithBitmap = 0x67;

    /// <summary>Checks an access; on false #GP(0), or the page fault of reading the bitmap, has been raised.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Check(Vcpu vcpu, CpuState* s, Op* op, ushort port, int size)
    {
        if ((s->Cr0 & Cr0.Pe) == 0 || (s->Cpl <= Privilege.Iopl(s) && (s->SystemFlags & Rflags.Virtual8086) == 0))
            return true;
        return CheckBitmap(vcpu, s, op, port, size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool CheckBitmap(Vcpu vcpu, CpuState* s, Op* op, ushort port, int size)
    {
        ref var tr = ref s->Segments[(int)SegmentName.Tr];
        var is32 = ((uint)tr.Attributes & 8) != 0;
        if (!is32 || (tr.Attributes & SegmentAttributes.Present) == 0 || tr.Limit < LimitWithBitmap)
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        if (!vcpu.TryReadSystem(tr.Base + BitmapBase, out ushort bitmap))
            return vcpu.RaiseFailure(op);
        // Two bytes are always read: an access may straddle two.
        var offset = (uint)bitmap + port / 8u;
        if (offset + 1 > tr.Limit)
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        if (!vcpu.TryReadSystem(tr.Base + offset, out ushort bits))
            return vcpu.RaiseFailure(op);
        var mask = ((1u << size) - 1) << (port & 7);
        return (bits & mask) == 0 || vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
    }
}
