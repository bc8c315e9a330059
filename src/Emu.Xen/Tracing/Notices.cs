using Emu.Xen.EventChannels;
using Emu.Xen.Grants;

namespace Emu.Xen.Tracing;

/// <summary>A port to which something happens.</summary>
/// <param name="Number">Its number.</param>
/// <param name="State">What it is bound to.</param>
/// <param name="VirtualInterrupt">VIRQ_*, where it is bound to one.</param>
/// <param name="RemoteDomain">The other domain, where it waits for one or is connected with it.</param>
/// <param name="Vcpu">The vCPU that hears of it.</param>
/// <param name="IsPending">Whether it is pending already.</param>
/// <param name="IsMasked">Whether the guest has masked it.</param>
public readonly record struct PortNotice(
    uint Number, PortState State, uint VirtualInterrupt, ushort RemoteDomain, int Vcpu, bool IsPending, bool IsMasked);

/// <summary>The timers of a vCPU.</summary>
public enum VcpuTimer
{
    /// <summary>VCPUOP_set_singleshot_timer's and set_timer_op's; raises VIRQ_TIMER.</summary>
    Singleshot,

    /// <summary>VCPUOP_set_periodic_timer's; raises VIRQ_TIMER.</summary>
    Periodic,

    /// <summary>The one that ends SCHEDOP_poll.</summary>
    Poll,
}

/// <summary>What the control domain does with a grant.</summary>
public enum GrantUse
{
    /// <summary>Maps the page.</summary>
    Map,

    /// <summary>Unmaps it.</summary>
    Unmap,

    /// <summary>Copies from it.</summary>
    CopyFrom,

    /// <summary>Copies to it.</summary>
    CopyTo,
}

/// <summary>A use of a grant by the control domain.</summary>
/// <param name="Use">What it does.</param>
/// <param name="Reference">The grant reference.</param>
/// <param name="IsWrite">Whether the page may be written.</param>
/// <param name="Offset">For a copy: the first byte in the page.</param>
/// <param name="Length">For a copy: how many bytes.</param>
/// <param name="Status">What became of it.</param>
public readonly record struct GrantNotice(GrantUse Use, uint Reference, bool IsWrite, uint Offset, int Length, GrantStatus Status);
