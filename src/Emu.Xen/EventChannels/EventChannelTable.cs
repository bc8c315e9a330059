using Emu.Xen.Domains;
using Emu.Xen.Tracing;

namespace Emu.Xen.EventChannels;

/// <summary>A domain's event channels (xen/common/event_channel.c): ports, what they are bound to, and their way to the guest.</summary>
public sealed partial class EventChannelTable
{
    /// <summary>The highest port (libxl's default for <c>max_event_channels</c>).</summary>
    public const uint HighestPort = 1023;

    /// <summary>Ports that Xen makes at once (EVTCHNS_PER_BUCKET): the ones beyond those in use exist already, though they are free.</summary>
    private const int BucketLength = 64;

    private readonly Domain _domain;

    // In the order of their numbers; ports that exist once stay. Port 0 is reserved, which the guest sees as free but never gets.
    private readonly List<EventPort> _ports = [];
    private readonly List<PortListener> _listeners = [];
    private uint _nextRemotePort = 1;
    private IEventAbi _abi;

    internal EventChannelTable(Domain domain)
    {
        _domain = domain;
        _abi = new TwoLevelEvents(domain);
        AddBucket();
    }

    /// <summary>The FIFO ABI where the guest has chosen it, else null.</summary>
    internal FifoEvents? Fifo => _abi as FifoEvents;

    internal IEnumerable<EventPort> Ports => _ports;

    /// <summary>Finds a port that exists; it may be free.</summary>
    internal EventPort? Find(uint number) => number < (uint)_ports.Count ? _ports[(int)number] : null;

    /// <summary>Makes a port that waits for the control domain, as the toolstack does for a domain's console and store.</summary>
    /// <param name="remote">Who may bind it.</param>
    /// <returns>The port; -ENOSPC.</returns>
    public long AllocateUnbound(ushort remote)
    {
        if (Allocate() is not { } port)
            return XenError.NoSpace;
        port.Bind(PortState.Unbound, 0);
        port.RemoteDomain = remote;
        return port.Number;
    }

    /// <summary>Makes a listener of the control domain, for <see cref="TryConnect"/>. Those of a machine are made with it, in the same order each time.</summary>
    /// <param name="notified">Called when the domain sends.</param>
    /// <param name="closed">Called with the port's number when the domain has closed its end; null for nobody.</param>
    /// <returns>It.</returns>
    public PortListener AddListener(Action notified, Action<uint>? closed = null)
    {
        PortListener listener = new(_listeners.Count, notified, closed);
        _listeners.Add(listener);
        return listener;
    }

    /// <summary>Connects the control domain with an unbound port of the domain.</summary>
    /// <param name="number">The port; anything.</param>
    /// <param name="listener">Who hears of it: one of this table's.</param>
    /// <returns>False where the port is not waiting for the control domain.</returns>
    public bool TryConnect(uint number, PortListener listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        if (Find(number) is not { State: PortState.Unbound, RemoteDomain: Domain.ControlDomain } port)
            return false;
        port.State = PortState.Interdomain;
        port.Listener = listener;
        port.RemotePort = _nextRemotePort++;
        // What the guest sent before anybody was there must not be lost.
        listener.Notified();
        return true;
    }

    /// <summary>The control domain closes its end: the domain's waits again.</summary>
    /// <param name="number">The port.</param>
    public void Disconnect(uint number)
    {
        if (Find(number) is not { State: PortState.Interdomain, Listener: not null } port)
            return;
        port.State = PortState.Unbound;
        port.Listener = null;
    }

    /// <summary>The control domain sends: the domain's port becomes pending.</summary>
    /// <param name="number">The port; nothing happens where it is not connected.</param>
    public void Notify(uint number)
    {
        if (Find(number) is { State: PortState.Interdomain, Listener: not null } port)
            SetPending(port);
    }

    /// <summary>Raises a virtual interrupt of a vCPU, if the guest has bound it.</summary>
    /// <param name="vcpu">The vCPU.</param>
    /// <param name="virq">One that belongs to a vCPU.</param>
    public void RaiseVirtual(DomainVcpu vcpu, uint virq)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        if (vcpu.VirtualInterrupts.TryGetValue(virq, out var number) && Find(number) is { } port)
            _abi.SetPending(port, vcpu);
    }

    /// <summary>The lowest port that is free and that the guest's queues do not hold any more; null where there is none (get_free_port).</summary>
    internal EventPort? Allocate()
    {
        var limit = Math.Min(HighestPort + 1, _abi.PortLimit);
        for (var number = 1; number < limit; number++)
        {
            if (number == _ports.Count)
                AddBucket();
            if (_ports[number].State == PortState.Closed && !_abi.IsBusy(_ports[number]))
                return _ports[number];
        }

        return null;
    }

    /// <summary>Closes a port; the other end waits again.</summary>
    internal void Close(EventPort port)
    {
        switch (port.State)
        {
            case PortState.VirtualInterrupt:
                // A global one is the first vCPU's, whichever hears of it.
                _domain.Vcpus[VirtualInterrupt.IsPerVcpu(port.VirtualInterrupt) ? port.Vcpu : 0].VirtualInterrupts.Remove(port.VirtualInterrupt);
                break;
            case PortState.Interdomain when port.Peer is { } peer:
                peer.State = PortState.Unbound;
                peer.Peer = null;
                peer.RemoteDomain = _domain.Id;
                break;
        }

        var listener = port.Listener;
        _abi.ClearPending(port);
        port.Clear();
        listener?.Closed?.Invoke(port.Number);
    }

    internal void SetPending(EventPort port)
    {
        _domain.Observer?.PortRaised(Notice(port));
        _abi.SetPending(port, _domain.Vcpus[port.Vcpu]);
    }

    internal void Unmask(EventPort port)
    {
        _domain.Observer?.PortUnmasked(Notice(port));
        _abi.Unmask(port, _domain.Vcpus[port.Vcpu]);
    }

    internal bool IsPending(EventPort port) => _abi.IsPending(port);

    /// <summary>Wakes the vCPUs that poll a port. Xen remembers the port only of a vCPU that polls no other; the rest it wakes for any.</summary>
    internal void WakePollers(EventPort port)
    {
        foreach (var vcpu in _domain.Vcpus)
        {
            if (vcpu.Polled is DomainVcpu.AnyPort || vcpu.Polled == port.Number)
                vcpu.Unblock();
        }
    }

    /// <summary>Changes to the FIFO ABI: what is pending stays so, and is raised when the guest gives its place.</summary>
    internal void UseFifo()
    {
        if (Fifo is not null)
            return;
        foreach (var port in _ports)
        {
            port.IsPendingWithoutPlace |= _abi.IsPending(port);
            port.Priority = FifoVcpu.DefaultPriority;
        }

        _abi = new FifoEvents(_domain);
    }

    /// <summary>Closes all ports and returns to the 2-level ABI (EVTCHNOP_reset).</summary>
    internal void Reset()
    {
        foreach (var port in _ports)
        {
            if (port.State != PortState.Closed)
                Close(port);
        }

        foreach (var vcpu in _domain.Vcpus)
            vcpu.Fifo.Reset(_domain.Memory);
        Fifo?.ReleasePages();
        _abi = new TwoLevelEvents(_domain);
    }

    private void AddBucket()
    {
        for (var i = 0; i < BucketLength; i++)
            _ports.Add(new EventPort((uint)_ports.Count));
    }

    private PortNotice Notice(EventPort port) =>
        new(port.Number, port.State, port.VirtualInterrupt, port.RemoteDomain, port.Vcpu, _abi.IsPending(port), _abi.IsMasked(port));
}
