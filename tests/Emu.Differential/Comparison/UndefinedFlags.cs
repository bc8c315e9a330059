using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Differential.Comparison;

/// <summary>What the SDM leaves undefined, so that processors differ: the only place that says so.</summary>
public static class UndefinedFlags
{
    private const ulong AllButCarryAndOverflow = Rflags.Sign | Rflags.Zero | Rflags.Adjust | Rflags.Parity;
    private const ulong AllButZero = Rflags.Arithmetic & ~Rflags.Zero;

    /// <summary>The flags that are undefined after an instruction.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="count">The masked count of a shift or rotate.</param>
    public static ulong After(in Instruction instruction, int count) => instruction.Mnemonic switch
    {
        Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test or Mnemonic.Andn => Rflags.Adjust,
        Mnemonic.Blsi or Mnemonic.Blsmsk or Mnemonic.Blsr or Mnemonic.Bzhi => Rflags.Adjust | Rflags.Parity,
        Mnemonic.Bextr => Rflags.Sign | Rflags.Adjust | Rflags.Parity,
        Mnemonic.Mul or Mnemonic.Imul => AllButCarryAndOverflow,
        Mnemonic.Div or Mnemonic.Idiv => Rflags.Arithmetic,
        Mnemonic.Bsf or Mnemonic.Bsr => AllButZero,
        Mnemonic.Tzcnt or Mnemonic.Lzcnt => Rflags.Overflow | Rflags.Sign | Rflags.Parity | Rflags.Adjust,
        Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc => Rflags.Overflow | Rflags.Sign | Rflags.Adjust | Rflags.Parity,
        Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr => AfterShift(count) | (count >= Bits(instruction) ? Rflags.Carry : 0),
        Mnemonic.Sar => AfterShift(count),
        Mnemonic.Shld or Mnemonic.Shrd => AfterShift(count) | (count > Bits(instruction) ? Rflags.Arithmetic : 0),
        Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr => count > 1 ? Rflags.Overflow : 0,
        Mnemonic.Aaa or Mnemonic.Aas => Rflags.Overflow | Rflags.Sign | Rflags.Zero | Rflags.Parity,
        Mnemonic.Aad or Mnemonic.Aam => Rflags.Overflow | Rflags.Adjust | Rflags.Carry,
        Mnemonic.Daa or Mnemonic.Das => Rflags.Overflow,
        _ => 0,
    };

    /// <summary>True where the destination itself is undefined.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="count">The masked count of a shift.</param>
    public static bool ResultIsUndefined(in Instruction instruction, int count) => instruction.Mnemonic switch
    {
        Mnemonic.Shld or Mnemonic.Shrd => count > Bits(instruction),
        Mnemonic.Bswap => Bits(instruction) == 16,
        _ => false,
    };

    private static ulong AfterShift(int count) => count == 0 ? 0 : Rflags.Adjust | (count > 1 ? Rflags.Overflow : 0);

    private static int Bits(in Instruction instruction) =>
        8 * (instruction.Op0Kind == OpKind.Register ? instruction.Op0Register.GetSize() : instruction.MemorySize.GetSize());
}
