using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Strings;
using Emu.Cpu.Memory;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>What compiled code asks of an <see cref="IStringOperation"/>.</summary>
/// <param name="operation">The operation.</param>
internal readonly struct StringFacts(Type operation)
{
    /// <summary>An element at rSI is read.</summary>
    public bool UsesSource { get; } = Is(operation, nameof(IStringOperation.UsesSource));

    /// <summary>An element at rDI is read or written.</summary>
    public bool UsesDestination { get; } = Is(operation, nameof(IStringOperation.UsesDestination));

    /// <summary>The element at rDI is written.</summary>
    public bool WritesDestination { get; } = Is(operation, nameof(IStringOperation.WritesDestination));

    /// <summary>It sets the flags.</summary>
    public bool Compares { get; } = Is(operation, nameof(IStringOperation.Compares));

    private static bool Is(Type operation, string name) => (bool)operation.GetProperty(name)!.GetValue(null)!;
}

/// <summary>A string instruction without REP: <see cref="StringShape{TOperation, T}"/>.</summary>
/// <param name="operation">The <see cref="IStringOperation"/>.</param>
/// <param name="size">Bytes of an element.</param>
internal sealed unsafe class StringEmission(Type operation, int size) : Emission
{
    private const byte Accumulator = 0;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var facts = new StringFacts(operation);
        LocalBuilder first = region.Scratch(size), second = region.Scratch(size, 1);
        var exit = region.ExitHere();
        if (facts.UsesSource)
        {
            region.LoadStringAddress(op, StringRegister.Source);
            region.FindAt(size, write: false, exit);
            region.LoadPlace();
            region.ReadMemory(size);
        }
        else
        {
            region.LoadRegister(Accumulator, size);
        }
        il.Emit(OpCodes.Stloc, first);
        if (facts.UsesDestination)
        {
            region.LoadStringAddress(op, StringRegister.Destination);
            region.FindAt(size, facts.WritesDestination, exit);
            region.LoadPlace();
        }
        if (facts.WritesDestination)
        {
            il.Emit(OpCodes.Ldloc, first);
            region.WriteMemory(size);
        }
        else if (facts.Compares)
        {
            region.ReadMemory(size);
            il.Emit(OpCodes.Stloc, second);
            region.DeferFlags(DeferredFlags.Difference, size);
        }
        else
        {
            il.Emit(OpCodes.Ldloc, first);
            region.StoreRegister(Accumulator, size);
        }
        if (facts.UsesSource)
            Move(StringRegister.Source);
        if (facts.UsesDestination)
            Move(StringRegister.Destination);
        return true;

        void Move(byte register)
        {
            region.LoadStringStep(size);
            region.MoveStringRegister(op, register);
        }
    }
}

/// <summary>
/// A repeated string instruction: where it is complete with one piece (<see cref="Repetition{TOperation, T, TString}"/>), upwards and in pages
/// that the TLB knows. The rest is the handler's.
/// </summary>
/// <param name="operation">The <see cref="IStringOperation"/>.</param>
/// <param name="size">Bytes of an element.</param>
internal sealed unsafe class RepetitionEmission(Type operation, int size) : Emission
{
    private const byte Accumulator = 0;

    /// <inheritdoc/>
    public override bool MayMiss => true;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var facts = new StringFacts(operation);
        region.ForgetAccesses();
        // With a count of zero the flags stay: all ways must leave them in the same form.
        if (facts.Compares)
            region.WorkOutFlags();
        var exit = region.ExitToHandler(in instruction, op, facts.Compares);
        var done = il.DefineLabel();
        LocalBuilder count = region.Scratch(8), bytes = region.Scratch(8, 1);
        region.LoadRegister(StringRegister.Count, op->AddressSize);
        region.Widen(op->AddressSize);
        il.Emit(OpCodes.Stloc, count);
        il.Emit(OpCodes.Ldloc, count);
        il.Emit(OpCodes.Brfalse, done);
        il.Emit(OpCodes.Ldloc, count);
        il.Emit(OpCodes.Ldc_I8, (long)PhysicalMemory.PageSize / size);
        il.Emit(OpCodes.Bgt_Un, exit);
        region.LeaveIfDownwards(exit);
        il.Emit(OpCodes.Ldloc, count);
        il.Emit(OpCodes.Ldc_I8, (long)size);
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Stloc, bytes);
        var source = region.ScratchPlace;
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Stloc, source);
        if (facts.UsesSource)
        {
            region.FindElements(op, StringRegister.Source, size, false, bytes, exit);
            region.LoadPlace();
            il.Emit(OpCodes.Stloc, source);
        }
        if (facts.UsesDestination)
            region.FindElements(op, StringRegister.Destination, size, facts.WritesDestination, bytes, exit);

        region.LoadStateWith(Accumulator);
        il.Emit(OpCodes.Ldloc, source);
        // (LODS does not look at it.)
        region.LoadPlace();
        il.Emit(OpCodes.Ldloc, count);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(op->Immediate != 0 ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Call, operation.GetMethod(nameof(IStringOperation.Many))!.MakeGenericMethod(RegionEmitter.TypeOf(size)));
        il.Emit(OpCodes.Conv_I8);
        il.Emit(OpCodes.Stloc, count);
        if (facts is { UsesSource: true, UsesDestination: false })
            region.TakeFromState(Accumulator);
        if (facts.Compares)
            region.TakeFlagsFromState();
        if (facts.UsesSource)
            Move(StringRegister.Source, size);
        if (facts.UsesDestination)
            Move(StringRegister.Destination, size);
        Move(StringRegister.Count, -1);
        il.MarkLabel(done);
        region.Resume();
        return true;

        void Move(byte register, long factor)
        {
            il.Emit(OpCodes.Ldloc, count);
            il.Emit(OpCodes.Ldc_I8, factor);
            il.Emit(OpCodes.Mul);
            region.MoveStringRegister(op, register);
        }
    }
}
