using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>Two vector sources and perhaps an immediate: <see cref="PackedShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IVectorOperation"/>.</param>
/// <param name="form">Encoding and second source.</param>
/// <param name="upperImmediate">The immediate for the upper lane.</param>
internal sealed unsafe class PackedEmission(Type operation, VectorForm form, int upperImmediate)
    : VectorEmission(form, operation != typeof(MoveLowQuadword) && operation != typeof(MoveLowDoubleword))
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        Compute(region, in instruction, op, 0, (int)op->Immediate);
        if (Form.IsWide)
            Compute(region, in instruction, op, 1, upperImmediate);
        StoreResult(region, op->Destination);
        return true;
    }

    private void Compute(RegionEmitter region, in GuestInstruction instruction, Op* op, int lane, int immediate)
    {
        region.LoadLane(op->Source, lane);
        LoadSource(region, in instruction, op, lane);
        region.Il.Emit(OpCodes.Ldc_I4, immediate);
        region.Il.Emit(OpCodes.Call, ComputeOf(operation));
    }
}

/// <summary>One vector source and an immediate: <see cref="ImmediateShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IVectorOperation"/>.</param>
/// <param name="form">Encoding.</param>
internal sealed unsafe class ImmediateEmission(Type operation, VectorForm form) : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.NeedVectors(Form.IsVex);
        for (var lane = 0; lane < (Form.IsWide ? 2 : 1); lane++)
        {
            region.LoadLane(op->Source, lane);
            region.LoadZeroLane();
            region.Il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
            region.Il.Emit(OpCodes.Call, ComputeOf(operation));
        }
        StoreResult(region, op->Destination);
        return true;
    }
}

/// <summary>Three vector sources: <see cref="ThirdOperandShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IThreeSourceOperation"/>.</param>
/// <param name="form">Encoding and second source.</param>
internal sealed unsafe class ThreeSourceEmission(Type operation, VectorForm form) : VectorEmission(form, true)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        for (var lane = 0; lane < (Form.IsWide ? 2 : 1); lane++)
        {
            region.LoadLane(op->Source, lane);
            LoadSource(region, in instruction, op, lane);
            region.LoadLane((int)op->Immediate, lane);
            region.Il.Emit(OpCodes.Call, ComputeOf(operation));
        }
        StoreResult(region, op->Destination);
        return true;
    }
}

/// <summary>A store of a vector register or a part of it: <see cref="StoreShape{TPart}"/>.</summary>
/// <param name="isWide">256 bits.</param>
/// <param name="isVex">A VEX encoding.</param>
/// <param name="bytes">Bytes stored of a lane.</param>
/// <param name="start">Where they begin in the register.</param>
/// <param name="isAligned">A fault where the operand is not aligned.</param>
internal sealed unsafe class VectorStoreEmission(bool isWide, bool isVex, int bytes, int start, bool isAligned) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanAddress(in instruction))
            return false;
        var size = isWide ? 32 : bytes;
        region.NeedVectors(isVex);
        region.FindForWriting(in instruction, op, size, isAligned ? size : 0);
        region.LoadPlace();
        region.LoadLane(op->Source, 0);
        if (bytes < sizeof(Vector128<byte>))
        {
            var part = bytes == 4 ? nameof(LanePart.Lowest) : start == 0 ? nameof(LanePart.Lower) : nameof(LanePart.Upper);
            region.Il.Emit(OpCodes.Call, typeof(LanePart).GetMethod(part)!);
            region.WriteMemory(bytes);
            return true;
        }
        region.Il.Emit(OpCodes.Stobj, typeof(Vector128<byte>));
        if (!isWide)
            return true;
        region.LoadPlace();
        region.Il.Emit(OpCodes.Ldc_I4, sizeof(Vector128<byte>));
        region.Il.Emit(OpCodes.Add);
        region.LoadLane(op->Source, 1);
        region.Il.Emit(OpCodes.Stobj, typeof(Vector128<byte>));
        return true;
    }
}

/// <summary>A vector from an integer: <see cref="FromGeneralShape{TOperation, T}"/>.</summary>
/// <param name="operation">The <see cref="IFromGeneral"/>.</param>
/// <param name="isVex">A VEX encoding.</param>
/// <param name="size">Bytes of the integer.</param>
/// <param name="canRaise">Whether it is arithmetic under MXCSR.</param>
/// <param name="hostForm">When it has a host form.</param>
internal sealed unsafe class FromGeneralEmission(Type operation, bool isVex, int size, bool canRaise, HostForm hostForm) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory)
        {
            if (!RegionEmitter.CanAddress(in instruction))
                return false;
            region.FindForReading(in instruction, op, size);
        }
        region.NeedVectors(isVex);
        if (hostForm == HostForm.HostLike)
            region.LeaveUnlessHostLike(region.ExitToHandler(in instruction, op));
        region.LoadLane(op->Source, 0);
        if (instruction.HasMemory)
        {
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else
        {
            region.LoadRegister(op->Base, size);
        }
        region.Widen(size);
        region.Il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        if (hostForm != HostForm.Never)
        {
            region.Il.Emit(OpCodes.Call, operation.GetMethod(nameof(IFromGeneral.Host))!);
        }
        else
        {
            region.LoadSse();
            region.Il.Emit(OpCodes.Call, operation.GetMethod(nameof(IFromGeneral.Compute))!);
        }
        if (canRaise && hostForm == HostForm.Never)
        {
            var result = region.ScratchLane(0);
            region.Il.Emit(OpCodes.Stloc, result);
            region.LeaveIfUnmasked(null);
            region.Il.Emit(OpCodes.Ldloc, result);
        }
        region.StoreLane(op->Destination, 0);
        if (isVex)
        {
            region.LoadZeroLane();
            region.StoreLane(op->Destination, 1);
        }
        if (hostForm == HostForm.HostLike)
            region.Resume();
        return true;
    }
}

/// <summary>An integer from a vector: <see cref="ToGeneralShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IToGeneral"/>.</param>
/// <param name="form">Encoding and source, which is the only one.</param>
/// <param name="bitsOfLane">How far the upper lane's result is shifted.</param>
/// <param name="storedSize">Bytes stored where the destination is in memory.</param>
/// <param name="canRaise">Whether it is arithmetic under MXCSR.</param>
/// <param name="hostForm">When it has a host form.</param>
internal sealed unsafe class ToGeneralEmission(Type operation, VectorForm form, int bitsOfLane, int storedSize, bool canRaise, HostForm hostForm)
    : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (instruction.HasMemory && !RegionEmitter.CanAddress(in instruction))
            return false;
        region.NeedVectors(Form.IsVex);
        if (instruction.IsMemory(0))
        {
            region.FindForWriting(in instruction, op, storedSize);
            region.LoadPlace();
            Compute(region, op, 0);
            region.Narrow(storedSize);
            region.WriteMemory(storedSize);
            return true;
        }
        if (instruction.HasMemory)
            region.FindForReading(in instruction, op, Form.Bytes, Form.IsAligned ? Form.Bytes : 0);
        if (hostForm == HostForm.HostLike)
        {
            EmitHostForm(region, in instruction, op);
            return true;
        }
        if (instruction.HasMemory)
        {
            LoadSource(region, in instruction, op, 0);
            Apply(region, op);
        }
        else
        {
            Compute(region, op, 0);
            if (Form.IsWide)
            {
                Compute(region, op, 1);
                region.Il.Emit(OpCodes.Ldc_I4, bitsOfLane);
                region.Il.Emit(OpCodes.Shl);
                region.Il.Emit(OpCodes.Or);
            }
        }
        if (canRaise)
        {
            var result = region.Scratch(8);
            region.Il.Emit(OpCodes.Stloc, result);
            region.LeaveIfUnmasked(null);
            region.Il.Emit(OpCodes.Ldloc, result);
        }
        region.StoreRegister(op->Destination, 8);
        return true;
    }

    private void EmitHostForm(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var exit = region.ExitToHandler(in instruction, op);
        region.LeaveUnlessHostLike(exit);
        var source = region.ScratchLane(0);
        if (instruction.HasMemory)
            LoadSource(region, in instruction, op, 0);
        else
            region.LoadLane(op->Source, 0);
        il.Emit(OpCodes.Stloc, source);
        il.Emit(OpCodes.Ldloc, source);
        il.Emit(OpCodes.Call, operation.GetMethod(nameof(IToGeneral.IsPlain))!);
        il.Emit(OpCodes.Brfalse, exit);
        il.Emit(OpCodes.Ldloc, source);
        il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        il.Emit(OpCodes.Call, operation.GetMethod(nameof(IToGeneral.Host))!);
        region.StoreRegister(op->Destination, 8);
        region.Resume();
    }

    private void Compute(RegionEmitter region, Op* op, int lane)
    {
        region.LoadLane(op->Source, lane);
        Apply(region, op);
    }

    // The lane is on the stack.
    private void Apply(RegionEmitter region, Op* op)
    {
        region.Il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
        region.LoadSse();
        region.Il.Emit(OpCodes.Call, operation.GetMethod(nameof(IToGeneral.Compute))!);
    }
}
