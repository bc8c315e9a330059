using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;

namespace Emu.Xen;

/// <summary>What the hypervisor needs from the machine that it runs a domain on.</summary>
public interface IXenHost
{
    /// <summary>The domain's memory; its spare pages are the hypervisor's.</summary>
    PhysicalMemory Memory { get; }

    /// <summary>The domain's memory map in ascending order, as the toolstack made it.</summary>
    IReadOnlyList<XenMemoryRange> MemoryMap { get; }

    /// <summary>Xen's system time: nanoseconds since the domain started.</summary>
    ulong Now { get; }

    /// <summary>What the wallclock shows at system time 0.</summary>
    DateTimeOffset ClockStart { get; }

    /// <summary>Makes a timer, disarmed.</summary>
    /// <param name="name">What it is for, in a few words.</param>
    /// <param name="expired">Called between two guest instructions when its time has come.</param>
    /// <returns>The timer.</returns>
    IXenTimer CreateTimer(string name, Action expired);

    /// <summary>Takes output of the domain's PV console, as it is.</summary>
    /// <param name="text">The bytes.</param>
    void WriteConsole(ReadOnlySpan<byte> text);

    /// <summary>Takes what the domain says into Xen's own log (console_io), as it is.</summary>
    /// <param name="text">The bytes.</param>
    void WriteLog(ReadOnlySpan<byte> text);

    /// <summary>Ends the domain.</summary>
    /// <param name="reason">Why, as the guest says.</param>
    void Shutdown(ShutdownReason reason);

    /// <summary>Hears of what the guest asked for and does not get; the guest sees an error.</summary>
    /// <param name="vcpu">The asking vCPU; its RIP is that of the instruction.</param>
    /// <param name="what">What it asked for, in a few words: "hypercall 99", "sub-operation 7 of hypercall 24".</param>
    void Unsupported(Vcpu vcpu, string what);
}

/// <summary>One deadline in system time.</summary>
public interface IXenTimer : IStateful
{
    /// <summary>True while it waits.</summary>
    bool IsArmed { get; }

    /// <summary>Waits for a time, instead of what it waited for before. A time in the past comes after the current instruction.</summary>
    /// <param name="deadline">Nanoseconds since the domain started.</param>
    void Arm(ulong deadline);

    /// <summary>Stops waiting.</summary>
    void Disarm();
}

/// <summary>One vCPU of the machine, as the hypervisor sees and controls it.</summary>
public interface IXenProcessor
{
    /// <summary>The vCPU.</summary>
    Vcpu Vcpu { get; }

    /// <summary>True where the vCPU has a state to execute from: not after power-up or INIT until a start-up message.</summary>
    bool IsInitialised { get; }

    /// <summary>True where it executes when it has a turn, or waits for an event.</summary>
    bool IsUp { get; }

    /// <summary>The time-stamp counter as RDTSC would read it now.</summary>
    ulong TimeStamp { get; }

    /// <summary>The hypervisor has set the vCPU's state as if it had been started: it is initialised, but down.</summary>
    void Initialise();

    /// <summary>Lets it execute.</summary>
    void BringUp();

    /// <summary>Takes it out of action: nothing but <see cref="BringUp"/>, or INIT and a start-up message, brings it back.</summary>
    void TakeDown();

    /// <summary>Lets it wait from the next instruction on, for an interrupt that it takes or for <see cref="Wake"/>.</summary>
    void Block();

    /// <summary>Ends what <see cref="Block"/> or HLT began.</summary>
    void Wake();

    /// <summary>Ends its turn.</summary>
    void Yield();

    /// <summary>Requests an edge-triggered interrupt in its local APIC; nothing happens where that is disabled by software.</summary>
    /// <param name="vector">The vector.</param>
    void RequestInterrupt(byte vector);

    /// <summary>The hypervisor itself may have an interrupt for it now.</summary>
    void NotifyInterrupt();

    /// <summary>Sends it an NMI.</summary>
    void RequestNmi();
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
