using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

/// <summary>The table's part for MMX, SSE to SSE4.2 and SSE4A, AES, PCLMULQDQ, GFNI, SHA, AVX, AVX2, AVX-VNNI, F16C and FMA.</summary>
/// <remarks>
/// A mnemonic's row serves its MMX, XMM and YMM forms, which share one operation. The parts follow what the instructions do:
/// moves, integers, shuffles, floating point.
/// </remarks>
internal static unsafe partial class VectorFamily
{
    /// <summary>Enters MMX and SSE.</summary>
    public static void Register(InstructionTable table)
    {
        RegisterMoves(table);
        RegisterIntegers(table);
        RegisterShuffles(table);
        RegisterArithmetic(table);
        RegisterConversions(table);
        RegisterStringsAndCryptography(table);
    }

    /// <summary>Enters what is encoded with VEX.</summary>
    public static void RegisterVex(InstructionTable table)
    {
        RegisterVexForms(table);
        RegisterAvx(table);
        RegisterFused(table);
    }

    private static void RegisterMoves(InstructionTable table)
    {
        table.Add(Mnemonic.Movaps, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Movapd, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Movdqa, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Movups, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Movupd, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Movdqu, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Lddqu, &PackedShape<Move, Unaligned>.Bind);
        table.Add(Mnemonic.Movntdqa, &PackedShape<Move, Aligned>.Bind);
        table.Add(Mnemonic.Movntps, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Movntpd, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Movntdq, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Movntss, &StoreShape<LowestPart>.Bind);
        table.Add(Mnemonic.Movntsd, &StoreShape<LowPart>.Bind);
        table.Add(Code.Extrq_xmm_xmm, &PackedShape<Extrq, Whole>.Bind);
        table.Add(Code.Extrq_xmm_imm8_imm8, &Extrq.BindImmediate);
        table.Add(Code.Insertq_xmm_xmm, &PackedShape<Insertq, Whole>.Bind);
        table.Add(Code.Insertq_xmm_xmm_imm8_imm8, &Insertq.BindImmediate);
        table.Add(Mnemonic.Movntq, &MmxStore.Bind);
        table.Add(Mnemonic.Movnti, &Movnti.Bind);
        table.Add(Mnemonic.Maskmovq, &MaskedStore.Bind);
        table.Add(Mnemonic.Maskmovdqu, &MaskedStore.Bind);
        table.Add(Mnemonic.Movss, &BindMovss);
        table.Add(Code.Movsd_xmm_xmmm64, &BindMovsd);
        table.Add(Code.Movsd_xmmm64_xmm, &BindMovsd);
        table.Add(Mnemonic.Movlps, &StoreOrLoad<LowPart, MoveLowQuadword>.Bind);
        table.Add(Mnemonic.Movlpd, &StoreOrLoad<LowPart, MoveLowQuadword>.Bind);
        table.Add(Mnemonic.Movhps, &StoreOrLoad<HighPart, Punpcklqdq>.Bind);
        table.Add(Mnemonic.Movhpd, &StoreOrLoad<HighPart, Punpcklqdq>.Bind);
        table.Add(Mnemonic.Movhlps, &PackedShape<Movhlps, Whole>.Bind);
        table.Add(Mnemonic.Movlhps, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Movddup, &PackedShape<Movddup, Half>.Bind);
        table.Add(Mnemonic.Movsldup, &PackedShape<Movsldup, Whole>.Bind);
        table.Add(Mnemonic.Movshdup, &PackedShape<Movshdup, Whole>.Bind);

        table.Add(Code.Movd_mm_rm32, &FromGeneralShape<MoveFromGeneral, uint>.Bind);
        table.Add(Code.Movd_xmm_rm32, &FromGeneralShape<MoveFromGeneral, uint>.Bind);
        table.Add(Code.Movq_mm_rm64, &FromGeneralShape<MoveFromGeneral, ulong>.Bind);
        table.Add(Code.Movq_xmm_rm64, &FromGeneralShape<MoveFromGeneral, ulong>.Bind);
        table.Add(Code.Movd_rm32_mm, &ToGeneralShape<LowDoubleword, Whole>.Bind);
        table.Add(Code.Movd_rm32_xmm, &ToGeneralShape<LowDoubleword, Whole>.Bind);
        table.Add(Code.Movq_rm64_mm, &ToGeneralShape<LowQuadword, Whole>.Bind);
        table.Add(Code.Movq_rm64_xmm, &ToGeneralShape<LowQuadword, Whole>.Bind);
        table.Add(Code.Movq_xmm_xmmm64, &PackedShape<Move, Half>.Bind);
        table.Add(Code.Movq_xmmm64_xmm, &StoreOrMove<LowPart, Move, Half>.Bind);
        table.Add(Code.Movq_mm_mmm64, &MmxShape<Move, Half>.Bind);
        table.Add(Code.Movq_mmm64_mm, &MmxStore.Bind);
        table.Add(Mnemonic.Movq2dq, &FromMmxShape<MoveFromGeneral>.Bind);
        table.Add(Mnemonic.Movdq2q, &ToMmxShape<LowQuadword, Half>.Bind);

        table.Add(Mnemonic.Pinsrb, &FromGeneralShape<Pinsrb, byte>.Bind);
        table.Add(Mnemonic.Pinsrw, &FromGeneralShape<Pinsrw, ushort>.Bind);
        table.Add(Mnemonic.Pinsrd, &FromGeneralShape<Pinsrd, uint>.Bind);
        table.Add(Mnemonic.Pinsrq, &FromGeneralShape<Pinsrq, ulong>.Bind);
        table.Add(Mnemonic.Pextrb, &ToGeneralShape<Pextrb, Whole>.Bind);
        table.Add(Mnemonic.Pextrw, &ToGeneralShape<Pextrw, Whole>.Bind);
        table.Add(Mnemonic.Pextrd, &ToGeneralShape<Pextrd, Whole>.Bind);
        table.Add(Mnemonic.Pextrq, &ToGeneralShape<Pextrq, Whole>.Bind);
        table.Add(Mnemonic.Extractps, &ToGeneralShape<Pextrd, Whole>.Bind);
        table.Add(Mnemonic.Pmovmskb, &ToGeneralShape<Pmovmskb, Whole>.Bind);
        table.Add(Mnemonic.Movmskps, &ToGeneralShape<Movmskps, Whole>.Bind);
        table.Add(Mnemonic.Movmskpd, &ToGeneralShape<Movmskpd, Whole>.Bind);

        table.Add(Mnemonic.Pmovsxbw, &PackedShape<Pmovsxbw, Half>.Bind);
        table.Add(Mnemonic.Pmovsxbd, &PackedShape<Then<Pmovsxbw, Pmovsxwd>, Quarter>.Bind);
        table.Add(Mnemonic.Pmovsxbq, &PackedShape<Then<Then<Pmovsxbw, Pmovsxwd>, Pmovsxdq>, Eighth>.Bind);
        table.Add(Mnemonic.Pmovsxwd, &PackedShape<Pmovsxwd, Half>.Bind);
        table.Add(Mnemonic.Pmovsxwq, &PackedShape<Then<Pmovsxwd, Pmovsxdq>, Quarter>.Bind);
        table.Add(Mnemonic.Pmovsxdq, &PackedShape<Pmovsxdq, Half>.Bind);
        table.Add(Mnemonic.Pmovzxbw, &PackedShape<Pmovzxbw, Half>.Bind);
        table.Add(Mnemonic.Pmovzxbd, &PackedShape<Then<Pmovzxbw, Pmovzxwd>, Quarter>.Bind);
        table.Add(Mnemonic.Pmovzxbq, &PackedShape<Then<Then<Pmovzxbw, Pmovzxwd>, Pmovzxdq>, Eighth>.Bind);
        table.Add(Mnemonic.Pmovzxwd, &PackedShape<Pmovzxwd, Half>.Bind);
        table.Add(Mnemonic.Pmovzxwq, &PackedShape<Then<Pmovzxwd, Pmovzxdq>, Quarter>.Bind);
        table.Add(Mnemonic.Pmovzxdq, &PackedShape<Pmovzxdq, Half>.Bind);
    }

    // From memory the rest becomes zero, between registers it stays.
    private static void BindMovss(ref Decoding.Operands operands)
    {
        if (!operands.HasMemory)
            PackedShape<MoveLowDoubleword, Quarter>.Bind(ref operands);
        else if (operands.IsRegister(0))
            PackedShape<Move, Quarter>.Bind(ref operands);
        else
            StoreShape<LowestPart>.Bind(ref operands);
    }

    private static void BindMovsd(ref Decoding.Operands operands)
    {
        if (!operands.HasMemory)
            PackedShape<MoveLowQuadword, Half>.Bind(ref operands);
        else if (operands.IsRegister(0))
            PackedShape<Move, Half>.Bind(ref operands);
        else
            StoreShape<LowPart>.Bind(ref operands);
    }
}

/// <summary>Binds moves of one half: <c>op xmm, m64</c> and <c>op m64, xmm</c>.</summary>
internal static unsafe class StoreOrLoad<TPart, TLoad>
    where TPart : IStoredPart
    where TLoad : IVectorOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Decoding.Operands operands)
    {
        if (operands.IsRegister(0))
            PackedShape<TLoad, Half>.Bind(ref operands);
        else
            StoreShape<TPart>.Bind(ref operands);
    }
}
