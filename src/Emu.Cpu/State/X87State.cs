using System.Runtime.InteropServices;
using Emu.Cpu.FloatingPoint;

namespace Emu.Cpu.State;

/// <summary>The x87 FPU's registers (SDM Vol. 1, 8.1). MMX registers are the significands of the same.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct X87State
{
    /// <summary>Physical registers R0–R7, two words each: significand, then sign and exponent in the low 16 bits.</summary>
    public fixed ulong Registers[16];

    /// <summary>Control and status word, as arithmetic works on them.</summary>
    public X87Context Context;

    /// <summary>One bit for each physical register that is not empty (the abridged tag of FXSAVE).</summary>
    public byte Valid;

    /// <summary>Opcode of the last non-control instruction, 11 bits.</summary>
    public ushort LastOpcode;

    /// <summary>Selector of the last instruction.</summary>
    public ushort LastCodeSelector;

    /// <summary>Selector of the last operand.</summary>
    public ushort LastDataSelector;

    /// <summary>Offset of the last non-control instruction.</summary>
    public ulong LastInstruction;

    /// <summary>Offset of the last memory operand.</summary>
    public ulong LastOperand;

    /// <summary>Control word.</summary>
    public ushort Control
    {
        readonly get => Context.ControlWord;
        set => Context.ControlWord = value;
    }

    /// <summary>Status word, TOP included.</summary>
    public ushort Status
    {
        readonly get => Context.StatusWord;
        set => Context.StatusWord = value;
    }
}
