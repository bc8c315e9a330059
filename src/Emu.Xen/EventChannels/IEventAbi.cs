using Emu.Xen.Domains;

namespace Emu.Xen.EventChannels;

/// <summary>How the domain and Xen tell one another which ports are pending and masked: one of two ABIs, which the guest chooses.</summary>
internal interface IEventAbi
{
    /// <summary>Ports that the ABI has a place for, port 0 counted.</summary>
    uint PortLimit { get; }

    void SetPending(EventPort port, DomainVcpu vcpu);

    void ClearPending(EventPort port);

    void Unmask(EventPort port, DomainVcpu vcpu);

    bool IsPending(EventPort port);

    bool IsMasked(EventPort port);

    /// <summary>Whether the guest still holds a port that was closed, so that nothing new may be bound to it.</summary>
    bool IsBusy(EventPort port);
}
