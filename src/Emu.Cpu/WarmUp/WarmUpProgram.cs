using Iced.Intel;
using static Iced.Intel.Code;

namespace Emu.Cpu.WarmUp;

/// <summary>The program of <see cref="HandlerWarmUp"/>: each form of an instruction that kernels are full of, once, in a straight line.</summary>
internal static class WarmUpProgram
{
    /// <summary>Numbers of the registers that have to be set: RBX points to data, RSI and RDI to strings, RSP to the stack's end.</summary>
    public const int DataRegister = 3, StackRegister = 4, SourceRegister = 6, DestinationRegister = 7;

    private const int PageSize = 4096, NearJumpBytes = 5, ConditionalJumpBytes = 6;

    // Their r/m operand is a register, then memory; the other one is a register.
    private static readonly Code[] Writers =
    [
        Add_rm64_r64, Add_rm32_r32, Or_rm64_r64, Or_rm32_r32, Or_rm8_r8, And_rm64_r64, And_rm32_r32, And_rm16_r16, And_rm8_r8, Sub_rm64_r64,
        Sub_rm32_r32, Xor_rm64_r64, Xor_rm32_r32, Xor_rm8_r8, Cmp_rm64_r64, Cmp_rm32_r32, Cmp_rm16_r16, Cmp_rm8_r8, Test_rm64_r64, Test_rm32_r32,
        Test_rm16_r16, Test_rm8_r8, Adc_rm64_r64, Adc_rm32_r32, Sbb_rm64_r64, Sbb_rm32_r32, Mov_rm64_r64, Mov_rm32_r32, Mov_rm16_r16, Mov_rm8_r8,
        Bt_rm64_r64, Bt_rm32_r32, Bts_rm64_r64, Btr_rm64_r64,
    ];

    private static readonly Code[] Readers =
    [
        Add_r64_rm64, Add_r32_rm32, Add_r8_rm8, Or_r64_rm64, Or_r32_rm32, Or_r8_rm8, And_r64_rm64, And_r32_rm32, Sub_r64_rm64, Sub_r32_rm32,
        Xor_r64_rm64, Xor_r32_rm32, Cmp_r64_rm64, Cmp_r32_rm32, Cmp_r16_rm16, Cmp_r8_rm8, Adc_r64_rm64, Sbb_r64_rm64, Mov_r64_rm64, Mov_r32_rm32,
        Mov_r16_rm16, Mov_r8_rm8, Imul_r64_rm64, Imul_r32_rm32, Movzx_r32_rm8, Movzx_r32_rm16, Movzx_r64_rm8, Movzx_r64_rm16, Movsx_r32_rm8,
        Movsx_r64_rm8, Movsx_r64_rm16, Movsxd_r64_rm32, Bsf_r64_rm64, Bsf_r32_rm32, Bsr_r64_rm64, Bsr_r32_rm32,
    ];

    private static readonly Code[] WithImmediates =
    [
        Add_rm64_imm8, Add_rm32_imm8, Add_rm16_imm8, Add_rm8_imm8, Or_rm64_imm8, Or_rm32_imm8, Or_rm16_imm8, Or_rm8_imm8, And_rm64_imm8,
        And_rm32_imm8, And_rm16_imm8, And_rm8_imm8, Sub_rm64_imm8, Sub_rm32_imm8, Sub_rm8_imm8, Xor_rm64_imm8, Xor_rm32_imm8, Xor_rm8_imm8, Cmp_rm64_imm8,
        Cmp_rm32_imm8, Cmp_rm16_imm8, Cmp_rm8_imm8, Test_rm64_imm32, Test_rm32_imm32, Test_rm16_imm16, Test_rm8_imm8, Adc_rm64_imm8, Adc_rm32_imm8,
        Sbb_rm64_imm8, Sbb_rm32_imm8, Mov_rm64_imm32, Mov_rm32_imm32, Mov_rm16_imm16, Mov_rm8_imm8, Bt_rm64_imm8, Bt_rm32_imm8, Bts_rm64_imm8,
        Bts_rm32_imm8, Btr_rm64_imm8, Btr_rm32_imm8,
    ];

    private static readonly Code[] Shifts =
    [
        Shl_rm64_imm8, Shl_rm32_imm8, Shr_rm64_imm8, Shr_rm32_imm8, Shr_rm16_imm8, Shr_rm8_imm8, Sar_rm64_imm8, Sar_rm32_imm8, Rol_rm64_imm8,
        Rol_rm32_imm8, Ror_rm64_imm8, Ror_rm32_imm8,
    ];

    private static readonly Code[] ShiftsByCl = [Shl_rm64_CL, Shl_rm32_CL, Shr_rm64_CL, Shr_rm32_CL, Sar_rm64_CL, Rol_rm64_CL, Rol_rm32_CL];

    private static readonly Code[] Unary =
    [
        Inc_rm64, Inc_rm32, Dec_rm64, Dec_rm32, Neg_rm64, Neg_rm32, Not_rm64, Not_rm32, Mul_rm64, Mul_rm32,
    ];

    private static readonly Code[] Sets =
    [
        Seto_rm8, Setb_rm8, Setae_rm8, Sete_rm8, Setne_rm8, Setbe_rm8, Seta_rm8, Sets_rm8, Setns_rm8, Setl_rm8, Setge_rm8, Setle_rm8, Setg_rm8,
    ];

    private static readonly Code[] Moves =
    [
        Cmovb_r64_rm64, Cmovae_r64_rm64, Cmove_r64_rm64, Cmovne_r64_rm64, Cmovbe_r64_rm64, Cmova_r64_rm64, Cmovs_r64_rm64, Cmovns_r64_rm64,
        Cmovl_r64_rm64, Cmovge_r64_rm64, Cmovle_r64_rm64, Cmovg_r64_rm64, Cmovb_r32_rm32, Cmovae_r32_rm32, Cmove_r32_rm32, Cmovne_r32_rm32,
        Cmovbe_r32_rm32, Cmova_r32_rm32, Cmovs_r32_rm32, Cmovns_r32_rm32, Cmovl_r32_rm32, Cmovge_r32_rm32, Cmovle_r32_rm32, Cmovg_r32_rm32,
    ];

    private static readonly (Code Short, Code Near)[] Jumps =
    [
        (Jo_rel8_64, Jo_rel32_64), (Jb_rel8_64, Jb_rel32_64), (Jae_rel8_64, Jae_rel32_64), (Je_rel8_64, Je_rel32_64), (Jne_rel8_64, Jne_rel32_64),
        (Jbe_rel8_64, Jbe_rel32_64), (Ja_rel8_64, Ja_rel32_64), (Js_rel8_64, Js_rel32_64), (Jns_rel8_64, Jns_rel32_64), (Jl_rel8_64, Jl_rel32_64),
        (Jge_rel8_64, Jge_rel32_64), (Jle_rel8_64, Jle_rel32_64), (Jg_rel8_64, Jg_rel32_64),
    ];

    /// <summary>Writes the program.</summary>
    /// <param name="address">Where it will lie.</param>
    public static byte[] Assemble(ulong address)
    {
        var bytes = new Bytes();
        var encoder = Encoder.Create(64, bytes);
        void Emit(Instruction instruction) => encoder.Encode(instruction, address + (ulong)bytes.Written.Count);

        var memory = new MemoryOperand(Register.RBX, 64);
        // The count of shifts and the offset of bit tests.
        Emit(Instruction.Create(Mov_r32_imm32, Register.ECX, 1));
        foreach (var code in Writers)
        {
            Emit(Instruction.Create(code, Named(code, 0, isSource: false), Named(code, 1, isSource: true)));
            Emit(Instruction.Create(code, memory, Named(code, 1, isSource: true)));
        }

        foreach (var code in Readers.Concat(Moves))
        {
            Emit(Instruction.Create(code, Named(code, 0, isSource: false), Named(code, 1, isSource: true)));
            Emit(Instruction.Create(code, Named(code, 0, isSource: false), memory));
        }

        foreach (var code in WithImmediates.Concat(Shifts))
        {
            Emit(Instruction.Create(code, Named(code, 0, isSource: false), 3));
            Emit(Instruction.Create(code, memory, 3));
        }

        foreach (var code in ShiftsByCl)
        {
            Emit(Instruction.Create(code, Named(code, 0, isSource: false), Register.CL));
            Emit(Instruction.Create(code, memory, Register.CL));
        }

        foreach (var code in Unary.Concat(Sets))
        {
            Emit(Instruction.Create(code, Named(code, 0, isSource: false)));
            Emit(Instruction.Create(code, memory));
        }

        EmitOthers(Emit, memory);
        foreach (var (near, far) in Jumps)
        {
            Emit(Instruction.CreateBranch(near, address + (ulong)bytes.Written.Count + 2));
            // To the last bytes of the page, and from there to the next.
            var end = (address + (ulong)bytes.Written.Count + PageSize - 1 + NearJumpBytes + ConditionalJumpBytes) & ~(PageSize - 1UL);
            Emit(Instruction.CreateBranch(Jmp_rel32_64, end - ConditionalJumpBytes));
            while (address + (ulong)bytes.Written.Count != end - ConditionalJumpBytes)
                bytes.WriteByte(0x90);
            Emit(Instruction.CreateBranch(far, end));
        }

        Emit(Instruction.Create(Hlt));
        return [.. bytes.Written];
    }

    private static void EmitOthers(Action<Instruction> emit, MemoryOperand memory)
    {
        foreach (var code in (Code[])[Lea_r64_m, Lea_r32_m])
            emit(Instruction.Create(code, Named(code, 0, isSource: false), new MemoryOperand(Register.RBX, Register.RCX, 4, 16, 1)));
        emit(Instruction.Create(Mov_r64_imm64, Register.RDX, 0x1234_5678_9ABCUL));
        foreach (var code in (Code[])[Mov_r64_rm64, Mov_r32_rm32, Add_r64_rm64, Cmp_r64_rm64])
            emit(Instruction.Create(code, Named(code, 0, isSource: false), PerProcessor));
        foreach (var code in (Code[])[Inc_rm32, Inc_rm64, Dec_rm32])
            emit(Instruction.Create(code, PerProcessor));
        foreach (var code in (Code[])[Add_rm32_imm8, Cmp_rm32_imm8])
            emit(Instruction.Create(code, PerProcessor, 1));
        emit(Instruction.Create(Mov_rm64_r64, PerProcessor, Register.RCX));
        foreach (var code in (Code[])[Xchg_rm64_r64, Xchg_rm32_r32, Xadd_rm32_r32, Xadd_rm64_r64, Cmpxchg_rm32_r32, Cmpxchg_rm64_r64])
            emit(Instruction.Create(code, memory, Named(code, 1, isSource: false)));
        foreach (var code in (Code[])[Imul_r64_rm64_imm8, Imul_r32_rm32_imm8])
            emit(Instruction.Create(code, Named(code, 0, isSource: false), Named(code, 1, isSource: true), 3));
        foreach (var code in (Code[])[Cdqe, Cdq, Cqo, Cld, Rdtsc, Pushfq, Popfq, Nop_rm32])
            emit(code == Nop_rm32 ? Instruction.Create(code, memory) : Instruction.Create(code));
        emit(Instruction.Create(Push_r64, Register.RDX));
        emit(Instruction.Create(Pop_r64, Register.RDX));
        emit(Instruction.Create(Pushq_imm8, 5));
        emit(Instruction.Create(Push_rm64, memory));
        emit(Instruction.Create(Pop_r64, Register.RDX));
        emit(Instruction.Create(Pop_r64, Register.RDX));
        foreach (var code in (Code[])[Movsb_m8_m8, Movsq_m64_m64, Stosb_m8_AL, Stosq_m64_RAX])
        {
            emit(Instruction.Create(Mov_r32_imm32, Register.ECX, 1));
            var repeated = code switch
            {
                Movsb_m8_m8 => Instruction.CreateMovsb(64, repPrefix: RepPrefixKind.Repe),
                Movsq_m64_m64 => Instruction.CreateMovsq(64, repPrefix: RepPrefixKind.Repe),
                Stosb_m8_AL => Instruction.CreateStosb(64, RepPrefixKind.Repe),
                _ => Instruction.CreateStosq(64, RepPrefixKind.Repe),
            };
            emit(repeated);
        }
    }

    // A kernel's data of this processor. The base is zero here.
    private static MemoryOperand PerProcessor => new(Register.None, Register.None, 1, 0x8_0080, 4, false, Register.GS);

    // CL, CX, ECX, RCX as the source, DL, DX, EDX, RDX as the destination, as wide as the operand.
    private static Register Named(Code code, int operand, bool isSource)
    {
        var kind = code.ToOpCode().GetOpKind(operand);
        return kind switch
        {
            OpCodeOperandKind.r8_or_mem or OpCodeOperandKind.r8_reg => isSource ? Register.CL : Register.DL,
            OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r16_reg => isSource ? Register.CX : Register.DX,
            OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r32_reg => isSource ? Register.ECX : Register.EDX,
            _ => isSource ? Register.RCX : Register.RDX,
        };
    }

    private sealed class Bytes : CodeWriter
    {
        public List<byte> Written { get; } = [];

        public override void WriteByte(byte value) => Written.Add(value);
    }
}
