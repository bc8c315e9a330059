using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Xen.Backends;

/// <summary>The control domain's end of a device: it follows the front end's state in the store, and says its own.</summary>
/// <remarks>
/// <code>
/// back end                                 front end
/// offers features; InitWait
///                                          names rings and event channels; <see cref="ReadyState"/>
/// connects with them; Connected
///                                          Connected
///                                          Closing, or Closed
/// disconnects; Closing, or Closed
///                                          Initialising
/// InitWait
/// </code>
/// What the front end writes into the store is the guest's: anything may stand there, at any time.
/// </remarks>
public abstract class XenbusBackend : IStateful
{
    private const int LongestFailure = 4096;

    private readonly ControlDomain _store;
    private readonly DeviceRecord _device;

    /// <summary>Makes the back end of a device that is in the store; <see cref="Start"/> lets it wait for its front end.</summary>
    /// <param name="domain">The front end's domain.</param>
    /// <param name="store">The store.</param>
    /// <param name="device">The device's record; it has been written.</param>
    protected XenbusBackend(Domain domain, ControlDomain store, DeviceRecord device)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(device);
        Domain = domain;
        _store = store;
        _device = device;
    }

    /// <summary>Tells of a front end that broke the rules, or of trouble on the host: one sentence, for the log.</summary>
    public event Action<string>? Reported;

    /// <summary>Where this end stands.</summary>
    public XenbusState State { get; private set; } = XenbusState.Initialising;

    /// <summary>Why the device did not connect, or stopped; null where neither happened since the front end last began.</summary>
    public string? Failure { get; private set; }

    /// <summary>The device's name for the log: its kind and number.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{_device.Kind}-{_device.Id}");

    /// <summary>The front end's domain.</summary>
    protected Domain Domain { get; }

    /// <summary>In which state of the front end all is there to connect with: <see cref="XenbusState.Initialised"/>, or Connected.</summary>
    protected virtual XenbusState ReadyState => XenbusState.Initialised;

    /// <summary>Transfers where it stands; that of the domain and its grants comes before.</summary>
    /// <inheritdoc/>
    public virtual void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section(Name);
        State = stream.Transferred(State);
        var failure = Failure ?? "";
        stream.Transfer(ref failure, LongestFailure);
        Failure = failure.Length == 0 ? null : failure;
    }

    /// <summary>Says what the back end can, and follows the front end from now on.</summary>
    protected void Start()
    {
        Offer();
        SwitchTo(XenbusState.InitWait);
        _store.Watch(_device.FrontendPath + "/state", _ => FollowFrontend());
    }

    /// <summary>Writes what the back end can do into its directory.</summary>
    protected abstract void Offer();

    /// <summary>Connects with rings and event channels as the front end has named them. Where it fails, <see cref="Disconnect"/> follows.</summary>
    /// <returns>Null, or why not, with Linux's error number.</returns>
    protected abstract XenbusFailure? Connect();

    /// <summary>Lets go of rings, event channels and pages; there may be none.</summary>
    protected abstract void Disconnect();

    /// <summary>Serves the front end no more, but stays connected: so back ends treat one that breaks the rules of its rings.</summary>
    /// <param name="failure">Which rule, in a few words.</param>
    protected void NoteFailure(string failure)
    {
        Failure = failure;
        Report(failure);
    }

    /// <summary>Writes a line into the log.</summary>
    /// <param name="what">What happened, in a few words.</param>
    protected void Report(string what) => Reported?.Invoke($"{Name}: {what}");

    /// <summary>Writes a node of the back end's directory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    protected void Write(string name, string value) => _store.Write($"{_device.BackendPath}/{name}", value);

    /// <summary>Writes a node of the back end's directory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    protected void Write(string name, ulong value) => Write(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Reads a node of the front end's directory.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Its value, anything; null where there is none.</returns>
    protected string? Read(string name) => _store.TryRead($"{_device.FrontendPath}/{name}", out var value) ? value : null;

    /// <summary>Reads a number from the front end's directory.</summary>
    /// <param name="name">The node's name.</param>
    /// <returns>The number; null where there is none.</returns>
    protected uint? ReadNumber(string name) =>
        uint.TryParse(Read(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private void SwitchTo(XenbusState state)
    {
        if (State == state)
            return;
        State = state;
        Write("state", (ulong)state);
    }

    private void FollowFrontend()
    {
        var state = (XenbusState)(ReadNumber("state") ?? 0);
        switch (state)
        {
            case XenbusState.Initialising:
                BeginAnew();
                break;
            case XenbusState.Initialised or XenbusState.Connected when State == XenbusState.InitWait && state >= ReadyState:
                ConnectOrFail();
                break;
            case XenbusState.Closing when State != XenbusState.Closed:
                Disconnect();
                SwitchTo(XenbusState.Closing);
                break;
            case XenbusState.Closed or XenbusState.Unknown:
                Disconnect();
                SwitchTo(XenbusState.Closed);
                break;
        }
    }

    // A front end that begins, such as that of a kernel started by another: what was before ends first.
    private void BeginAnew()
    {
        if (State == XenbusState.InitWait)
            return;
        Disconnect();
        if (State == XenbusState.Connected)
            SwitchTo(XenbusState.Closing);
        SwitchTo(XenbusState.Closed);
        SwitchTo(XenbusState.InitWait);
    }

    private void ConnectOrFail()
    {
        Failure = null;
        if (Connect() is { } failure)
        {
            Disconnect();
            NoteFailure(failure.Message);
            // As Linux's xenbus_dev_fatal.
            _store.Write(
                string.Create(CultureInfo.InvariantCulture, $"error/backend/{_device.Kind}/{_device.Domain}/{_device.Id}/error"),
                string.Create(CultureInfo.InvariantCulture, $"{failure.Error} {failure.Message}"));
            SwitchTo(XenbusState.Closing);
            return;
        }

        SwitchTo(XenbusState.Connected);
    }
}

/// <summary>Why a back end does not connect, as it stands in the store.</summary>
/// <param name="Error">Linux's error number, positive.</param>
/// <param name="Message">In a few words.</param>
public sealed record XenbusFailure(int Error, string Message);
