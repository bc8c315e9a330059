namespace Emu.Host.Debugging;

/// <summary>What kind of processor gdb takes the guest for. It decides how gdb disassembles, unwinds and calls registers.</summary>
/// <remarks>
/// gdb cannot change its mind while the guest runs: it asks for the description once, when it connects, and again on 'unset tdesc filename'.
/// So the view is what gdb was told last, whatever mode the processor is in meanwhile; docs/debugging.md has the consequences.
/// </remarks>
internal enum CodeView
{
    /// <summary>i8086: 16-bit code, 32-bit registers.</summary>
    Bits16 = 16,

    /// <summary>i386.</summary>
    Bits32 = 32,

    /// <summary>i386:x86-64.</summary>
    Bits64 = 64,
}
