using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>BT, BTS, BTR and BTC: <see cref="BitTest{TOperation}"/>.</summary>
/// <param name="compute">The shape's computation at the operand's width.</param>
/// <param name="size">Bytes.</param>
/// <param name="writes">Whether the destination is written.</param>
internal sealed unsafe class BitTestEmission(MethodInfo compute, int size, bool writes) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        if (instruction.HasMemory && !RegionEmitter.CanAddress(in instruction))
            return false;
        if (instruction.HasMemory)
        {
            if (instruction.IsRegister(1))
                region.FindBits(in instruction, op, size, writes);
            else if (writes)
                region.FindForWriting(in instruction, op, size);
            else
                region.FindForReading(in instruction, op, size);
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else
        {
            region.LoadRegister(op->Destination, size);
        }
        if (instruction.IsRegister(1))
        {
            region.LoadRegister(op->Source, 4);
            il.Emit(OpCodes.Ldc_I4, size * 8 - 1);
            il.Emit(OpCodes.And);
        }
        else
        {
            il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        }
        region.LoadFlagsAddress(FlagUse.Changes);
        il.Emit(OpCodes.Call, compute);
        if (!writes)
        {
            il.Emit(OpCodes.Pop);
        }
        else if (instruction.HasMemory)
        {
            var result = region.Scratch(size);
            il.Emit(OpCodes.Stloc, result);
            region.LoadPlace();
            il.Emit(OpCodes.Ldloc, result);
            region.WriteMemory(size);
        }
        else
        {
            region.StoreRegister(op->Destination, size);
        }
        return true;
    }
}

/// <summary>XCHG and XADD: <see cref="ExchangeShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IExchangeOperation"/>.</param>
/// <param name="size">Bytes.</param>
/// <param name="flags">What becomes of the flags.</param>
internal sealed unsafe class ExchangeEmission(Type operation, int size, FlagUse flags) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        LocalBuilder destination = region.Scratch(size), result = region.Scratch(size, 1);
        if (!region.TryLoadOperand(in instruction, op, op->Destination, size, toChange: true))
            return false;
        il.Emit(OpCodes.Stloc, destination);
        il.Emit(OpCodes.Ldloc, destination);
        region.LoadRegister(op->Source, size);
        region.LoadFlagsAddress(flags);
        il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
        il.Emit(OpCodes.Stloc, result);
        if (instruction.HasMemory)
        {
            region.LoadPlace();
            il.Emit(OpCodes.Ldloc, result);
            region.WriteMemory(size);
        }
        il.Emit(OpCodes.Ldloc, destination);
        region.StoreRegister(op->Source, size);
        if (!instruction.HasMemory)
        {
            // In this order: where both are one register, the result stays.
            il.Emit(OpCodes.Ldloc, result);
            region.StoreRegister(op->Destination, size);
        }
        return true;
    }
}

/// <summary>CMPXCHG: <see cref="CompareExchange"/>.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class CompareExchangeEmission(int size) : Emission
{
    private const byte Accumulator = 0;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        LocalBuilder accumulator = region.Scratch(size), destination = region.Scratch(size, 1);
        if (!region.TryLoadOperand(in instruction, op, op->Destination, size, toChange: true))
            return false;
        il.Emit(OpCodes.Stloc, destination);
        region.LoadRegister(Accumulator, size);
        il.Emit(OpCodes.Stloc, accumulator);
        region.DeferFlags(DeferredFlags.Difference, size);

        Label differs = il.DefineLabel(), done = il.DefineLabel();
        il.Emit(OpCodes.Ldloc, accumulator);
        il.Emit(OpCodes.Ldloc, destination);
        il.Emit(OpCodes.Bne_Un, differs);
        if (instruction.HasMemory)
        {
            region.LoadPlace();
            region.LoadRegister(op->Source, size);
            region.WriteMemory(size);
        }
        else
        {
            region.LoadRegister(op->Source, size);
            region.StoreRegister(op->Destination, size);
        }
        il.Emit(OpCodes.Br, done);
        il.MarkLabel(differs);
        il.Emit(OpCodes.Ldloc, destination);
        region.StoreRegister(Accumulator, size);
        il.MarkLabel(done);
        return true;
    }
}

/// <summary>SHLD and SHRD of a register: <see cref="DoubleShiftShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IDoubleShiftOperation"/>.</param>
/// <param name="size">Bytes.</param>
internal sealed unsafe class DoubleShiftEmission(Type operation, int size) : Emission
{
    private const byte Cl = 8;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var byCl = instruction.IsRegister(2);
        if (instruction.HasMemory || (!byCl && op->Immediate == 0))
            return false;
        var il = region.Il;
        var count = region.Scratch(4, 2);
        var done = il.DefineLabel();
        if (byCl)
        {
            // With a count of zero the flags stay: both ways must leave them in the same form.
            region.WorkOutFlags();
            region.LoadRegister(Cl, 1);
            il.Emit(OpCodes.Ldc_I4, size == 8 ? 63 : 31);
            il.Emit(OpCodes.And);
        }
        else
        {
            il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        }
        il.Emit(OpCodes.Stloc, count);
        // A register of 32 bits is written, its upper half cleared, whatever the count.
        region.LoadRegister(op->Destination, size);
        il.Emit(OpCodes.Stloc, region.Scratch(size));
        if (byCl)
        {
            il.Emit(OpCodes.Ldloc, count);
            il.Emit(OpCodes.Brfalse, done);
        }
        il.Emit(OpCodes.Ldloc, region.Scratch(size));
        region.LoadRegister(op->Source, size);
        il.Emit(OpCodes.Ldloc, count);
        region.LoadFlagsAddress(FlagUse.Replaces);
        il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
        il.Emit(OpCodes.Stloc, region.Scratch(size));
        il.MarkLabel(done);
        il.Emit(OpCodes.Ldloc, region.Scratch(size));
        region.StoreRegister(op->Destination, size);
        return true;
    }
}

/// <summary>LEAVE at the stack's own width.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class LeaveEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanUseStack(in instruction))
            return false;
        region.Leave(in instruction, size);
        return true;
    }
}
