namespace Emu.Machine.Interrupts;

/// <summary>How an APIC message acts on its target (SDM Vol. 3, section 11.5.1; delivery mode field, bits 10:8).</summary>
public enum DeliveryMode
{
    /// <summary>Interrupt with a vector.</summary>
    Fixed = 0,

    /// <summary>Interrupt with a vector, to the one target that runs at the lowest priority.</summary>
    LowestPriority = 1,

    /// <summary>System-management interrupt; the machine has no SMM, so it is ignored.</summary>
    Smi = 2,

    /// <summary>Non-maskable interrupt.</summary>
    Nmi = 4,

    /// <summary>INIT: resets the target.</summary>
    Init = 5,

    /// <summary>Start-up: lets a target that waits after INIT begin at the page that the vector names.</summary>
    Startup = 6,

    /// <summary>Interrupt whose vector an external controller supplies.</summary>
    ExternalInterrupt = 7,
}

/// <summary>A message between I/O APIC and local APICs.</summary>
/// <param name="Destination">APIC id or logical destination; what has eight bits goes through <see cref="WidenDestination"/>.</param>
/// <param name="IsLogical">Whether <paramref name="Destination"/> is a logical one.</param>
/// <param name="Mode">What it does.</param>
/// <param name="Vector">The vector, where the mode has one.</param>
/// <param name="IsLevelTriggered">Whether its end is broadcast to the I/O APIC.</param>
public readonly record struct InterruptMessage(uint Destination, bool IsLogical, DeliveryMode Mode, byte Vector, bool IsLevelTriggered)
{
    /// <summary>The destination of a broadcast.</summary>
    public const uint Everybody = uint.MaxValue;

    /// <summary>A destination of eight bits, from the I/O APIC or a local APIC in xAPIC mode: all ones address everybody.</summary>
    /// <param name="destination">The destination.</param>
    /// <returns>The same in 32 bits.</returns>
    public static uint WidenDestination(byte destination) => destination == 0xFF ? Everybody : destination;
}
