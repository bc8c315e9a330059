using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <content>What a snapshot holds of it: nodes, and what domains have under way. What they use of it is counted anew.</content>
public sealed partial class XenStore : IStateful
{
    private const int MostNodes = 1 << 20;

    /// <summary>
    /// Transfers all but the watches of the control domain, which are those of the machine's own back ends: it has made them itself.
    /// </summary>
    /// <remarks>Between two operations nothing waits for the control domain, so no event of its is lost.</remarks>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("xenstore");
        stream.Transfer(ref _generation);
        TransferDomains(stream);
        TransferNodes(stream);
        _introducePermissions = StorePermissions.Transfer(stream, _introducePermissions);
        _releasePermissions = StorePermissions.Transfer(stream, _releasePermissions);
        foreach (var domain in _domains.Values)
            domain.Connection?.Transfer(stream);
        if (stream.IsRestoring)
            CheckTransactions(stream);
    }

    // Which domains there are, and which of them have a connection, is the machine's doing.
    private void TransferDomains(StateStream stream)
    {
        stream.Require(stream.Count(_domains.Count, int.MaxValue) == _domains.Count, "it is of a store with other domains");
        foreach (var domain in _domains.Values)
        {
            var isSame = stream.Transferred(domain.Id) == domain.Id;
            isSame &= stream.Transferred(domain.Connection is not null) == domain.Connection is not null;
            stream.Require(isSame, "it is of a store with other domains");
            domain.Generation = stream.Transferred(domain.Generation);
            domain.IsShutDown = stream.Transferred(domain.IsShutDown);
            if (stream.IsRestoring)
                domain.ForgetCharges();
        }

        if (stream.IsRestoring)
            _clients[0].ChargeWatches();
    }

    private void TransferNodes(StateStream stream)
    {
        List<StoreNode> nodes = [.. _nodes.Values.OrderBy(static node => node.Path, StringComparer.Ordinal)];
        stream.Transfer(nodes, MostNodes, node => StoreNode.Transfer(stream, node));
        if (!stream.IsRestoring)
            return;
        _nodes.Clear();
        foreach (var node in nodes)
        {
            stream.Require(IsOwned(node) && _nodes.TryAdd(node.Path, node), "a node has no owner, or is there twice");
            OwnerOf(node).Charge(node.Charge);
            OwnerOf(node).Nodes++;
        }

        stream.Require(_nodes.ContainsKey(StorePath.Root), "it has no root");
    }

    private void CheckTransactions(StateStream stream)
    {
        foreach (var client in _clients)
        {
            foreach (var transaction in client.Transactions)
                stream.Require(transaction.Accessed.All(accessed => accessed.Node is null || IsOwned(accessed.Node)), "a node has no owner");
        }
    }

    private bool IsOwned(StoreNode node) => _domains.ContainsKey(node.Permissions.Owner);
}
