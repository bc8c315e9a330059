using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;
using Emu.Xen.Grants;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Xen.Backends.Network;

/// <summary>The control domain's end of a virtual network interface, as Linux's netback is.</summary>
/// <remarks>
/// One queue, grant copy only; no control ring. What the guest puts into the store or into a ring is checked; whoever breaks the rules of the
/// rings is switched off until it connects anew.
/// </remarks>
public sealed class NetworkBackend : XenbusBackend
{
    /// <summary>Linux's error numbers.</summary>
    private const int NoEntry = 2, InputOutput = 5, Invalid = 22, NotSupported = 95;

    private const int RingCount = 2;

    private readonly INetworkLink _link;
    private readonly PortListener _listener;

    // Of the transmit ring's page and that of the receive ring.
    private readonly List<GrantMapping> _mapped = [];
    private TransmitRing? _transmit;
    private ReceiveRing? _receive;
    private uint _transmitPort;
    private uint _receivePort;
    private bool _isBound;

    /// <summary>Makes the back end of a device that is in the store, and waits for its front end.</summary>
    /// <param name="domain">The front end's domain.</param>
    /// <param name="store">The store.</param>
    /// <param name="device">The device's record; it has been written.</param>
    /// <param name="link">The network.</param>
    public NetworkBackend(Domain domain, ControlDomain store, NetworkDeviceRecord device, INetworkLink link)
        : base(domain, store, device)
    {
        ArgumentNullException.ThrowIfNull(link);
        _link = link;
        _listener = Domain.Events.AddListener(Notified, Closed);
        Start();
    }

    /// <summary>True while frames go both ways.</summary>
    public bool IsConnected => _transmit is not null;

    /// <summary>Gives the guest a frame.</summary>
    /// <param name="frame">From the destination address on; at most 4096 bytes.</param>
    /// <returns>False where the guest has no room; <see cref="INetworkLink.ReceiverReady"/> says when. Where the interface is off, frames are lost.</returns>
    public bool TryReceive(ReadOnlySpan<byte> frame)
    {
        if (_receive is null)
            return true;
        if (_receive.Put(frame, out var isTaken, out var wantsEvent) is { } failure)
            SwitchOff(failure);
        if (wantsEvent)
            Domain.Events.Notify(_receivePort);
        return isTaken;
    }

    /// <inheritdoc/>
    public override void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        base.Transfer(stream);
        stream.Transfer(ref _transmitPort);
        stream.Transfer(ref _receivePort);
        stream.Transfer(ref _isBound);
        Domain.Grants.Transfer(stream, _mapped, RingCount);
        var isServed = stream.Transferred(IsConnected);
        stream.Require(!isServed || _mapped.Count == RingCount, "its rings have no pages");
        if (stream.IsRestoring)
        {
            _transmit = null;
            _receive = null;
            if (isServed)
                Serve(new BackRing([_mapped[0].Page], Netif.TxEntryLength), new BackRing([_mapped[1].Page], Netif.RxEntryLength));
        }

        _transmit?.Transfer(stream);
        _receive?.Transfer(stream);
    }

    /// <inheritdoc/>
    protected override XenbusState ReadyState => XenbusState.Connected;

    /// <inheritdoc/>
    protected override void Offer()
    {
        Write("feature-sg", "1");
        Write("feature-gso-tcpv4", "1");
        Write("feature-rx-copy", "1");
        Write("feature-rx-flip", "0");
        Write("feature-split-event-channels", "1");
        Write("multi-queue-max-queues", "1");
    }

    /// <inheritdoc/>
    protected override XenbusFailure? Connect()
    {
        if (TryConnect() is { } failure)
            return failure;
        _isBound = true;
        TransmitReady();
        ReceiveReady();
        return null;
    }

    /// <inheritdoc/>
    protected override void Disconnect()
    {
        _transmit = null;
        _receive = null;
        _isBound = false;
        if (_receivePort != _transmitPort && _receivePort != 0)
            Domain.Events.Disconnect(_receivePort);
        if (_transmitPort != 0)
            Domain.Events.Disconnect(_transmitPort);
        _transmitPort = _receivePort = 0;
        foreach (var mapping in _mapped)
            Domain.Grants.Unmap(mapping);
        _mapped.Clear();
        _link.ReceiverReady();
    }

    /// <summary>What the front end has written, in the order in which netback reads it.</summary>
    private XenbusFailure? TryConnect()
    {
        if (ReadNumber("multi-queue-num-queues") is { } queues and not 1)
            return new XenbusFailure(Invalid, $"guest requested {queues} queues, exceeding the maximum of 1.");
        if (ReadNumber("request-rx-copy") is null or 0)
            return new XenbusFailure(NotSupported, "request-rx-copy is mandatory");
        if (ReadNumber("feature-rx-notify") is null or 0)
            return new XenbusFailure(Invalid, "feature-rx-notify is mandatory");
        if (ReadNumber("tx-ring-ref") is not { } transmitReference || ReadNumber("rx-ring-ref") is not { } receiveReference)
            return new XenbusFailure(NoEntry, "reading ring-ref");
        var transmitPort = ReadNumber("event-channel-tx");
        var receivePort = ReadNumber("event-channel-rx");
        if (transmitPort is null || receivePort is null)
            transmitPort = receivePort = ReadNumber("event-channel");
        if (transmitPort is null)
            return new XenbusFailure(NoEntry, "reading event-channel(-tx/rx)");
        if (!TryMap(transmitReference, receiveReference))
            return new XenbusFailure(InputOutput, "mapping shared-frames");
        return TryBind(transmitPort.Value, receivePort!.Value) ? null : new XenbusFailure(InputOutput, "binding port");
    }

    private bool TryMap(uint transmitReference, uint receiveReference)
    {
        if (!Domain.Grants.TryMap(transmitReference, isWrite: true, out var transmitPage))
            return false;
        _mapped.Add(transmitPage);
        if (!Domain.Grants.TryMap(receiveReference, isWrite: true, out var receivePage))
            return false;
        _mapped.Add(receivePage);
        if (BackRing.TryAttach(transmitPage.Page, Netif.TxEntryLength) is not { } transmit
            || BackRing.TryAttach(receivePage.Page, Netif.RxEntryLength) is not { } receive)
        {
            return false;
        }

        Serve(transmit, receive);
        return true;
    }

    private void Serve(BackRing transmit, BackRing receive)
    {
        _transmit = new TransmitRing(transmit, Domain.Grants, _link);
        _receive = new ReceiveRing(receive, Domain.Grants);
    }

    private bool TryBind(uint transmitPort, uint receivePort)
    {
        if (!Domain.Events.TryConnect(transmitPort, _listener))
            return false;
        _transmitPort = transmitPort;
        if (receivePort != transmitPort && !Domain.Events.TryConnect(receivePort, _listener))
            return false;
        _receivePort = receivePort;
        return true;
    }

    private void Notified()
    {
        if (!_isBound)
            return;
        TransmitReady();
        ReceiveReady();
    }

    // The number may be another channel's soon.
    private void Closed(uint port)
    {
        _transmitPort = _transmitPort == port ? 0 : _transmitPort;
        _receivePort = _receivePort == port ? 0 : _receivePort;
    }

    private void TransmitReady()
    {
        if (_transmit is null)
            return;
        if (_transmit.Process(out var wantsEvent) is { } failure)
            SwitchOff(failure);
        if (wantsEvent)
            Domain.Events.Notify(_transmitPort);
    }

    private void ReceiveReady()
    {
        if (_receive is null)
            return;
        _receive.ArmRequestEvent();
        _link.ReceiverReady();
    }

    /// <summary>Carries nothing any more, but stays connected, as netback does with a front end that breaks the rules.</summary>
    private void SwitchOff(string failure)
    {
        NoteFailure(failure);
        _transmit = null;
        _receive = null;
        _link.ReceiverReady();
    }
}
