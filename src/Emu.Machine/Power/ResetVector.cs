namespace Emu.Machine.Power;

/// <summary>
/// What a PC's firmware has at F000:FFF0: there a kernel jumps in real mode to restart the machine, where nothing better is known to it
/// (Linux with hardware-reduced ACPI and no EFI does). There is no firmware here, only these instructions, which ask for the reset.
/// </summary>
internal static class ResetVector
{
    /// <summary>mov dx, 0CF9h; mov al, 6; out dx, al; 1: hlt; jmp 1b</summary>
    public static ReadOnlySpan<byte> Code => [0xBA, 0xF9, 0x0C, 0xB0, 0x06, 0xEE, 0xF4, 0xEB, 0xFD];
}
