using System.Collections.Immutable;

namespace Emu.Xen.Store;

/// <summary>
/// xenstore: a tree of small values that domains share, with permissions, watches and transactions, as the xenstored of Xen 4.17
/// keeps it (docs/misc/xenstore.txt, tools/xenstore/xenstored_core.c). Everything is deterministic: children come in the order
/// of their creation, events in the order of connections and watches.
/// </summary>
/// <remarks>
/// Domain 0 is the host: it speaks through <see cref="Control"/>. Other domains are added with <see cref="AddDomain"/> and
/// speak through a <see cref="XenStoreConnection"/>. Not thread-safe: all calls come from the thread that runs the vCPUs.
/// </remarks>
public sealed partial class XenStore
{
    private readonly Dictionary<string, StoreNode> _nodes = new(StringComparer.Ordinal);
    private ulong _generation;

    /// <summary>Makes a store with the nodes that xenstored begins with.</summary>
    /// <param name="quota">What unprivileged domains may take, or null for xenstored's defaults.</param>
    public XenStore(StoreQuota? quota = null)
    {
        Quota = quota ?? new StoreQuota();
        var control = new StoreDomain(0, _generation);
        _domains.Add(0, control);
        Control = new ControlDomain(this, control, out var client);
        _clients.Add(client);

        var root = new StoreNode(StorePath.Root, [], [], StorePermissions.Parse("n0")) { Generation = ++_generation };
        _nodes.Add(root.Path, root);
        control.Nodes = 1;
        control.Charge(root.Charge);
        Control.MakeDirectory("/tool/xenstored");
    }

    /// <summary>Domain 0's access to the store: the toolstack's and the back ends'.</summary>
    public ControlDomain Control { get; }

    /// <summary>What unprivileged domains may take.</summary>
    public StoreQuota Quota { get; }

    /// <summary>How many nodes there are, the root among them.</summary>
    public int NodeCount => _nodes.Count;

    /// <summary>Looks a node up without asking for permission (read_node). In a transaction the look counts as reading.</summary>
    internal StoreError Find(in StoreCaller caller, string path, out StoreNode? node)
    {
        node = null;
        var transaction = caller.Transaction;
        if (transaction?.Find(path) is { } accessed)
        {
            node = accessed.Node;
        }
        else
        {
            _nodes.TryGetValue(path, out node);
            if (transaction != null && !TryEnter(caller.Client, transaction, path, node))
            {
                node = null;
                return StoreError.ENOSPC;
            }
        }

        if (node == null)
            return StoreError.ENOENT;
        node = IgnoreGoneDomains(node);
        return StoreError.None;
    }

    /// <summary>Looks a node up that the caller must have access to (get_node).</summary>
    internal StoreError Find(in StoreCaller caller, string path, StoreAccess access, out StoreNode? node)
    {
        node = null;
        if (!StorePath.IsValid(path))
            return StoreError.EINVAL;
        var error = Find(caller, path, out node);
        if (error == StoreError.None && !HasAccess(caller.Client, node!.Permissions, access))
            error = StoreError.EACCES;
        if (error == StoreError.None)
            return error;
        node = null;
        return error == StoreError.ENOSPC ? error : HideFromStrangers(caller, path, error, access);
    }

    /// <summary>Sets a node's value, and creates the node and its parents where they are missing.</summary>
    internal StoreError Write(in StoreCaller caller, string path, ImmutableArray<byte> value)
    {
        var error = Find(caller, path, StoreAccess.Write, out var node);
        if (error == StoreError.ENOENT)
            return Create(caller, path, value);
        if (error == StoreError.None)
            error = Put(caller, node! with { Value = value }, ref node!, ignoresQuota: false);
        if (error == StoreError.None)
            FireWatches(caller, path, node, parent: null, exact: false, former: null);
        return error;
    }

    /// <summary>Creates a node and its parents where they are missing; one that exists is left as it is.</summary>
    internal StoreError MakeDirectory(in StoreCaller caller, string path)
    {
        var error = Find(caller, path, StoreAccess.Write, out _);
        return error == StoreError.ENOENT ? Create(caller, path, []) : error;
    }

    /// <summary>Removes a node and all below it. A node that is not there is no error if its parent is.</summary>
    internal StoreError Remove(in StoreCaller caller, string path)
    {
        var error = Find(caller, path, StoreAccess.Write, out _);
        if (error == StoreError.ENOENT)
            return Find(caller, StorePath.Parent(path), out _);
        if (error != StoreError.None)
            return error;
        return path == StorePath.Root ? StoreError.EINVAL : RemoveTree(caller, path);
    }

    /// <summary>Sets a node's permissions.</summary>
    internal StoreError SetPermissions(in StoreCaller caller, string path, StorePermissions permissions)
    {
        permissions = permissions.Ignoring(IsGone, first: 0);
        if (permissions.Entries[0].IsIgnored)
            return StoreError.ENOENT;
        if (path.StartsWith('@'))
            return SetSpecialPermissions(caller.Client, path, permissions);
        path = caller.Client.Canonicalize(path);
        var error = Find(caller, path, StoreAccess.Write, out var node);
        if (error != StoreError.None)
            return error;
        var former = node!.Permissions;
        if (!caller.Client.Owns(former))
            return HideFromStrangers(caller, path, StoreError.EACCES, StoreAccess.Write);
        if (!caller.Client.IsPrivileged && permissions.Owner != former.Owner)
            return StoreError.EPERM;
        error = Put(caller, node with { Permissions = permissions }, ref node, ignoresQuota: false);
        if (error != StoreError.None)
            return error;
        CountNode(caller, former.Owner, -1);
        CountNode(caller, permissions.Owner, 1);
        FireWatches(caller, path, node, parent: null, exact: false, former);
        return error;
    }

    private static bool HasAccess(StoreClient client, StorePermissions permissions, StoreAccess access) =>
        (client.AccessTo(permissions) & access) == access;

    private bool IsGone(uint domain) => !_domains.ContainsKey(domain);

    private StoreNode IgnoreGoneDomains(StoreNode node)
    {
        var permissions = node.Permissions.Ignoring(
            id => !_domains.TryGetValue(id, out var domain) || domain.Generation > node.Generation, first: 1);
        return permissions == node.Permissions ? node : node with { Permissions = permissions };
    }

    /// <summary>
    /// What an error becomes for one who may not know about the node: a node can be open while its parents are not, but what is
    /// wrong with a node is told only to those who have access to the next parent that exists (errno_from_parents).
    /// </summary>
    private StoreError HideFromStrangers(in StoreCaller caller, string path, StoreError error, StoreAccess access)
    {
        do
        {
            path = StorePath.Parent(path);
            var found = Find(caller, path, out var parent);
            if (found == StoreError.None)
                return (caller.Client.AccessTo(parent!.Permissions) & access) != 0 ? error : StoreError.EACCES;
            if (found == StoreError.ENOSPC)
                return found;
        }
        while (path != StorePath.Root);
        return StoreError.EACCES;
    }

    private StoreError Create(in StoreCaller caller, string path, ImmutableArray<byte> value)
    {
        var missing = new List<string>();
        StoreNode? parent;
        for (var name = path; ;)
        {
            missing.Add(name);
            name = StorePath.Parent(name);
            var error = Find(caller, name, out parent);
            if (error == StoreError.None)
                break;
            if (error != StoreError.ENOENT || name == StorePath.Root)
                return error;
        }

        if (caller.Transaction != null)
            caller.Transaction.HasCreated = true;

        // Written from the bottom up, as xenstored does, so that nothing is left behind where a quota says no.
        var nodes = Construct(caller.Client, parent!, missing, value);
        for (var i = 0; i < nodes.Length; i++)
        {
            var isNew = i < missing.Count;
            var error = isNew && !caller.Client.IsPrivileged && caller.Client.Domain.Nodes >= Quota.Nodes
                ? StoreError.ENOSPC
                : Put(caller, nodes[i], ref nodes[i], ignoresQuota: false);
            if (error != StoreError.None)
            {
                Undo(caller, nodes.AsSpan(0, i));
                return error;
            }

            if (isNew)
                CountNode(caller, nodes[i].Permissions.Owner, 1);
        }

        FireWatches(caller, path, nodes[0], nodes[1], exact: false, former: null);
        return StoreError.None;
    }

    /// <summary>The new nodes from the bottom up, and last the existing one above them.</summary>
    private static StoreNode[] Construct(StoreClient client, StoreNode parent, List<string> missing, ImmutableArray<byte> value)
    {
        var nodes = new StoreNode[missing.Count + 1];
        for (var i = missing.Count - 1; i >= 0; i--)
        {
            nodes[i + 1] = parent with { Children = parent.Children.Add(StorePath.Name(missing[i])) };
            var permissions = client.IsPrivileged ? parent.Permissions : parent.Permissions.WithOwner(client.Domain.Id);
            parent = new StoreNode(missing[i], [], [], permissions);
        }

        nodes[0] = parent with { Value = value };
        return nodes;
    }

    private void Undo(in StoreCaller caller, ReadOnlySpan<StoreNode> nodes)
    {
        if (caller.Transaction != null)
        {
            caller.Transaction.HasFailed = true;
            return;
        }

        foreach (var node in nodes)
        {
            Delete(node.Path);
            CountNode(caller, node.Permissions.Owner, -1);
        }
    }

    private StoreError RemoveTree(in StoreCaller caller, string path)
    {
        var error = Find(caller, StorePath.Parent(path), out var parent);
        if (error != StoreError.None)
            return error == StoreError.ENOSPC ? error : StoreError.EINVAL;
        if (!TryRemoveBelow(caller, path, parent: null, root: path))
            return StoreError.EIO;
        var index = parent!.Children.IndexOf(StorePath.Name(path), StringComparer.Ordinal);
        if (index < 0)
            return StoreError.EIO;
        error = Put(caller, parent with { Children = parent.Children.RemoveAt(index) }, ref parent, ignoresQuota: true);
        return error == StoreError.None ? error : StoreError.EIO;
    }

    /// <summary>Removes children before their parents; the depth is bounded by a path's length.</summary>
    private bool TryRemoveBelow(in StoreCaller caller, string path, StoreNode? parent, string root)
    {
        if (Find(caller, path, out var node) != StoreError.None)
            return false;
        for (var i = 0; i < node!.Children.Length; i++)
        {
            if (TryRemoveBelow(caller, StorePath.Child(path, node.Children[i]), node, root))
                continue;
            // A transaction that saw the node before a child's end, and cannot commit. What it has removed so far is gone for it.
            _ = Put(caller, node with { Children = node.Children[i..] }, ref node, ignoresQuota: true);
            return false;
        }

        _generation++;
        if (caller.Transaction is { } transaction)
            transaction.Replace(transaction.Find(path)!, node: null);
        else
            Delete(path);
        // A watch below the node that was named hears of exactly what it watched; the others hear of the whole.
        FireWatches(caller, path, node, parent, exact: path != root, former: null);
        CountNode(caller, node.Permissions.Owner, -1);
        return true;
    }

    /// <summary>Writes a node with a new generation (write_node).</summary>
    private StoreError Put(in StoreCaller caller, StoreNode node, ref StoreNode stored, bool ignoresQuota)
    {
        var transaction = caller.Transaction;
        node = IgnoreGoneDomains(node with { Generation = ++_generation });
        if (!ignoresQuota && !caller.Client.IsPrivileged && node.Size >= Quota.NodeSize)
        {
            if (transaction != null)
                transaction.HasFailed = true;
            return StoreError.ENOSPC;
        }

        var payer = transaction != null ? caller.Client.Domain : OwnerOf(node);
        var former = transaction != null ? transaction.Find(node.Path)?.Node : _nodes.GetValueOrDefault(node.Path);
        var formerCharge = former != null && (transaction != null || OwnerOf(former) == payer) ? former.Charge : 0;
        if (!ignoresQuota && !caller.Client.IsPrivileged && !payer.CanCharge(node.Charge - formerCharge, Quota))
        {
            if (transaction != null)
                transaction.HasFailed = true;
            return StoreError.EIO;
        }

        stored = node;
        if (transaction == null)
        {
            SetNode(node);
            return StoreError.None;
        }

        var accessed = transaction.Find(node.Path);
        if (accessed == null)
            return StoreError.EIO;
        transaction.Replace(accessed, node);
        return StoreError.None;
    }

    private void SetNode(StoreNode node)
    {
        if (_nodes.TryGetValue(node.Path, out var former))
            OwnerOf(former).Charge(-former.Charge);
        OwnerOf(node).Charge(node.Charge);
        _nodes[node.Path] = node;
    }

    private void Delete(string path)
    {
        if (_nodes.Remove(path, out var node))
            OwnerOf(node).Charge(-node.Charge);
    }

    private StoreDomain OwnerOf(StoreNode node) => _domains[node.Permissions.Owner];

    private void CountNode(in StoreCaller caller, uint owner, int change)
    {
        if (caller.Transaction != null)
            caller.Transaction.Count(owner, change);
        else
            _domains[owner].Nodes += change;
    }
}
