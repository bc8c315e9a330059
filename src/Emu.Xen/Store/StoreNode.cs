using System.Collections.Immutable;

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

    /// <summary>The names of the children in the order of their creation, each with a NUL behind it.</summary>
    public byte[] ChildList() => StoreText.Encode(Children.AsSpan());
}
