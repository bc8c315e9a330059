using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;
using Emu.Xen.Store;

namespace Emu.Xen.Backends;

/// <summary>xenstored's end of a domain's ring: its page, its event channel, and when it is served.</summary>
/// <remarks>
/// Requests are served not within the guest's call that announces them but shortly after, as by a process of another domain. So
/// back ends, which hear of them through the store, run between two of the guest's instructions.
/// </remarks>
public sealed class StoreService : ISharedPage, IStateful
{
    /// <summary>How long it takes xenstored to turn to a domain that has called it, in nanoseconds.</summary>
    private const ulong AnswerTime = 20_000;

    private readonly Domain _domain;
    private readonly IXenTimer _turn;
    private bool _isCalled;

    /// <summary>Introduces a domain to the store, in which its record stands already.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="store">The store, which knows the domain by its id.</param>
    /// <exception cref="ArgumentException">The store does not know the domain, or it has been introduced.</exception>
    public StoreService(Domain domain, XenStore store)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(store);
        _domain = domain;
        _turn = domain.Host.CreateTimer("xenstore answer", Serve);
        var port = (uint)domain.Parameters[HvmParameters.StorePort];
        Ring = new XenStoreRing(store, domain.Id, this, () => domain.Events.Notify(port));
        domain.Events.TryConnect(port, domain.Events.AddListener(Call));
    }

    /// <summary>The ring.</summary>
    public XenStoreRing Ring { get; }

    bool ISharedPage.IsPresent => true;

    ReadOnlySpan<byte> ISharedPage.Bytes => Page.Bytes;

    // Xen keeps the page for as long as the domain lives, wherever the domain puts it.
    private MappedBytes Page => new(_domain.Host.Memory, _domain.StorePage.Frame);

    Span<byte> ISharedPage.Writable(int offset, int length) => Page.Writable(offset, length);

    /// <summary>Transfers when the domain is served. What it is served with is the store's state.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("xenstore service");
        stream.Transfer(ref _isCalled);
        _turn.Transfer(stream);
    }

    private void Call()
    {
        if (_isCalled)
            return;
        _isCalled = true;
        _turn.Arm(_domain.Host.Now + AnswerTime);
    }

    private void Serve()
    {
        _isCalled = false;
        Ring.Process();
    }
}
