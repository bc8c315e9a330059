namespace Emu.Xen;

/// <summary>What the hypervisor needs from the machine that it runs a domain on.</summary>
public interface IXenHost
{
    /// <summary>The domain's memory map in ascending order, as the toolstack made it.</summary>
    IReadOnlyList<XenMemoryRange> MemoryMap { get; }

    /// <summary>Takes console output of the domain, as it is.</summary>
    /// <param name="text">The bytes.</param>
    void WriteConsole(ReadOnlySpan<byte> text);

    /// <summary>Gives console input to the domain.</summary>
    /// <param name="buffer">Takes the bytes.</param>
    /// <returns>How many there were.</returns>
    int ReadConsole(Span<byte> buffer);

    /// <summary>Ends the domain.</summary>
    /// <param name="reason">Why, as the guest says.</param>
    void Shutdown(ShutdownReason reason);

    /// <summary>Hears of what the guest asked for and does not get; the guest sees -ENOSYS.</summary>
    /// <param name="hypercall">The hypercall's number.</param>
    /// <param name="operation">The sub-operation, where the hypercall is known.</param>
    void Unsupported(uint hypercall, uint? operation);
}

/// <summary>Why a domain shut down (SHUTDOWN_*, xen/include/public/sched.h).</summary>
public enum ShutdownReason : uint
{
    /// <summary>The guest is done.</summary>
    PowerOff = 0,

    /// <summary>The guest wants to be started anew.</summary>
    Reboot = 1,

    /// <summary>The guest is ready to be saved.</summary>
    Suspend = 2,

    /// <summary>The guest crashed.</summary>
    Crash = 3,

    /// <summary>The guest's watchdog ran out.</summary>
    Watchdog = 4,

    /// <summary>The guest wants its Xen interfaces reset.</summary>
    SoftReset = 5,
}

/// <summary>A range of the domain's memory map (20 bytes in the guest's view: address, size, type).</summary>
/// <param name="Address">First address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Type">ACPI address range type: 1 RAM, 2 reserved, 3 ACPI, 4 NVS.</param>
public readonly record struct XenMemoryRange(ulong Address, ulong Size, uint Type);
