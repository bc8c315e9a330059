using Iced.Intel;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>The general-purpose instructions as the SDM lists them, apart from the table that implements them.</summary>
internal static class IntegerForms
{
    private static readonly HashSet<Mnemonic> Mnemonics =
    [
        Mnemonic.Add, Mnemonic.Adc, Mnemonic.Sub, Mnemonic.Sbb, Mnemonic.Cmp, Mnemonic.And, Mnemonic.Or, Mnemonic.Xor, Mnemonic.Test,
        Mnemonic.Inc, Mnemonic.Dec, Mnemonic.Neg, Mnemonic.Not, Mnemonic.Mul, Mnemonic.Imul, Mnemonic.Div, Mnemonic.Idiv,
        Mnemonic.Cbw, Mnemonic.Cwde, Mnemonic.Cdqe, Mnemonic.Cwd, Mnemonic.Cdq, Mnemonic.Cqo,
        Mnemonic.Shl, Mnemonic.Sal, Mnemonic.Shr, Mnemonic.Sar, Mnemonic.Rol, Mnemonic.Ror, Mnemonic.Rcl, Mnemonic.Rcr, Mnemonic.Shld, Mnemonic.Shrd,
        Mnemonic.Mov, Mnemonic.Movnti, Mnemonic.Movzx, Mnemonic.Movsx, Mnemonic.Movsxd, Mnemonic.Lea, Mnemonic.Xchg, Mnemonic.Xadd,
        Mnemonic.Cmpxchg, Mnemonic.Cmpxchg8b, Mnemonic.Cmpxchg16b, Mnemonic.Push, Mnemonic.Pop, Mnemonic.Pusha, Mnemonic.Pushad,
        Mnemonic.Popa, Mnemonic.Popad, Mnemonic.Enter, Mnemonic.Leave, Mnemonic.Bswap, Mnemonic.Movbe, Mnemonic.Xlatb,
        Mnemonic.Bt, Mnemonic.Bts, Mnemonic.Btr, Mnemonic.Btc, Mnemonic.Bsf, Mnemonic.Bsr, Mnemonic.Tzcnt, Mnemonic.Lzcnt, Mnemonic.Popcnt,
        Mnemonic.Crc32, Mnemonic.Andn, Mnemonic.Bextr, Mnemonic.Bzhi, Mnemonic.Blsi, Mnemonic.Blsmsk, Mnemonic.Blsr, Mnemonic.Pdep,
        Mnemonic.Pext, Mnemonic.Rorx, Mnemonic.Sarx, Mnemonic.Shlx, Mnemonic.Shrx, Mnemonic.Mulx, Mnemonic.Adcx, Mnemonic.Adox,
        Mnemonic.Cmovo, Mnemonic.Cmovno, Mnemonic.Cmovb, Mnemonic.Cmovae, Mnemonic.Cmove, Mnemonic.Cmovne, Mnemonic.Cmovbe, Mnemonic.Cmova,
        Mnemonic.Cmovs, Mnemonic.Cmovns, Mnemonic.Cmovp, Mnemonic.Cmovnp, Mnemonic.Cmovl, Mnemonic.Cmovge, Mnemonic.Cmovle, Mnemonic.Cmovg,
        Mnemonic.Seto, Mnemonic.Setno, Mnemonic.Setb, Mnemonic.Setae, Mnemonic.Sete, Mnemonic.Setne, Mnemonic.Setbe, Mnemonic.Seta,
        Mnemonic.Sets, Mnemonic.Setns, Mnemonic.Setp, Mnemonic.Setnp, Mnemonic.Setl, Mnemonic.Setge, Mnemonic.Setle, Mnemonic.Setg,
        Mnemonic.Clc, Mnemonic.Stc, Mnemonic.Cmc, Mnemonic.Cld, Mnemonic.Std, Mnemonic.Lahf, Mnemonic.Sahf,
        Mnemonic.Aaa, Mnemonic.Aas, Mnemonic.Aam, Mnemonic.Aad, Mnemonic.Daa, Mnemonic.Das,
        Mnemonic.Movsb, Mnemonic.Movsw, Mnemonic.Movsd, Mnemonic.Movsq, Mnemonic.Stosb, Mnemonic.Stosw, Mnemonic.Stosd, Mnemonic.Stosq,
        Mnemonic.Lodsb, Mnemonic.Lodsw, Mnemonic.Lodsd, Mnemonic.Lodsq, Mnemonic.Cmpsb, Mnemonic.Cmpsw, Mnemonic.Cmpsd, Mnemonic.Cmpsq,
        Mnemonic.Scasb, Mnemonic.Scasw, Mnemonic.Scasd, Mnemonic.Scasq,
        Mnemonic.Jmp, Mnemonic.Call, Mnemonic.Ret, Mnemonic.Loop, Mnemonic.Loope, Mnemonic.Loopne, Mnemonic.Jcxz, Mnemonic.Jecxz, Mnemonic.Jrcxz,
        Mnemonic.Jo, Mnemonic.Jno, Mnemonic.Jb, Mnemonic.Jae, Mnemonic.Je, Mnemonic.Jne, Mnemonic.Jbe, Mnemonic.Ja,
        Mnemonic.Js, Mnemonic.Jns, Mnemonic.Jp, Mnemonic.Jnp, Mnemonic.Jl, Mnemonic.Jge, Mnemonic.Jle, Mnemonic.Jg,
        Mnemonic.Nop, Mnemonic.Reservednop, Mnemonic.Pause, Mnemonic.Endbr32, Mnemonic.Endbr64, Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Sfence,
        Mnemonic.Prefetch, Mnemonic.Prefetchw, Mnemonic.Prefetchwt1, Mnemonic.Prefetchnta, Mnemonic.Prefetcht0, Mnemonic.Prefetcht1,
        Mnemonic.Prefetcht2, Mnemonic.Clflush, Mnemonic.Clflushopt, Mnemonic.Clwb,
        Mnemonic.Rdrand, Mnemonic.Rdseed, Mnemonic.Movdiri, Mnemonic.Movdir64b, Mnemonic.Clzero, Mnemonic.Serialize, Mnemonic.Cldemote,
        Mnemonic.Prefetchit0, Mnemonic.Prefetchit1, Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2,
    ];

    // Processors of other times and makers.
    private static readonly HashSet<CpuidFeature> Foreign =
    [
        CpuidFeature.INTEL386_A0_ONLY, CpuidFeature.INTEL486_A_ONLY, CpuidFeature.INTEL286_ONLY, CpuidFeature.KNC, CpuidFeature.CYRIX_D3NOW,
        CpuidFeature.SSE2, CpuidFeature.TBM,
    ];

    /// <summary>Every form of them that is neither an SSE instruction of the same name nor touches segments, control or debug registers.</summary>
    public static IEnumerable<Code> All => Enum.GetValues<Code>().Where(Contains);

    private static bool Contains(Code code)
    {
        if (!Mnemonics.Contains(code.Mnemonic()))
            return false;
        var info = code.ToOpCode();
        if (info.Encoding is EncodingKind.EVEX or EncodingKind.MVEX || !(info.Mode16 || info.Mode32 || info.Mode64))
            return false;
        if (code.CpuidFeatures().Any(Foreign.Contains) && code.Mnemonic() is not (Mnemonic.Movnti or Mnemonic.Lfence or Mnemonic.Mfence or Mnemonic.Pause))
            return false;
        return Enumerable.Range(0, info.OpCount).All(i => info.GetOpKind(i) is not (OpCodeOperandKind.seg_reg or OpCodeOperandKind.cr_reg
            or OpCodeOperandKind.dr_reg or OpCodeOperandKind.tr_reg or OpCodeOperandKind.es or OpCodeOperandKind.cs or OpCodeOperandKind.ss
            or OpCodeOperandKind.ds or OpCodeOperandKind.fs or OpCodeOperandKind.gs or OpCodeOperandKind.farbr2_2 or OpCodeOperandKind.farbr4_2))
            && !code.ToString().Contains("m1616", StringComparison.Ordinal) && !code.ToString().Contains("m1632", StringComparison.Ordinal)
            && !code.ToString().Contains("m1664", StringComparison.Ordinal);
    }
}
