using Emu.Cpu.Tests.Instructions.Native;
using Iced.Intel;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>Makes encodings of a form (Iced's <see cref="Code"/>) with random operands, and register values that suit them.</summary>
internal sealed class InstructionForms(Random random)
{
    // Half of the shared memory is for operands, half for the stack; addresses point into the middle of either.
    private const ulong Middle = MachineState.DataAddress + MachineState.DataLength / 4;
    private const ulong StackMiddle = MachineState.DataAddress + MachineState.DataLength * 3 / 4;
    private const int MaxBitDistance = 0x8000;

    /// <summary>One encoding in 64-bit code, or null where the form takes none with these operands.</summary>
    /// <param name="code">The form.</param>
    /// <param name="memory">Whether an operand that may be a register or memory shall be memory.</param>
    /// <param name="instruction">The instruction.</param>
    public byte[]? TryEncode(Code code, bool memory, out Instruction instruction)
    {
        instruction = new Instruction { Code = code };
        var info = code.ToOpCode();
        for (var i = 0; i < info.OpCount; i++)
        {
            if (!SetOperand(ref instruction, i, info.GetOpKind(i), memory))
                return null;
        }
        // The bit offset cannot be an address too.
        if (IsBitString(instruction) && instruction.Op1Register.GetFullRegister() is var offset
            && (offset == instruction.MemoryBase || offset == instruction.MemoryIndex))
            return null;
        if (info.CanUseRepPrefix || info.CanUseRepnePrefix)
        {
            var choice = random.Next(3);
            instruction.HasRepPrefix = choice == 1;
            instruction.HasRepnePrefix = choice == 2 && info.CanUseRepnePrefix;
        }
        var writer = new Bytes();
        var encoder = Encoder.Create(64, writer);
        return encoder.TryEncode(instruction, 0, out _, out _) ? writer.ToArray() : null;
    }

    /// <summary>Registers and flags with interesting values, those that address memory with suitable ones.</summary>
    public void Fill(in Instruction instruction, ref MachineState state)
    {
        unsafe
        {
            for (var i = 0; i < 16; i++)
                state.Registers[i] = Value();
            state.Registers[4] = StackMiddle + (ulong)random.Next(64) * 8;
            state.Flags = 0x202 | ((ulong)random.NextInt64() & 0x8D5) | (random.Next(4) == 0 ? 0x400UL : 0);

            if (instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Leave)
                state.Registers[5] = StackMiddle + 0x400 + (ulong)random.Next(0x100);
            if (instruction.IsStringInstruction)
            {
                // Sometimes so near to each other that they overlap.
                state.Registers[6] = Middle + (ulong)random.Next(-0x800, 0x800);
                state.Registers[7] = random.Next(2) == 0 ? state.Registers[6] + (ulong)random.Next(-9, 10) : Middle + (ulong)random.Next(-0x800, 0x800);
                state.Registers[1] = (ulong)random.Next(40);
            }
            if (IsBitString(instruction))
                state.Registers[instruction.Op1Register.GetNumber()] = (ulong)random.Next(-MaxBitDistance, MaxBitDistance);
            if (instruction.MemoryIndex.IsGPR64())
                state.Registers[instruction.MemoryIndex.GetNumber()] = (ulong)random.Next(-64, 64);
            if (instruction.MemoryBase.IsGPR64())
            {
                var aligned = instruction.Mnemonic == Mnemonic.Cmpxchg16b;
                state.Registers[instruction.MemoryBase.GetNumber()] = (aligned ? Middle & ~15UL : Middle + (ulong)random.Next(64));
            }
        }
    }

    /// <summary>A value: often one at an edge.</summary>
    public ulong Value() => random.Next(8) switch
    {
        0 => 0,
        1 => ulong.MaxValue,
        2 => 1UL << random.Next(64),
        3 => (1UL << random.Next(64)) - 1,
        4 => (ulong)(long)(sbyte)random.Next(256),
        5 => 0x8000_0000_0000_0000 | (ulong)random.Next(0x10000) << 16 | 0x8080,
        _ => (ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1),
    };

    private static bool IsBitString(in Instruction instruction) =>
        instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
        && instruction.Op0Kind == OpKind.Memory && instruction.Op1Kind == OpKind.Register;

    private bool SetOperand(ref Instruction instruction, int operand, OpCodeOperandKind kind, bool memory)
    {
        switch (kind)
        {
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem when memory:
            case OpCodeOperandKind.mem:
                if (!memory)
                    return false;
                SetMemory(ref instruction, operand);
                return true;
            case OpCodeOperandKind.mem_offs:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryDisplSize = 8;
                instruction.MemoryDisplacement64 = Middle + (ulong)random.Next(64);
                return true;
            case OpCodeOperandKind.seg_rBX_al:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryBase = Register.RBX;
                instruction.MemoryIndex = Register.AL;
                return true;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(operand, OpKind.MemorySegRSI);
                return true;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(operand, OpKind.MemoryESRDI);
                return true;
            case OpCodeOperandKind.al:
                return SetRegister(ref instruction, operand, Register.AL);
            case OpCodeOperandKind.cl:
                return SetRegister(ref instruction, operand, Register.CL);
            case OpCodeOperandKind.ax:
                return SetRegister(ref instruction, operand, Register.AX);
            case OpCodeOperandKind.eax:
                return SetRegister(ref instruction, operand, Register.EAX);
            case OpCodeOperandKind.rax:
                return SetRegister(ref instruction, operand, Register.RAX);
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode:
                return SetRegister(ref instruction, operand, Byte());
            case OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_rm or OpCodeOperandKind.r16_opcode:
                return SetRegister(ref instruction, operand, Register.AX + Number());
            case OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_opcode
                or OpCodeOperandKind.r32_vvvv:
                return SetRegister(ref instruction, operand, Register.EAX + Number());
            case OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_opcode
                or OpCodeOperandKind.r64_vvvv:
                return SetRegister(ref instruction, operand, Register.RAX + Number());
            default:
                return SetImmediate(ref instruction, operand, kind);
        }
    }

    private bool SetImmediate(ref Instruction instruction, int operand, OpCodeOperandKind kind)
    {
        var value = Value();
        switch (kind)
        {
            case OpCodeOperandKind.imm8_const_1:
                instruction.SetOpKind(operand, OpKind.Immediate8);
                instruction.Immediate8 = 1;
                return true;
            case OpCodeOperandKind.imm8 when instruction.Mnemonic == Mnemonic.Enter:
                instruction.SetOpKind(operand, OpKind.Immediate8_2nd);
                instruction.Immediate8_2nd = (byte)random.Next(5);
                return true;
            case OpCodeOperandKind.imm8:
                instruction.SetOpKind(operand, OpKind.Immediate8);
                instruction.Immediate8 = (byte)value;
                return true;
            case OpCodeOperandKind.imm8sex16:
                instruction.SetOpKind(operand, OpKind.Immediate8to16);
                instruction.Immediate8to16 = (sbyte)value;
                return true;
            case OpCodeOperandKind.imm8sex32:
                instruction.SetOpKind(operand, OpKind.Immediate8to32);
                instruction.Immediate8to32 = (sbyte)value;
                return true;
            case OpCodeOperandKind.imm8sex64:
                instruction.SetOpKind(operand, OpKind.Immediate8to64);
                instruction.Immediate8to64 = (sbyte)value;
                return true;
            case OpCodeOperandKind.imm16:
                instruction.SetOpKind(operand, OpKind.Immediate16);
                instruction.Immediate16 = instruction.Mnemonic == Mnemonic.Enter ? (ushort)random.Next(0x400) : (ushort)value;
                return true;
            case OpCodeOperandKind.imm32:
                instruction.SetOpKind(operand, OpKind.Immediate32);
                instruction.Immediate32 = (uint)value;
                return true;
            case OpCodeOperandKind.imm32sex64:
                instruction.SetOpKind(operand, OpKind.Immediate32to64);
                instruction.Immediate32to64 = (int)value;
                return true;
            case OpCodeOperandKind.imm64:
                instruction.SetOpKind(operand, OpKind.Immediate64);
                instruction.Immediate64 = value;
                return true;
            default:
                return false;
        }
    }

    private static bool SetRegister(ref Instruction instruction, int operand, Register register)
    {
        instruction.SetOpKind(operand, OpKind.Register);
        instruction.SetOpRegister(operand, register);
        return true;
    }

    private void SetMemory(ref Instruction instruction, int operand)
    {
        instruction.SetOpKind(operand, OpKind.Memory);
        instruction.MemoryBase = Register.RAX + Number();
        if (random.Next(3) == 0 && instruction.Mnemonic != Mnemonic.Cmpxchg16b)
        {
            do
                instruction.MemoryIndex = Register.RAX + Number();
            while (instruction.MemoryIndex == instruction.MemoryBase);
            instruction.MemoryIndexScale = 1 << random.Next(4);
        }
        instruction.MemoryDisplSize = random.Next(3) == 0 ? 8 : 1;
        instruction.MemoryDisplacement64 = (ulong)(instruction.MemoryDisplSize == 8 ? random.Next(-0x200, 0x200) & ~15 : random.Next(-8, 8) * 16);
    }

    // Not the stack pointer: with it as destination a signal would find no stack.
    private int Number()
    {
        var number = random.Next(15);
        return number >= 4 ? number + 1 : number;
    }

    private Register Byte()
    {
        var number = random.Next(19);
        return number < 4 ? Register.AH + number : number - 4 >= 4 ? Register.SPL + (number - 4 - 3) : Register.AL + (number - 4);
    }

    private sealed class Bytes : CodeWriter
    {
        private readonly List<byte> _bytes = [];

        public override void WriteByte(byte value) => _bytes.Add(value);

        public byte[] ToArray() => [.. _bytes];
    }
}
