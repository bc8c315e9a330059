using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.X87;
using Iced.Intel;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>An x87 instruction on the register stack: <see cref="X87Shape{TOperation}"/>. Its short way is called; any other case is the handler's.</summary>
/// <param name="plain">The short way.</param>
internal sealed unsafe class X87Emission(MethodInfo plain) : Emission
{
    // Iced counts the FPU's condition codes among the flags.
    private const RflagsBits Arithmetic = RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.PF | RflagsBits.CF;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var decoded = instruction.Decoded;
        // FCMOVcc finds them in the state alone.
        if ((decoded.RflagsRead & Arithmetic) != 0)
            return false;
        var setsFlags = (decoded.RflagsModified & Arithmetic) != 0;
        var exit = region.ExitToHandler(in instruction, op, setsFlags, out var copy);
        region.StoreRip();
        region.Il.Emit(OpCodes.Ldarg_1);
        region.LoadPointer(copy);
        region.Il.Emit(OpCodes.Call, plain);
        region.Il.Emit(OpCodes.Brfalse, exit);
        if (setsFlags)
            region.TakeStoredFlags();
        region.Resume();
        return true;
    }
}

/// <summary>An x87 instruction with a memory operand: <see cref="X87LoadShape{TOperation}"/> and <see cref="X87StoreShape{TOperation}"/>.</summary>
/// <param name="plain">The short way.</param>
/// <param name="bytes">Bytes of the operand.</param>
/// <param name="writes">It is written.</param>
internal sealed unsafe class X87MemoryEmission(MethodInfo plain, int bytes, bool writes) : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        if (!RegionEmitter.CanAddress(in instruction))
            return false;
        if (writes)
            region.FindForWriting(in instruction, op, bytes);
        else
            region.FindForReading(in instruction, op, bytes);
        var exit = region.ExitToHandler(in instruction, op, false, out var copy);
        region.StoreRip();
        region.Il.Emit(OpCodes.Ldarg_1);
        region.LoadPointer(copy);
        region.LoadPlace();
        region.LoadEffectiveAddress(op);
        if (op->AddressSize == 4)
        {
            region.Il.Emit(OpCodes.Conv_U4);
            region.Il.Emit(OpCodes.Conv_U8);
        }
        region.Il.Emit(OpCodes.Call, plain);
        region.Il.Emit(OpCodes.Brfalse, exit);
        region.Resume();
        return true;
    }
}
