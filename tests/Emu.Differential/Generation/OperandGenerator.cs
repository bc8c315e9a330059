using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>Fills the operands of a form at random.</summary>
internal sealed class OperandGenerator(Randomness random)
{
    private static readonly ushort[] FarSelectors = [0, 0x10, 0x18, 0x23, 0x2B, 0x33, 0x38, 0x40, 0x07];

    private CodeSize _size;
    private bool _needsRex;
    private bool _hasHighByte;

    /// <summary>Where near branches may lead, as offsets in the code segment.</summary>
    public ulong[] Targets { get; set; } = [0];

    /// <summary>An instruction of the form, or null where the operands drawn do not go together.</summary>
    /// <param name="code">The form.</param>
    /// <param name="size">Width of the code that it stands in.</param>
    /// <param name="memory">Whether an operand that may be a register or memory shall be memory.</param>
    public Instruction? TryMake(Code code, CodeSize size, bool memory)
    {
        _size = size;
        _needsRex = _hasHighByte = false;
        var instruction = new Instruction { Code = code };
        var form = code.ToOpCode();
        for (var i = 0; i < form.OpCount; i++)
        {
            if (!TrySet(ref instruction, i, form.GetOpKind(i), memory))
                return null;
        }
        if (_needsRex && _hasHighByte)
            return null;
        if (form.CanUseRepPrefix || form.CanUseRepnePrefix)
        {
            var choice = random.Below(3);
            instruction.HasRepPrefix = choice == 1 && form.CanUseRepPrefix;
            instruction.HasRepnePrefix = choice == 2 && form.CanUseRepnePrefix;
        }
        if (form.CanUseLockPrefix && instruction.Op0Kind == OpKind.Memory && random.OneIn(3))
            instruction.HasLockPrefix = true;
        return instruction;
    }

    private int Registers => _size == CodeSize.Bits64 ? 16 : 8;

    private bool TrySet(ref Instruction instruction, int operand, OpCodeOperandKind kind, bool memory)
    {
        switch (kind)
        {
            case OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem
                or OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.ymm_or_mem when memory:
            case OpCodeOperandKind.mem:
                SetMemory(ref instruction, operand, Register.None);
                return memory;
            case OpCodeOperandKind.mem_vsib32x or OpCodeOperandKind.mem_vsib64x:
                SetMemory(ref instruction, operand, Register.XMM0);
                return memory;
            case OpCodeOperandKind.mem_vsib32y or OpCodeOperandKind.mem_vsib64y:
                SetMemory(ref instruction, operand, Register.YMM0);
                return memory;
            case OpCodeOperandKind.mem_offs:
                SetOffset(ref instruction, operand);
                return true;
            case OpCodeOperandKind.seg_rBX_al:
                instruction.SetOpKind(operand, OpKind.Memory);
                instruction.MemoryBase = ImplicitBase(Register.BX, Register.EBX, Register.RBX);
                instruction.MemoryIndex = Register.AL;
                TakeSegment(ref instruction);
                return true;
            case OpCodeOperandKind.seg_rSI:
                instruction.SetOpKind(operand, Implicit(OpKind.MemorySegSI, OpKind.MemorySegESI, OpKind.MemorySegRSI, ref instruction));
                TakeSegment(ref instruction);
                return true;
            case OpCodeOperandKind.es_rDI:
                instruction.SetOpKind(operand, Implicit(OpKind.MemoryESDI, OpKind.MemoryESEDI, OpKind.MemoryESRDI, ref instruction));
                return true;
            case OpCodeOperandKind.seg_rDI:
                instruction.SetOpKind(operand, Implicit(OpKind.MemorySegDI, OpKind.MemorySegEDI, OpKind.MemorySegRDI, ref instruction));
                TakeSegment(ref instruction);
                return true;
            case OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2:
                instruction.SetOpKind(operand, OpKind.NearBranch16);
                instruction.NearBranch16 = (ushort)random.Pick<ulong>(Targets);
                return _size != CodeSize.Bits64;
            case OpCodeOperandKind.br32_1 or OpCodeOperandKind.br32_4:
                instruction.SetOpKind(operand, OpKind.NearBranch32);
                instruction.NearBranch32 = (uint)random.Pick<ulong>(Targets);
                return true;
            case OpCodeOperandKind.br64_1 or OpCodeOperandKind.br64_4:
                instruction.SetOpKind(operand, OpKind.NearBranch64);
                instruction.NearBranch64 = random.Pick<ulong>(Targets);
                return true;
            case OpCodeOperandKind.farbr2_2:
                instruction.SetOpKind(operand, OpKind.FarBranch16);
                instruction.FarBranch16 = (ushort)random.Pick<ulong>(Targets);
                instruction.FarBranchSelector = random.Pick<ushort>(FarSelectors);
                return true;
            case OpCodeOperandKind.farbr4_2:
                instruction.SetOpKind(operand, OpKind.FarBranch32);
                instruction.FarBranch32 = (uint)random.Pick<ulong>(Targets);
                instruction.FarBranchSelector = random.Pick<ushort>(FarSelectors);
                return true;
            default:
                return TryRegister(kind) is { } register && register != Register.None
                    ? SetRegister(ref instruction, operand, register) : TrySetImmediate(ref instruction, operand, kind);
        }
    }

    private Register TryRegister(OpCodeOperandKind kind) => kind switch
    {
        OpCodeOperandKind.al => Register.AL,
        OpCodeOperandKind.cl => Register.CL,
        OpCodeOperandKind.ax => Register.AX,
        OpCodeOperandKind.dx => Register.DX,
        OpCodeOperandKind.eax => Register.EAX,
        OpCodeOperandKind.rax => Register.RAX,
        OpCodeOperandKind.es => Register.ES,
        OpCodeOperandKind.cs => Register.CS,
        OpCodeOperandKind.ss => Register.SS,
        OpCodeOperandKind.ds => Register.DS,
        OpCodeOperandKind.fs => Register.FS,
        OpCodeOperandKind.gs => Register.GS,
        OpCodeOperandKind.seg_reg => Register.ES + random.Below(6),
        OpCodeOperandKind.cr_reg => random.Pick<Register>([Register.CR0, Register.CR2, Register.CR3, Register.CR4, Register.CR8]),
        OpCodeOperandKind.dr_reg => Register.DR0 + random.Below(8),
        OpCodeOperandKind.st0 => Register.ST0,
        OpCodeOperandKind.sti_opcode => Register.ST0 + random.Below(8),
        OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg or OpCodeOperandKind.r8_opcode => ByteRegister(),
        OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg or OpCodeOperandKind.r16_rm or OpCodeOperandKind.r16_opcode => Register.AX + Number(),
        OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg or OpCodeOperandKind.r32_rm or OpCodeOperandKind.r32_opcode
            or OpCodeOperandKind.r32_vvvv => Register.EAX + Number(),
        OpCodeOperandKind.r64_or_mem or OpCodeOperandKind.r64_reg or OpCodeOperandKind.r64_rm or OpCodeOperandKind.r64_opcode
            or OpCodeOperandKind.r64_vvvv => Register.RAX + Number(),
        OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm or OpCodeOperandKind.mm_or_mem => Register.MM0 + random.Below(8),
        OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.xmm_vvvv
            or OpCodeOperandKind.xmm_is4 => Register.XMM0 + random.Below(Registers),
        OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm or OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_vvvv
            or OpCodeOperandKind.ymm_is4 => Register.YMM0 + random.Below(Registers),
        _ => Register.None,
    };

    private bool TrySetImmediate(ref Instruction instruction, int operand, OpCodeOperandKind kind)
    {
        var value = Values.Integer(random);
        switch (kind)
        {
            case OpCodeOperandKind.imm8_const_1:
                instruction.SetOpKind(operand, OpKind.Immediate8);
                instruction.Immediate8 = 1;
                return true;
            case OpCodeOperandKind.imm8 when operand > 0 && instruction.GetOpKind(operand - 1) is OpKind.Immediate8 or OpKind.Immediate16:
                instruction.SetOpKind(operand, OpKind.Immediate8_2nd);
                instruction.Immediate8_2nd = instruction.Mnemonic != Mnemonic.Enter ? (byte)value
                    : (byte)(random.OneIn(8) ? random.Below(256) : random.Below(6));
                return true;
            case OpCodeOperandKind.imm8:
                instruction.SetOpKind(operand, OpKind.Immediate8);
                instruction.Immediate8 = (byte)(random.OneIn(3) ? random.Below(40) : (int)(byte)value);
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
                instruction.Immediate16 = instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Ret ? (ushort)random.Below(0x400) : (ushort)value;
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

    // Now and then the address is narrower or wider than the code.
    private int AddressSize() => _size switch
    {
        CodeSize.Bits64 => random.OneIn(8) ? 32 : 64,
        CodeSize.Bits32 => random.OneIn(8) ? 16 : 32,
        _ => random.OneIn(4) ? 32 : 16,
    };

    private Register ImplicitBase(Register narrow, Register middle, Register wide) =>
        AddressSize() switch { 16 => narrow, 32 => middle, _ => wide };

    // Both operands of a string instruction share the address size.
    private OpKind Implicit(OpKind narrow, OpKind middle, OpKind wide, ref Instruction instruction)
    {
        if (instruction.OpCount > 1 && Narrowness(instruction.GetOpKind(0)) is { } first)
            return first switch { 16 => narrow, 32 => middle, _ => wide };
        return AddressSize() switch { 16 => narrow, 32 => middle, _ => wide };
    }

    private static int? Narrowness(OpKind kind) => kind switch
    {
        OpKind.MemorySegSI or OpKind.MemoryESDI or OpKind.MemorySegDI => 16,
        OpKind.MemorySegESI or OpKind.MemoryESEDI or OpKind.MemorySegEDI => 32,
        OpKind.MemorySegRSI or OpKind.MemoryESRDI or OpKind.MemorySegRDI => 64,
        _ => null,
    };

    private void TakeSegment(ref Instruction instruction)
    {
        if (random.OneIn(8))
            instruction.SegmentPrefix = Register.ES + random.Below(6);
    }

    private void SetOffset(ref Instruction instruction, int operand)
    {
        instruction.SetOpKind(operand, OpKind.Memory);
        instruction.MemoryDisplSize = AddressSize() / 8;
        instruction.MemoryDisplacement64 = Place() - (instruction.MemoryDisplSize == 2 || _size == CodeSize.Bits16 ? Layout.DataSegment16 : 0);
        TakeSegment(ref instruction);
    }

    private ulong Place() => Layout.Data + (ulong)random.Below(Layout.DataLength - 64);

    private void SetMemory(ref Instruction instruction, int operand, Register vectorIndex)
    {
        instruction.SetOpKind(operand, OpKind.Memory);
        var size = AddressSize();
        TakeSegment(ref instruction);
        if (vectorIndex != Register.None)
        {
            instruction.MemoryBase = (size == 64 ? Register.RAX : Register.EAX) + Number();
            instruction.MemoryIndex = vectorIndex + random.Below(Registers);
            instruction.MemoryIndexScale = 1 << random.Below(4);
            instruction.MemoryDisplSize = 1;
            instruction.MemoryDisplacement64 = (ulong)(long)random.Between(-64, 64);
            return;
        }
        if (size == 16)
        {
            SetMemory16(ref instruction);
            return;
        }
        var first = size == 64 ? Register.RAX : Register.EAX;
        var shape = random.Below(16);
        if (shape == 0)
        {
            // An address and nothing else, or relative to RIP.
            if (_size == CodeSize.Bits64 && random.OneIn(2))
                instruction.MemoryBase = size == 64 ? Register.RIP : Register.EIP;
            instruction.MemoryDisplSize = size == 64 ? 8 : 4;
            instruction.MemoryDisplacement64 = Place() - (_size == CodeSize.Bits16 ? Layout.DataSegment16 : 0);
            return;
        }
        if (shape > 1)
            instruction.MemoryBase = first + Number();
        if (shape is 1 or > 11)
        {
            do
                instruction.MemoryIndex = first + random.Below(Registers);
            while (instruction.MemoryIndex == first + 4);
            instruction.MemoryIndexScale = 1 << random.Below(4);
        }
        var displacement = random.Below(4);
        if (displacement == 0 && shape > 1)
            return;
        var isShort = displacement < 3 && shape > 1;
        instruction.MemoryDisplSize = isShort ? 1 : size / 8;
        instruction.MemoryDisplacement64 = (ulong)(long)(isShort ? random.Between(-128, 128)
            : random.OneIn(4) ? (int)random.Next() : random.Between(-0x2000, 0x2000));
        if (size == 32 || _size == CodeSize.Bits16)
            instruction.MemoryDisplacement64 = (uint)instruction.MemoryDisplacement64;
    }

    private void SetMemory16(ref Instruction instruction)
    {
        ReadOnlySpan<(Register Base, Register Index)> shapes =
        [
            (Register.BX, Register.SI), (Register.BX, Register.DI), (Register.BP, Register.SI), (Register.BP, Register.DI),
            (Register.SI, Register.None), (Register.DI, Register.None), (Register.BP, Register.None), (Register.BX, Register.None),
            (Register.None, Register.None),
        ];
        var (first, index) = shapes[random.Below(shapes.Length)];
        instruction.MemoryBase = first;
        instruction.MemoryIndex = index;
        if (first == Register.None)
        {
            instruction.MemoryDisplSize = 2;
            instruction.MemoryDisplacement64 = (ushort)(Place() - Layout.DataSegment16);
            return;
        }
        var choice = random.Below(3);
        instruction.MemoryDisplSize = choice == 0 && first != Register.BP ? 0 : choice == 1 ? 1 : 2;
        instruction.MemoryDisplacement64 = instruction.MemoryDisplSize switch
        {
            0 => 0,
            1 => (ushort)(short)random.Between(-128, 128),
            _ => (ushort)random.Next(),
        };
    }

    // The stack pointer is rarer than the others.
    private int Number()
    {
        var number = random.Below(Registers);
        return number == 4 && !random.OneIn(4) ? 0 : number;
    }

    private Register ByteRegister()
    {
        if (_size != CodeSize.Bits64)
            return Register.AL + random.Below(8);
        if (random.OneIn(5))
        {
            _hasHighByte = true;
            return Register.AH + random.Below(4);
        }
        var number = random.Below(16);
        if (number >= 4)
            _needsRex = true;
        return number < 4 ? Register.AL + number : number < 8 ? Register.SPL + (number - 4) : Register.R8L + (number - 8);
    }
}
