namespace Emu.Machine.Xen;

/// <summary>What a toolstack does with a running domain: the commands of xl that a guest notices.</summary>
public enum ToolstackAction
{
    /// <summary><c>xl shutdown</c>: asks the guest to switch itself off.</summary>
    Shutdown,

    /// <summary><c>xl reboot</c>: asks the guest to start itself anew.</summary>
    Reboot,

    /// <summary><c>xl save -c</c>: asks the guest to suspend itself; it goes on at once, as after a checkpoint.</summary>
    Save,

    /// <summary><c>xl mem-set</c>: the guest's balloon shall leave it so many bytes.</summary>
    SetMemory,

    /// <summary><c>xl vcpu-set</c>: the guest shall use so many vCPUs, from the first on.</summary>
    SetVcpus,

    /// <summary><c>xl sysrq</c>: presses Linux's magic key, an ASCII character.</summary>
    SysRq,

    /// <summary><c>xl trigger nmi</c>: sends an NMI to the first vCPU.</summary>
    Nmi,

    /// <summary><c>xl debug-keys q</c>: raises VIRQ_DEBUG on all vCPUs that have bound it.</summary>
    DebugKeys,
}

/// <summary>Something that the toolstack does with a domain while it runs.</summary>
/// <param name="Time">When, in nanoseconds of virtual time since the start.</param>
/// <param name="Action">What.</param>
/// <param name="Value">Bytes, vCPUs or the key; 0 for what needs nothing.</param>
public sealed record ToolstackCommand(ulong Time, ToolstackAction Action, ulong Value = 0);
