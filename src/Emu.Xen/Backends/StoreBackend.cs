using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Xen.Backends;

/// <summary>The control domain's xenstore, and its end of the domain's ring.</summary>
public sealed class StoreBackend
{
    /// <summary>How long the store takes to look at a request, in nanoseconds: it is a process of another domain.</summary>
    private const ulong AnswerTime = 30_000;

    /// <summary>Makes a store that knows the domain, and connects them.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="record">What the toolstack writes about it.</param>
    public StoreBackend(Domain domain, DomainRecord record)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ArgumentNullException.ThrowIfNull(record);
        Store = new XenStore();
        Store.AddDomain(domain.Id);
        record.WriteTo(Store.Control);
        var port = (uint)domain.Parameters[HvmParameters.StorePort];
        Ring = new XenStoreRing(
            Store, domain.Id, () => domain.Host.Memory.WritableFrame(domain.StorePage.Frame, 0, PageSize), () => domain.Events.Notify(port));
        var answer = domain.Host.CreateTimer("xenstore", Ring.Process);
        domain.Events.TryConnect(port, () => answer.Arm(domain.Host.Now + AnswerTime));
    }

    /// <summary>The store.</summary>
    public XenStore Store { get; }

    /// <summary>The domain's ring.</summary>
    public XenStoreRing Ring { get; }

    private const int PageSize = Emu.Cpu.Memory.PhysicalMemory.PageSize;
}
