using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>
/// An open transaction: what it has read, as it was then, and what it has written (tools/xenstore/xenstored_transaction.c). It
/// commits only if all that it read first is still of the same generation.
/// </summary>
internal sealed class StoreTransaction(uint id, StoreDomain domain) : IStateful
{
    private readonly Dictionary<string, StoreAccessedNode> _byPath = new(StringComparer.Ordinal);
    private readonly List<StoreAccessedNode> _accessed = [];
    private readonly List<StoreNodeCount> _counts = [];
    private int _charge;

    public uint Id { get; } = id;

    /// <summary>Whether it created a node, so that the quota of nodes is checked at its end.</summary>
    public bool HasCreated { get; set; }

    /// <summary>Whether it cannot commit any more: a quota was exceeded in its middle.</summary>
    public bool HasFailed { get; set; }

    /// <summary>The nodes in the order of their first access.</summary>
    public IReadOnlyList<StoreAccessedNode> Accessed => _accessed;

    /// <summary>How many nodes more or fewer each domain would own.</summary>
    public IReadOnlyList<StoreNodeCount> Counts => _counts;

    public StoreAccessedNode? Find(string path) => _byPath.GetValueOrDefault(path);

    /// <summary>Enters a node that the transaction has not touched before.</summary>
    public void Enter(string path, StoreNode? node)
    {
        var accessed = new StoreAccessedNode(path, node);
        _byPath.Add(path, accessed);
        _accessed.Add(accessed);
        // xenstored charges copies of nodes only; here a node that was looked for in vain costs its name, so that memory is bounded.
        Charge(node?.Charge ?? path.Length);
    }

    public void Replace(StoreAccessedNode accessed, StoreNode? node)
    {
        Charge((node?.Charge ?? 0) - (accessed.Node?.Charge ?? 0));
        accessed.Node = node;
        accessed.IsModified = true;
    }

    public void Count(uint owner, int change)
    {
        var index = _counts.FindIndex(count => count.Owner == owner);
        if (index < 0)
            _counts.Add(new StoreNodeCount(owner, change));
        else
            _counts[index] = new StoreNodeCount(owner, _counts[index].Change + change);
    }

    /// <summary>Transfers what it has done. The domain, which has forgotten what it was charged for, is charged again.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        HasCreated = stream.Transferred(HasCreated);
        HasFailed = stream.Transferred(HasFailed);
        stream.Transfer(_counts, int.MaxValue, count => new StoreNodeCount(stream.Transferred(count.Owner), stream.Transferred(count.Change)));
        List<StoreAccessedNode> accessed = [.. _accessed];
        stream.Transfer(accessed, int.MaxValue, node => StoreAccessedNode.Transfer(stream, node));
        if (!stream.IsRestoring)
            return;
        foreach (var node in accessed)
        {
            stream.Require(_byPath.TryAdd(node.Path, node), "a transaction knows a node twice");
            _accessed.Add(node);
            // What Enter and Replace have charged for it.
            Charge((node.Generation == StoreNode.NoGeneration ? node.Path.Length : 0) + (node.Node?.Charge ?? 0));
        }
    }

    /// <summary>Gives back the memory: the transaction is over.</summary>
    public void Close() => domain.Charge(-_charge);

    private void Charge(int bytes)
    {
        _charge += bytes;
        domain.Charge(bytes);
    }
}

/// <summary>How many nodes more or fewer a domain would own.</summary>
internal readonly record struct StoreNodeCount(uint Owner, int Change);

/// <summary>A node in a transaction.</summary>
internal sealed class StoreAccessedNode(string path, StoreNode? node)
{
    public string Path { get; } = path;

    /// <summary>The node as the transaction sees it, or null if it is not there.</summary>
    public StoreNode? Node { get; set; } = node;

    /// <summary>Its generation when the transaction first met it.</summary>
    public ulong Generation { get; private init; } = node?.Generation ?? StoreNode.NoGeneration;

    /// <summary>Its permissions then: who could read it is told of its end.</summary>
    public StorePermissions? FormerPermissions { get; private init; } = node?.Permissions;

    public bool IsModified { get; set; }

    public bool FiresWatches { get; set; }

    public bool FiresExactly { get; set; }

    /// <summary>Transfers a node with what has become of it.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="accessed">It; null where state is restored.</param>
    /// <returns>It.</returns>
    public static StoreAccessedNode Transfer(StateStream stream, StoreAccessedNode? accessed)
    {
        var path = accessed?.Path ?? "";
        stream.Transfer(ref path, StorePath.LongestText);
        stream.Require(StorePath.IsValid(path), "a node has a path that cannot be");
        var node = stream.Transferred(accessed?.Node is not null) ? StoreNode.Transfer(stream, accessed?.Node) : null;
        stream.Require(node is null || node.Path == path, "a node in a transaction is another one");
        return new StoreAccessedNode(path, node)
        {
            Generation = stream.Transferred(accessed?.Generation ?? 0),
            FormerPermissions = stream.Transferred(accessed?.FormerPermissions is not null)
                ? StorePermissions.Transfer(stream, accessed?.FormerPermissions)
                : null,
            IsModified = stream.Transferred(accessed?.IsModified ?? false),
            FiresWatches = stream.Transferred(accessed?.FiresWatches ?? false),
            FiresExactly = stream.Transferred(accessed?.FiresExactly ?? false),
        };
    }
}
