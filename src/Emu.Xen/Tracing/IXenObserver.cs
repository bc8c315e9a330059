using Emu.Xen.Domains;
using Emu.Xen.Store;

namespace Emu.Xen.Tracing;

/// <summary>Sees what passes between a domain and its hypervisor. It may look at everything, and must change nothing.</summary>
public interface IXenObserver
{
    /// <summary>A hypercall begins; a multicall's entries begin and end within it.</summary>
    /// <param name="call">The call.</param>
    void Calling(in GuestCall call);

    /// <summary>A hypercall has been carried out, or refused.</summary>
    /// <param name="call">The call, as it began.</param>
    /// <param name="result">What the guest gets.</param>
    void Called(in GuestCall call, long result);

    /// <summary>A port becomes pending.</summary>
    /// <param name="port">The port, as it was before.</param>
    void PortRaised(in PortNotice port);

    /// <summary>The guest has asked to unmask a port.</summary>
    /// <param name="port">The port, as it was before.</param>
    void PortUnmasked(in PortNotice port);

    /// <summary>A vCPU is told that it has events.</summary>
    /// <param name="vcpu">The vCPU.</param>
    void UpcallRaised(DomainVcpu vcpu);

    /// <summary>A timer of a vCPU has run out.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="timer">Which of its timers.</param>
    void TimerExpired(DomainVcpu vcpu, VcpuTimer timer);

    /// <summary>A vCPU has come up or gone down.</summary>
    /// <param name="vcpu">Its number.</param>
    /// <param name="isUp">Which of both.</param>
    void VcpuChanged(int vcpu, bool isUp);

    /// <summary>A message has passed between the domain and its store.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="isToDomain">Whether the store has sent it.</param>
    void StoreMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain);

    /// <summary>A back end has used, or tried to use, what the domain grants it.</summary>
    /// <param name="grant">What it did.</param>
    void GrantUsed(in GrantNotice grant);

    /// <summary>The domain has ended.</summary>
    /// <param name="reason">Why.</param>
    void ShutDown(ShutdownReason reason);
}
