using System.Reflection;
using System.Reflection.Emit;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions.Integer;

namespace Emu.Cpu.Compilation.Emissions;

/// <summary>DIV and IDIV: <see cref="Divide{TDivision}"/>. What is not plain, #DE included, is the handler's.</summary>
/// <param name="division">The <see cref="IDivision"/>.</param>
/// <param name="size">Bytes.</param>
internal sealed unsafe class DivideEmission(Type division, int size) : Emission
{
    private const byte LowRegister = 0;

    private static readonly MethodInfo Remainder = typeof(Division).GetMethod(nameof(Division.Remainder))!;

    /// <inheritdoc/>
    public override bool Emit(RegionEmitter region, in GuestInstruction instruction, Op* op)
    {
        var il = region.Il;
        var type = RegionEmitter.TypeOf(size);
        if (!region.TryLoadOperand(in instruction, op, op->Source, size))
            return false;
        LocalBuilder divisor = region.Scratch(size), low = region.Scratch(size, 1), high = region.Scratch(size, 2), quotient = region.Scratch(size, 3);
        il.Emit(OpCodes.Stloc, divisor);
        region.LoadRegister(LowRegister, size);
        il.Emit(OpCodes.Stloc, low);
        region.LoadRegister(Division.HighRegister(size), size);
        il.Emit(OpCodes.Stloc, high);
        var exit = region.ExitToHandler(in instruction, op);
        Load(nameof(IDivision.IsPlain));
        il.Emit(OpCodes.Brfalse, exit);
        Load(nameof(IDivision.Quotient));
        il.Emit(OpCodes.Stloc, quotient);
        il.Emit(OpCodes.Ldloc, low);
        il.Emit(OpCodes.Ldloc, divisor);
        il.Emit(OpCodes.Ldloc, quotient);
        il.Emit(OpCodes.Call, Remainder.MakeGenericMethod(type));
        il.Emit(OpCodes.Stloc, high);
        il.Emit(OpCodes.Ldloc, quotient);
        region.StoreRegister(LowRegister, size);
        il.Emit(OpCodes.Ldloc, high);
        region.StoreRegister(Division.HighRegister(size), size);
        region.Resume();
        return true;

        void Load(string name)
        {
            il.Emit(OpCodes.Ldloc, high);
            il.Emit(OpCodes.Ldloc, low);
            il.Emit(OpCodes.Ldloc, divisor);
            il.Emit(OpCodes.Call, division.GetMethod(name)!.MakeGenericMethod(type));
        }
    }
}
