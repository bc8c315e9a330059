using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>Arithmetic under MXCSR: <see cref="FloatShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IFloatOperation"/>.</param>
/// <param name="form">Encoding and second source.</param>
internal sealed unsafe class FloatEmission(Type operation, VectorForm form) : VectorEmission(form, !IsScalar(operation))
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        // What one lane reports may hide what the other one would: only the handler settles that, from the beginning.
        var before = Form.IsWide ? region.NoteMxcsr() : null;
        var lanes = Form.IsWide ? 2 : 1;
        for (var lane = 0; lane < lanes; lane++)
        {
            region.LoadLane(op->Source, lane);
            LoadSource(region, in instruction, op, lane);
            region.Il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
            region.LoadSse();
            region.Il.Emit(OpCodes.Call, ComputeOf(operation));
            region.Il.Emit(OpCodes.Stloc, region.ScratchLane(lane));
        }
        region.LeaveIfUnmasked(before);
        for (var lane = 0; lane < lanes; lane++)
            region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
        StoreResult(region, op->Destination);
        return true;
    }

    private static bool IsScalar(Type operation) =>
        operation.IsGenericType && operation.GetGenericTypeDefinition() is var shape && (shape == typeof(ScalarSingle<>) || shape == typeof(ScalarDouble<>));
}

/// <summary>FMA: <see cref="FusedShape{TSigns, TOrder, TFormat, TSource}"/>.</summary>
/// <param name="fuse">First, second and third operand to result.</param>
/// <param name="form">Encoding and third operand.</param>
internal sealed unsafe class FusedEmission(MethodInfo fuse, VectorForm form) : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        var before = Form.IsWide ? region.NoteMxcsr() : null;
        var lanes = Form.IsWide ? 2 : 1;
        for (var lane = 0; lane < lanes; lane++)
        {
            region.LoadLane(op->Destination, lane);
            region.LoadLane(op->Source, lane);
            LoadSource(region, in instruction, op, lane);
            region.LoadSse();
            region.Il.Emit(OpCodes.Call, fuse);
            region.Il.Emit(OpCodes.Stloc, region.ScratchLane(lane));
        }
        region.LeaveIfUnmasked(before);
        for (var lane = 0; lane < lanes; lane++)
            region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
        StoreResult(region, op->Destination);
        return true;
    }
}

/// <summary>A vector comparison that writes flags: <see cref="FlagShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IVectorComparison"/>.</param>
/// <param name="form">Encoding and second source.</param>
/// <param name="canRaise">Whether it is arithmetic under MXCSR.</param>
internal sealed unsafe class FlagEmission(Type operation, VectorForm form, bool canRaise) : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        var il = region.Il;
        for (var lane = 0; lane < (Form.IsWide ? 2 : 1); lane++)
        {
            region.LoadLane(op->Destination, lane);
            LoadSource(region, in instruction, op, lane);
            region.LoadSse();
            il.Emit(OpCodes.Call, ComputeOf(operation));
            if (lane != 0)
                il.Emit(OpCodes.And);
        }
        var flags = region.Scratch(4);
        il.Emit(OpCodes.Stloc, flags);
        if (canRaise)
            region.LeaveIfUnmasked(null);
        region.LoadFlagsAddress(FlagUse.Replaces);
        il.Emit(OpCodes.Ldloc, flags);
        il.Emit(OpCodes.Conv_U8);
        il.Emit(OpCodes.Call, typeof(ArithmeticFlags).GetMethod(nameof(ArithmeticFlags.SetFrom))!);
        return true;
    }
}
