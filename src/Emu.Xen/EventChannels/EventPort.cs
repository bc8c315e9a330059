using Emu.Xen.Domains;

namespace Emu.Xen.EventChannels;

/// <summary>What a port is bound to (EVTCHNSTAT_*, xen/include/public/event_channel.h).</summary>
public enum PortState
{
    /// <summary>Free.</summary>
    Closed = 0,

    /// <summary>Waits for a remote domain to bind it.</summary>
    Unbound = 1,

    /// <summary>Connected with a port of a domain.</summary>
    Interdomain = 2,

    /// <summary>Bound to a physical interrupt; a PVH domain has none that would ever come.</summary>
    PhysicalInterrupt = 3,

    /// <summary>Bound to a virtual interrupt.</summary>
    VirtualInterrupt = 4,

    /// <summary>For interrupts among the domain's vCPUs.</summary>
    Interprocessor = 5,
}

/// <summary>The virtual interrupts (VIRQ_*, xen/include/public/xen.h).</summary>
public static class VirtualInterrupt
{
    /// <summary>A timer of the vCPU has expired.</summary>
    public const uint Timer = 0;

    /// <summary>The administrator asks the guest to dump its state.</summary>
    public const uint Debug = 1;

    /// <summary>How many there may be.</summary>
    public const uint Count = 24;

    private const uint PerVcpu = (1 << (int)Timer) | (1 << (int)Debug) | (1 << 7) | (1 << 13);

    /// <summary>Whether each vCPU has its own.</summary>
    /// <param name="virq">Below <see cref="Count"/>.</param>
    /// <returns>True where it has.</returns>
    public static bool IsPerVcpu(uint virq) => (PerVcpu & (1U << (int)virq)) != 0;
}

/// <summary>A port of a domain's event channels.</summary>
internal sealed class EventPort(uint number)
{
    public uint Number { get; } = number;

    public PortState State { get; set; }

    /// <summary>The vCPU that hears of it.</summary>
    public int Vcpu { get; set; }

    /// <summary>For an unbound or connected port: the other domain.</summary>
    public ushort RemoteDomain { get; set; }

    /// <summary>For a port connected within the domain: the other one.</summary>
    public EventPort? Peer { get; set; }

    /// <summary>For a port connected with the control domain: who hears of it there.</summary>
    public PortListener? Listener { get; set; }

    /// <summary>For a port bound to a virtual interrupt: which.</summary>
    public uint VirtualInterrupt { get; set; }

    /// <summary>For a port bound to a physical interrupt: which.</summary>
    public uint PhysicalInterrupt { get; set; }

    /// <summary>The number that the control domain's end has there.</summary>
    public uint RemotePort { get; set; }

    /// <summary>FIFO ABI: its queue, 0 the first served to 15.</summary>
    public uint Priority { get; set; } = FifoVcpu.DefaultPriority;

    /// <summary>FIFO ABI: raised before the domain had given a place for it. Xen never forgets it, not even when the port is closed.</summary>
    public bool IsPendingWithoutPlace { get; set; }

    /// <summary>FIFO ABI: where it was queued last.</summary>
    public (FifoVcpu? Vcpu, uint Priority) LastQueue { get; set; }

    /// <summary>Takes a free port into use.</summary>
    public void Bind(PortState state, int vcpu)
    {
        State = state;
        Vcpu = vcpu;
        Priority = FifoVcpu.DefaultPriority;
    }

    /// <summary>Makes the port free.</summary>
    public void Clear()
    {
        State = PortState.Closed;
        Vcpu = 0;
        RemoteDomain = 0;
        Peer = null;
        Listener = null;
        VirtualInterrupt = 0;
        PhysicalInterrupt = 0;
        RemotePort = 0;
    }
}
