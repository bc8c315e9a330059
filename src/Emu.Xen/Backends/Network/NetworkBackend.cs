using System.Globalization;
using Emu.Xen.Domains;
using Emu.Xen.Grants;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Xen.Backends.Network;

/// <summary>The control domain's end of a virtual network interface, as Linux's netback is.</summary>
/// <remarks>
/// Both ends meet through the states in the store (xen/include/public/io/xenbus.h): the back end says what it can and waits, the front end
/// names its rings and event channels, then both are connected. One queue, grant copy only; no control ring. What the guest puts into the store
/// or into a ring is checked; whoever breaks the rules of the rings is switched off until it connects anew.
/// </remarks>
public sealed class NetworkBackend
{
    /// <summary>Error numbers as they stand in the store (Linux's; positive).</summary>
    private const int NoEntry = 2, InputOutput = 5, Invalid = 22, NotSupported = 95;

    private readonly Domain _domain;
    private readonly ControlDomain _store;
    private readonly NetworkDeviceRecord _device;
    private readonly INetworkLink _link;
    private readonly List<GrantMapping> _mapped = [];
    private TransmitRing? _transmit;
    private ReceiveRing? _receive;
    private uint _transmitPort;
    private uint _receivePort;
    private XenbusState _state = XenbusState.Initialising;

    /// <summary>Makes the back end of a device that is in the store, and waits for its front end.</summary>
    /// <param name="domain">The front end's domain.</param>
    /// <param name="store">The store.</param>
    /// <param name="device">The device's record; it has been written.</param>
    /// <param name="link">The network.</param>
    public NetworkBackend(Domain domain, ControlDomain store, NetworkDeviceRecord device, INetworkLink link)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(link);
        _domain = domain;
        _store = store;
        _device = device;
        _link = link;
        Offer();
        SwitchTo(XenbusState.InitWait);
        store.Watch(FrontendPath("state"), _ => FollowFrontend());
    }

    /// <summary>True while frames go both ways.</summary>
    public bool IsConnected => _transmit is not null;

    /// <summary>Why the interface was switched off, or did not connect; null where neither happened.</summary>
    public string? Failure { get; private set; }

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
            _domain.Events.Notify(_receivePort);
        return isTaken;
    }

    private string FrontendPath(string name) => $"{_device.FrontendPath}/{name}";

    private string BackendPath(string name) => $"{_device.BackendPath}/{name}";

    /// <summary>What this back end can: a front end uses of it what it knows.</summary>
    private void Offer()
    {
        foreach (var (name, value) in new[]
        {
            ("feature-sg", "1"),
            ("feature-gso-tcpv4", "1"),
            ("feature-rx-copy", "1"),
            ("feature-rx-flip", "0"),
            ("feature-split-event-channels", "1"),
            ("multi-queue-max-queues", "1"),
        })
        {
            _store.Write(BackendPath(name), value);
        }
    }

    private void SwitchTo(XenbusState state)
    {
        if (_state == state)
            return;
        _state = state;
        _store.Write(BackendPath("state"), ((int)state).ToString(CultureInfo.InvariantCulture));
    }

    private void FollowFrontend()
    {
        switch (ReadNumber("state") is { } number ? (XenbusState)number : XenbusState.Unknown)
        {
            case XenbusState.Initialising:
                BeginAnew();
                break;
            case XenbusState.Connected when _state == XenbusState.InitWait:
                Connect();
                break;
            case XenbusState.Closing:
                Disconnect();
                SwitchTo(XenbusState.Closing);
                break;
            case XenbusState.Closed or XenbusState.Unknown:
                Disconnect();
                SwitchTo(XenbusState.Closed);
                break;
        }
    }

    /// <summary>A front end that begins, such as that of a kernel started by another: what was before ends first.</summary>
    private void BeginAnew()
    {
        if (_state == XenbusState.InitWait)
            return;
        Disconnect();
        if (_state == XenbusState.Connected)
            SwitchTo(XenbusState.Closing);
        SwitchTo(XenbusState.Closed);
        SwitchTo(XenbusState.InitWait);
    }

    private void Connect()
    {
        Failure = null;
        if (TryConnect(out var error) is { } failure)
        {
            Disconnect();
            Fail(error, failure);
            return;
        }

        SwitchTo(XenbusState.Connected);
        TransmitReady();
        ReceiveReady();
    }

    /// <summary>What the front end has written, in the order in which netback reads it.</summary>
    private string? TryConnect(out int error)
    {
        error = Invalid;
        if (ReadNumber("multi-queue-num-queues") is { } queues and not 1)
            return $"guest requested {queues} queues, exceeding the maximum of 1.";
        if (ReadNumber("request-rx-copy") is not (not null and not 0))
        {
            error = NotSupported;
            return "request-rx-copy is mandatory";
        }

        if (ReadNumber("feature-rx-notify") is not (not null and not 0))
            return "feature-rx-notify is mandatory";
        error = NoEntry;
        if (ReadNumber("tx-ring-ref") is not { } transmitReference || ReadNumber("rx-ring-ref") is not { } receiveReference)
            return "reading ring-ref";
        var transmitPort = ReadNumber("event-channel-tx");
        var receivePort = ReadNumber("event-channel-rx");
        if (transmitPort is null || receivePort is null)
            transmitPort = receivePort = ReadNumber("event-channel");
        if (transmitPort is null)
            return "reading event-channel(-tx/rx)";
        error = InputOutput;
        return TryMap(transmitReference, receiveReference) ? TryBind(transmitPort.Value, receivePort!.Value) : "mapping shared-frames";
    }

    private bool TryMap(uint transmitReference, uint receiveReference)
    {
        if (!_domain.Grants.TryMap(transmitReference, isWrite: true, out var transmitPage))
            return false;
        _mapped.Add(transmitPage);
        if (!_domain.Grants.TryMap(receiveReference, isWrite: true, out var receivePage))
            return false;
        _mapped.Add(receivePage);
        if (BackRing.TryAttach(transmitPage.Page, Netif.TxEntryLength) is not { } transmit
            || BackRing.TryAttach(receivePage.Page, Netif.RxEntryLength) is not { } receive)
        {
            return false;
        }

        _transmit = new TransmitRing(transmit, _domain.Grants, _link);
        _receive = new ReceiveRing(receive, _domain.Grants);
        return true;
    }

    private string? TryBind(uint transmitPort, uint receivePort)
    {
        if (!_domain.Events.TryConnect(transmitPort, Notified, () => _transmitPort = 0))
            return "binding port";
        _transmitPort = _receivePort = transmitPort;
        if (receivePort == transmitPort)
            return null;
        _receivePort = 0;
        if (!_domain.Events.TryConnect(receivePort, Notified, () => _receivePort = 0))
            return "binding port";
        _receivePort = receivePort;
        return null;

        void Notified()
        {
            if (_state == XenbusState.Connected)
            {
                TransmitReady();
                ReceiveReady();
            }
        }
    }

    private void TransmitReady()
    {
        if (_transmit is null)
            return;
        if (_transmit.Process(out var wantsEvent) is { } failure)
            SwitchOff(failure);
        if (wantsEvent)
            _domain.Events.Notify(_transmitPort);
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
        Failure = failure;
        _transmit = null;
        _receive = null;
        _link.ReceiverReady();
    }

    private void Fail(int error, string message)
    {
        Failure = message;
        _store.Write(
            string.Create(CultureInfo.InvariantCulture, $"error/backend/vif/{_device.Domain}/{_device.Id}/error"),
            string.Create(CultureInfo.InvariantCulture, $"{error} {message}"));
        SwitchTo(XenbusState.Closing);
    }

    private void Disconnect()
    {
        _transmit = null;
        _receive = null;
        if (_receivePort != _transmitPort && _receivePort != 0)
            _domain.Events.Disconnect(_receivePort);
        if (_transmitPort != 0)
            _domain.Events.Disconnect(_transmitPort);
        _transmitPort = _receivePort = 0;
        foreach (var mapping in _mapped)
            _domain.Grants.Unmap(mapping);
        _mapped.Clear();
        _link.ReceiverReady();
    }

    /// <summary>Reads a number that the guest may have written; null where there is none.</summary>
    private uint? ReadNumber(string name) =>
        _store.TryRead(FrontendPath(name), out var text) && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
