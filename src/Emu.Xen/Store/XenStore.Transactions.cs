namespace Emu.Xen.Store;

/// <content>Transactions (tools/xenstore/xenstored_transaction.c).</content>
public sealed partial class XenStore
{
    /// <summary>Begins a transaction.</summary>
    internal StoreError StartTransaction(in StoreCaller caller, out uint id)
    {
        id = 0;
        if (caller.Transaction != null)
            return StoreError.EBUSY;
        var client = caller.Client;
        if (!client.IsPrivileged && client.Transactions.Count > Quota.Transactions)
            return StoreError.ENOSPC;
        _generation++;
        id = client.NextTransactionId();
        client.Transactions.Add(new StoreTransaction(id, client.Domain));
        return StoreError.None;
    }

    /// <summary>Ends a transaction. However it ends, it is over.</summary>
    internal StoreError EndTransaction(in StoreCaller caller, bool commits)
    {
        if (caller.Transaction is not { } transaction)
            return StoreError.ENOENT;
        var error = commits ? Commit(caller.Client, transaction) : StoreError.None;
        transaction.Close();
        caller.Client.Transactions.Remove(transaction);
        return error;
    }

    internal static void AbandonTransactions(StoreClient client)
    {
        foreach (var transaction in client.Transactions)
            transaction.Close();
        client.Transactions.Clear();
    }

    /// <summary>Notes that a transaction reads a node for the first time (access_node).</summary>
    private bool TryEnter(StoreClient client, StoreTransaction transaction, string path, StoreNode? node)
    {
        if (!client.IsPrivileged && transaction.Accessed.Count >= Quota.TransactionNodes)
        {
            transaction.HasFailed = true;
            return false;
        }

        transaction.Enter(path, node);
        return true;
    }

    private StoreError Commit(StoreClient client, StoreTransaction transaction)
    {
        if (transaction.HasFailed)
            return StoreError.ENOMEM;
        if (transaction.HasCreated && !client.IsPrivileged && ExceedsNodes(transaction))
            return StoreError.ENOSPC;
        foreach (var accessed in transaction.Accessed)
            if ((_nodes.GetValueOrDefault(accessed.Path)?.Generation ?? StoreNode.NoGeneration) != accessed.Generation)
                return StoreError.EAGAIN;

        var caller = new StoreCaller(client);
        foreach (var accessed in transaction.Accessed)
        {
            if (!accessed.IsModified)
                continue;
            if (accessed.Node != null)
                SetNode(accessed.Node with { Generation = ++_generation });
            else
                Delete(accessed.Path);
            if (accessed.FiresWatches)
                FireWatches(caller, accessed.Path, node: null, parent: null, accessed.FiresExactly, accessed.FormerPermissions);
        }

        foreach (var count in transaction.Counts)
            if (_domains.TryGetValue(count.Owner, out var owner))
                owner.Nodes += count.Change;
        return StoreError.None;
    }

    private bool ExceedsNodes(StoreTransaction transaction)
    {
        foreach (var count in transaction.Counts)
            if (_domains.TryGetValue(count.Owner, out var owner) && !owner.IsPrivileged && owner.Nodes + count.Change >= Quota.Nodes)
                return true;
        return false;
    }
}
