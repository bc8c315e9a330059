using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>Two operands, the first of which is the destination: <see cref="BinaryShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IBinaryOperation"/>.</param>
/// <param name="size">Bytes of the operands.</param>
/// <param name="writes">Whether the destination is written.</param>
/// <param name="flags">What becomes of the flags.</param>
/// <param name="host">The host's operation that gives the result, if there is one.</param>
internal sealed unsafe class BinaryEmission(Type operation, int size, bool writes, FlagUse flags, HostOperation host) : Emission
{
    private static readonly Dictionary<(Type, int), MethodInfo> Methods = [];

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        if (instruction.HasMemory && !RegionEmitter.CanAddress(in instruction))
            return false;
        if (!instruction.HasMemory && instruction.IsRegister(1) && op->Source == op->Destination && host is HostOperation.Xor or HostOperation.Subtract
            && instruction.IsRegister(1) && op->Source == op->Destination)
        {
            Clear(region, op);
            return true;
        }
        var intoMemory = instruction.IsMemory(0);
        if (intoMemory && writes)
            region.FindForWriting(in instruction, op, size);
        else if (instruction.HasMemory)
            region.FindForReading(in instruction, op, size);

        var first = region.Scratch(size);
        var second = region.Scratch(size, 1);
        if (intoMemory)
        {
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else
        {
            region.LoadRegister(op->Destination, size);
        }
        il.Emit(OpCodes.Stloc, first);
        if (instruction.IsMemory(1))
        {
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else if (instruction.IsRegister(1))
        {
            region.LoadRegister(op->Source, size);
        }
        else
        {
            region.LoadImmediate(op->Immediate, size);
        }
        il.Emit(OpCodes.Stloc, second);

        if (operation.GetMethod(nameof(IBinaryOperation.Leaves)) != null)
        {
            // The destination may stay as it is: a branch around the store.
            EmitUnlessLeft(region, op, first, second);
            return true;
        }
        var result = Compute(region, first, second);
        if (!writes)
            return true;
        if (intoMemory)
        {
            region.LoadPlace();
            il.Emit(OpCodes.Ldloc, result);
            region.WriteMemory(size);
        }
        else
        {
            il.Emit(OpCodes.Ldloc, result);
            region.StoreRegister(op->Destination, size);
        }
        return true;
    }

    /// <summary>The method of an operation at a width.</summary>
    public static MethodInfo Method(Type operation, int size)
    {
        lock (Methods)
        {
            if (!Methods.TryGetValue((operation, size), out var method))
            {
                method = operation.GetMethod(nameof(IBinaryOperation.Compute))!.MakeGenericMethod(RegionEmitter.TypeOf(size));
                Methods.Add((operation, size), method);
            }
            return method;
        }
    }

    // Operands are in the two scratch locals; the result is in the one returned.
    private LocalBuilder Compute(RegionEmitter region, LocalBuilder first, LocalBuilder second)
    {
        var il = region.Il;
        switch (host)
        {
            case HostOperation.Add:
            case HostOperation.Subtract:
                region.DeferFlags(host == HostOperation.Add ? DeferredFlags.Sum : DeferredFlags.Difference, size);
                if (!writes)
                    return first;
                break;
            case HostOperation.None:
                il.Emit(OpCodes.Ldloc, first);
                il.Emit(OpCodes.Ldloc, second);
                // Working flags out may not disturb the operands on the stack: it leaves the stack as it is.
                region.LoadFlagsAddress(flags);
                il.Emit(OpCodes.Call, Method(operation, size));
                il.Emit(OpCodes.Stloc, first);
                return first;
        }
        il.Emit(OpCodes.Ldloc, first);
        il.Emit(OpCodes.Ldloc, second);
        il.Emit(host switch
        {
            HostOperation.Add => OpCodes.Add,
            HostOperation.Subtract => OpCodes.Sub,
            HostOperation.And => OpCodes.And,
            HostOperation.Or => OpCodes.Or,
            _ => OpCodes.Xor,
        });
        if (size < 4)
            region.Narrow(size);
        il.Emit(OpCodes.Stloc, first);
        if (host is HostOperation.And or HostOperation.Or or HostOperation.Xor)
            region.SetLogicFlags(size);
        return first;
    }

    private void EmitUnlessLeft(RegionEmitter region, Op* op, LocalBuilder first, LocalBuilder second)
    {
        var il = region.Il;
        var left = il.DefineLabel();
        var result = Compute(region, first, second);
        il.Emit(OpCodes.Ldloc, second);
        il.Emit(OpCodes.Call, operation.GetMethod(nameof(IBinaryOperation.Leaves))!.MakeGenericMethod(RegionEmitter.TypeOf(size)));
        il.Emit(OpCodes.Brtrue, left);
        il.Emit(OpCodes.Ldloc, result);
        region.StoreRegister(op->Destination, size);
        il.MarkLabel(left);
    }

    // x − x and x ^ x need not wait for x.
    private void Clear(RegionEmitter region, Op* op)
    {
        region.LoadImmediate(0, size);
        region.Il.Emit(OpCodes.Stloc, region.Scratch(size));
        region.SetLogicFlags(size);
        if (!writes)
            return;
        region.LoadImmediate(0, size);
        region.StoreRegister(op->Destination, size);
    }
}

/// <summary>One operand: <see cref="UnaryShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IUnaryOperation"/>.</param>
/// <param name="size">Bytes.</param>
/// <param name="flags">What becomes of the flags.</param>
internal sealed unsafe class UnaryEmission(Type operation, int size, FlagUse flags) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var value = region.Scratch(size);
        if (!region.TryLoadOperand(in instruction, op, op->Destination, size, toChange: true))
            return false;
        il.Emit(OpCodes.Stloc, value);
        var deferred = DeferredFlags.FirstOf(operation);
        if (deferred != 0)
            region.DeferStepFlags(deferred, size);
        il.Emit(OpCodes.Ldloc, value);
        region.LoadFlagsAddress(deferred == 0 ? flags : FlagUse.Ignores);
        il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
        il.Emit(OpCodes.Stloc, value);
        region.StoreOperand(in instruction, value, op->Destination, size);
        return true;
    }
}

/// <summary>Shifts and rotates: <see cref="ShiftShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IShiftOperation"/>.</param>
/// <param name="size">Bytes of the operand.</param>
/// <param name="flags">What becomes of the flags where the count is not zero.</param>
internal sealed unsafe class ShiftEmission(Type operation, int size, FlagUse flags) : Emission
{
    private const byte Cl = 8;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var byCl = instruction.IsRegister(1);
        if (!byCl && op->Immediate == 0)
            return false;
        var value = region.Scratch(size);
        if (!region.TryLoadOperand(in instruction, op, op->Destination, size, toChange: true))
            return false;
        il.Emit(OpCodes.Stloc, value);
        if (byCl)
        {
            var count = region.Scratch(4, 2);
            var done = il.DefineLabel();
            // With a count of zero the flags stay: both ways must leave them in the same form.
            region.WorkOutFlags();
            region.LoadRegister(Cl, 1);
            il.Emit(OpCodes.Ldc_I4, size == 8 ? 63 : 31);
            il.Emit(OpCodes.And);
            il.Emit(OpCodes.Stloc, count);
            il.Emit(OpCodes.Ldloc, count);
            il.Emit(OpCodes.Brfalse, done);
            il.Emit(OpCodes.Ldloc, value);
            il.Emit(OpCodes.Ldloc, count);
            region.LoadFlagsAddress(FlagUse.Changes);
            il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
            il.Emit(OpCodes.Stloc, value);
            il.MarkLabel(done);
        }
        else
        {
            var deferred = DeferredFlags.FirstOf(operation);
            if (deferred != 0)
                region.DeferShiftFlags(deferred, size, (int)op->Immediate);
            il.Emit(OpCodes.Ldloc, value);
            il.Emit(OpCodes.Ldc_I4, (int)op->Immediate);
            region.LoadFlagsAddress(deferred == 0 ? flags : FlagUse.Ignores);
            il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
            il.Emit(OpCodes.Stloc, value);
        }
        region.StoreOperand(in instruction, value, op->Destination, size);
        return true;
    }
}

/// <summary>A destination register and two sources: <see cref="ThreeOperandShape{TOperation}"/>.</summary>
/// <param name="operation">The <see cref="IBinaryOperation"/>.</param>
/// <param name="size">Bytes.</param>
/// <param name="flags">What becomes of the flags.</param>
internal sealed unsafe class ThreeOperandEmission(Type operation, int size, FlagUse flags) : Emission
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
        Load(region, in instruction, op, 1);
        Load(region, in instruction, op, 2);
        region.LoadFlagsAddress(flags);
        region.Il.Emit(OpCodes.Call, BinaryEmission.Method(operation, size));
        region.StoreRegister(op->Destination, size);
        return true;
    }

    // Where the shape has put the operands depends on which of them is in memory.
    private void Load(RegionEmitter region, in GuestInstruction instruction, Op* op, int operand)
    {
        if (instruction.IsMemory(operand))
        {
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else if (!instruction.IsRegister(operand))
        {
            region.LoadImmediate(op->Immediate, size);
        }
        else
        {
            var first = operand == 1 && !instruction.HasMemory && instruction.IsRegister(2);
            region.LoadRegister(first ? op->Base : op->Source, size);
        }
    }
}

/// <summary>MUL and IMUL with one operand: <see cref="Multiply{TProduct}"/>.</summary>
/// <param name="product">The <see cref="IWideProduct"/>.</param>
/// <param name="size">Bytes.</param>
internal sealed unsafe class MultiplyEmission(Type product, int size) : Emission
{
    private const byte Accumulator = 0, AccumulatorHigh8 = 1, Data = 16;

    private static readonly MethodInfo Flags = typeof(MultiplyEmission).GetMethod(nameof(SetFlags), BindingFlags.Static | BindingFlags.Public)!;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var type = RegionEmitter.TypeOf(size);
        if (!region.TryLoadOperand(in instruction, op, op->Source, size))
            return false;
        LocalBuilder factor = region.Scratch(size), low = region.Scratch(size, 1), high = region.Scratch(size, 2);
        il.Emit(OpCodes.Stloc, factor);
        Half(nameof(IWideProduct.Low), low);
        Half(nameof(IWideProduct.High), high);
        il.Emit(OpCodes.Ldloc, low);
        region.StoreRegister(Accumulator, size);
        il.Emit(OpCodes.Ldloc, high);
        region.StoreRegister(size == 1 ? AccumulatorHigh8 : Data, size);
        il.Emit(OpCodes.Ldloc, low);
        il.Emit(OpCodes.Ldloc, high);
        region.LoadFlagsAddress(FlagUse.Replaces);
        il.Emit(OpCodes.Call, Flags.MakeGenericMethod(product, type));
        return true;

        void Half(string name, LocalBuilder result)
        {
            region.LoadRegister(Accumulator, size);
            il.Emit(OpCodes.Ldloc, factor);
            il.Emit(OpCodes.Call, product.GetMethod(name)!.MakeGenericMethod(type));
            il.Emit(OpCodes.Stloc, result);
        }
    }

    /// <summary>The flags of a product.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<TProduct, T>(T low, T high, ref State.ArithmeticFlags flags)
        where TProduct : IWideProduct
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        var overflows = TProduct.Overflows(low, high);
        flags.SetResult(low, overflows, overflows);
    }
}
