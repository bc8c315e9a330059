using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Compilation;

/// <summary>What the compiler knows of one instruction besides its op.</summary>
internal readonly unsafe struct GuestInstruction
{
    private readonly Instruction _instruction;

    /// <summary>Takes note of an instruction that has been bound.</summary>
    /// <param name="operands">Its operands.</param>
    /// <param name="opIndex">Its first op in the block.</param>
    public GuestInstruction(ref readonly Operands operands, int opIndex)
    {
        _instruction = operands.Instruction;
        OpIndex = opIndex;
        Ops = operands.Ops;
        Addressing = operands.Addressing;
        AddressSize = operands.Op->AddressSize;
        Segment = (SegmentName)operands.Op->Segment;
        Is64 = operands.Is64;
        Stack = operands.Stack;
        EndsBlock = operands.EndsBlock;
        Emission = operands.Emission;
    }

    /// <summary>Index of its first op in the block.</summary>
    public int OpIndex { get; }

    /// <summary>How many ops it takes.</summary>
    public int Ops { get; }

    /// <summary>Address arithmetic of its memory operand.</summary>
    public AddressingKind Addressing { get; }

    /// <summary>Bytes of an effective address.</summary>
    public int AddressSize { get; }

    /// <summary>The segment of its memory operand.</summary>
    public SegmentName Segment { get; }

    /// <summary>True in 64-bit code.</summary>
    public bool Is64 { get; }

    /// <summary>The stack it uses, if any.</summary>
    public StackKind Stack { get; }

    /// <summary>True where its handler does not go on with the next instruction.</summary>
    public bool EndsBlock { get; }

    /// <summary>What compiled code does for it; null where its handler is called.</summary>
    public Emission? Emission { get; }

    /// <summary>True where it may change what compiled code takes for granted: privilege, control registers.</summary>
    public bool IsPrivileged => _instruction.IsPrivileged;

    /// <summary>True where an operand is a register.</summary>
    public bool IsRegister(int operand) => _instruction.GetOpKind(operand) == OpKind.Register;

    /// <summary>True where an operand is the (explicit) memory operand.</summary>
    public bool IsMemory(int operand) => _instruction.GetOpKind(operand) == OpKind.Memory;

    /// <summary>True where any operand is the memory operand.</summary>
    public bool HasMemory
    {
        get
        {
            for (var i = 0; i < _instruction.OpCount; i++)
            {
                if (IsMemory(i))
                    return true;
            }
            return false;
        }
    }

    /// <summary>The instruction as decoded.</summary>
    public Instruction Decoded => _instruction;
}
