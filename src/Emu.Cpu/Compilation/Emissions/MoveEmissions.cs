using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Control;
using Emu.Cpu.Instructions.Integer;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>MOV: <see cref="Move"/>.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class MoveEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        // An address of 64 bits stands where displacements have no room.
        if (instruction.HasMemory && (!RegionEmitter.CanAddress(in instruction) || instruction.Decoded.MemoryDisplSize == 8 && op->Base == CpuState.ZeroOffset && op->Index == CpuState.ZeroOffset && (ulong)op->Displacement != instruction.Decoded.MemoryDisplacement64))
            return false;
        if (instruction.IsMemory(0))
        {
            region.FindForWriting(in instruction, op, size);
            region.LoadPlace();
            LoadSource(region, in instruction, op);
            region.WriteMemory(size);
            return true;
        }
        if (instruction.IsMemory(1))
        {
            region.FindForReading(in instruction, op, size);
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else
        {
            LoadSource(region, in instruction, op);
        }
        region.StoreRegister(op->Destination, size);
        return true;
    }

    private void LoadSource(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.IsRegister(1))
            region.LoadRegister(op->Source, size);
        else
            region.LoadImmediate(op->Immediate, size);
    }
}

/// <summary>MOVZX, MOVSX and MOVSXD: <see cref="MoveExtend{TExtension}"/>.</summary>
/// <param name="isSigned">Sign-extend.</param>
/// <param name="sourceSize">Bytes of the source.</param>
/// <param name="size">Bytes of the destination.</param>
internal sealed unsafe class ExtendEmission(bool isSigned, int sourceSize, int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!region.TryLoadOperand(in instruction, op, op->Source, sourceSize))
            return false;
        if (isSigned)
            region.SignExtend(sourceSize);
        else
            region.Widen(sourceSize);
        if (size != 8)
            region.Narrow(size);
        region.StoreRegister(op->Destination, size);
        return true;
    }
}

/// <summary>LEA: <see cref="LoadEffectiveAddress"/>.</summary>
/// <param name="size">Bytes of the destination.</param>
internal sealed unsafe class AddressEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.LoadEffectiveAddress(op);
        region.Narrow(Math.Min(size, op->AddressSize));
        if (op->AddressSize < size)
            region.Widen(op->AddressSize);
        if (size != 8 && op->AddressSize < size)
            region.Narrow(size);
        region.StoreRegister(op->Destination, size);
        return true;
    }
}

/// <summary>CMOVcc: <see cref="ConditionalMove{TCondition}"/>.</summary>
/// <param name="condition">The <see cref="ICondition"/>.</param>
/// <param name="size">Bytes.</param>
internal sealed unsafe class ConditionalMoveEmission(Type condition, int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var value = region.Scratch(size);
        if (!region.TryLoadOperand(in instruction, op, op->Source, size))
            return false;
        il.Emit(OpCodes.Stloc, value);
        var holds = il.DefineLabel();
        region.LoadCondition(condition);
        il.Emit(OpCodes.Brtrue, holds);
        region.LoadRegister(op->Destination, size);
        il.Emit(OpCodes.Stloc, value);
        il.MarkLabel(holds);
        il.Emit(OpCodes.Ldloc, value);
        region.StoreRegister(op->Destination, size);
        return true;
    }
}

/// <summary>SETcc: <see cref="ConditionalSet{TCondition}"/>.</summary>
/// <param name="condition">The <see cref="ICondition"/>.</param>
internal sealed unsafe class ConditionalSetEmission(Type condition) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory)
        {
            if (!RegionEmitter.CanAddress(in instruction))
                return false;
            region.FindForWriting(in instruction, op, 1);
            var value = region.Scratch(4);
            region.LoadCondition(condition);
            region.Il.Emit(OpCodes.Stloc, value);
            region.LoadPlace();
            region.Il.Emit(OpCodes.Ldloc, value);
            region.WriteMemory(1);
            return true;
        }
        region.LoadCondition(condition);
        region.StoreRegister(op->Destination, 1);
        return true;
    }
}

/// <summary>CBW, CWDE and CDQE: the accumulator's sign extended within it.</summary>
/// <param name="sourceSize">Bytes of the source.</param>
/// <param name="size">Bytes of the result.</param>
internal sealed unsafe class WidenEmission(int sourceSize, int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.LoadRegister(0, sourceSize);
        region.SignExtend(sourceSize);
        if (size != 8)
            region.Narrow(size);
        region.StoreRegister(0, size);
        return true;
    }
}

/// <summary>CWD, CDQ and CQO: the accumulator's sign in all of rDX.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class SpreadEmission(int size) : Emission
{
    private const byte Accumulator = 0, Data = 16;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.LoadRegister(Accumulator, size);
        region.SignExtend(size);
        region.Il.Emit(OpCodes.Ldc_I4, 63);
        region.Il.Emit(OpCodes.Shr);
        if (size != 8)
            region.Narrow(size);
        region.StoreRegister(Data, size);
        return true;
    }
}

/// <summary>An instruction that does nothing: NOP and its kin.</summary>
internal sealed unsafe class NothingEmission : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op) => true;
}

/// <summary>PUSH: <see cref="Push"/>.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class PushEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanUseStack(in instruction) || (instruction.HasMemory && !RegionEmitter.CanAddress(in instruction)))
            return false;
        var value = region.Scratch(size);
        if (instruction.HasMemory)
        {
            region.FindForReading(in instruction, op, size);
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else if (instruction.IsRegister(0))
        {
            region.LoadRegister(op->Source, size);
        }
        else
        {
            region.LoadImmediate(op->Immediate, size);
        }
        region.Il.Emit(OpCodes.Stloc, value);
        region.FindPush(in instruction, size);
        region.LoadPlace();
        region.Il.Emit(OpCodes.Ldloc, value);
        region.WriteMemory(size);
        region.CommitPush(in instruction, size);
        return true;
    }
}

/// <summary>POP into a register: <see cref="Pop"/>.</summary>
/// <param name="size">Bytes.</param>
internal sealed unsafe class PopEmission(int size) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory || !RegionEmitter.CanUseStack(in instruction))
            return false;
        region.FindTop(in instruction, size);
        region.Drop(in instruction, size);
        region.LoadPlace();
        region.ReadMemory(size);
        region.StoreRegister(op->Destination, size);
        return true;
    }
}
