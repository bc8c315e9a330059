using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>A change of flags and nothing else.</summary>
public interface IFlagOperation
{
    /// <summary>Makes it.</summary>
    static abstract unsafe void Apply(CpuState* s);
}

/// <summary>CLC (SDM Vol. 2A).</summary>
public readonly unsafe struct Clc : IFlagOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(CpuState* s) => s->Flags.SetCarry(false);
}

/// <summary>STC (SDM Vol. 2B).</summary>
public readonly unsafe struct Stc : IFlagOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(CpuState* s) => s->Flags.SetCarry(true);
}

/// <summary>CMC (SDM Vol. 2A).</summary>
public readonly unsafe struct Cmc : IFlagOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(CpuState* s) => s->Flags.SetCarry(!s->Flags.Carry);
}

/// <summary>CLD (SDM Vol. 2A).</summary>
public readonly unsafe struct Cld : IFlagOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(CpuState* s) => s->SystemFlags &= ~Rflags.Direction;
}

/// <summary>STD (SDM Vol. 2B).</summary>
public readonly unsafe struct Std : IFlagOperation
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(CpuState* s) => s->SystemFlags |= Rflags.Direction;
}

/// <summary>SALC, D6: AL is all ones or zeros as CF says (Intel's opcode map leaves it out; every processor has it).</summary>
public readonly unsafe struct Salc : IFlagOperation
{
    /// <inheritdoc/>
    public static void Apply(CpuState* s) => *(byte*)s->Registers = (byte)(0 - s->Flags.CarryValue);
}

/// <summary>LAHF (SDM Vol. 2A): SF, ZF, 0, AF, 0, PF, 1, CF to AH.</summary>
public readonly unsafe struct Lahf : IFlagOperation
{
    /// <inheritdoc/>
    public static void Apply(CpuState* s) => ((byte*)s->Registers)[1] = (byte)(s->Flags.ToRflags() | Rflags.AlwaysSet);
}

/// <summary>SAHF (SDM Vol. 2B): all but OF from AH.</summary>
public readonly unsafe struct Sahf : IFlagOperation
{
    /// <inheritdoc/>
    public static void Apply(CpuState* s) =>
        s->Flags.SetFrom(((byte*)s->Registers)[1] | (s->Flags.Overflow ? Rflags.Overflow : 0));
}

/// <summary>Binds instructions that only change flags.</summary>
internal static unsafe class FlagShape<TOperation>
    where TOperation : IFlagOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands) => operands.Op->Handler = &Execute;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Execute(Vcpu vcpu, CpuState* s, Op* op)
    {
        TOperation.Apply(s);
        Step.Next(vcpu, s, op);
    }
}
