using System.Reflection.Emit;
using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Compilation;

// Instructions that have no compiled form: their handler is called, on a copy of the op that is followed by a return.
internal sealed unsafe partial class RegionEmitter
{
    private static readonly InstructionInfoFactory Facts = new();

    private const RflagsBits ArithmeticBits =
        RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.CF | RflagsBits.PF;

    private bool _hasCalls;

    // What changes privilege, control registers or the whole vector state is left to the interpreter, and so is what may go elsewhere without
    // ending its block: INTO.
    private static bool MayCall(in GuestInstruction instruction)
    {
        if ((instruction.IsPrivileged && instruction.Decoded.Mnemonic is not (Mnemonic.Cli or Mnemonic.Sti)) || instruction.Decoded.FlowControl != Iced.Intel.FlowControl.Next)
            return false;
        foreach (var feature in instruction.Decoded.CpuidFeatures)
        {
            if (feature is CpuidFeature.FXSR or CpuidFeature.XSAVE or CpuidFeature.XSAVEOPT or CpuidFeature.XSAVEC or CpuidFeature.XSAVES)
                return false;
        }
        return true;
    }

    /// <summary>What is known of the block's accesses no longer holds.</summary>
    public void ForgetAccesses() => _accesses.Close();

    private void EmitCall(in GuestInstruction instruction, Op* op)
    {
        _hasCalls = true;
        _accesses.Close();
        var copy = (Op*)_memory.Allocate((instruction.Ops + 1) * sizeof(Op));
        for (var i = 0; i < instruction.Ops; i++)
            copy[i] = op[i];
        copy[instruction.Ops] = new Op { Handler = &Terminators.ReturnToRunLoop };

        var decoded = instruction.Decoded;
        var (used, written) = RegistersOf(in decoded);
        // Whether a register has changed by now is not known: a later block may lead back here.
        ForEach(used.General, WriteRegister);
        ForEach(used.Lanes, WriteLane);
        var usesFlags = ((decoded.RflagsRead | decoded.RflagsModified) & ArithmeticBits) != 0;
        if (usesFlags)
            StoreFlagsHere();

        LoadState(nameof(CpuState.Rip));
        LoadRip(0);
        _il.Emit(OpCodes.Stind_I8);
        LoadState(nameof(CpuState.Budget));
        _il.Emit(OpCodes.Ldloc, _budget);
        _il.Emit(OpCodes.Stind_I8);

        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldc_I8, (long)copy);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Ldc_I8, (long)copy->Handler);
        _il.Emit(OpCodes.Conv_I);
        _il.EmitCalli(OpCodes.Calli, System.Reflection.CallingConventions.Standard, typeof(void), HandlerParameters, null);

        if (decoded.Mnemonic is Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr)
            NoteHostLike();
        ForEach(written.General, ReadRegister);
        ForEach(written.Lanes, ReadLane);
        var completed = _il.DefineLabel();
        LoadState(nameof(CpuState.Exit));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Brfalse, completed);
        if (!usesFlags)
            StoreFlagsHere();
        _il.Emit(OpCodes.Ldc_I4, (int)op->Remaining);
        _il.Emit(OpCodes.Stloc, _exit);
        _il.Emit(OpCodes.Br, _calledOut);
        _il.MarkLabel(completed);
        LoadState(nameof(CpuState.Budget));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Stloc, _budget);
        LoadState(nameof(CpuState.DataTlb));
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Stloc, _tlb);
        if (!usesFlags)
            return;
        TakeStoredFlags();
        FlagKind = DeferredFlags.WorkedOut;
    }

    private readonly record struct RegisterSet(uint General, uint Lanes);

    // What an instruction touches, and what of it it may write. A handler that gives up has written nothing, or (strings) what it names.
    private static (RegisterSet Used, RegisterSet Written) RegistersOf(in Instruction instruction)
    {
        uint usedGeneral = 0, usedLanes = 0, writtenGeneral = 0, writtenLanes = 0;
        lock (Facts)
        {
            foreach (var use in Facts.GetInfo(instruction).GetUsedRegisters())
            {
                var register = use.Register;
                var isWritten = use.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
                if (register.IsGPR())
                {
                    var bit = 1u << register.GetFullRegister().GetNumber();
                    usedGeneral |= bit;
                    writtenGeneral |= isWritten ? bit : 0;
                }
                else if (register.IsVectorRegister())
                {
                    var bits = 3u << (register.GetNumber() * 2);
                    usedLanes |= bits;
                    writtenLanes |= isWritten ? bits : 0;
                }
            }
        }
        return (new RegisterSet(usedGeneral, usedLanes), new RegisterSet(writtenGeneral, writtenLanes));
    }

    private static void ForEach(uint set, Action<int> action)
    {
        for (; set != 0; set &= set - 1)
            action(System.Numerics.BitOperations.TrailingZeroCount(set));
    }
}
