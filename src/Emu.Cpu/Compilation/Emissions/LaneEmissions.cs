using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>Lanes that depend on both lanes of the sources: <see cref="CrossLaneShape{TOperation}"/>, through the registers in memory.</summary>
/// <param name="operation">The <see cref="ICrossLaneOperation"/>.</param>
/// <param name="canRaise">Whether it is arithmetic under MXCSR.</param>
internal sealed unsafe class CrossLaneEmission(Type operation, bool canRaise) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        if (instruction.HasMemory)
        {
            if (!RegionEmitter.CanAddress(in instruction))
                return false;
            region.FindForReading(in instruction, op, 2 * sizeof(Vector128<byte>));
        }
        else
        {
            region.SpillVector(op->Base);
        }
        region.NeedVectors(true);
        region.SpillVector(op->Source);
        // Where it raises an exception, the destination keeps what it has.
        if (canRaise)
            region.SpillVector(op->Destination);
        var before = canRaise ? region.NoteMxcsr() : null;
        region.LoadVectorAddress(op->Destination);
        region.LoadVectorAddress(op->Source);
        if (instruction.HasMemory)
            region.LoadPlace();
        else
            region.LoadVectorAddress(op->Base);
        il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        region.LoadSse();
        il.Emit(OpCodes.Call, operation.GetMethod(nameof(ICrossLaneOperation.Compute))!);
        region.ReloadVector(op->Destination);
        if (canRaise)
            region.LeaveIfUnmasked(before);
        return true;
    }
}

/// <summary>VINSERTF128 and VINSERTI128: <see cref="InsertLane"/>.</summary>
internal sealed unsafe class InsertLaneEmission : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory)
        {
            if (!RegionEmitter.CanAddress(in instruction))
                return false;
            region.FindForReading(in instruction, op, sizeof(Vector128<byte>));
        }
        region.NeedVectors(true);
        var lane = (int)op->Immediate & 1;
        if (instruction.HasMemory)
        {
            region.LoadPlace();
            region.Il.Emit(OpCodes.Ldobj, typeof(Vector128<byte>));
        }
        else
        {
            region.LoadLane(op->Base, 0);
        }
        region.LoadLane(op->Source, 1 - lane);
        region.StoreLane(op->Destination, 1 - lane);
        region.StoreLane(op->Destination, lane);
        return true;
    }
}

/// <summary>VEXTRACTF128 and VEXTRACTI128: <see cref="ExtractLane"/>.</summary>
internal sealed unsafe class ExtractLaneEmission : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.NeedVectors(true);
        if (!instruction.HasMemory)
        {
            region.LoadLane(op->Source, (int)op->Immediate);
            region.StoreLane(op->Destination, 0);
            region.LoadZeroLane();
            region.StoreLane(op->Destination, 1);
            return true;
        }
        if (!RegionEmitter.CanAddress(in instruction))
            return false;
        region.FindForWriting(in instruction, op, sizeof(Vector128<byte>));
        region.LoadPlace();
        region.LoadLane(op->Source, (int)op->Immediate);
        region.Il.Emit(OpCodes.Stobj, typeof(Vector128<byte>));
        return true;
    }
}

/// <summary>VZEROUPPER and VZEROALL: <see cref="ZeroRegisters"/>.</summary>
internal sealed unsafe class ZeroRegistersEmission : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.NeedVectors(true);
        region.ZeroVectors(op->Destination, op->Source);
        return true;
    }
}
