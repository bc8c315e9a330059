using Emu.Host.Verbs;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Binary;

/// <summary>Which elements of a trace are shown.</summary>
internal sealed class ElementFilter
{
    private readonly TraceFilter? _filter;
    private readonly bool _eventsOnly;
    private readonly int? _vcpu;

    // By the block's number: whether any of its instructions is shown. Most blocks are none that somebody looks for.
    private readonly List<bool?> _mayTake = [];

    // An event has the privilege level of what it interrupts.
    private readonly int[] _rings;

    /// <summary>Prepares for a trace.</summary>
    /// <param name="options">What is shown.</param>
    /// <param name="trace">The trace.</param>
    /// <exception cref="UsageException">It has no such function, or an address or range is none.</exception>
    public ElementFilter(TraceShowOptions options, TraceFile trace)
    {
        _eventsOnly = options.EventsOnly;
        _vcpu = options.Vcpu;
        _rings = new int[trace.Reader.Header.Vcpus];
        TracePlace[] places = [.. options.Only];
        if (places.Length != 0 || options.Ring is not null)
        {
            _filter = new TraceFilter
            {
                Ranges = [.. places.Select(place => place.Resolve(trace.Symbols))],
                Rings = options.Ring is { } ring ? new HashSet<int> { ring } : null,
            };
        }
    }

    /// <summary>Whether everything is shown.</summary>
    public bool TakesAll => _filter is null && !_eventsOnly && _vcpu is null;

    /// <summary>Whether something of a step may be shown. To be asked of each step.</summary>
    /// <param name="cursor">Stands at it.</param>
    public bool MayTake(TraceCursor cursor)
    {
        if (cursor.Block is { } block)
        {
            _rings[cursor.Vcpu] = block.Cpl;
            if (_eventsOnly)
                return false;
        }

        if (_vcpu is { } vcpu && vcpu != cursor.Vcpu)
            return false;
        if (_filter is null || cursor.Block is null)
            return true;
        return MayTake(cursor.Block, _filter);
    }

    /// <summary>Whether an element of a step that <see cref="MayTake(TraceCursor)"/> is shown.</summary>
    /// <param name="cursor">Stands at the step.</param>
    /// <param name="index">The element's number in it.</param>
    public bool Takes(TraceCursor cursor, int index) => _filter is null || (cursor.Block is { } block
        ? _filter.Includes(block.Cpl, block.AddressOf(cursor.First + index))
        : _filter.Includes(_rings[cursor.Vcpu], cursor.Event.Rip));

    private bool MayTake(TraceBlock block, TraceFilter filter)
    {
        while (_mayTake.Count <= block.Number)
            _mayTake.Add(null);
        return _mayTake[block.Number] ??= Enumerable.Range(0, block.Count).Any(i => filter.Includes(block.Cpl, block.AddressOf(i)));
    }
}
