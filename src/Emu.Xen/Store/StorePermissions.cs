using System.Collections.Immutable;
using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>Who may do what with a node. Its owner and privileged domains may do everything.</summary>
public sealed class StorePermissions
{
    private const int MostEntries = 1024;

    private readonly ImmutableArray<StorePermission> _entries;

    /// <summary>Makes permissions.</summary>
    /// <param name="entries">The entries, at least one; the first names the owner and what all others may do.</param>
    /// <exception cref="ArgumentException">There is no entry.</exception>
    public StorePermissions(params IEnumerable<StorePermission> entries)
    {
        _entries = [.. entries];
        if (_entries.IsEmpty)
            throw new ArgumentException("A node has an owner.", nameof(entries));
    }

    /// <summary>The entries; the first names the owner.</summary>
    public IReadOnlyList<StorePermission> Entries => _entries;

    /// <summary>The domain that owns the node.</summary>
    public uint Owner => _entries[0].Domain;

    /// <summary>Makes permissions from their texts.</summary>
    /// <param name="texts">For instance <c>n0</c>, <c>r1</c>.</param>
    /// <returns>The permissions.</returns>
    /// <exception cref="ArgumentException">A text is no permission, or there is none.</exception>
    public static StorePermissions Parse(params ReadOnlySpan<string> texts)
    {
        var entries = new List<StorePermission>(texts.Length);
        foreach (var text in texts)
        {
            if (!StorePermission.TryParse(text, out var entry))
                throw new ArgumentException($"'{text}' is no permission: it is n, r, w or b and a domain's number.", nameof(texts));
            entries.Add(entry);
        }

        return new StorePermissions(entries);
    }

    /// <summary>The entries' texts, separated by blanks.</summary>
    /// <returns>For instance <c>n0 r1</c>.</returns>
    public override string ToString() => string.Join(' ', _entries);

    /// <summary>Transfers permissions, which never change.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="permissions">They; null where state is restored.</param>
    /// <returns>They.</returns>
    internal static StorePermissions Transfer(StateStream stream, StorePermissions? permissions)
    {
        List<StorePermission> entries = [.. permissions?.Entries ?? []];
        stream.Transfer(entries, MostEntries, entry =>
        {
            StorePermission transferred = new(stream.Transferred(entry.Domain), stream.Transferred(entry.Access), stream.Transferred(entry.IsIgnored));
            stream.Require((transferred.Access & ~StoreAccess.Both) == 0, "a permission grants what there is not");
            return transferred;
        });
        stream.Require(entries.Count != 0, "a node has no owner");
        return stream.IsRestoring ? new StorePermissions(entries) : permissions!;
    }

    /// <summary>What an unprivileged domain may do that does not own the node.</summary>
    internal StoreAccess AccessOf(uint domain)
    {
        foreach (var entry in _entries.AsSpan()[1..])
            if (entry.Domain == domain && !entry.IsIgnored)
                return entry.Access;
        return _entries[0].Access;
    }

    internal StorePermissions WithOwner(uint owner) => new(_entries.SetItem(0, _entries[0] with { Domain = owner }));

    /// <summary>The same with entries ignored for whose domain a condition holds; this one if there is none.</summary>
    /// <param name="isGone">The condition.</param>
    /// <param name="first">The first entry that is looked at: 0, or 1 to leave out the owner.</param>
    internal StorePermissions Ignoring(Func<uint, bool> isGone, int first)
    {
        var result = _entries;
        for (var i = first; i < result.Length; i++)
            if (!result[i].IsIgnored && isGone(result[i].Domain))
                result = result.SetItem(i, result[i] with { IsIgnored = true });
        return result == _entries ? this : new StorePermissions(result);
    }
}
