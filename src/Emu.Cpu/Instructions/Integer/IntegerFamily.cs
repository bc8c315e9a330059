using Emu.Cpu.Instructions.Control;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>The table's part for integer instructions.</summary>
internal static unsafe class IntegerFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        RegisterArithmetic(table);
        RegisterShifts(table);
        RegisterMoves(table);
        RegisterBits(table);
        RegisterConditional(table);
        RegisterFlags(table);
        RegisterDecimal(table);
        RegisterNoOperations(table);
    }

    private static void RegisterArithmetic(InstructionTable table)
    {
        table.Add(Mnemonic.Add, &ByWidth<BinaryShape<Add>>.Bind);
        table.Add(Mnemonic.Adc, &ByWidth<BinaryShape<Adc>>.Bind);
        table.Add(Mnemonic.Sub, &ByWidth<BinaryShape<Sub>>.Bind);
        table.Add(Mnemonic.Sbb, &ByWidth<BinaryShape<Sbb>>.Bind);
        table.Add(Mnemonic.Cmp, &ByWidth<BinaryShape<Cmp>>.Bind);
        table.Add(Mnemonic.And, &ByWidth<BinaryShape<And>>.Bind);
        table.Add(Mnemonic.Or, &ByWidth<BinaryShape<Or>>.Bind);
        table.Add(Mnemonic.Xor, &ByWidth<BinaryShape<Xor>>.Bind);
        table.Add(Mnemonic.Test, &ByWidth<BinaryShape<Test>>.Bind);
        table.Add(Mnemonic.Inc, &ByWidth<UnaryShape<Inc>>.Bind);
        table.Add(Mnemonic.Dec, &ByWidth<UnaryShape<Dec>>.Bind);
        table.Add(Mnemonic.Neg, &ByWidth<UnaryShape<Neg>>.Bind);
        table.Add(Mnemonic.Not, &ByWidth<UnaryShape<Complement>>.Bind);
        table.Add(Mnemonic.Mul, &ByWidth<Multiply<UnsignedProduct>>.Bind);
        table.Add(Mnemonic.Imul, &ByWidth<ThreeOperandShape<Imul>>.Bind);
        table.Add(Code.Imul_rm8, &ByWidth<Multiply<SignedProduct>>.Bind);
        table.Add(Code.Imul_rm16, &ByWidth<Multiply<SignedProduct>>.Bind);
        table.Add(Code.Imul_rm32, &ByWidth<Multiply<SignedProduct>>.Bind);
        table.Add(Code.Imul_rm64, &ByWidth<Multiply<SignedProduct>>.Bind);
        table.Add(Code.Imul_r16_rm16, &ByWidth<BinaryShape<Imul>>.Bind);
        table.Add(Code.Imul_r32_rm32, &ByWidth<BinaryShape<Imul>>.Bind);
        table.Add(Code.Imul_r64_rm64, &ByWidth<BinaryShape<Imul>>.Bind);
        table.Add(Mnemonic.Div, &ByWidth<Divide<UnsignedDivision>>.Bind);
        table.Add(Mnemonic.Idiv, &ByWidth<Divide<SignedDivision>>.Bind);
        table.Add(Mnemonic.Cbw, &SignConversion.BindWiden<byte, ushort>);
        table.Add(Mnemonic.Cwde, &SignConversion.BindWiden<ushort, uint>);
        table.Add(Mnemonic.Cdqe, &SignConversion.BindWiden<uint, ulong>);
        table.Add(Mnemonic.Cwd, &SignConversion.BindSpread<ushort>);
        table.Add(Mnemonic.Cdq, &SignConversion.BindSpread<uint>);
        table.Add(Mnemonic.Cqo, &SignConversion.BindSpread<ulong>);
    }

    private static void RegisterShifts(InstructionTable table)
    {
        table.Add(Mnemonic.Shl, &ByWidth<ShiftShape<Shl>>.Bind);
        table.Add(Mnemonic.Sal, &ByWidth<ShiftShape<Shl>>.Bind);
        table.Add(Mnemonic.Shr, &ByWidth<ShiftShape<Shr>>.Bind);
        table.Add(Mnemonic.Sar, &ByWidth<ShiftShape<Sar>>.Bind);
        table.Add(Mnemonic.Rol, &ByWidth<ShiftShape<Rol>>.Bind);
        table.Add(Mnemonic.Ror, &ByWidth<ShiftShape<Ror>>.Bind);
        table.Add(Mnemonic.Rcl, &ByWidth<ShiftShape<Rcl>>.Bind);
        table.Add(Mnemonic.Rcr, &ByWidth<ShiftShape<Rcr>>.Bind);
        table.Add(Mnemonic.Shld, &ByWidth<DoubleShiftShape<Shld>>.Bind);
        table.Add(Mnemonic.Shrd, &ByWidth<DoubleShiftShape<Shrd>>.Bind);
    }

    private static void RegisterMoves(InstructionTable table)
    {
        table.Add(Mnemonic.Mov, &ByWidth<Move>.Bind);
        table.Add(Mnemonic.Movzx, &ByWidth<MoveExtend<ZeroExtension>>.Bind);
        table.Add(Mnemonic.Movsx, &ByWidth<MoveExtend<SignExtension>>.Bind);
        table.Add(Mnemonic.Movsxd, &ByWidth<MoveExtend<SignExtension>>.Bind);
        table.Add(Mnemonic.Lea, &ByWidth<LoadEffectiveAddress>.Bind);
        table.Add(Mnemonic.Xchg, &ByWidth<ExchangeShape<Xchg>>.Bind);
        table.Add(Mnemonic.Xadd, &ByWidth<ExchangeShape<Xadd>>.Bind);
        table.Add(Mnemonic.Cmpxchg, &ByWidth<CompareExchange>.Bind);
        table.Add(Mnemonic.Cmpxchg8b, &CompareExchangeWide.Bind8);
        table.Add(Mnemonic.Cmpxchg16b, &CompareExchangeWide.Bind16);
        table.Add(Mnemonic.Push, &Push.Bind);
        table.Add(Mnemonic.Pop, &Pop.Bind);
        table.Add(Mnemonic.Pusha, &PushPopAll<ushort>.BindPush);
        table.Add(Mnemonic.Pushad, &PushPopAll<uint>.BindPush);
        table.Add(Mnemonic.Popa, &PushPopAll<ushort>.BindPop);
        table.Add(Mnemonic.Popad, &PushPopAll<uint>.BindPop);
        table.Add(Mnemonic.Enter, &StackFrame.BindEnter);
        table.Add(Mnemonic.Leave, &StackFrame.BindLeave);
        table.Add(Mnemonic.Bswap, &ByWidth<UnaryShape<Bswap>>.Bind);
        table.Add(Mnemonic.Movbe, &ByWidth<MoveReversed>.Bind);
        table.Add(Mnemonic.Movdiri, &Vector.Movnti.Bind);
        table.Add(Mnemonic.Movdir64b, &MoveLine.Bind);
        table.Add(Mnemonic.Clzero, &ClearLine.Bind);
        table.Add(Mnemonic.Rdrand, &ByWidth<RandomNumber>.Bind);
        table.Add(Mnemonic.Rdseed, &ByWidth<RandomNumber>.Bind);
        table.Add(Mnemonic.Xlatb, &Translate.Bind);
    }

    private static void RegisterBits(InstructionTable table)
    {
        table.Add(Mnemonic.Bt, &ByWidth<BitTest<Bt>>.Bind);
        table.Add(Mnemonic.Bts, &ByWidth<BitTest<Bts>>.Bind);
        table.Add(Mnemonic.Btr, &ByWidth<BitTest<Btr>>.Bind);
        table.Add(Mnemonic.Btc, &ByWidth<BitTest<Btc>>.Bind);
        table.Add(Mnemonic.Bsf, &ByWidth<BinaryShape<Bsf>>.Bind);
        table.Add(Mnemonic.Bsr, &ByWidth<BinaryShape<Bsr>>.Bind);
        table.Add(Mnemonic.Tzcnt, &ByWidth<BinaryShape<Tzcnt>>.Bind);
        table.Add(Mnemonic.Lzcnt, &ByWidth<BinaryShape<Lzcnt>>.Bind);
        table.Add(Mnemonic.Popcnt, &ByWidth<BinaryShape<Popcnt>>.Bind);
        table.Add(Mnemonic.Crc32, &Crc32.Bind);
        table.Add(Mnemonic.Andn, &ByWidth<ThreeOperandShape<Andn>>.Bind);
        table.Add(Mnemonic.Bextr, &ByWidth<ThreeOperandShape<Bextr>>.Bind);
        table.Add(Mnemonic.Bzhi, &ByWidth<ThreeOperandShape<Bzhi>>.Bind);
        table.Add(Mnemonic.Blsi, &ByWidth<BinaryShape<Blsi>>.Bind);
        table.Add(Mnemonic.Blsmsk, &ByWidth<BinaryShape<Blsmsk>>.Bind);
        table.Add(Mnemonic.Blsr, &ByWidth<BinaryShape<Blsr>>.Bind);
        table.Add(Mnemonic.Pdep, &ByWidth<ThreeOperandShape<Pdep>>.Bind);
        table.Add(Mnemonic.Pext, &ByWidth<ThreeOperandShape<Pext>>.Bind);
        table.Add(Mnemonic.Rorx, &ByWidth<ThreeOperandShape<Rorx>>.Bind);
        table.Add(Mnemonic.Sarx, &ByWidth<ThreeOperandShape<Sarx>>.Bind);
        table.Add(Mnemonic.Shlx, &ByWidth<ThreeOperandShape<Shlx>>.Bind);
        table.Add(Mnemonic.Shrx, &ByWidth<ThreeOperandShape<Shrx>>.Bind);
        table.Add(Mnemonic.Mulx, &ByWidth<MultiplyWithoutFlags>.Bind);
        table.Add(Mnemonic.Adcx, &ByWidth<BinaryShape<Adcx>>.Bind);
        table.Add(Mnemonic.Adox, &ByWidth<BinaryShape<Adox>>.Bind);
    }

    private static void RegisterConditional(InstructionTable table)
    {
        table.Add(Mnemonic.Cmovo, &ByWidth<ConditionalMove<IfOverflow>>.Bind);
        table.Add(Mnemonic.Cmovno, &ByWidth<ConditionalMove<Not<IfOverflow>>>.Bind);
        table.Add(Mnemonic.Cmovb, &ByWidth<ConditionalMove<IfBelow>>.Bind);
        table.Add(Mnemonic.Cmovae, &ByWidth<ConditionalMove<Not<IfBelow>>>.Bind);
        table.Add(Mnemonic.Cmove, &ByWidth<ConditionalMove<IfEqual>>.Bind);
        table.Add(Mnemonic.Cmovne, &ByWidth<ConditionalMove<Not<IfEqual>>>.Bind);
        table.Add(Mnemonic.Cmovbe, &ByWidth<ConditionalMove<IfBelowOrEqual>>.Bind);
        table.Add(Mnemonic.Cmova, &ByWidth<ConditionalMove<Not<IfBelowOrEqual>>>.Bind);
        table.Add(Mnemonic.Cmovs, &ByWidth<ConditionalMove<IfSign>>.Bind);
        table.Add(Mnemonic.Cmovns, &ByWidth<ConditionalMove<Not<IfSign>>>.Bind);
        table.Add(Mnemonic.Cmovp, &ByWidth<ConditionalMove<IfParity>>.Bind);
        table.Add(Mnemonic.Cmovnp, &ByWidth<ConditionalMove<Not<IfParity>>>.Bind);
        table.Add(Mnemonic.Cmovl, &ByWidth<ConditionalMove<IfLess>>.Bind);
        table.Add(Mnemonic.Cmovge, &ByWidth<ConditionalMove<Not<IfLess>>>.Bind);
        table.Add(Mnemonic.Cmovle, &ByWidth<ConditionalMove<IfLessOrEqual>>.Bind);
        table.Add(Mnemonic.Cmovg, &ByWidth<ConditionalMove<Not<IfLessOrEqual>>>.Bind);
        table.Add(Mnemonic.Seto, &ConditionalSet<IfOverflow>.Bind);
        table.Add(Mnemonic.Setno, &ConditionalSet<Not<IfOverflow>>.Bind);
        table.Add(Mnemonic.Setb, &ConditionalSet<IfBelow>.Bind);
        table.Add(Mnemonic.Setae, &ConditionalSet<Not<IfBelow>>.Bind);
        table.Add(Mnemonic.Sete, &ConditionalSet<IfEqual>.Bind);
        table.Add(Mnemonic.Setne, &ConditionalSet<Not<IfEqual>>.Bind);
        table.Add(Mnemonic.Setbe, &ConditionalSet<IfBelowOrEqual>.Bind);
        table.Add(Mnemonic.Seta, &ConditionalSet<Not<IfBelowOrEqual>>.Bind);
        table.Add(Mnemonic.Sets, &ConditionalSet<IfSign>.Bind);
        table.Add(Mnemonic.Setns, &ConditionalSet<Not<IfSign>>.Bind);
        table.Add(Mnemonic.Setp, &ConditionalSet<IfParity>.Bind);
        table.Add(Mnemonic.Setnp, &ConditionalSet<Not<IfParity>>.Bind);
        table.Add(Mnemonic.Setl, &ConditionalSet<IfLess>.Bind);
        table.Add(Mnemonic.Setge, &ConditionalSet<Not<IfLess>>.Bind);
        table.Add(Mnemonic.Setle, &ConditionalSet<IfLessOrEqual>.Bind);
        table.Add(Mnemonic.Setg, &ConditionalSet<Not<IfLessOrEqual>>.Bind);
    }

    private static void RegisterFlags(InstructionTable table)
    {
        table.Add(Mnemonic.Clc, &FlagShape<Clc>.Bind);
        table.Add(Mnemonic.Stc, &FlagShape<Stc>.Bind);
        table.Add(Mnemonic.Cmc, &FlagShape<Cmc>.Bind);
        table.Add(Mnemonic.Cld, &FlagShape<Cld>.Bind);
        table.Add(Mnemonic.Std, &FlagShape<Std>.Bind);
        table.Add(Mnemonic.Lahf, &FlagShape<Lahf>.Bind);
        table.Add(Mnemonic.Salc, &FlagShape<Salc>.Bind);
        table.Add(Mnemonic.Sahf, &FlagShape<Sahf>.Bind);
    }

    private static void RegisterDecimal(InstructionTable table)
    {
        table.Add(Mnemonic.Daa, &DecimalShape<Daa>.Bind);
        table.Add(Mnemonic.Das, &DecimalShape<Das>.Bind);
        table.Add(Mnemonic.Aaa, &DecimalShape<Aaa>.Bind);
        table.Add(Mnemonic.Aas, &DecimalShape<Aas>.Bind);
        table.Add(Mnemonic.Aam, &DecimalShape<Aam>.Bind);
        table.Add(Mnemonic.Aad, &DecimalShape<Aad>.Bind);
    }

    private static void RegisterNoOperations(InstructionTable table)
    {
        table.Add(Mnemonic.Nop, &NoOperation.Bind);
        table.Add(Mnemonic.Reservednop, &NoOperation.Bind);
        table.Add(Mnemonic.Pause, &SpinWait.Bind);
        table.Add(Mnemonic.Endbr32, &NoOperation.Bind);
        table.Add(Mnemonic.Endbr64, &NoOperation.Bind);
        table.Add(Mnemonic.Rdsspd, &NoOperation.Bind);
        table.Add(Mnemonic.Rdsspq, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetch, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetchw, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetchwt1, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetchnta, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetcht0, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetcht1, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetcht2, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetchit0, &NoOperation.Bind);
        table.Add(Mnemonic.Prefetchit1, &NoOperation.Bind);
        table.Add(Mnemonic.Cldemote, &NoOperation.Bind);
        table.Add(Mnemonic.Serialize, &NoOperation.Bind);
        table.Add(Mnemonic.Lfence, &NoOperation.Bind);
        table.Add(Mnemonic.Mfence, &NoOperation.Bind);
        table.Add(Mnemonic.Sfence, &NoOperation.Bind);
        table.Add(Mnemonic.Clflush, &CacheLine.Bind);
        table.Add(Mnemonic.Clflushopt, &CacheLine.Bind);
        table.Add(Mnemonic.Clwb, &CacheLine.Bind);
        table.Add(Mnemonic.Ud0, &Undefined.BindUndefined);
        table.Add(Mnemonic.Ud1, &Undefined.BindUndefined);
        table.Add(Mnemonic.Ud2, &Undefined.BindUndefined);
    }
}
