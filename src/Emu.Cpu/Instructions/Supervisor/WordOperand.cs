using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Supervisor;

/// <summary>A 16-bit r/m source, as selectors and the machine status word are. A type argument of handlers.</summary>
internal unsafe interface IWordSource
{
    /// <summary>The value, or −1 after a fault.</summary>
    static abstract int Read(Vcpu vcpu, CpuState* s, Op* op);
}

/// <summary>The low word of the register in <see cref="Op.Source"/>.</summary>
internal readonly unsafe struct RegisterWord : IWordSource
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Read(Vcpu vcpu, CpuState* s, Op* op) => Step.Get<ushort>(s, op->Source);
}

/// <summary>A word in memory.</summary>
internal readonly unsafe struct MemoryWord : IWordSource
{
    /// <inheritdoc/>
    public static int Read(Vcpu vcpu, CpuState* s, Op* op)
    {
        var place = Operand.Read<SegmentedAddress, ushort>(vcpu, s, op);
        return place == null ? -1 : *place;
    }
}

/// <summary>Results that go to a 16-bit word in memory, or to a register of any width, zero-extended.</summary>
internal static unsafe class WordResult
{
    /// <summary>Takes a register operand as the destination, its width in bytes to <see cref="Op.Scale"/>, which no register form uses otherwise.</summary>
    /// <returns>False for a memory operand, of which nothing is taken.</returns>
    public static bool Take(ref Operands operands, int operand)
    {
        if (!operands.IsRegister(operand))
            return false;
        operands.Op->Destination = operands.RegisterOf(operand);
        operands.Op->Scale = (byte)operands.SizeOf(operand);
        return true;
    }

    /// <summary>Writes a register at its width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToRegister(CpuState* s, Op* op, ulong value)
    {
        if (op->Scale == 2)
            Step.Set(s, op->Destination, (ushort)value);
        else if (op->Scale == 4)
            Step.Set(s, op->Destination, (uint)value);
        else
            Step.Set(s, op->Destination, value);
    }
}
