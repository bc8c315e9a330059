namespace Emu.Cpu.Instructions.ExtendedState;

internal static unsafe class ExtendedStateFamily
{
    public static void Register(InstructionTable table) => _ = table;
}
