using Emu.Cpu.Instructions.Control;
using Iced.Intel;

namespace Emu.Cpu.Instructions.X87;

/// <summary>The table's part for the x87 FPU, WAIT and EMMS.</summary>
internal static unsafe class X87Family
{
    /// <summary>Enters what computes and moves numbers.</summary>
    public static void Register(InstructionTable table)
    {
        RegisterArithmetic(table);
        RegisterTransfers(table);
        RegisterComparisons(table);
    }

    private static void RegisterArithmetic(InstructionTable table)
    {
        table.Add(Code.Fadd_st0_sti, &X87Shape<ToTop<Fadd>>.Bind);
        table.Add(Code.Fadd_sti_st0, &X87Shape<FromTop<Fadd>>.Bind);
        table.Add(Mnemonic.Faddp, &X87Shape<FromTopAndPop<Fadd>>.Bind);
        table.Add(Code.Fadd_m32fp, &X87LoadShape<WithMemory<Fadd, SingleFormat>>.Bind);
        table.Add(Code.Fadd_m64fp, &X87LoadShape<WithMemory<Fadd, DoubleFormat>>.Bind);
        table.Add(Code.Fiadd_m16int, &X87LoadShape<WithMemory<Fadd, Integer16Format>>.Bind);
        table.Add(Code.Fiadd_m32int, &X87LoadShape<WithMemory<Fadd, Integer32Format>>.Bind);
        table.Add(Code.Fmul_st0_sti, &X87Shape<ToTop<Fmul>>.Bind);
        table.Add(Code.Fmul_sti_st0, &X87Shape<FromTop<Fmul>>.Bind);
        table.Add(Mnemonic.Fmulp, &X87Shape<FromTopAndPop<Fmul>>.Bind);
        table.Add(Code.Fmul_m32fp, &X87LoadShape<WithMemory<Fmul, SingleFormat>>.Bind);
        table.Add(Code.Fmul_m64fp, &X87LoadShape<WithMemory<Fmul, DoubleFormat>>.Bind);
        table.Add(Code.Fimul_m16int, &X87LoadShape<WithMemory<Fmul, Integer16Format>>.Bind);
        table.Add(Code.Fimul_m32int, &X87LoadShape<WithMemory<Fmul, Integer32Format>>.Bind);
        table.Add(Code.Fsub_st0_sti, &X87Shape<ToTop<Fsub>>.Bind);
        table.Add(Code.Fsub_sti_st0, &X87Shape<FromTop<Fsub>>.Bind);
        table.Add(Mnemonic.Fsubp, &X87Shape<FromTopAndPop<Fsub>>.Bind);
        table.Add(Code.Fsub_m32fp, &X87LoadShape<WithMemory<Fsub, SingleFormat>>.Bind);
        table.Add(Code.Fsub_m64fp, &X87LoadShape<WithMemory<Fsub, DoubleFormat>>.Bind);
        table.Add(Code.Fisub_m16int, &X87LoadShape<WithMemory<Fsub, Integer16Format>>.Bind);
        table.Add(Code.Fisub_m32int, &X87LoadShape<WithMemory<Fsub, Integer32Format>>.Bind);
        table.Add(Code.Fsubr_st0_sti, &X87Shape<ToTop<Reversed<Fsub>>>.Bind);
        table.Add(Code.Fsubr_sti_st0, &X87Shape<FromTop<Reversed<Fsub>>>.Bind);
        table.Add(Mnemonic.Fsubrp, &X87Shape<FromTopAndPop<Reversed<Fsub>>>.Bind);
        table.Add(Code.Fsubr_m32fp, &X87LoadShape<WithMemory<Reversed<Fsub>, SingleFormat>>.Bind);
        table.Add(Code.Fsubr_m64fp, &X87LoadShape<WithMemory<Reversed<Fsub>, DoubleFormat>>.Bind);
        table.Add(Code.Fisubr_m16int, &X87LoadShape<WithMemory<Reversed<Fsub>, Integer16Format>>.Bind);
        table.Add(Code.Fisubr_m32int, &X87LoadShape<WithMemory<Reversed<Fsub>, Integer32Format>>.Bind);
        table.Add(Code.Fdiv_st0_sti, &X87Shape<ToTop<Fdiv>>.Bind);
        table.Add(Code.Fdiv_sti_st0, &X87Shape<FromTop<Fdiv>>.Bind);
        table.Add(Mnemonic.Fdivp, &X87Shape<FromTopAndPop<Fdiv>>.Bind);
        table.Add(Code.Fdiv_m32fp, &X87LoadShape<WithMemory<Fdiv, SingleFormat>>.Bind);
        table.Add(Code.Fdiv_m64fp, &X87LoadShape<WithMemory<Fdiv, DoubleFormat>>.Bind);
        table.Add(Code.Fidiv_m16int, &X87LoadShape<WithMemory<Fdiv, Integer16Format>>.Bind);
        table.Add(Code.Fidiv_m32int, &X87LoadShape<WithMemory<Fdiv, Integer32Format>>.Bind);
        table.Add(Code.Fdivr_st0_sti, &X87Shape<ToTop<Reversed<Fdiv>>>.Bind);
        table.Add(Code.Fdivr_sti_st0, &X87Shape<FromTop<Reversed<Fdiv>>>.Bind);
        table.Add(Mnemonic.Fdivrp, &X87Shape<FromTopAndPop<Reversed<Fdiv>>>.Bind);
        table.Add(Code.Fdivr_m32fp, &X87LoadShape<WithMemory<Reversed<Fdiv>, SingleFormat>>.Bind);
        table.Add(Code.Fdivr_m64fp, &X87LoadShape<WithMemory<Reversed<Fdiv>, DoubleFormat>>.Bind);
        table.Add(Code.Fidivr_m16int, &X87LoadShape<WithMemory<Reversed<Fdiv>, Integer16Format>>.Bind);
        table.Add(Code.Fidivr_m32int, &X87LoadShape<WithMemory<Reversed<Fdiv>, Integer32Format>>.Bind);
        table.Add(Mnemonic.Fprem, &X87Shape<PartialRemainder<Fprem>>.Bind);
        table.Add(Mnemonic.Fprem1, &X87Shape<PartialRemainder<Fprem1>>.Bind);
        table.Add(Mnemonic.Fscale, &X87Shape<ToTopFromNext<Fscale>>.Bind);
        table.Add(Mnemonic.Fyl2x, &X87Shape<ToNextAndPop<Fyl2x>>.Bind);
        table.Add(Mnemonic.Fyl2xp1, &X87Shape<ToNextAndPop<Fyl2xp1>>.Bind);
        table.Add(Mnemonic.Fpatan, &X87Shape<ToNextAndPop<Fpatan>>.Bind);
        table.Add(Mnemonic.Fchs, &X87Shape<OfTop<Fchs>>.Bind);
        table.Add(Mnemonic.Fabs, &X87Shape<OfTop<Fabs>>.Bind);
        table.Add(Mnemonic.Fsqrt, &X87Shape<OfTop<Fsqrt>>.Bind);
        table.Add(Mnemonic.Frndint, &X87Shape<OfTop<Frndint>>.Bind);
        table.Add(Mnemonic.F2xm1, &X87Shape<OfTop<F2xm1>>.Bind);
        table.Add(Mnemonic.Fsin, &X87Shape<OfTop<Fsin>>.Bind);
        table.Add(Mnemonic.Fcos, &X87Shape<OfTop<Fcos>>.Bind);
        table.Add(Mnemonic.Fsincos, &X87Shape<OfTopAndPush<Fsincos>>.Bind);
        table.Add(Mnemonic.Fptan, &X87Shape<OfTopAndPush<Fptan>>.Bind);
        table.Add(Mnemonic.Fxtract, &X87Shape<OfTopAndPush<Fxtract>>.Bind);
        table.Add(Mnemonic.Fld1, &X87Shape<LoadConstant<Fld1>>.Bind);
        table.Add(Mnemonic.Fldz, &X87Shape<LoadConstant<Fldz>>.Bind);
        table.Add(Mnemonic.Fldpi, &X87Shape<LoadConstant<Fldpi>>.Bind);
        table.Add(Mnemonic.Fldl2t, &X87Shape<LoadConstant<Fldl2t>>.Bind);
        table.Add(Mnemonic.Fldl2e, &X87Shape<LoadConstant<Fldl2e>>.Bind);
        table.Add(Mnemonic.Fldlg2, &X87Shape<LoadConstant<Fldlg2>>.Bind);
        table.Add(Mnemonic.Fldln2, &X87Shape<LoadConstant<Fldln2>>.Bind);
    }

    private static void RegisterTransfers(InstructionTable table)
    {
        table.Add(Mnemonic.Fld, &X87Shape<LoadRegister>.Bind);
        table.Add(Code.Fld_m32fp, &X87LoadShape<LoadFrom<SingleFormat>>.Bind);
        table.Add(Code.Fld_m64fp, &X87LoadShape<LoadFrom<DoubleFormat>>.Bind);
        table.Add(Code.Fld_m80fp, &X87LoadShape<LoadFrom<ExtendedFormat>>.Bind);
        table.Add(Code.Fild_m16int, &X87LoadShape<LoadFrom<Integer16Format>>.Bind);
        table.Add(Code.Fild_m32int, &X87LoadShape<LoadFrom<Integer32Format>>.Bind);
        table.Add(Code.Fild_m64int, &X87LoadShape<LoadFrom<Integer64Format>>.Bind);
        table.Add(Mnemonic.Fbld, &X87LoadShape<LoadFrom<DecimalFormat>>.Bind);
        table.Add(Mnemonic.Fst, &X87Shape<StoreRegister>.Bind);
        table.Add(Mnemonic.Fstp, &X87Shape<StoreRegisterAndPop>.Bind);
        table.Add(Mnemonic.Fstpnce, &X87Shape<StoreRegisterQuietly>.Bind);
        table.Add(Code.Fst_m32fp, &X87StoreShape<StoreTo<SingleFormat>>.Bind);
        table.Add(Code.Fst_m64fp, &X87StoreShape<StoreTo<DoubleFormat>>.Bind);
        table.Add(Code.Fstp_m32fp, &X87StoreShape<StoreAndPop<SingleFormat>>.Bind);
        table.Add(Code.Fstp_m64fp, &X87StoreShape<StoreAndPop<DoubleFormat>>.Bind);
        table.Add(Code.Fstp_m80fp, &X87StoreShape<StoreAndPop<ExtendedFormat>>.Bind);
        table.Add(Code.Fist_m16int, &X87StoreShape<StoreTo<Integer16Format>>.Bind);
        table.Add(Code.Fist_m32int, &X87StoreShape<StoreTo<Integer32Format>>.Bind);
        table.Add(Code.Fistp_m16int, &X87StoreShape<StoreAndPop<Integer16Format>>.Bind);
        table.Add(Code.Fistp_m32int, &X87StoreShape<StoreAndPop<Integer32Format>>.Bind);
        table.Add(Code.Fistp_m64int, &X87StoreShape<StoreAndPop<Integer64Format>>.Bind);
        table.Add(Code.Fisttp_m16int, &X87StoreShape<TruncateAndPop<Integer16Format>>.Bind);
        table.Add(Code.Fisttp_m32int, &X87StoreShape<TruncateAndPop<Integer32Format>>.Bind);
        table.Add(Code.Fisttp_m64int, &X87StoreShape<TruncateAndPop<Integer64Format>>.Bind);
        table.Add(Mnemonic.Fbstp, &X87StoreShape<StoreAndPop<DecimalFormat>>.Bind);
        table.Add(Mnemonic.Fxch, &X87Shape<Fxch>.Bind);
        table.Add(Mnemonic.Fcmovb, &X87Shape<ConditionalMove<IfBelow>>.Bind);
        table.Add(Mnemonic.Fcmovnb, &X87Shape<ConditionalMove<Not<IfBelow>>>.Bind);
        table.Add(Mnemonic.Fcmove, &X87Shape<ConditionalMove<IfEqual>>.Bind);
        table.Add(Mnemonic.Fcmovne, &X87Shape<ConditionalMove<Not<IfEqual>>>.Bind);
        table.Add(Mnemonic.Fcmovbe, &X87Shape<ConditionalMove<IfBelowOrEqual>>.Bind);
        table.Add(Mnemonic.Fcmovnbe, &X87Shape<ConditionalMove<Not<IfBelowOrEqual>>>.Bind);
        table.Add(Mnemonic.Fcmovu, &X87Shape<ConditionalMove<IfParity>>.Bind);
        table.Add(Mnemonic.Fcmovnu, &X87Shape<ConditionalMove<Not<IfParity>>>.Bind);
        table.Add(Mnemonic.Ffree, &X87Shape<Ffree>.Bind);
        table.Add(Mnemonic.Ffreep, &X87Shape<Ffreep>.Bind);
        table.Add(Mnemonic.Fincstp, &X87Shape<Fincstp>.Bind);
        table.Add(Mnemonic.Fdecstp, &X87Shape<Fdecstp>.Bind);
        table.Add(Mnemonic.Fnop, &X87Shape<Fnop>.Bind);
    }

    private static void RegisterComparisons(InstructionTable table)
    {
        table.Add(Mnemonic.Fcom, &X87Shape<CompareRegister<Ordered, PopsNone>>.Bind);
        table.Add(Mnemonic.Fcomp, &X87Shape<CompareRegister<Ordered, PopsOne>>.Bind);
        table.Add(Mnemonic.Fcompp, &X87Shape<CompareNextAndPopBoth<Ordered>>.Bind);
        table.Add(Mnemonic.Fucom, &X87Shape<CompareRegister<Unordered, PopsNone>>.Bind);
        table.Add(Mnemonic.Fucomp, &X87Shape<CompareRegister<Unordered, PopsOne>>.Bind);
        table.Add(Mnemonic.Fucompp, &X87Shape<CompareNextAndPopBoth<Unordered>>.Bind);
        table.Add(Code.Fcom_m32fp, &X87LoadShape<CompareMemory<SingleFormat, PopsNone>>.Bind);
        table.Add(Code.Fcomp_m32fp, &X87LoadShape<CompareMemory<SingleFormat, PopsOne>>.Bind);
        table.Add(Code.Fcom_m64fp, &X87LoadShape<CompareMemory<DoubleFormat, PopsNone>>.Bind);
        table.Add(Code.Fcomp_m64fp, &X87LoadShape<CompareMemory<DoubleFormat, PopsOne>>.Bind);
        table.Add(Code.Ficom_m16int, &X87LoadShape<CompareMemory<Integer16Format, PopsNone>>.Bind);
        table.Add(Code.Ficomp_m16int, &X87LoadShape<CompareMemory<Integer16Format, PopsOne>>.Bind);
        table.Add(Code.Ficom_m32int, &X87LoadShape<CompareMemory<Integer32Format, PopsNone>>.Bind);
        table.Add(Code.Ficomp_m32int, &X87LoadShape<CompareMemory<Integer32Format, PopsOne>>.Bind);
        table.Add(Mnemonic.Fcomi, &X87Shape<CompareToFlags<Ordered, PopsNone>>.Bind);
        table.Add(Mnemonic.Fcomip, &X87Shape<CompareToFlags<Ordered, PopsOne>>.Bind);
        table.Add(Mnemonic.Fucomi, &X87Shape<CompareToFlags<Unordered, PopsNone>>.Bind);
        table.Add(Mnemonic.Fucomip, &X87Shape<CompareToFlags<Unordered, PopsOne>>.Bind);
        table.Add(Mnemonic.Ftst, &X87Shape<Ftst>.Bind);
        table.Add(Mnemonic.Fxam, &X87Shape<Fxam>.Bind);
    }

    /// <summary>Enters what controls the FPU, which every system uses.</summary>
    public static void RegisterControl(InstructionTable table)
    {
        table.Add(Mnemonic.Fninit, &X87Control.BindFninit);
        table.Add(Mnemonic.Fnclex, &X87Control.BindFnclex);
        table.Add(Mnemonic.Wait, &X87Control.BindWait);
        table.Add(Mnemonic.Emms, &X87Control.BindEmms);
        table.Add(Mnemonic.Fneni, &X87Control.BindIgnored);
        table.Add(Mnemonic.Fndisi, &X87Control.BindIgnored);
        table.Add(Mnemonic.Fnsetpm, &X87Control.BindIgnored);
        table.Add(Mnemonic.Fnstsw, &X87Control.BindFnstsw);
        table.Add(Mnemonic.Fnstcw, &X87Control.BindFnstcw);
        table.Add(Mnemonic.Fldcw, &X87Control.BindFldcw);
        table.Add(Code.Fnstenv_m14byte, &X87Environment.BindStoreShort);
        table.Add(Code.Fnstenv_m28byte, &X87Environment.BindStoreLong);
        table.Add(Code.Fnsave_m94byte, &X87Environment.BindSaveShort);
        table.Add(Code.Fnsave_m108byte, &X87Environment.BindSaveLong);
        table.Add(Code.Fldenv_m14byte, &X87Environment.BindLoadShort);
        table.Add(Code.Fldenv_m28byte, &X87Environment.BindLoadLong);
        table.Add(Code.Frstor_m94byte, &X87Environment.BindRestoreShort);
        table.Add(Code.Frstor_m108byte, &X87Environment.BindRestoreLong);
    }
}
