namespace Emu.Xen.Domains;

/// <summary>A page that belongs to the hypervisor and that the domain may place in its physical memory: shared_info, grant frames.</summary>
public sealed class XenPage
{
    internal XenPage(int number, int frame)
    {
        Number = number;
        Frame = frame;
    }

    /// <summary>Its number among the hypervisor's pages, from 0 on.</summary>
    internal int Number { get; }

    /// <summary>Its number in the host mapping. It changes when the domain places the page where it had RAM.</summary>
    public int Frame { get; internal set; }

    /// <summary>The guest-physical frame where the domain sees it; null where it does not.</summary>
    public ulong? Gfn { get; internal set; }
}
