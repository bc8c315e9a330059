using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Decoding;

/// <summary>What binders ask of Iced's registers and memory sizes for every instruction, each worked out when it is first asked.</summary>
internal static class RegisterFacts
{
    private const int Registers = 256, MemorySizes = 256;

    // Zero where nobody has asked yet, else the answer and one.
    private static readonly ushort[] Offsets = new ushort[Registers];
    private static readonly ushort[] Sizes = new ushort[Registers];
    private static readonly ushort[] SizesInMemory = new ushort[MemorySizes];

    /// <summary>Byte offset in <see cref="CpuState"/> of a general register; number of any other register.</summary>
    public static byte OffsetOf(Register register)
    {
        var known = Offsets[(int)register];
        return known != 0 ? (byte)(known - 1) : WorkOutOffset(register);
    }

    /// <summary>Bytes of a register.</summary>
    public static int SizeOf(Register register)
    {
        var known = Sizes[(int)register];
        return known != 0 ? known - 1 : (Sizes[(int)register] = (ushort)(register.GetSize() + 1)) - 1;
    }

    /// <summary>Bytes of a memory operand.</summary>
    public static int SizeOf(MemorySize size)
    {
        var known = SizesInMemory[(int)size];
        return known != 0 ? known - 1 : (SizesInMemory[(int)size] = (ushort)(size.GetSize() + 1)) - 1;
    }

    private static byte WorkOutOffset(Register register)
    {
        var offset = register switch
        {
            Register.None => CpuState.ZeroOffset,
            Register.RIP or Register.EIP => CpuState.RipOffset,
            >= Register.AH and <= Register.BH => (byte)((register - Register.AH) * 8 + 1),
            // Not the register's own number: Iced counts AH–BH between BL and SPL.
            _ when register.IsGPR() => (byte)(register.GetFullRegister().GetNumber() * 8),
            _ => (byte)register.GetNumber(),
        };
        Offsets[(int)register] = (ushort)(offset + 1);
        return offset;
    }
}
