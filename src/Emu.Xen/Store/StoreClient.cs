using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>Takes a client's watch events.</summary>
internal interface IStoreEventSink
{
    /// <summary>Queues an event. It must do nothing else: the store is in the middle of an operation.</summary>
    void Queue(string path, string token);
}

/// <summary>One who talks to the store: a domain through its connection, or the host as domain 0.</summary>
internal sealed class StoreClient(StoreDomain domain, IStoreEventSink sink) : IStateful
{
    private uint _nextTransaction = 1;

    public StoreDomain Domain { get; } = domain;

    public IStoreEventSink Sink { get; } = sink;

    public bool IsPrivileged => Domain.IsPrivileged;

    /// <summary>What relative paths are relative to.</summary>
    public string Home { get; } = StorePath.OfDomain(domain.Id);

    public List<StoreWatch> Watches { get; } = [];

    public List<StoreTransaction> Transactions { get; } = [];

    public string Canonicalize(string path) => path.StartsWith('/') || path.StartsWith('@') ? path : Home + "/" + path;

    public StoreTransaction? FindTransaction(uint id)
    {
        foreach (var transaction in Transactions)
            if (transaction.Id == id)
                return transaction;
        return null;
    }

    /// <summary>An unused id of a transaction; 0 means none.</summary>
    public uint NextTransactionId()
    {
        uint id;
        do
            id = _nextTransaction++;
        while (id == 0 || FindTransaction(id) != null);
        return id;
    }

    /// <summary>Transfers watches and transactions. The domain, which has forgotten what it was charged for, is charged again.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Transfer(ref _nextTransaction);
        stream.Transfer(Watches, int.MaxValue, watch => StoreWatch.Transfer(stream, watch));
        stream.Transfer(Transactions, int.MaxValue, transaction =>
        {
            var id = stream.Transferred(transaction?.Id ?? 0);
            transaction ??= new StoreTransaction(id, Domain);
            transaction.Transfer(stream);
            return transaction;
        });
        if (stream.IsRestoring)
            ChargeWatches();
    }

    public void ChargeWatches()
    {
        foreach (var watch in Watches)
            Domain.Charge(watch.Charge);
    }

    public StoreAccess AccessTo(StorePermissions permissions) =>
        Owns(permissions) ? StoreAccess.Both : permissions.AccessOf(Domain.Id);

    public bool Owns(StorePermissions permissions) => IsPrivileged || permissions.Owner == Domain.Id;
}

/// <summary>A wish for events.</summary>
/// <param name="Path">The absolute path, or a special one that begins with @.</param>
/// <param name="Token">What the client wants to read in the events.</param>
/// <param name="IsRelative">Whether the client gave a relative path, and gets relative ones.</param>
internal sealed record StoreWatch(string Path, string Token, bool IsRelative)
{
    /// <summary>What the watch costs of its client's memory, in bytes.</summary>
    public int Charge => Path.Length + Token.Length;

    /// <summary>Transfers a watch.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="watch">It; null where state is restored.</param>
    /// <returns>It.</returns>
    public static StoreWatch Transfer(StateStream stream, StoreWatch? watch)
    {
        string path = watch?.Path ?? "", token = watch?.Token ?? "";
        stream.Transfer(ref path, StorePath.LongestText);
        stream.Transfer(ref token, StorePath.LongestText);
        return new StoreWatch(path, token, stream.Transferred(watch?.IsRelative ?? false));
    }

    public bool Matches(string path, bool exact) => exact ? path == Path : StorePath.IsWithin(path, Path);
}

/// <summary>Who makes a request, and within which transaction.</summary>
internal readonly record struct StoreCaller(StoreClient Client, StoreTransaction? Transaction = null);
