using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Supervisor;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>PUSHFQ: <see cref="FlagInstructions"/>.</summary>
internal sealed unsafe class PushFlagsEmission : Emission
{
    private const int Size = 8;

    private static readonly MethodInfo Pushed = typeof(FlagInstructions).GetMethod(nameof(FlagInstructions.Pushed))!;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.FindPush(in instruction, Size);
        region.LoadPlace();
        region.Il.Emit(OpCodes.Ldarg_1);
        // They stay as they are.
        region.LoadFlagsAddress(FlagUse.Changes);
        region.Il.Emit(OpCodes.Call, Pushed);
        region.WriteMemory(Size);
        region.CommitPush(in instruction, Size);
        return true;
    }
}

/// <summary>CLI at CPL 0: <see cref="FlagInstructions"/>.</summary>
internal sealed unsafe class ClearInterruptEmission : Emission
{
    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        region.ClearInterruptFlag();
        return true;
    }
}
