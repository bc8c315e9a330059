using Emu.Cpu.Snapshots;

namespace Emu.Xen.Grants;

/// <summary>The mappings that a domain has made, by the handles that it got for them (Xen's "maptrack").</summary>
internal sealed class GrantHandles
{
    private const int FrameEntries = 4096 / 16;

    // libxl's default for max_maptrack_frames.
    public const int Maximum = 1024 * FrameEntries;

    private readonly List<Mapping> _mappings = [];
    private readonly Queue<uint> _free = [];

    /// <summary>Takes a handle: of those that exist the one that has been free for longest, but never the last.</summary>
    /// <returns>False where none is left.</returns>
    public bool TryAllocate(out uint handle)
    {
        if (_free.Count > 1)
        {
            handle = _free.Dequeue();
            return true;
        }

        handle = (uint)_mappings.Count;
        if (handle == Maximum)
            return false;
        var isOneLeft = _free.TryDequeue(out var last);
        for (var i = 0; i < FrameEntries; i++)
        {
            _mappings.Add(default);
            if (i != 0)
                _free.Enqueue(handle + (uint)i);
        }

        if (isOneLeft)
            _free.Enqueue(last);
        return true;
    }

    public void Set(uint handle, in Mapping mapping) => _mappings[(int)handle] = mapping;

    public void Free(uint handle)
    {
        _mappings[(int)handle] = default;
        _free.Enqueue(handle);
    }

    /// <summary>Finds a mapping by whatever the guest says is its handle.</summary>
    public Mapping? Find(uint handle) =>
        handle < (uint)_mappings.Count && _mappings[(int)handle] is { Flags: not GrantMapFlags.None } mapping ? mapping : null;

    /// <summary>Transfers all handles, the free ones in their order.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="restored">Called with each mapping that is restored.</param>
    public void Transfer(StateStream stream, Action<Mapping> restored)
    {
        stream.Section("grant handles");
        var count = stream.Count(_mappings.Count, Maximum);
        stream.Require(count % FrameEntries == 0, "handles come in frames");
        List<uint> free = [.. _free];
        stream.Transfer(free, count, handle => stream.Transferred(handle));
        List<(uint Handle, Mapping Mapping)> used = [];
        for (var handle = 0; handle < _mappings.Count; handle++)
        {
            if (_mappings[handle].Flags != GrantMapFlags.None)
                used.Add(((uint)handle, _mappings[handle]));
        }

        stream.Transfer(used, count, entry => (
            stream.Transferred(entry.Handle),
            new Mapping(stream.Transferred(entry.Mapping.Reference), stream.Transferred(entry.Mapping.Flags), stream.Transferred(entry.Mapping.Frame))));
        if (!stream.IsRestoring)
            return;
        _mappings.Clear();
        _mappings.AddRange(new Mapping[count]);
        _free.Clear();
        foreach (var (handle, mapping) in used)
        {
            stream.Require(handle < (uint)count && _mappings[(int)handle].Flags == GrantMapFlags.None, "a handle does not exist");
            stream.Require((mapping.Flags & ~GrantMapFlags.ReadOnly) == GrantMapFlags.HostMap, "a mapping is of no kind that there is");
            _mappings[(int)handle] = mapping;
            restored(mapping);
        }

        HashSet<uint> seen = [];
        foreach (var handle in free)
        {
            stream.Require(handle < (uint)count && _mappings[(int)handle].Flags == GrantMapFlags.None && seen.Add(handle), "a free handle is in use");
            _free.Enqueue(handle);
        }
    }

    /// <summary>A mapping, of the domain's own grant.</summary>
    public readonly record struct Mapping(uint Reference, GrantMapFlags Flags, int Frame);
}
