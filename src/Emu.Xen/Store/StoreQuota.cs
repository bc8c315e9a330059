namespace Emu.Xen.Store;

/// <summary>
/// What an unprivileged domain may take of xenstore; the defaults are those of Xen 4.17's xenstored (tools/xenstore/xenstored_core.c).
/// </summary>
public sealed record StoreQuota
{
    /// <summary>Nodes that a domain may own.</summary>
    public int Nodes { get; init; } = 1000;

    /// <summary>Watches that a domain may have; one more is let through, as xenstored does.</summary>
    public int Watches { get; init; } = 128;

    /// <summary>A node's size in bytes that it has to stay below: record, permissions, value, and its children's names.</summary>
    public int NodeSize { get; init; } = 2048;

    /// <summary>Transactions that a domain may have open; one more is let through, as xenstored does.</summary>
    public int Transactions { get; init; } = 10;

    /// <summary>Permissions that a domain may give one node.</summary>
    public int Permissions { get; init; } = 5;

    /// <summary>Nodes that a domain may touch in one transaction.</summary>
    public int TransactionNodes { get; init; } = 1024;

    /// <summary>Answers that may wait for the domain to read them; above it, its requests wait.</summary>
    public int Outstanding { get; init; } = 20;

    /// <summary>Bytes of memory, for all of a domain's nodes, watches, transactions and waiting messages together.</summary>
    public int Memory { get; init; } = (2 * 1024 * 1024) + (512 * 1024);
}
