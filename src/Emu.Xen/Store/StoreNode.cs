using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>
/// A node as it was at one time. Changes make new ones, so a transaction keeps what it has read by keeping the reference.
/// </summary>
internal sealed record StoreNode(string Path, ImmutableArray<byte> Value, ImmutableArray<string> Children, StorePermissions Permissions)
{
    /// <summary>The generation of a node that does not exist.</summary>
    public const ulong NoGeneration = ulong.MaxValue;

    // struct xs_tdb_record_hdr and struct xs_permissions, in bytes.
    private const int RecordSize = 24;
    private const int PermissionSize = 8;

    // Those of a domain without privilege are bounded by its quotas.
    private const int MostChildren = 1 << 20;

    /// <summary>The store's count of changes when this was written.</summary>
    public ulong Generation { get; init; }

    /// <summary>The size of xenstored's record of the node in bytes, which a quota limits.</summary>
    public int Size
    {
        get
        {
            var size = RecordSize + (PermissionSize * Permissions.Entries.Count) + Value.Length;
            foreach (var child in Children)
                size += child.Length + 1;
            return size;
        }
    }

    /// <summary>What the node costs its owner of its memory, in bytes.</summary>
    public int Charge => Size + Path.Length;

    /// <summary>Transfers a node.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="node">It; null where state is restored.</param>
    /// <returns>It.</returns>
    public static StoreNode Transfer(StateStream stream, StoreNode? node)
    {
        var path = node?.Path ?? "";
        var value = node is null ? [] : ImmutableCollectionsMarshal.AsArray(node.Value) ?? [];
        List<string> children = node is null ? [] : [.. node.Children];
        stream.Transfer(ref path, StorePath.LongestText);
        stream.Transfer(ref value, StoreMessageHeader.MaximumPayload);
        stream.Transfer(children, MostChildren, child =>
        {
            var name = child ?? "";
            stream.Transfer(ref name, StorePath.LongestText);
            return name;
        });
        var permissions = StorePermissions.Transfer(stream, node?.Permissions);
        var generation = stream.Transferred(node?.Generation ?? 0);
        stream.Require(StorePath.IsValid(path), "a node has a path that cannot be");
        return stream.IsRestoring
            ? new StoreNode(path, ImmutableCollectionsMarshal.AsImmutableArray(value), [.. children], permissions) { Generation = generation }
            : node!;
    }

    /// <summary>The names of the children in the order of their creation, each with a NUL behind it.</summary>
    public byte[] ChildList() => StoreText.Encode(Children.AsSpan());
}
