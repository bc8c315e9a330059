using Iced.Intel;

namespace Emu.Cpu.Instructions.Integer;

/// <summary>The table's part for integer instructions.</summary>
internal static unsafe class IntegerFamily
{
    /// <summary>Enters the family.</summary>
    public static void Register(InstructionTable table)
    {
        table.Add(Mnemonic.Add, &BinaryShape<Add>.Bind);
        table.Add(Mnemonic.Adc, &BinaryShape<Adc>.Bind);
        table.Add(Mnemonic.Sub, &BinaryShape<Sub>.Bind);
        table.Add(Mnemonic.Sbb, &BinaryShape<Sbb>.Bind);
        table.Add(Mnemonic.Cmp, &BinaryShape<Cmp>.Bind);
    }
}
