namespace Emu.Xen.Store;

/// <summary>What xenstore knows and counts about a domain (tools/xenstore/xenstored_domain.c, struct domain).</summary>
internal sealed class StoreDomain(uint id, ulong generation)
{
    public uint Id { get; } = id;

    /// <summary>The store's generation when the domain appeared: permissions written before meant another domain of that id.</summary>
    public ulong Generation { get; set; } = generation;

    public bool IsPrivileged => Id == 0;

    public XenStoreConnection? Connection { get; set; }

    public bool IsShutDown { get; set; }

    /// <summary>Nodes that the domain owns.</summary>
    public int Nodes { get; set; }

    /// <summary>Bytes of nodes, watches, transactions and waiting messages.</summary>
    public int Memory { get; private set; }

    public void Charge(int bytes) => Memory += bytes;

    /// <summary>Owns nothing any more: all is counted again.</summary>
    public void ForgetCharges() => Nodes = Memory = 0;

    public bool CanCharge(int bytes, StoreQuota quota) => IsPrivileged || Memory + bytes < quota.Memory;
}
