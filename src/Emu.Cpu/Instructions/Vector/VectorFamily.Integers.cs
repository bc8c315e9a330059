using Emu.Cpu.Decoding;
using Iced.Intel;

namespace Emu.Cpu.Instructions.Vector;

// Packed integers, shifts, logic, shuffles.
internal static unsafe partial class VectorFamily
{
    private static void RegisterIntegers(InstructionTable table)
    {
        table.Add(Mnemonic.Paddb, &PackedShape<PackedAdd<byte>, Whole>.Bind);
        table.Add(Mnemonic.Paddw, &PackedShape<PackedAdd<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Paddd, &PackedShape<PackedAdd<uint>, Whole>.Bind);
        table.Add(Mnemonic.Paddq, &PackedShape<PackedAdd<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Psubb, &PackedShape<PackedSubtract<byte>, Whole>.Bind);
        table.Add(Mnemonic.Psubw, &PackedShape<PackedSubtract<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Psubd, &PackedShape<PackedSubtract<uint>, Whole>.Bind);
        table.Add(Mnemonic.Psubq, &PackedShape<PackedSubtract<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Paddsb, &PackedShape<PackedAddSaturated<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Paddsw, &PackedShape<PackedAddSaturated<short>, Whole>.Bind);
        table.Add(Mnemonic.Paddusb, &PackedShape<PackedAddSaturated<byte>, Whole>.Bind);
        table.Add(Mnemonic.Paddusw, &PackedShape<PackedAddSaturated<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Psubsb, &PackedShape<PackedSubtractSaturated<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Psubsw, &PackedShape<PackedSubtractSaturated<short>, Whole>.Bind);
        table.Add(Mnemonic.Psubusb, &PackedShape<PackedSubtractSaturated<byte>, Whole>.Bind);
        table.Add(Mnemonic.Psubusw, &PackedShape<PackedSubtractSaturated<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pminub, &PackedShape<PackedMinimum<byte>, Whole>.Bind);
        table.Add(Mnemonic.Pminuw, &PackedShape<PackedMinimum<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pminud, &PackedShape<PackedMinimum<uint>, Whole>.Bind);
        table.Add(Mnemonic.Pminsb, &PackedShape<PackedMinimum<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Pminsw, &PackedShape<PackedMinimum<short>, Whole>.Bind);
        table.Add(Mnemonic.Pminsd, &PackedShape<PackedMinimum<int>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxub, &PackedShape<PackedMaximum<byte>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxuw, &PackedShape<PackedMaximum<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxud, &PackedShape<PackedMaximum<uint>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxsb, &PackedShape<PackedMaximum<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxsw, &PackedShape<PackedMaximum<short>, Whole>.Bind);
        table.Add(Mnemonic.Pmaxsd, &PackedShape<PackedMaximum<int>, Whole>.Bind);
        table.Add(Mnemonic.Pavgb, &PackedShape<PackedAverage<byte>, Whole>.Bind);
        table.Add(Mnemonic.Pavgw, &PackedShape<PackedAverage<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pabsb, &PackedShape<PackedAbsolute<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Pabsw, &PackedShape<PackedAbsolute<short>, Whole>.Bind);
        table.Add(Mnemonic.Pabsd, &PackedShape<PackedAbsolute<int>, Whole>.Bind);
        table.Add(Mnemonic.Psignb, &PackedShape<PackedSign<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Psignw, &PackedShape<PackedSign<short>, Whole>.Bind);
        table.Add(Mnemonic.Psignd, &PackedShape<PackedSign<int>, Whole>.Bind);
        table.Add(Mnemonic.Pmullw, &PackedShape<PackedMultiplyLow<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pmulld, &PackedShape<PackedMultiplyLow<uint>, Whole>.Bind);
        table.Add(Mnemonic.Pmulhw, &PackedShape<Pmulhw, Whole>.Bind);
        table.Add(Mnemonic.Pmulhuw, &PackedShape<Pmulhuw, Whole>.Bind);
        table.Add(Mnemonic.Pmulhrsw, &PackedShape<Pmulhrsw, Whole>.Bind);
        table.Add(Mnemonic.Pmuludq, &PackedShape<Pmuludq, Whole>.Bind);
        table.Add(Mnemonic.Pmuldq, &PackedShape<Pmuldq, Whole>.Bind);
        table.Add(Mnemonic.Pmaddwd, &PackedShape<Pmaddwd, Whole>.Bind);
        table.Add(Mnemonic.Pmaddubsw, &PackedShape<Pmaddubsw, Whole>.Bind);
        table.Add(Mnemonic.Psadbw, &PackedShape<Psadbw, Whole>.Bind);
        table.Add(Mnemonic.Phminposuw, &PackedShape<Phminposuw, Whole>.Bind);
        table.Add(Mnemonic.Mpsadbw, &PackedShape<Mpsadbw, Whole>.Bind);
        table.Add(Mnemonic.Phaddw, &PackedShape<HorizontalWords<PackedAdd<ushort>>, Whole>.Bind);
        table.Add(Mnemonic.Phaddd, &PackedShape<HorizontalDoublewords<PackedAdd<uint>>, Whole>.Bind);
        table.Add(Mnemonic.Phaddsw, &PackedShape<HorizontalWords<PackedAddSaturated<short>>, Whole>.Bind);
        table.Add(Mnemonic.Phsubw, &PackedShape<HorizontalWords<PackedSubtract<ushort>>, Whole>.Bind);
        table.Add(Mnemonic.Phsubd, &PackedShape<HorizontalDoublewords<PackedSubtract<uint>>, Whole>.Bind);
        table.Add(Mnemonic.Phsubsw, &PackedShape<HorizontalWords<PackedSubtractSaturated<short>>, Whole>.Bind);
        table.Add(Mnemonic.Pand, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Pandn, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Por, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Pxor, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Andps, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Andpd, &PackedShape<BitwiseAnd, Whole>.Bind);
        table.Add(Mnemonic.Andnps, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Andnpd, &PackedShape<BitwiseAndNot, Whole>.Bind);
        table.Add(Mnemonic.Orps, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Orpd, &PackedShape<BitwiseOr, Whole>.Bind);
        table.Add(Mnemonic.Xorps, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Xorpd, &PackedShape<BitwiseXor, Whole>.Bind);
        table.Add(Mnemonic.Pcmpeqb, &PackedShape<CompareEqual<byte>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpeqw, &PackedShape<CompareEqual<ushort>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpeqd, &PackedShape<CompareEqual<uint>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpeqq, &PackedShape<CompareEqual<ulong>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpgtb, &PackedShape<CompareGreater<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpgtw, &PackedShape<CompareGreater<short>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpgtd, &PackedShape<CompareGreater<int>, Whole>.Bind);
        table.Add(Mnemonic.Pcmpgtq, &PackedShape<CompareGreater<long>, Whole>.Bind);
        table.Add(Mnemonic.Psllw, &ShiftShape<ShiftLeft<ushort, CountOperand>, ShiftLeft<ushort, CountImmediate>>.Bind);
        table.Add(Mnemonic.Pslld, &ShiftShape<ShiftLeft<uint, CountOperand>, ShiftLeft<uint, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psllq, &ShiftShape<ShiftLeft<ulong, CountOperand>, ShiftLeft<ulong, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psrlw, &ShiftShape<ShiftRightLogical<ushort, CountOperand>, ShiftRightLogical<ushort, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psrld, &ShiftShape<ShiftRightLogical<uint, CountOperand>, ShiftRightLogical<uint, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psrlq, &ShiftShape<ShiftRightLogical<ulong, CountOperand>, ShiftRightLogical<ulong, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psraw, &ShiftShape<ShiftRightArithmetic<short, CountOperand>, ShiftRightArithmetic<short, CountImmediate>>.Bind);
        table.Add(Mnemonic.Psrad, &ShiftShape<ShiftRightArithmetic<int, CountOperand>, ShiftRightArithmetic<int, CountImmediate>>.Bind);
        table.Add(Mnemonic.Pslldq, &ImmediateShape<ShiftBytesLeft>.Bind);
        table.Add(Mnemonic.Psrldq, &ImmediateShape<ShiftBytesRight>.Bind);
        table.Add(Mnemonic.Ptest, &FlagShape<Ptest, Whole>.Bind);
    }

    private static void RegisterShuffles(InstructionTable table)
    {
        table.Add(Mnemonic.Pshufb, &PackedShape<Pshufb, Whole>.Bind);
        table.Add(Mnemonic.Pshufd, &PackedShape<Pshufd, Whole>.Bind);
        table.Add(Mnemonic.Pshuflw, &PackedShape<Pshuflw, Whole>.Bind);
        table.Add(Mnemonic.Pshufhw, &PackedShape<Pshufhw, Whole>.Bind);
        table.Add(Mnemonic.Shufps, &PackedShape<Shufps, Whole>.Bind);
        table.Add(Mnemonic.Shufpd, &PackedShape<Shufpd, Whole>.Bind);
        table.Add(Mnemonic.Palignr, &PackedShape<Palignr, Whole>.Bind);
        table.Add(Mnemonic.Pshufw, &MmxShape<Pshuflw, Whole>.Bind);
        table.Add(Mnemonic.Punpcklbw, &PackedShape<Punpcklbw, WholeOfLower>.Bind);
        table.Add(Mnemonic.Punpcklwd, &PackedShape<Punpcklwd, WholeOfLower>.Bind);
        table.Add(Mnemonic.Punpckldq, &PackedShape<Punpckldq, WholeOfLower>.Bind);
        table.Add(Mnemonic.Punpckhbw, &PackedShape<Punpckhbw, Whole>.Bind);
        table.Add(Mnemonic.Punpckhwd, &PackedShape<Punpckhwd, Whole>.Bind);
        table.Add(Mnemonic.Punpckhdq, &PackedShape<Punpckhdq, Whole>.Bind);
        table.Add(Mnemonic.Punpcklqdq, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Punpckhqdq, &PackedShape<Punpckhqdq, Whole>.Bind);
        table.Add(Mnemonic.Unpcklps, &PackedShape<Punpckldq, Whole>.Bind);
        table.Add(Mnemonic.Unpckhps, &PackedShape<Punpckhdq, Whole>.Bind);
        table.Add(Mnemonic.Unpcklpd, &PackedShape<Punpcklqdq, Whole>.Bind);
        table.Add(Mnemonic.Unpckhpd, &PackedShape<Punpckhqdq, Whole>.Bind);
        table.Add(Mnemonic.Packsswb, &PackedShape<Packsswb, Whole>.Bind);
        table.Add(Mnemonic.Packssdw, &PackedShape<Packssdw, Whole>.Bind);
        table.Add(Mnemonic.Packuswb, &PackedShape<Packuswb, Whole>.Bind);
        table.Add(Mnemonic.Packusdw, &PackedShape<Packusdw, Whole>.Bind);
        table.Add(Mnemonic.Blendps, &PackedShape<BlendDoublewords, Whole>.Bind);
        table.Add(Mnemonic.Blendpd, &PackedShape<BlendQuadwords, Whole>.Bind);
        table.Add(Mnemonic.Pblendw, &PackedShape<BlendWords, Whole>.Bind);
        table.Add(Mnemonic.Pblendvb, &ThirdOperandShape<BlendVariable<sbyte>, Whole>.Bind);
        table.Add(Mnemonic.Blendvps, &ThirdOperandShape<BlendVariable<int>, Whole>.Bind);
        table.Add(Mnemonic.Blendvpd, &ThirdOperandShape<BlendVariable<long>, Whole>.Bind);
        table.Add(Mnemonic.Insertps, &BindInsertps);
    }

    private static void BindInsertps(ref Operands operands)
    {
        if (operands.HasMemory)
            PackedShape<InsertpsFromMemory, Quarter>.Bind(ref operands);
        else
            PackedShape<Insertps, Whole>.Bind(ref operands);
    }
}
