using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Strings;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// String instructions: addresses in rSI and rDI, in 64-bit code or flat segments.
internal sealed unsafe partial class RegionEmitter
{
    // log2 of DF.
    private const int DirectionBit = 10;

    /// <summary>Puts the linear address of the element at rSI or rDI on the stack.</summary>
    /// <param name="op">The instruction.</param>
    /// <param name="register"><see cref="StringRegister.Source"/> or <see cref="StringRegister.Destination"/>.</param>
    public void LoadStringAddress(Op* op, byte register)
    {
        LoadRegister(register, op->AddressSize);
        Widen(op->AddressSize);
        if (register != StringRegister.Source || op->Segment < (byte)SegmentName.Fs)
            return;
        LoadState(StateLayout.OffsetOfBase((SegmentName)op->Segment));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Adds the 64-bit value on the stack to a register at the address size.</summary>
    public void MoveStringRegister(Op* op, byte register)
    {
        LoadRegister(register, 8);
        _il.Emit(OpCodes.Add);
        Narrow(op->AddressSize);
        StoreRegister(register, op->AddressSize);
    }

    /// <summary>Puts on the stack how far an element of so many bytes moves the registers, as DF says.</summary>
    public void LoadStringStep(int size)
    {
        _il.Emit(OpCodes.Ldc_I8, (long)size);
        LoadState(nameof(CpuState.SystemFlags));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, 1L << DirectionBit);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, DirectionBit - 1 - System.Numerics.BitOperations.Log2((uint)size));
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Sub);
    }

    /// <summary>Goes elsewhere where DF is set.</summary>
    public void LeaveIfDownwards(Label exit)
    {
        LoadState(nameof(CpuState.SystemFlags));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldc_I8, 1L << DirectionBit);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brtrue, exit);
    }

    /// <summary>Finds elements that begin at rSI or rDI, of so many bytes as a local says, which must lie in one page.</summary>
    public void FindElements(Op* op, byte register, int size, bool write, LocalBuilder bytes, Label exit)
    {
        var linear = Scratch(8, 2);
        LoadStringAddress(op, register);
        _il.Emit(OpCodes.Stloc, linear);
        _il.Emit(OpCodes.Ldloc, linear);
        _il.Emit(OpCodes.Ldc_I8, (long)PhysicalMemory.PageSize - 1);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldloc, bytes);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Ldc_I8, (long)PhysicalMemory.PageSize);
        _il.Emit(OpCodes.Bgt_Un, exit);
        _il.Emit(OpCodes.Ldloc, linear);
        FindAt(size, write, exit);
    }

    /// <summary>Puts the state's address on the stack, in which so many general registers are up to date.</summary>
    public void LoadStateWith(byte register)
    {
        WriteRegister(register >> 3);
        _il.Emit(OpCodes.Ldarg_1);
    }

    /// <summary>A register has been changed in the state.</summary>
    public void TakeFromState(byte register) => ReadRegister(register >> 3);

    /// <summary>The flags have been set in the state.</summary>
    public void TakeFlagsFromState()
    {
        TakeStoredFlags();
        FlagKind = DeferredFlags.WorkedOut;
    }
}
