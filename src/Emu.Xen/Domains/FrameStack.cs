using Emu.Cpu.Snapshots;

namespace Emu.Xen.Domains;

/// <summary>Free frames: the last in is the first out, and a certain one can be taken out as fast.</summary>
internal sealed class FrameStack
{
    private readonly List<int> _frames = [];
    private readonly Dictionary<int, int> _places = [];

    public int Count => _frames.Count;

    /// <summary>All of them, the one that comes out next last.</summary>
    public IReadOnlyList<int> Frames => _frames;

    public void Add(int frame)
    {
        _places.Add(frame, _frames.Count);
        _frames.Add(frame);
    }

    public int Pop()
    {
        var frame = _frames[^1];
        _frames.RemoveAt(_frames.Count - 1);
        _places.Remove(frame);
        return frame;
    }

    /// <summary>Takes a frame out; the last one takes its place.</summary>
    public bool Remove(int frame)
    {
        if (!_places.Remove(frame, out var place))
            return false;
        var last = _frames[^1];
        _frames.RemoveAt(_frames.Count - 1);
        if (last != frame)
        {
            _frames[place] = last;
            _places[last] = place;
        }

        return true;
    }

    /// <summary>Transfers the frames in their order.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="limit">The first frame that there is not.</param>
    public void Transfer(StateStream stream, int limit)
    {
        stream.Transfer(_frames, limit, frame => stream.Transferred(frame));
        if (!stream.IsRestoring)
            return;
        _places.Clear();
        for (var i = 0; i < _frames.Count; i++)
            stream.Require((uint)_frames[i] < (uint)limit && _places.TryAdd(_frames[i], i), "a free page does not exist");
    }
}
