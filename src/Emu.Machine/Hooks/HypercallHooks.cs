using Emu.Cpu;
using Emu.Xen;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Tracing;

namespace Emu.Machine.Hooks;

/// <summary>Hears of hypercalls for hooks, and passes everything on to whoever heard of it before.</summary>
internal sealed class HypercallHooks(IXenObserver? next) : IXenObserver
{
    private HypercallHook[] _hooks = [];

    public IDisposable Add(HypercallHook hook)
    {
        _hooks = [.. _hooks, hook];
        return new Registration(() => _hooks = [.. _hooks.Where(other => other != hook)]);
    }

    public void Calling(in GuestCall call) => next?.Calling(call);

    public void Called(in GuestCall call, long result)
    {
        next?.Called(call, result);
        foreach (var hook in _hooks)
            hook(call, result);
    }

    public void PortRaised(in PortNotice port) => next?.PortRaised(port);

    public void PortUnmasked(in PortNotice port) => next?.PortUnmasked(port);

    public void UpcallRaised(DomainVcpu vcpu) => next?.UpcallRaised(vcpu);

    public void TimerExpired(DomainVcpu vcpu, VcpuTimer timer) => next?.TimerExpired(vcpu, timer);

    public void VcpuChanged(int vcpu, bool isUp) => next?.VcpuChanged(vcpu, isUp);

    public void StoreMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain) => next?.StoreMessage(header, payload, isToDomain);

    public void GrantUsed(in GrantNotice grant) => next?.GrantUsed(grant);

    public void ShutDown(ShutdownReason reason) => next?.ShutDown(reason);
}
