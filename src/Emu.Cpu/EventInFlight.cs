namespace Emu.Cpu;

/// <summary>What kind of event is being delivered through the IDT.</summary>
public enum EventKind
{
    /// <summary>INTR pin: an external, maskable interrupt.</summary>
    ExternalInterrupt,

    /// <summary>Non-maskable interrupt, vector 2.</summary>
    NonMaskableInterrupt,

    /// <summary>A fault, trap or abort that the processor detected.</summary>
    Exception,

    /// <summary>INT n.</summary>
    SoftwareInterrupt,

    /// <summary>INT3 or INTO.</summary>
    SoftwareException,

    /// <summary>INT1 (ICEBP).</summary>
    PrivilegedSoftwareException,
}

/// <summary>An exception or interrupt on its way through the IDT (SDM Vol. 3, chapter 6).</summary>
/// <param name="Kind">Its source.</param>
/// <param name="Vector">IDT vector.</param>
/// <param name="HasErrorCode">Whether an error code is pushed.</param>
/// <param name="ErrorCode">The error code, where there is one.</param>
/// <param name="Rip">RIP that will be pushed.</param>
public readonly record struct EventInFlight(EventKind Kind, byte Vector, bool HasErrorCode, uint ErrorCode, ulong Rip);
