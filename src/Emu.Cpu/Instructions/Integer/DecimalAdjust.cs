using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>An adjustment of decimal digits in AX.</summary>
public interface IDecimalOperation
{
    /// <summary>Makes it; false, with nothing changed, where #DE is due.</summary>
    /// <param name="s">State.</param>
    /// <param name="radix">The immediate of AAM and AAD.</param>
    static abstract unsafe bool TryAdjust(CpuState* s, byte radix);
}

/// <summary>AL and AH.</summary>
internal static unsafe class Accumulator
{
    /// <summary>AL.</summary>
    public static ref byte Low(CpuState* s) => ref *(byte*)s->Registers;

    /// <summary>AX.</summary>
    public static ref ushort Word(CpuState* s) => ref *(ushort*)s->Registers;

    /// <summary>Sets SF, ZF and PF from AL, CF and AF as given, and clears OF, which the SDM leaves undefined.</summary>
    public static void SetFlags(CpuState* s, bool carry, bool adjust)
    {
        s->Flags.SetLogic(Low(s));
        s->Flags.SetFrom((s->Flags.ToRflags() & ~(Rflags.Carry | Rflags.Adjust))
            | (carry ? Rflags.Carry : 0) | (adjust ? Rflags.Adjust : 0));
    }
}

/// <summary>DAA (SDM Vol. 2A).</summary>
public readonly unsafe struct Daa : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        ref var al = ref Accumulator.Low(s);
        var before = al;
        var adjust = (al & 15) > 9 || s->Flags.Adjust;
        var carry = before > 0x99 || s->Flags.Carry;
        al = (byte)(before + (adjust ? 6 : 0) + (carry ? 0x60 : 0));
        Accumulator.SetFlags(s, carry, adjust);
        return true;
    }
}

/// <summary>DAS (SDM Vol. 2A).</summary>
public readonly unsafe struct Das : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        ref var al = ref Accumulator.Low(s);
        var before = al;
        var adjust = (al & 15) > 9 || s->Flags.Adjust;
        var tens = before > 0x99 || s->Flags.Carry;
        var carry = tens || (adjust && before < 6);
        al = (byte)(before - (adjust ? 6 : 0) - (tens ? 0x60 : 0));
        Accumulator.SetFlags(s, carry, adjust);
        return true;
    }
}

/// <summary>AAA (SDM Vol. 2A).</summary>
public readonly unsafe struct Aaa : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        ref var al = ref Accumulator.Low(s);
        var adjust = (al & 15) > 9 || s->Flags.Adjust;
        if (adjust)
            Accumulator.Word(s) += 0x106;
        al &= 15;
        Accumulator.SetFlags(s, adjust, adjust);
        return true;
    }
}

/// <summary>AAS (SDM Vol. 2A).</summary>
public readonly unsafe struct Aas : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        ref var al = ref Accumulator.Low(s);
        var adjust = (al & 15) > 9 || s->Flags.Adjust;
        if (adjust)
            Accumulator.Word(s) -= 0x106;
        al &= 15;
        Accumulator.SetFlags(s, adjust, adjust);
        return true;
    }
}

/// <summary>AAM (SDM Vol. 2A): #DE for a radix of zero.</summary>
public readonly unsafe struct Aam : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        if (radix == 0)
            return false;
        var al = Accumulator.Low(s);
        Accumulator.Word(s) = (ushort)((al / radix << 8) | (al % radix));
        Accumulator.SetFlags(s, false, false);
        return true;
    }
}

/// <summary>AAD (SDM Vol. 2A).</summary>
public readonly unsafe struct Aad : IDecimalOperation
{
    /// <inheritdoc/>
    public static bool TryAdjust(CpuState* s, byte radix)
    {
        var ax = Accumulator.Word(s);
        Accumulator.Word(s) = (byte)(ax + (ax >> 8) * radix);
        Accumulator.SetFlags(s, false, false);
        return true;
    }
}

/// <summary>Binds the decimal adjustments, which do not exist in 64-bit code.</summary>
internal static unsafe class DecimalShape<TOperation>
    where TOperation : IDecimalOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        operands.Op->Immediate = operands.Instruction.OpCount == 0 ? 0 : operands.Instruction.Immediate8;
        operands.Op->Handler = &Execute;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TOperation.TryAdjust(s, (byte)op->Immediate))
        {
            vcpu.RaiseFault(op, ExceptionVector.DivideError);
            return;
        }
        Step.Next(vcpu, s, op);
    }
}
