using System.Runtime.Intrinsics;
using Emu.Cpu.Decoding;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

// VEX: the forms of what SSE has, from the same operations, then what came with AVX, AVX2 and F16C.
internal static unsafe partial class VectorFamily
{
    private static void RegisterVexForms(InstructionTable table)
    {
        table.Add(Mnemonic.Vmovaps, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Vmovapd, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Vmovdqa, &StoreOrMove<AlignedPart, Move, Aligned>.Bind);
        table.Add(Mnemonic.Vmovups, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Vmovupd, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Vmovdqu, &StoreOrMove<UnalignedPart, Move, Unaligned>.Bind);
        table.Add(Mnemonic.Vlddqu, &PackedShape<Move, Unaligned>.Bind);
        table.Add(Mnemonic.Vmovntdqa, &PackedShape<Move, Aligned>.Bind);
        table.Add(Mnemonic.Vmovntps, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Vmovntpd, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Vmovntdq, &StoreShape<AlignedPart>.Bind);
        table.Add(Mnemonic.Vmaskmovdqu, &MaskedStore.Bind);
        table.Add(Mnemonic.Vmovss, &BindMovss);
        table.Add(Mnemonic.Vmovlps, &StoreOrLoad<LowPart, MoveLowQuadword>.Bind);
        table.Add(Mnemonic.Vmovlpd, &StoreOrLoad<LowPart, MoveLowQuadword>.Bind);
        table.Add(Mnemonic.Vmovhps, &StoreOrLoad<HighPart, Punpcklqdq>.Bind);
        table.Add(Mnemonic.Vmovhpd, &StoreOrLoad<HighPart, Punpcklqdq>.Bind);
        table.Add(Mnemonic.Vmovhlps, &PackedShape<Movhlps, Whole>.Bind);
        table.Add(Mnemonic.Vmovlhps, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Vmovddup, &BindVmovddup);
        table.Add(Mnemonic.Vmovsldup, &PackedShape<Movsldup, Whole>.Bind);
        table.Add(Mnemonic.Vmovshdup, &PackedShape<Movshdup, Whole>.Bind);
        table.Add(Mnemonic.Vpinsrb, &FromGeneralShape<Pinsrb, byte>.Bind);
        table.Add(Mnemonic.Vpinsrw, &FromGeneralShape<Pinsrw, ushort>.Bind);
        table.Add(Mnemonic.Vpinsrd, &FromGeneralShape<Pinsrd, uint>.Bind);
        table.Add(Mnemonic.Vpinsrq, &FromGeneralShape<Pinsrq, ulong>.Bind);
        table.Add(Mnemonic.Vpextrb, &ToGeneralShape<Pextrb, Whole>.Bind);
        table.Add(Mnemonic.Vpextrw, &ToGeneralShape<Pextrw, Whole>.Bind);
        table.Add(Mnemonic.Vpextrd, &ToGeneralShape<Pextrd, Whole>.Bind);
        table.Add(Mnemonic.Vpextrq, &ToGeneralShape<Pextrq, Whole>.Bind);
        table.Add(Mnemonic.Vextractps, &ToGeneralShape<Pextrd, Whole>.Bind);
        table.Add(Mnemonic.Vpmovmskb, &ToGeneralShape<Pmovmskb, Whole>.Bind);
        table.Add(Mnemonic.Vmovmskps, &ToGeneralShape<Movmskps, Whole>.Bind);
        table.Add(Mnemonic.Vmovmskpd, &ToGeneralShape<Movmskpd, Whole>.Bind);
        table.Add(Mnemonic.Vpmovsxbw, &PackedShape<Pmovsxbw, Half>.Bind);
        table.Add(Mnemonic.Vpmovsxbd, &PackedShape<Then<Pmovsxbw, Pmovsxwd>, Quarter>.Bind);
        table.Add(Mnemonic.Vpmovsxbq, &PackedShape<Then<Then<Pmovsxbw, Pmovsxwd>, Pmovsxdq>, Eighth>.Bind);
        table.Add(Mnemonic.Vpmovsxwd, &PackedShape<Pmovsxwd, Half>.Bind);
        table.Add(Mnemonic.Vpmovsxwq, &PackedShape<Then<Pmovsxwd, Pmovsxdq>, Quarter>.Bind);
        table.Add(Mnemonic.Vpmovsxdq, &PackedShape<Pmovsxdq, Half>.Bind);
        table.Add(Mnemonic.Vpmovzxbw, &PackedShape<Pmovzxbw, Half>.Bind);
        table.Add(Mnemonic.Vpmovzxbd, &PackedShape<Then<Pmovzxbw, Pmovzxwd>, Quarter>.Bind);
        table.Add(Mnemonic.Vpmovzxbq, &PackedShape<Then<Then<Pmovzxbw, Pmovzxwd>, Pmovzxdq>, Eighth>.Bind);
        table.Add(Mnemonic.Vpmovzxwd, &PackedShape<Pmovzxwd, Half>.Bind);
        table.Add(Mnemonic.Vpmovzxwq, &PackedShape<Then<Pmovzxwd, Pmovzxdq>, Quarter>.Bind);
        table.Add(Mnemonic.Vpmovzxdq, &PackedShape<Pmovzxdq, Half>.Bind);
        table.Add(Mnemonic.Vpaddb, &PackedShape<PackedAdd<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddw, &PackedShape<PackedAdd<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddd, &PackedShape<PackedAdd<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddq, &PackedShape<PackedAdd<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubb, &PackedShape<PackedSubtract<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubw, &PackedShape<PackedSubtract<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubd, &PackedShape<PackedSubtract<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubq, &PackedShape<PackedSubtract<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddsb, &PackedShape<PackedAddSaturated<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddsw, &PackedShape<PackedAddSaturated<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddusb, &PackedShape<PackedAddSaturated<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpaddusw, &PackedShape<PackedAddSaturated<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubsb, &PackedShape<PackedSubtractSaturated<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubsw, &PackedShape<PackedSubtractSaturated<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubusb, &PackedShape<PackedSubtractSaturated<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpsubusw, &PackedShape<PackedSubtractSaturated<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpminub, &PackedShape<PackedMinimum<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpminuw, &PackedShape<PackedMinimum<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpminud, &PackedShape<PackedMinimum<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpminsb, &PackedShape<PackedMinimum<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpminsw, &PackedShape<PackedMinimum<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpminsd, &PackedShape<PackedMinimum<int>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxub, &PackedShape<PackedMaximum<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxuw, &PackedShape<PackedMaximum<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxud, &PackedShape<PackedMaximum<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxsb, &PackedShape<PackedMaximum<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxsw, &PackedShape<PackedMaximum<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpmaxsd, &PackedShape<PackedMaximum<int>, Whole>.Bind);
        table.Add(Mnemonic.Vpavgb, &PackedShape<PackedAverage<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpavgw, &PackedShape<PackedAverage<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpabsb, &PackedShape<PackedAbsolute<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpabsw, &PackedShape<PackedAbsolute<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpabsd, &PackedShape<PackedAbsolute<int>, Whole>.Bind);
        table.Add(Mnemonic.Vpsignb, &PackedShape<PackedSign<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpsignw, &PackedShape<PackedSign<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpsignd, &PackedShape<PackedSign<int>, Whole>.Bind);
        table.Add(Mnemonic.Vpmullw, &PackedShape<PackedMultiplyLow<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpmulld, &PackedShape<PackedMultiplyLow<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpmulhw, &PackedShape<Pmulhw, Whole>.Bind);
        table.Add(Mnemonic.Vpmulhuw, &PackedShape<Pmulhuw, Whole>.Bind);
        table.Add(Mnemonic.Vpmulhrsw, &PackedShape<Pmulhrsw, Whole>.Bind);
        table.Add(Mnemonic.Vpmuludq, &PackedShape<Pmuludq, Whole>.Bind);
        table.Add(Mnemonic.Vpmuldq, &PackedShape<Pmuldq, Whole>.Bind);
        table.Add(Mnemonic.Vpmaddwd, &PackedShape<Pmaddwd, Whole>.Bind);
        table.Add(Mnemonic.Vpmaddubsw, &PackedShape<Pmaddubsw, Whole>.Bind);
        table.Add(Mnemonic.Vpsadbw, &PackedShape<Psadbw, Whole>.Bind);
        table.Add(Mnemonic.Vphminposuw, &PackedShape<Phminposuw, Whole>.Bind);
        table.Add(Mnemonic.Vmpsadbw, &PackedShape<Mpsadbw, Whole>.Bind);
        table.Add(Mnemonic.Vphaddw, &PackedShape<HorizontalWords<PackedAdd<ushort>>, Whole>.Bind);
        table.Add(Mnemonic.Vphaddd, &PackedShape<HorizontalDoublewords<PackedAdd<uint>>, Whole>.Bind);
        table.Add(Mnemonic.Vphaddsw, &PackedShape<HorizontalWords<PackedAddSaturated<short>>, Whole>.Bind);
        table.Add(Mnemonic.Vphsubw, &PackedShape<HorizontalWords<PackedSubtract<ushort>>, Whole>.Bind);
        table.Add(Mnemonic.Vphsubd, &PackedShape<HorizontalDoublewords<PackedSubtract<uint>>, Whole>.Bind);
        table.Add(Mnemonic.Vphsubsw, &PackedShape<HorizontalWords<PackedSubtractSaturated<short>>, Whole>.Bind);
        table.Add(Mnemonic.Vpand, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Vpandn, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Vpor, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Vpxor, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Vandps, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Vandpd, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Vandnps, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Vandnpd, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Vorps, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Vorpd, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Vxorps, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Vxorpd, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpeqb, &PackedShape<CompareEqual<byte>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpeqw, &PackedShape<CompareEqual<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpeqd, &PackedShape<CompareEqual<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpeqq, &PackedShape<CompareEqual<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpgtb, &PackedShape<CompareGreater<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpgtw, &PackedShape<CompareGreater<short>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpgtd, &PackedShape<CompareGreater<int>, Whole>.Bind);
        table.Add(Mnemonic.Vpcmpgtq, &PackedShape<CompareGreater<long>, Whole>.Bind);
        table.Add(Mnemonic.Vpsllw, &ShiftShape<ShiftLeft<ushort, CountOperand>, ShiftLeft<ushort, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpslld, &ShiftShape<ShiftLeft<uint, CountOperand>, ShiftLeft<uint, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsllq, &ShiftShape<ShiftLeft<ulong, CountOperand>, ShiftLeft<ulong, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsrlw, &ShiftShape<ShiftRightLogical<ushort, CountOperand>, ShiftRightLogical<ushort, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsrld, &ShiftShape<ShiftRightLogical<uint, CountOperand>, ShiftRightLogical<uint, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsrlq, &ShiftShape<ShiftRightLogical<ulong, CountOperand>, ShiftRightLogical<ulong, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsraw, &ShiftShape<ShiftRightArithmetic<short, CountOperand>, ShiftRightArithmetic<short, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpsrad, &ShiftShape<ShiftRightArithmetic<int, CountOperand>, ShiftRightArithmetic<int, CountImmediate>>.Bind);
        table.Add(Mnemonic.Vpslldq, &ImmediateShape<ShiftBytesLeft>.Bind);
        table.Add(Mnemonic.Vpsrldq, &ImmediateShape<ShiftBytesRight>.Bind);
        table.Add(Mnemonic.Vptest, &FlagShape<Ptest, Whole>.Bind);
        table.Add(Mnemonic.Vpshufb, &PackedShape<Pshufb, Whole>.Bind);
        table.Add(Mnemonic.Vpshufd, &PackedShape<Pshufd, Whole>.Bind);
        table.Add(Mnemonic.Vpshuflw, &PackedShape<Pshuflw, Whole>.Bind);
        table.Add(Mnemonic.Vpshufhw, &PackedShape<Pshufhw, Whole>.Bind);
        table.Add(Mnemonic.Vshufps, &PackedShape<Shufps, Whole>.Bind);
        table.Add(Mnemonic.Vshufpd, &PackedShape<Shufpd, Whole>.Bind);
        table.Add(Mnemonic.Vpalignr, &PackedShape<Palignr, Whole>.Bind);
        table.Add(Mnemonic.Vpunpcklbw, &PackedShape<Punpcklbw, WholeOfLower>.Bind);
        table.Add(Mnemonic.Vpunpcklwd, &PackedShape<Punpcklwd, WholeOfLower>.Bind);
        table.Add(Mnemonic.Vpunpckldq, &PackedShape<Punpckldq, WholeOfLower>.Bind);
        table.Add(Mnemonic.Vpunpckhbw, &PackedShape<Punpckhbw, Whole>.Bind);
        table.Add(Mnemonic.Vpunpckhwd, &PackedShape<Punpckhwd, Whole>.Bind);
        table.Add(Mnemonic.Vpunpckhdq, &PackedShape<Punpckhdq, Whole>.Bind);
        table.Add(Mnemonic.Vpunpcklqdq, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Vpunpckhqdq, &PackedShape<Punpckhqdq, Whole>.Bind);
        table.Add(Mnemonic.Vunpcklps, &PackedShape<Punpckldq, Whole>.Bind);
        table.Add(Mnemonic.Vunpckhps, &PackedShape<Punpckhdq, Whole>.Bind);
        table.Add(Mnemonic.Vunpcklpd, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Vunpckhpd, &PackedShape<Punpckhqdq, Whole>.Bind);
        table.Add(Mnemonic.Vpacksswb, &PackedShape<Packsswb, Whole>.Bind);
        table.Add(Mnemonic.Vpackssdw, &PackedShape<Packssdw, Whole>.Bind);
        table.Add(Mnemonic.Vpackuswb, &PackedShape<Packuswb, Whole>.Bind);
        table.Add(Mnemonic.Vpackusdw, &PackedShape<Packusdw, Whole>.Bind);
        table.Add(Mnemonic.Vblendps, &PackedShape<BlendDoublewords, Whole>.Bind);
        table.Add(Mnemonic.Vblendpd, &PackedShape<BlendQuadwords, Whole>.Bind);
        table.Add(Mnemonic.Vpblendw, &PackedShape<BlendWords, Whole>.Bind);
        table.Add(Mnemonic.Vpblendvb, &ThirdOperandShape<BlendVariable<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Vblendvps, &ThirdOperandShape<BlendVariable<int>, Whole>.Bind);
        table.Add(Mnemonic.Vblendvpd, &ThirdOperandShape<BlendVariable<long>, Whole>.Bind);
        table.Add(Mnemonic.Vinsertps, &BindInsertps);
        table.Add(Mnemonic.Vaddps, &FloatShape<PackedSingle<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Vaddpd, &FloatShape<PackedDouble<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Vaddss, &FloatShape<ScalarSingle<FloatAdd>, Quarter>.Bind);
        table.Add(Mnemonic.Vaddsd, &FloatShape<ScalarDouble<FloatAdd>, Half>.Bind);
        table.Add(Mnemonic.Vsubps, &FloatShape<PackedSingle<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Vsubpd, &FloatShape<PackedDouble<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Vsubss, &FloatShape<ScalarSingle<FloatSubtract>, Quarter>.Bind);
        table.Add(Mnemonic.Vsubsd, &FloatShape<ScalarDouble<FloatSubtract>, Half>.Bind);
        table.Add(Mnemonic.Vmulps, &FloatShape<PackedSingle<FloatMultiply>, Whole>.Bind);
        table.Add(Mnemonic.Vmulpd, &FloatShape<PackedDouble<FloatMultiply>, Whole>.Bind);
        table.Add(Mnemonic.Vmulss, &FloatShape<ScalarSingle<FloatMultiply>, Quarter>.Bind);
        table.Add(Mnemonic.Vmulsd, &FloatShape<ScalarDouble<FloatMultiply>, Half>.Bind);
        table.Add(Mnemonic.Vdivps, &FloatShape<PackedSingle<FloatDivide>, Whole>.Bind);
        table.Add(Mnemonic.Vdivpd, &FloatShape<PackedDouble<FloatDivide>, Whole>.Bind);
        table.Add(Mnemonic.Vdivss, &FloatShape<ScalarSingle<FloatDivide>, Quarter>.Bind);
        table.Add(Mnemonic.Vdivsd, &FloatShape<ScalarDouble<FloatDivide>, Half>.Bind);
        table.Add(Mnemonic.Vminps, &FloatShape<PackedSingle<FloatMinimum>, Whole>.Bind);
        table.Add(Mnemonic.Vminpd, &FloatShape<PackedDouble<FloatMinimum>, Whole>.Bind);
        table.Add(Mnemonic.Vminss, &FloatShape<ScalarSingle<FloatMinimum>, Quarter>.Bind);
        table.Add(Mnemonic.Vminsd, &FloatShape<ScalarDouble<FloatMinimum>, Half>.Bind);
        table.Add(Mnemonic.Vmaxps, &FloatShape<PackedSingle<FloatMaximum>, Whole>.Bind);
        table.Add(Mnemonic.Vmaxpd, &FloatShape<PackedDouble<FloatMaximum>, Whole>.Bind);
        table.Add(Mnemonic.Vmaxss, &FloatShape<ScalarSingle<FloatMaximum>, Quarter>.Bind);
        table.Add(Mnemonic.Vmaxsd, &FloatShape<ScalarDouble<FloatMaximum>, Half>.Bind);
        table.Add(Mnemonic.Vsqrtps, &FloatShape<PackedSingle<FloatSquareRoot>, Whole>.Bind);
        table.Add(Mnemonic.Vsqrtpd, &FloatShape<PackedDouble<FloatSquareRoot>, Whole>.Bind);
        table.Add(Mnemonic.Vsqrtss, &FloatShape<ScalarSingle<FloatSquareRoot>, Quarter>.Bind);
        table.Add(Mnemonic.Vsqrtsd, &FloatShape<ScalarDouble<FloatSquareRoot>, Half>.Bind);
        table.Add(Mnemonic.Vrcpps, &PackedShape<Rcpps, Whole>.Bind);
        table.Add(Mnemonic.Vrcpss, &PackedShape<Rcpss, Quarter>.Bind);
        table.Add(Mnemonic.Vrsqrtps, &PackedShape<Rsqrtps, Whole>.Bind);
        table.Add(Mnemonic.Vrsqrtss, &PackedShape<Rsqrtss, Quarter>.Bind);
        table.Add(Mnemonic.Vhaddps, &FloatShape<HorizontalSingle<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Vhaddpd, &FloatShape<HorizontalDouble<FloatAdd>, Whole>.Bind);
        table.Add(Mnemonic.Vhsubps, &FloatShape<HorizontalSingle<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Vhsubpd, &FloatShape<HorizontalDouble<FloatSubtract>, Whole>.Bind);
        table.Add(Mnemonic.Vaddsubps, &FloatShape<Addsubps, Whole>.Bind);
        table.Add(Mnemonic.Vaddsubpd, &FloatShape<Addsubpd, Whole>.Bind);
        table.Add(Mnemonic.Vdpps, &FloatShape<Dpps, Whole>.Bind);
        table.Add(Mnemonic.Vdppd, &FloatShape<Dppd, Whole>.Bind);
        table.Add(Mnemonic.Vroundps, &FloatShape<Roundps, Whole>.Bind);
        table.Add(Mnemonic.Vroundpd, &FloatShape<Roundpd, Whole>.Bind);
        table.Add(Mnemonic.Vroundss, &FloatShape<Roundss, Quarter>.Bind);
        table.Add(Mnemonic.Vroundsd, &FloatShape<Roundsd, Half>.Bind);
        table.Add(Mnemonic.Vcmpps, &CompareShape<Cmpps, Whole>.Bind);
        table.Add(Mnemonic.Vcmppd, &CompareShape<Cmppd, Whole>.Bind);
        table.Add(Mnemonic.Vcmpss, &CompareShape<Cmpss, Quarter>.Bind);
        table.Add(Mnemonic.Vcomiss, &FlagShape<Comiss, Quarter>.Bind);
        table.Add(Mnemonic.Vucomiss, &FlagShape<Ucomiss, Quarter>.Bind);
        table.Add(Mnemonic.Vcomisd, &FlagShape<Comisd, Half>.Bind);
        table.Add(Mnemonic.Vucomisd, &FlagShape<Ucomisd, Half>.Bind);
        table.Add(Mnemonic.Vcvtps2pd, &FloatShape<Cvtps2pd, Half>.Bind);
        table.Add(Mnemonic.Vcvtpd2ps, &NarrowShape<Cvtpd2ps>.Bind);
        table.Add(Mnemonic.Vcvtss2sd, &FloatShape<Cvtss2sd, Quarter>.Bind);
        table.Add(Mnemonic.Vcvtsd2ss, &FloatShape<Cvtsd2ss, Half>.Bind);
        table.Add(Mnemonic.Vcvtdq2ps, &FloatShape<Cvtdq2ps, Whole>.Bind);
        table.Add(Mnemonic.Vcvtps2dq, &FloatShape<Cvtps2dq, Whole>.Bind);
        table.Add(Mnemonic.Vcvttps2dq, &FloatShape<Cvttps2dq, Whole>.Bind);
        table.Add(Mnemonic.Vcvtdq2pd, &FloatShape<Cvtdq2pd, Half>.Bind);
        table.Add(Mnemonic.Vcvtpd2dq, &NarrowShape<Cvtpd2dq>.Bind);
        table.Add(Mnemonic.Vcvttpd2dq, &NarrowShape<Cvttpd2dq>.Bind);
        table.Add(Mnemonic.Vpcmpestri, &StringCompare.Bind);
        table.Add(Mnemonic.Vpcmpestri64, &StringCompare.Bind);
        table.Add(Mnemonic.Vpcmpestrm, &StringCompare.Bind);
        table.Add(Mnemonic.Vpcmpestrm64, &StringCompare.Bind);
        table.Add(Mnemonic.Vpcmpistri, &StringCompare.Bind);
        table.Add(Mnemonic.Vpcmpistrm, &StringCompare.Bind);
        table.Add(Mnemonic.Vaesenc, &PackedShape<Aesenc, Whole>.Bind);
        table.Add(Mnemonic.Vaesenclast, &PackedShape<Aesenclast, Whole>.Bind);
        table.Add(Mnemonic.Vaesdec, &PackedShape<Aesdec, Whole>.Bind);
        table.Add(Mnemonic.Vaesdeclast, &PackedShape<Aesdeclast, Whole>.Bind);
        table.Add(Mnemonic.Vaesimc, &PackedShape<Aesimc, Whole>.Bind);
        table.Add(Mnemonic.Vaeskeygenassist, &PackedShape<Aeskeygenassist, Whole>.Bind);
        table.Add(Mnemonic.Vgf2p8mulb, &PackedShape<Gf2p8mulb, Whole>.Bind);
        table.Add(Mnemonic.Vgf2p8affineqb, &PackedShape<Gf2p8affineqb, Whole>.Bind);
        table.Add(Mnemonic.Vgf2p8affineinvqb, &PackedShape<Gf2p8affineinvqb, Whole>.Bind);
        table.Add(Mnemonic.Vpdpbusd, &ThirdOperandShape<DotProductBytes<Wrapping>, Whole>.Bind);
        table.Add(Mnemonic.Vpdpbusds, &ThirdOperandShape<DotProductBytes<Saturating>, Whole>.Bind);
        table.Add(Mnemonic.Vpdpwssd, &ThirdOperandShape<DotProductWords<Wrapping>, Whole>.Bind);
        table.Add(Mnemonic.Vpdpwssds, &ThirdOperandShape<DotProductWords<Saturating>, Whole>.Bind);
        table.Add(Mnemonic.Vpclmulqdq, &PackedShape<Pclmulqdq, Whole>.Bind);
    }

    private static void RegisterAvx(InstructionTable table)
    {
        table.Add(Mnemonic.Vmovsd, &BindMovsd);
        table.Add(Mnemonic.Vcmpsd, &CompareShape<Cmpsd, Half>.Bind);
        table.Add(Code.VEX_Vmovd_xmm_rm32, &FromGeneralShape<MoveFromGeneral, uint>.Bind);
        table.Add(Code.VEX_Vmovq_xmm_rm64, &FromGeneralShape<MoveFromGeneral, ulong>.Bind);
        table.Add(Code.VEX_Vmovd_rm32_xmm, &ToGeneralShape<LowDoubleword, Whole>.Bind);
        table.Add(Code.VEX_Vmovq_rm64_xmm, &ToGeneralShape<LowQuadword, Whole>.Bind);
        table.Add(Code.VEX_Vmovq_xmm_xmmm64, &PackedShape<Move, Half>.Bind);
        table.Add(Code.VEX_Vmovq_xmmm64_xmm, &StoreOrMove<LowPart, Move, Half>.Bind);
        table.Add(Code.VEX_Vcvtsi2ss_xmm_xmm_rm32, &FromGeneralShape<Cvtsi2ss32, uint>.Bind);
        table.Add(Code.VEX_Vcvtsi2ss_xmm_xmm_rm64, &FromGeneralShape<Cvtsi2ss64, ulong>.Bind);
        table.Add(Code.VEX_Vcvtsi2sd_xmm_xmm_rm32, &FromGeneralShape<Cvtsi2sd32, uint>.Bind);
        table.Add(Code.VEX_Vcvtsi2sd_xmm_xmm_rm64, &FromGeneralShape<Cvtsi2sd64, ulong>.Bind);
        table.Add(Code.VEX_Vcvtss2si_r32_xmmm32, &ToGeneralShape<Cvtss2si32, Quarter>.Bind);
        table.Add(Code.VEX_Vcvtss2si_r64_xmmm32, &ToGeneralShape<Cvtss2si64, Quarter>.Bind);
        table.Add(Code.VEX_Vcvtsd2si_r32_xmmm64, &ToGeneralShape<Cvtsd2si32, Half>.Bind);
        table.Add(Code.VEX_Vcvtsd2si_r64_xmmm64, &ToGeneralShape<Cvtsd2si64, Half>.Bind);
        table.Add(Code.VEX_Vcvttss2si_r32_xmmm32, &ToGeneralShape<Cvttss2si32, Quarter>.Bind);
        table.Add(Code.VEX_Vcvttss2si_r64_xmmm32, &ToGeneralShape<Cvttss2si64, Quarter>.Bind);
        table.Add(Code.VEX_Vcvttsd2si_r32_xmmm64, &ToGeneralShape<Cvttsd2si32, Half>.Bind);
        table.Add(Code.VEX_Vcvttsd2si_r64_xmmm64, &ToGeneralShape<Cvttsd2si64, Half>.Bind);
        table.Add(Mnemonic.Vldmxcsr, &ExtendedState.FxState.BindLdmxcsr);
        table.Add(Mnemonic.Vstmxcsr, &ExtendedState.FxState.BindStmxcsr);
        table.Add(Mnemonic.Vbroadcastss, &PackedShape<Broadcast<uint>, Element<uint>>.Bind);
        table.Add(Mnemonic.Vbroadcastsd, &PackedShape<Broadcast<ulong>, Element<ulong>>.Bind);
        table.Add(Mnemonic.Vbroadcastf128, &PackedShape<Move, Element<Vector128<byte>>>.Bind);
        table.Add(Mnemonic.Vbroadcasti128, &PackedShape<Move, Element<Vector128<byte>>>.Bind);
        table.Add(Mnemonic.Vpbroadcastb, &PackedShape<Broadcast<byte>, Element<byte>>.Bind);
        table.Add(Mnemonic.Vpbroadcastw, &PackedShape<Broadcast<ushort>, Element<ushort>>.Bind);
        table.Add(Mnemonic.Vpbroadcastd, &PackedShape<Broadcast<uint>, Element<uint>>.Bind);
        table.Add(Mnemonic.Vpbroadcastq, &PackedShape<Broadcast<ulong>, Element<ulong>>.Bind);
        table.Add(Mnemonic.Vextractf128, &ExtractLane.Bind);
        table.Add(Mnemonic.Vextracti128, &ExtractLane.Bind);
        table.Add(Mnemonic.Vinsertf128, &InsertLane.Bind);
        table.Add(Mnemonic.Vinserti128, &InsertLane.Bind);
        table.Add(Mnemonic.Vperm2f128, &CrossLaneShape<Vperm2f128>.Bind);
        table.Add(Mnemonic.Vperm2i128, &CrossLaneShape<Vperm2f128>.Bind);
        table.Add(Mnemonic.Vpermq, &CrossLaneShape<Vpermq>.Bind);
        table.Add(Mnemonic.Vpermpd, &CrossLaneShape<Vpermq>.Bind);
        table.Add(Mnemonic.Vpermd, &CrossLaneShape<Vpermd>.Bind);
        table.Add(Mnemonic.Vpermps, &CrossLaneShape<Vpermd>.Bind);
        table.Add(Mnemonic.Vpermilps, &BindVpermilps);
        table.Add(Mnemonic.Vpermilpd, &BindVpermilpd);
        table.Add(Mnemonic.Vpblendd, &PackedShape<BlendDoublewords, Whole>.Bind);
        table.Add(Mnemonic.Vpsllvd, &PackedShape<ShiftLeftVariable<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpsllvq, &PackedShape<ShiftLeftVariable<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Vpsrlvd, &PackedShape<ShiftRightVariable<uint>, Whole>.Bind);
        table.Add(Mnemonic.Vpsrlvq, &PackedShape<ShiftRightVariable<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Vpsravd, &PackedShape<ShiftRightVariable<int>, Whole>.Bind);
        table.Add(Mnemonic.Vtestps, &FlagShape<Vtestps, Whole>.Bind);
        table.Add(Mnemonic.Vtestpd, &FlagShape<Vtestpd, Whole>.Bind);
        table.Add(Mnemonic.Vzeroupper, &ZeroRegisters.BindUpper);
        table.Add(Mnemonic.Vzeroall, &ZeroRegisters.BindAll);
        table.Add(Mnemonic.Vmaskmovps, &MaskedMove<uint>.Bind);
        table.Add(Mnemonic.Vmaskmovpd, &MaskedMove<ulong>.Bind);
        table.Add(Mnemonic.Vpmaskmovd, &MaskedMove<uint>.Bind);
        table.Add(Mnemonic.Vpmaskmovq, &MaskedMove<ulong>.Bind);
        table.Add(Mnemonic.Vgatherdps, &Gather<uint, int>.Bind);
        table.Add(Mnemonic.Vgatherdpd, &Gather<ulong, int>.Bind);
        table.Add(Mnemonic.Vgatherqps, &Gather<uint, long>.Bind);
        table.Add(Mnemonic.Vgatherqpd, &Gather<ulong, long>.Bind);
        table.Add(Mnemonic.Vpgatherdd, &Gather<uint, int>.Bind);
        table.Add(Mnemonic.Vpgatherdq, &Gather<ulong, int>.Bind);
        table.Add(Mnemonic.Vpgatherqd, &Gather<uint, long>.Bind);
        table.Add(Mnemonic.Vpgatherqq, &Gather<ulong, long>.Bind);
        table.Add(Mnemonic.Vcvtph2ps, &FloatShape<Vcvtph2ps, Half>.Bind);
        table.Add(Mnemonic.Vcvtps2ph, &ConvertToHalves.Bind);
    }

    // VEX.256 duplicates in each lane, and so reads all of its operand.
    private static void BindVmovddup(ref Operands operands)
    {
        if (VectorOperands.IsWide(in operands.Instruction))
            PackedShape<Movddup, Whole>.Bind(ref operands);
        else
            PackedShape<Movddup, Half>.Bind(ref operands);
    }

    private static void BindVpermilps(ref Operands operands)
    {
        if (operands.Instruction.Op2Kind == OpKind.Immediate8)
            PackedShape<Pshufd, Whole>.Bind(ref operands);
        else
            PackedShape<PermuteSinglesByRegister, Whole>.Bind(ref operands);
    }

    private static void BindVpermilpd(ref Operands operands)
    {
        if (operands.Instruction.Op2Kind == OpKind.Immediate8)
            PackedShape<PermuteDoublesByImmediate, Whole>.Bind(ref operands);
        else
            PackedShape<PermuteDoublesByRegister, Whole>.Bind(ref operands);
    }
}

/// <summary>Binds conversions that halve the width: over two lanes they are no longer lane by lane.</summary>
internal static unsafe class NarrowShape<TConversion>
    where TConversion : IFloatOperation
{
    /// <summary>Binds one instruction.</summary>
    public static void Bind(ref Operands operands)
    {
        if (VectorOperands.IsWide(in operands.Instruction))
            CrossLaneShape<NarrowTo128<TConversion>>.Bind(ref operands);
        else
            FloatShape<TConversion, Whole>.Bind(ref operands);
    }
}
