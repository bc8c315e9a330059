using Emu.Cpu.Execution;

namespace Emu.Cpu.Compilation;

/// <summary>The compiled regions that are in place, and the plans that may become some: found by each of their blocks.</summary>
/// <remarks>
/// A region is in place when the first handler of its entries' blocks is its code. It is given up when one of its blocks is forgotten, or
/// when there are too many: then the oldest go, and what of them is still hot is counted and compiled again. Its code lives on until
/// <see cref="Trim"/>, for it may be running.
/// Not thread safe: <see cref="TieredCompiler"/> holds its lock around every call.
/// </remarks>
internal sealed unsafe class RegionCache
{
    private readonly int _capacity;
    private readonly Action<nint> _countAnew;
    private readonly Dictionary<nint, List<RegionPlan>> _plansOf = [];
    private readonly Dictionary<RegionPlan, LinkedListNode<CompiledRegion>> _regions = [];
    private readonly LinkedList<CompiledRegion> _oldestFirst = [];
    private readonly HashSet<nint> _entries = [];
    private readonly List<CompiledRegion> _retired = [];

    /// <summary>Makes an empty cache.</summary>
    /// <param name="capacity">Most guest instructions in all regions together.</param>
    /// <param name="countAnew">Begins to count the executions of a block again.</param>
    public RegionCache(int capacity, Action<nint> countAnew)
    {
        _capacity = capacity;
        _countAnew = countAnew;
    }

    /// <summary>Guest instructions in the regions that are in place.</summary>
    public int Instructions { get; private set; }

    /// <summary>True where a region begins at a block.</summary>
    public bool IsEntry(nint block) => _entries.Contains(block);

    /// <summary>True where <see cref="Trim"/> has something to do.</summary>
    public bool NeedsTrimming => _retired.Count > 0 || Instructions > _capacity;

    /// <summary>Takes note of a plan, which from now on is cancelled when one of its blocks is forgotten.</summary>
    public void Add(RegionPlan plan)
    {
        foreach (var planned in plan.Blocks)
        {
            ((Block*)planned.Block)->IsInRegion = true;
            if (!_plansOf.TryGetValue(planned.Block, out var plans))
                _plansOf.Add(planned.Block, plans = []);
            plans.Add(plan);
        }
    }

    /// <summary>Puts a region in place, unless its plan has been cancelled or another region begins at its first block by now.</summary>
    /// <returns>Whether it is in place; else it is given up.</returns>
    public bool Install(CompiledRegion region)
    {
        var plan = region.Plan;
        if (plan.IsCancelled || _entries.Contains(plan.Blocks[0].Block))
        {
            GiveUp(plan);
            region.Dispose();
            return false;
        }
        _regions.Add(plan, _oldestFirst.AddLast(region));
        Instructions += plan.Count;
        var number = (ushort)0;
        foreach (var planned in plan.Blocks)
        {
            if (!planned.IsEntry)
                continue;
            var block = (Block*)planned.Block;
            var entry = number++;
            // A block keeps the region that it has: the guest's thread may just be reading which of its entries this is.
            if (!_entries.Add(planned.Block))
                continue;
            block->Entry = entry;
            Volatile.Write(ref *(nint*)&Block.Ops(block)->Handler, region.Code);
        }
        return true;
    }

    /// <summary>Gives up what contains a block that has been forgotten.</summary>
    public void Forget(nint block)
    {
        if (!_plansOf.TryGetValue(block, out var plans))
            return;
        foreach (var plan in plans.ToArray())
            GiveUp(plan);
    }

    /// <summary>Gives everything up.</summary>
    public void ForgetAll()
    {
        foreach (var plans in _plansOf.Values.ToArray())
        {
            foreach (var plan in plans.ToArray())
                GiveUp(plan);
        }
    }

    /// <summary>Gives up a plan and the region that it has become, if it has.</summary>
    public void GiveUp(RegionPlan plan)
    {
        if (plan.IsCancelled)
            return;
        plan.IsCancelled = true;
        var region = _regions.Remove(plan, out var node) ? node.Value : null;
        foreach (var planned in plan.Blocks)
        {
            if (_plansOf.TryGetValue(planned.Block, out var plans) && plans.Remove(plan) && plans.Count == 0)
                _plansOf.Remove(planned.Block);
            if (region == null || *(nint*)&Block.Ops((Block*)planned.Block)->Handler != region.Code)
                continue;
            _entries.Remove(planned.Block);
            _countAnew(planned.Block);
        }
        if (region == null)
            return;
        _oldestFirst.Remove(node!);
        Instructions -= plan.Count;
        _retired.Add(region);
    }

    /// <summary>Gives up the oldest regions where there are too many, and frees what was given up.</summary>
    /// <remarks>To be called on the guest's thread where no compiled code is running: none may lose the number of its entry meanwhile.</remarks>
    public void Trim()
    {
        while (Instructions > _capacity && _oldestFirst.First is { } oldest)
            GiveUp(oldest.Value.Plan);
        foreach (var region in _retired)
            region.Dispose();
        _retired.Clear();
    }
}
