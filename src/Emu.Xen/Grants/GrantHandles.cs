namespace Emu.Xen.Grants;

/// <summary>The mappings that a domain has made, by the handles that it got for them (Xen's "maptrack").</summary>
internal sealed class GrantHandles
{
    private const int FrameEntries = 4096 / 16;

    // libxl's default for max_maptrack_frames.
    private const int Maximum = 1024 * FrameEntries;

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

    /// <summary>A mapping, of the domain's own grant.</summary>
    public readonly record struct Mapping(uint Reference, GrantMapFlags Flags, int Frame);
}
