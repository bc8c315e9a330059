namespace Emu.Cpu.Instructions.X87;

internal static unsafe class X87Family
{
    public static void Register(InstructionTable table) => _ = table;
}
