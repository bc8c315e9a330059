using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;

namespace Emu.Xen.Grants;

/// <content>What a snapshot holds of it. What Xen remembers of entries in use follows from the mappings: the guest's own, and the back ends'.</content>
public sealed partial class GrantTable : IStateful
{
    private const int MaximumStatusFrames = MaximumFrames / FramesForStatusFrame;

    /// <summary>Transfers the table and the guest's own mappings; those of back ends come later, with their own state.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("grant table");
        Version = stream.Transferred(Version);
        stream.Require(Version is 1 or 2, $"there is no version {Version}");
        stream.Transfer(_frames, MaximumFrames, page => _domain.Memory.Transfer(stream, page));
        stream.Transfer(_statusFrames, MaximumStatusFrames, page => _domain.Memory.Transfer(stream, page));
        if (stream.IsRestoring)
        {
            StatusFrameCount = Version == 1 ? 0 : StatusFramesOf(_frames.Count);
            stream.Require(_frames.Count != 0 && StatusFrameCount <= _statusFrames.Count, "it lacks frames");
            stream.Require(
                _domain.Memory.PagesLeft >= MaximumFrames - _frames.Count + MaximumStatusFrames - _statusFrames.Count,
                "the hypervisor has no pages left for it");
            _active = new ActiveGrant[_frames.Count * (PhysicalMemory.PageSize / EntryLength1)];
        }

        Handles.Transfer(stream, mapping => Use(
            stream, mapping.Reference, _domain.Id, (mapping.Flags & GrantMapFlags.ReadOnly) == 0, mapping.Frame));
    }

    /// <summary>Transfers mappings of a back end.</summary>
    /// <param name="stream">The state; that of the table came before.</param>
    /// <param name="mappings">They.</param>
    /// <param name="most">How many there can be.</param>
    internal void Transfer(StateStream stream, List<GrantMapping> mappings, int most) =>
        stream.Transfer(mappings, most, mapping =>
        {
            var reference = stream.Transferred(mapping?.Reference ?? 0);
            var isWritable = stream.Transferred(mapping?.IsWritable ?? false);
            var frame = stream.Transferred(mapping?.Page.Frame ?? 0);
            if (!stream.IsRestoring)
                return mapping!;
            Use(stream, reference, Domain.ControlDomain, isWritable, frame);
            return new GrantMapping(reference, new MappedBytes(_domain.Host.Memory, frame), isWritable);
        });

    private static int StatusFramesOf(int frames) => (frames + FramesForStatusFrame - 1) / FramesForStatusFrame;

    // A use as it was when it began, whatever stands in the entry now.
    private void Use(StateStream stream, uint reference, ushort user, bool isWrite, int frame)
    {
        stream.Require(reference < EntryCount && (uint)frame < (uint)_domain.Memory.FrameCount, "a grant in use does not exist");
        ref var active = ref _active[reference];
        if (!active.IsPinned)
            active = new ActiveGrant { User = user, Frame = frame, Length = PhysicalMemory.PageSize };
        stream.Require(active.User == user && active.Frame == frame && !active.IsFull(isWrite), "a grant is used in two ways");
        Pin(ref active, isWrite);
    }
}
