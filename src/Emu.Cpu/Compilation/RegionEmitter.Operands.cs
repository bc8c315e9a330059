using System.Reflection.Emit;
using Emu.Cpu.Execution;

namespace Emu.Cpu.Compilation;

// An operand that is a register or lies in memory, as r/m of most instructions.
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Puts the memory operand's value on the stack, or else a register's.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="op">Its op.</param>
    /// <param name="register">Byte offset of the register in the state.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="toChange">It will be written, too (<see cref="StoreOperand"/>).</param>
    /// <returns>False, with nothing emitted, where its address cannot be worked out.</returns>
    public bool TryLoadOperand(in GuestInstruction instruction, Op* op, byte register, int size, bool toChange = false)
    {
        if (!instruction.HasMemory)
        {
            LoadRegister(register, size);
            return true;
        }
        if (!CanAddress(in instruction))
            return false;
        if (toChange)
            FindForWriting(in instruction, op, size);
        else
            FindForReading(in instruction, op, size);
        LoadPlace();
        ReadMemory(size);
        return true;
    }

    /// <summary>Writes a value to the memory operand that was found for writing, or else to a register.</summary>
    public void StoreOperand(in GuestInstruction instruction, LocalBuilder value, byte register, int size)
    {
        if (!instruction.HasMemory)
        {
            _il.Emit(OpCodes.Ldloc, value);
            StoreRegister(register, size);
            return;
        }
        LoadPlace();
        _il.Emit(OpCodes.Ldloc, value);
        WriteMemory(size);
    }
}
