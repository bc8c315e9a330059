using Iced.Intel;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>The table's part for string instructions on memory. By code: two of their mnemonics also name SSE instructions.</summary>
internal static unsafe class StringFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Code.Movsb_m8_m8, &StringShape<Movs, byte>.Bind);
        table.Add(Code.Movsw_m16_m16, &StringShape<Movs, ushort>.Bind);
        table.Add(Code.Movsd_m32_m32, &StringShape<Movs, uint>.Bind);
        table.Add(Code.Movsq_m64_m64, &StringShape<Movs, ulong>.Bind);
        table.Add(Code.Stosb_m8_AL, &StringShape<Stos, byte>.Bind);
        table.Add(Code.Stosw_m16_AX, &StringShape<Stos, ushort>.Bind);
        table.Add(Code.Stosd_m32_EAX, &StringShape<Stos, uint>.Bind);
        table.Add(Code.Stosq_m64_RAX, &StringShape<Stos, ulong>.Bind);
        table.Add(Code.Lodsb_AL_m8, &StringShape<Lods, byte>.Bind);
        table.Add(Code.Lodsw_AX_m16, &StringShape<Lods, ushort>.Bind);
        table.Add(Code.Lodsd_EAX_m32, &StringShape<Lods, uint>.Bind);
        table.Add(Code.Lodsq_RAX_m64, &StringShape<Lods, ulong>.Bind);
        table.Add(Code.Cmpsb_m8_m8, &StringShape<Cmps, byte>.Bind);
        table.Add(Code.Cmpsw_m16_m16, &StringShape<Cmps, ushort>.Bind);
        table.Add(Code.Cmpsd_m32_m32, &StringShape<Cmps, uint>.Bind);
        table.Add(Code.Cmpsq_m64_m64, &StringShape<Cmps, ulong>.Bind);
        table.Add(Code.Scasb_AL_m8, &StringShape<Scas, byte>.Bind);
        table.Add(Code.Scasw_AX_m16, &StringShape<Scas, ushort>.Bind);
        table.Add(Code.Scasd_EAX_m32, &StringShape<Scas, uint>.Bind);
        table.Add(Code.Scasq_RAX_m64, &StringShape<Scas, ulong>.Bind);
    }
}
