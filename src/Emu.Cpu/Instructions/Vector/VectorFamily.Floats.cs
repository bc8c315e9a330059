using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

// Floating point and conversions.
internal static unsafe partial class VectorFamily
{
    private static void RegisterArithmetic(InstructionTable table)
    {
        table.Add(Mnemonic.Addps, &FloatShape<PackedSingle<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Addpd, &FloatShape<PackedDouble<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Addss, &FloatShape<ScalarSingle<FloatAdd>, Quarter>.Bind);
        table.Add(Mnemonic.Addsd, &FloatShape<ScalarDouble<FloatAdd>, Half>.Bind);
        table.Add(Mnemonic.Subps, &FloatShape<PackedSingle<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Subpd, &FloatShape<PackedDouble<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Subss, &FloatShape<ScalarSingle<FloatSubtract>, Quarter>.Bind);
        table.Add(Mnemonic.Subsd, &FloatShape<ScalarDouble<FloatSubtract>, Half>.Bind);
        table.Add(Mnemonic.Mulps, &FloatShape<PackedSingle<FloatMultiply>, Whole>.Bind);
        table.Add(Mnemonic.Mulpd, &FloatShape<PackedDouble<FloatMultiply>, Whole>.Bind);
        table.Add(Mnemonic.Mulss, &FloatShape<ScalarSingle<FloatMultiply>, Quarter>.Bind);
        table.Add(Mnemonic.Mulsd, &FloatShape<ScalarDouble<FloatMultiply>, Half>.Bind);
        table.Add(Mnemonic.Divps, &FloatShape<PackedSingle<FloatDivide>, Whole>.Bind);
        table.Add(Mnemonic.Divpd, &FloatShape<PackedDouble<FloatDivide>, Whole>.Bind);
        table.Add(Mnemonic.Divss, &FloatShape<ScalarSingle<FloatDivide>, Quarter>.Bind);
        table.Add(Mnemonic.Divsd, &FloatShape<ScalarDouble<FloatDivide>, Half>.Bind);
        table.Add(Mnemonic.Minps, &FloatShape<PackedSingle<FloatMinimum>, Whole>.Bind);
        table.Add(Mnemonic.Minpd, &FloatShape<PackedDouble<FloatMinimum>, Whole>.Bind);
        table.Add(Mnemonic.Minss, &FloatShape<ScalarSingle<FloatMinimum>, Quarter>.Bind);
        table.Add(Mnemonic.Minsd, &FloatShape<ScalarDouble<FloatMinimum>, Half>.Bind);
        table.Add(Mnemonic.Maxps, &FloatShape<PackedSingle<FloatMaximum>, Whole>.Bind);
        table.Add(Mnemonic.Maxpd, &FloatShape<PackedDouble<FloatMaximum>, Whole>.Bind);
        table.Add(Mnemonic.Maxss, &FloatShape<ScalarSingle<FloatMaximum>, Quarter>.Bind);
        table.Add(Mnemonic.Maxsd, &FloatShape<ScalarDouble<FloatMaximum>, Half>.Bind);
        table.Add(Mnemonic.Sqrtps, &FloatShape<PackedSingle<FloatSquareRoot>, Whole>.Bind);
        table.Add(Mnemonic.Sqrtpd, &FloatShape<PackedDouble<FloatSquareRoot>, Whole>.Bind);
        table.Add(Mnemonic.Sqrtss, &FloatShape<ScalarSingle<FloatSquareRoot>, Quarter>.Bind);
        table.Add(Mnemonic.Sqrtsd, &FloatShape<ScalarDouble<FloatSquareRoot>, Half>.Bind);
        table.Add(Mnemonic.Rcpps, &PackedShape<Rcpps, Whole>.Bind);
        table.Add(Mnemonic.Rcpss, &PackedShape<Rcpss, Quarter>.Bind);
        table.Add(Mnemonic.Rsqrtps, &PackedShape<Rsqrtps, Whole>.Bind);
        table.Add(Mnemonic.Rsqrtss, &PackedShape<Rsqrtss, Quarter>.Bind);
        table.Add(Mnemonic.Haddps, &FloatShape<HorizontalSingle<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Haddpd, &FloatShape<HorizontalDouble<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Hsubps, &FloatShape<HorizontalSingle<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Hsubpd, &FloatShape<HorizontalDouble<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Addsubps, &FloatShape<Addsubps, Whole>.Bind);
        table.Add(Mnemonic.Addsubpd, &FloatShape<Addsubpd, Whole>.Bind);
        table.Add(Mnemonic.Dpps, &FloatShape<Dpps, Whole>.Bind);
        table.Add(Mnemonic.Dppd, &FloatShape<Dppd, Whole>.Bind);
        table.Add(Mnemonic.Roundps, &FloatShape<Roundps, Whole>.Bind);
        table.Add(Mnemonic.Roundpd, &FloatShape<Roundpd, Whole>.Bind);
        table.Add(Mnemonic.Roundss, &FloatShape<Roundss, Quarter>.Bind);
        table.Add(Mnemonic.Roundsd, &FloatShape<Roundsd, Half>.Bind);
        table.Add(Mnemonic.Cmpps, &CompareShape<Cmpps, Whole>.Bind);
        table.Add(Mnemonic.Cmppd, &CompareShape<Cmppd, Whole>.Bind);
        table.Add(Mnemonic.Cmpss, &CompareShape<Cmpss, Quarter>.Bind);
        table.Add(Code.Cmpsd_xmm_xmmm64_imm8, &CompareShape<Cmpsd, Half>.Bind);
        table.Add(Mnemonic.Comiss, &FlagShape<Comiss, Quarter>.Bind);
        table.Add(Mnemonic.Ucomiss, &FlagShape<Ucomiss, Quarter>.Bind);
        table.Add(Mnemonic.Comisd, &FlagShape<Comisd, Half>.Bind);
        table.Add(Mnemonic.Ucomisd, &FlagShape<Ucomisd, Half>.Bind);
    }

    private static void RegisterConversions(InstructionTable table)
    {
        table.Add(Mnemonic.Cvtps2pd, &FloatShape<Cvtps2pd, Half>.Bind);
        table.Add(Mnemonic.Cvtpd2ps, &FloatShape<Cvtpd2ps, Whole>.Bind);
        table.Add(Mnemonic.Cvtss2sd, &FloatShape<Cvtss2sd, Quarter>.Bind);
        table.Add(Mnemonic.Cvtsd2ss, &FloatShape<Cvtsd2ss, Half>.Bind);
        table.Add(Mnemonic.Cvtdq2ps, &FloatShape<Cvtdq2ps, Whole>.Bind);
        table.Add(Mnemonic.Cvtps2dq, &FloatShape<Cvtps2dq, Whole>.Bind);
        table.Add(Mnemonic.Cvttps2dq, &FloatShape<Cvttps2dq, Whole>.Bind);
        table.Add(Mnemonic.Cvtdq2pd, &FloatShape<Cvtdq2pd, Half>.Bind);
        table.Add(Mnemonic.Cvtpd2dq, &FloatShape<Cvtpd2dq, Whole>.Bind);
        table.Add(Mnemonic.Cvttpd2dq, &FloatShape<Cvttpd2dq, Whole>.Bind);
        table.Add(Code.Cvtsi2ss_xmm_rm32, &FromGeneralShape<Cvtsi2ss32, uint>.Bind);
        table.Add(Code.Cvtsi2ss_xmm_rm64, &FromGeneralShape<Cvtsi2ss64, ulong>.Bind);
        table.Add(Code.Cvtsi2sd_xmm_rm32, &FromGeneralShape<Cvtsi2sd32, uint>.Bind);
        table.Add(Code.Cvtsi2sd_xmm_rm64, &FromGeneralShape<Cvtsi2sd64, ulong>.Bind);
        table.Add(Code.Cvtss2si_r32_xmmm32, &ToGeneralShape<Cvtss2si32, Quarter>.Bind);
        table.Add(Code.Cvtss2si_r64_xmmm32, &ToGeneralShape<Cvtss2si64, Quarter>.Bind);
        table.Add(Code.Cvtsd2si_r32_xmmm64, &ToGeneralShape<Cvtsd2si32, Half>.Bind);
        table.Add(Code.Cvtsd2si_r64_xmmm64, &ToGeneralShape<Cvtsd2si64, Half>.Bind);
        table.Add(Code.Cvttss2si_r32_xmmm32, &ToGeneralShape<Cvttss2si32, Quarter>.Bind);
        table.Add(Code.Cvttss2si_r64_xmmm32, &ToGeneralShape<Cvttss2si64, Quarter>.Bind);
        table.Add(Code.Cvttsd2si_r32_xmmm64, &ToGeneralShape<Cvttsd2si32, Half>.Bind);
        table.Add(Code.Cvttsd2si_r64_xmmm64, &ToGeneralShape<Cvttsd2si64, Half>.Bind);
        table.Add(Mnemonic.Cvtpi2ps, &FromMmxShape<Cvtpi2ps>.Bind);
        table.Add(Mnemonic.Cvtpi2pd, &FromMmxShape<Cvtpi2pd>.Bind);
        table.Add(Mnemonic.Cvtps2pi, &ToMmxShape<Cvtps2pi, Half>.Bind);
        table.Add(Mnemonic.Cvttps2pi, &ToMmxShape<Cvttps2pi, Half>.Bind);
        table.Add(Mnemonic.Cvtpd2pi, &ToMmxShape<Cvtpd2pi, Whole>.Bind);
        table.Add(Mnemonic.Cvttpd2pi, &ToMmxShape<Cvttpd2pi, Whole>.Bind);
    }
}
