using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>Arithmetic under MXCSR: <see cref="FloatShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IFloatOperation"/>.</param>
/// <param name="form">Encoding and second source.</param>
/// <param name="hasHostForm">Whether it has a host form.</param>
internal sealed unsafe class FloatEmission(Type operation, VectorForm form, bool hasHostForm) : VectorEmission(form, !IsScalar(operation))
{
    private static readonly Type Lane = typeof(Vector128<byte>);

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        if (hasHostForm)
        {
            EmitHostForm(region, in instruction, op);
            return true;
        }
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

    private void EmitHostForm(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var host = operation.GetMethod(nameof(IFloatOperation.Host), [Lane, Lane])!;
        var isPlain = operation.GetMethod(nameof(IFloatOperation.IsPlain), [Lane, Lane, Lane])!;
        var isUntraced = operation.GetMethod(nameof(IFloatOperation.IsUntraced))!;
        var exit = region.ExitToHandler(in instruction, op);
        var lanes = Form.IsWide ? 2 : 1;
        var second = region.ScratchLane(2);
        var source = op->Source;
        for (var each = 0; each < lanes; each++)
        {
            var lane = each;
            Label other = region.Il.DefineLabel(), kept = region.Il.DefineLabel();
            LoadSource(region, in instruction, op, lane);
            region.Il.Emit(OpCodes.Stloc, second);
            region.LoadLane(source, lane);
            region.Il.Emit(OpCodes.Ldloc, second);
            region.Il.Emit(OpCodes.Call, host);
            region.Il.Emit(OpCodes.Stloc, region.ScratchLane(lane));
            region.LeaveUnlessHostLike(other);
            LoadResult();
            region.Il.Emit(OpCodes.Call, isPlain);
            region.Il.Emit(OpCodes.Brfalse, other);
            region.Il.MarkLabel(kept);
            // Zeros and, with PE clear, exact results: still without a call, which would cost the registers of the common way.
            region.EmitAside(other, () =>
            {
                if (!region.MayTestFurther())
                {
                    region.Il.Emit(OpCodes.Br, exit);
                    return;
                }
                region.LoadHostLike(evenIfExact: true);
                region.Il.Emit(OpCodes.Brfalse, exit);
                LoadResult();
                region.LoadHostLike(evenIfExact: false);
                region.Il.Emit(OpCodes.Call, isUntraced);
                region.Il.Emit(OpCodes.Brtrue, kept);
                region.Il.Emit(OpCodes.Br, exit);
            });

            void LoadResult()
            {
                region.LoadLane(source, lane);
                region.Il.Emit(OpCodes.Ldloc, second);
                region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
            }
        }
        for (var lane = 0; lane < lanes; lane++)
            region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
        StoreResult(region, op->Destination);
        region.Resume();
    }

    private static bool IsScalar(Type operation) =>
        operation.IsGenericType && operation.GetGenericTypeDefinition() is var shape && (shape == typeof(ScalarSingle<>) || shape == typeof(ScalarDouble<>));
}

/// <summary>FMA: <see cref="FusedShape{TSigns, TOrder, TFormat, TSource}"/>.</summary>
/// <param name="host">First, second and third operand to the host's result.</param>
/// <param name="isPlain">Whether that is the guest's.</param>
/// <param name="form">Encoding and third operand.</param>
internal sealed unsafe class FusedEmission(MethodInfo host, MethodInfo isPlain, VectorForm form) : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        var exit = region.ExitToHandler(in instruction, op);
        region.LeaveUnlessHostLike(exit);
        var lanes = Form.IsWide ? 2 : 1;
        var third = region.ScratchLane(2);
        for (var lane = 0; lane < lanes; lane++)
        {
            LoadSource(region, in instruction, op, lane);
            region.Il.Emit(OpCodes.Stloc, third);
            LoadOperands(lane);
            region.Il.Emit(OpCodes.Call, host);
            region.Il.Emit(OpCodes.Stloc, region.ScratchLane(lane));
            LoadOperands(lane);
            region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
            region.Il.Emit(OpCodes.Call, isPlain);
            region.Il.Emit(OpCodes.Brfalse, exit);
        }
        for (var lane = 0; lane < lanes; lane++)
            region.Il.Emit(OpCodes.Ldloc, region.ScratchLane(lane));
        StoreResult(region, op->Destination);
        region.Resume();
        return true;

        void LoadOperands(int lane)
        {
            region.LoadLane(op->Destination, lane);
            region.LoadLane(op->Source, lane);
            region.Il.Emit(OpCodes.Ldloc, third);
        }
    }
}

/// <summary>A vector comparison that writes flags: <see cref="FlagShape{TOperation, TSource}"/>.</summary>
/// <param name="operation">The <see cref="IVectorComparison"/>.</param>
/// <param name="form">Encoding and second source.</param>
/// <param name="canRaise">Whether it is arithmetic under MXCSR.</param>
/// <param name="hasHostForm">Whether it has a host form.</param>
internal sealed unsafe class FlagEmission(Type operation, VectorForm form, bool canRaise, bool hasHostForm) : VectorEmission(form, false)
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!FindSource(region, in instruction, op))
            return false;
        var il = region.Il;
        if (hasHostForm)
        {
            EmitHostForm(region, in instruction, op);
            return true;
        }
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

    private void EmitHostForm(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var exit = region.ExitToHandler(in instruction, op, setsFlags: true);
        var second = region.ScratchLane(2);
        LoadSource(region, in instruction, op, 0);
        il.Emit(OpCodes.Stloc, second);
        Compare(nameof(IVectorComparison.ArePlain));
        il.Emit(OpCodes.Brfalse, exit);
        region.LoadFlagsAddress(FlagUse.Replaces);
        Compare(nameof(IVectorComparison.IsLess));
        Compare(nameof(IVectorComparison.IsEqual));
        il.Emit(OpCodes.Call, typeof(ArithmeticFlags).GetMethod(nameof(ArithmeticFlags.SetOrder))!);
        region.Resume();

        void Compare(string method)
        {
            region.LoadLane(op->Destination, 0);
            il.Emit(OpCodes.Ldloc, second);
            il.Emit(OpCodes.Call, operation.GetMethod(method)!);
        }
    }
}
