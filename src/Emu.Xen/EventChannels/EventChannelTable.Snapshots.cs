using Emu.Cpu.Snapshots;

namespace Emu.Xen.EventChannels;

/// <content>What a snapshot holds of it: ports, the ABI, and what both keep for each vCPU.</content>
public sealed partial class EventChannelTable : IStateful
{
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("event channels");
        var count = stream.Count(_ports.Count, (int)HighestPort + 1);
        stream.Require(count != 0 && count % BucketLength == 0, $"there cannot be {count} ports");
        if (stream.IsRestoring)
        {
            _ports.Clear();
            while (_ports.Count < count)
                AddBucket();
        }

        stream.Transfer(ref _nextRemotePort);
        TransferAbi(stream);
        foreach (var port in _ports)
            Transfer(stream, port);
        if (stream.IsRestoring)
            Bind(stream);
    }

    private void TransferAbi(StateStream stream)
    {
        var isFifo = stream.Transferred(Fifo is not null);
        if (isFifo != Fifo is not null)
            _abi = isFifo ? new FifoEvents(_domain) : new TwoLevelEvents(_domain);
        Fifo?.Transfer(stream);
        foreach (var vcpu in _domain.Vcpus)
            vcpu.Fifo.Transfer(stream, _domain.Memory, Fifo?.WordCount ?? 0);
    }

    private void Transfer(StateStream stream, EventPort port)
    {
        port.State = stream.Transferred(port.State);
        port.Vcpu = stream.Transferred(port.Vcpu);
        port.RemoteDomain = stream.Transferred(port.RemoteDomain);
        port.VirtualInterrupt = stream.Transferred(port.VirtualInterrupt);
        port.PhysicalInterrupt = stream.Transferred(port.PhysicalInterrupt);
        port.RemotePort = stream.Transferred(port.RemotePort);
        port.Priority = stream.Transferred(port.Priority);
        port.IsPendingWithoutPlace = stream.Transferred(port.IsPendingWithoutPlace);
        stream.Require(port.State is >= PortState.Closed and <= PortState.Interprocessor, "a port is bound to nothing that there is");
        stream.Require((uint)port.Vcpu < (uint)_domain.Vcpus.Count, "a port's vCPU does not exist");
        stream.Require(port.VirtualInterrupt < VirtualInterrupt.Count && port.Priority < FifoVcpu.QueueCount, "a port's interrupt cannot be");
        TransferLastQueue(stream, port);
        TransferOtherEnd(stream, port);
    }

    private void TransferLastQueue(StateStream stream, EventPort port)
    {
        var (queue, priority) = port.LastQueue;
        var vcpu = -1;
        for (var i = 0; i < _domain.Vcpus.Count; i++)
            vcpu = _domain.Vcpus[i].Fifo == queue ? i : vcpu;
        stream.Transfer(ref vcpu);
        stream.Transfer(ref priority);
        stream.Require(vcpu >= -1 && vcpu < _domain.Vcpus.Count && priority < FifoVcpu.QueueCount, "a port's queue does not exist");
        port.LastQueue = (vcpu < 0 ? null : _domain.Vcpus[vcpu].Fifo, priority);
    }

    // What a connected port is connected with: a listener of the control domain, or another port.
    private void TransferOtherEnd(StateStream stream, EventPort port)
    {
        if (port.State != PortState.Interdomain)
            return;
        var listener = stream.Transferred(port.Listener?.Number ?? -1);
        var peer = stream.Transferred(port.Peer?.Number ?? 0);
        if (!stream.IsRestoring)
            return;
        var isListened = (uint)listener < (uint)_listeners.Count;
        stream.Require(isListened ? peer == 0 : Find(peer) is not null, "a port's other end does not exist");
        port.Listener = isListened ? _listeners[listener] : null;
        port.Peer = isListened ? null : Find(peer);
    }

    // What follows from the ports, once all are there.
    private void Bind(StateStream stream)
    {
        foreach (var vcpu in _domain.Vcpus)
            vcpu.VirtualInterrupts.Clear();
        foreach (var port in _ports)
        {
            stream.Require(port.Peer is null || port.Peer.Peer == port, "a port's other end is connected with another");
            if (port.State != PortState.VirtualInterrupt)
                continue;
            var vcpu = _domain.Vcpus[VirtualInterrupt.IsPerVcpu(port.VirtualInterrupt) ? port.Vcpu : 0];
            stream.Require(vcpu.VirtualInterrupts.TryAdd(port.VirtualInterrupt, port.Number), "an interrupt has two ports");
        }
    }
}
