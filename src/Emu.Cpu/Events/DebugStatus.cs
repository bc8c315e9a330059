namespace Emu.Cpu.Events;

/// <summary>Bits of DR6 and DR7 (SDM Vol. 3, 17.2) and of IA32_DEBUGCTL (17.4.1).</summary>
internal static class DebugStatus
{
    /// <summary>B0–B3.</summary>
    public const ulong Breakpoints = 15;

    /// <summary>BD: an access to a debug register under DR7.GD.</summary>
    public const ulong DebugRegisterAccess = 1 << 13;

    /// <summary>BS: single step.</summary>
    public const ulong SingleStep = 1 << 14;

    /// <summary>BT: the T bit of a TSS.</summary>
    public const ulong TaskSwitch = 1 << 15;

    /// <summary>DR6 at reset; its bits 31:16, 11:4 read as ones.</summary>
    public const ulong Reset6 = 0xFFFF_0FF0;

    /// <summary>DR7 at reset; bit 10 reads as one.</summary>
    public const ulong Reset7 = 0x400;

    /// <summary>Bits of DR7 that can be set.</summary>
    public const ulong Writable7 = 0xFFFF_23FF;

    /// <summary>L0–L3 and G0–G3.</summary>
    public const ulong Enables7 = 0xFF;

    /// <summary>LBR of IA32_DEBUGCTL: records branches.</summary>
    public const ulong BranchRecordControl = 1;

    /// <summary>BTF of IA32_DEBUGCTL: TF steps from one taken branch to the next.</summary>
    public const ulong BranchStepControl = 2;

    /// <summary>GD.</summary>
    public const ulong GeneralDetect7 = 1 << 13;
}

/// <summary>What a breakpoint waits for: R/W0–R/W3 of DR7.</summary>
internal enum BreakpointKind : uint
{
    /// <summary>An instruction's execution.</summary>
    Execute,

    /// <summary>A data write.</summary>
    Write,

    /// <summary>An I/O access (CR4.DE).</summary>
    Port,

    /// <summary>A data read or write.</summary>
    ReadOrWrite,
}
