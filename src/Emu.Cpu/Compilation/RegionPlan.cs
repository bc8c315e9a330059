using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Compilation;

/// <summary>Which blocks are to become a region: chosen, and their bytes copied, on the thread that runs the guest.</summary>
/// <remarks>
/// Direct branches are followed from the block that is hot to those that are about as hot. If some way leads back, the region is the loop:
/// all blocks on ways from the first block to itself. If none does, it is what follows the first block.
/// </remarks>
internal sealed unsafe class RegionPlan
{
    private readonly List<PlannedBlock> _blocks = [];

    private RegionPlan()
    {
    }

    /// <summary>A block of the region to be.</summary>
    public sealed class PlannedBlock
    {
        /// <summary>The interpreter's block.</summary>
        public required nint Block { get; init; }

        /// <summary>From the first block's address to this one's.</summary>
        public required long Delta { get; init; }

        /// <summary>Instructions.</summary>
        public required int Count { get; init; }

        /// <summary>Its bytes.</summary>
        public byte[] Code { get; set; } = [];

        /// <summary>Where they lie in guest-physical memory.</summary>
        public ulong PhysicalAddress { get; set; }

        /// <summary>Mode of the code.</summary>
        public CodeMode Mode { get; set; }

        /// <summary>The region may be entered here.</summary>
        public bool IsEntry { get; set; }

        /// <summary>Follows a call of the region.</summary>
        public bool IsReturnSite { get; set; }

        /// <summary>A computed branch of the region leads here.</summary>
        public bool IsComputed { get; set; }

        /// <summary>Ends with a near return.</summary>
        public bool Returns { get; set; }

        /// <summary>The blocks that lead here.</summary>
        public List<PlannedBlock> Predecessors { get; } = [];
    }

    /// <summary>The blocks, the first being the one that asked.</summary>
    public IReadOnlyList<PlannedBlock> Blocks => _blocks;

    /// <summary>How hot its first block was when it was made: more is hotter.</summary>
    public int Urgency { get; private init; }

    /// <summary>True where the region contains a way back to its first block.</summary>
    public bool IsLoop { get; private init; }

    /// <summary>Instructions in all blocks.</summary>
    public int Count { get; private set; }

    /// <summary>Set when one of the blocks is forgotten: what comes of the plan may not be used.</summary>
    public bool IsCancelled { get; set; }

    /// <summary>True where blocks of a mode can be compiled.</summary>
    public static bool Allows(CodeMode mode) =>
        (mode & CodeMode.Code64) != 0 || (mode & (CodeMode.Code32 | CodeMode.Flat | CodeMode.Stack32)) == (CodeMode.Code32 | CodeMode.Flat | CodeMode.Stack32);

    /// <summary>Plans a region around a block that has become hot.</summary>
    /// <param name="cache">All blocks.</param>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="s">State of the vCPU that is about to execute the block.</param>
    /// <param name="seed">The block.</param>
    /// <param name="limits">How large a region may be, and how hot its blocks must be.</param>
    public static RegionPlan Make(BlockCache cache, PhysicalMemory memory, CpuState* s, Block* seed, TieringLimits limits)
    {
        var explored = new Exploration(cache, s, seed, limits).Explore();
        var loop = LoopOf(explored);
        var plan = new RegionPlan { Urgency = seed->Requests, IsLoop = loop.Count > 0 };
        var room = loop.Count > 0 ? limits.RegionInstructions : limits.TraceInstructions;
        foreach (var block in explored)
        {
            if (block != explored[0] && (block.Count > room || (loop.Count > 0 && !loop.Contains(block))))
                continue;
            room -= block.Count;
            plan.Add(memory, block);
        }
        return plan;
    }

    private void Add(PhysicalMemory memory, PlannedBlock planned)
    {
        var block = (Block*)planned.Block;
        planned.Code = new Span<byte>(memory.HostAtHome(block->PhysicalAddress), (int)block->ByteLength).ToArray();
        planned.PhysicalAddress = block->PhysicalAddress;
        planned.Mode = block->Mode;
        planned.IsEntry = _blocks.Count == 0 || planned.IsReturnSite || planned.IsComputed;
        _blocks.Add(planned);
        Count += planned.Count;
    }

    // The blocks from which the first can be reached; none where it cannot be.
    private static HashSet<PlannedBlock> LoopOf(List<PlannedBlock> explored)
    {
        var loop = new HashSet<PlannedBlock>();
        var pending = new Stack<PlannedBlock>();
        pending.Push(explored[0]);
        while (pending.TryPop(out var block))
        {
            foreach (var predecessor in block.Predecessors)
            {
                if (loop.Add(predecessor))
                    pending.Push(predecessor);
            }
        }
        return loop;
    }

    // Follows branches, nearest blocks first.
    private sealed class Exploration(BlockCache cache, CpuState* s, Block* seed, TieringLimits limits)
    {
        private readonly Dictionary<long, PlannedBlock> _known = [];
        private readonly List<PlannedBlock> _found = [];
        private readonly CpuState* _s = s;
        private readonly Block* _seed = seed;

        public List<PlannedBlock> Explore()
        {
            var first = new PlannedBlock { Block = (nint)_seed, Delta = 0, Count = (int)_seed->Count };
            _known.Add(0, first);
            _found.Add(first);
            var instructions = first.Count;
            for (var i = 0; i < _found.Count && instructions < limits.RegionInstructions; i++)
            {
                var before = _found.Count;
                Follow(_found[i]);
                for (var added = before; added < _found.Count; added++)
                    instructions += _found[added].Count;
            }
            // A return leads to where the region's calls are followed.
            foreach (var site in _found.Where(block => block.IsReturnSite))
                site.Predecessors.AddRange(_found.Where(block => block.Returns));
            return _found;
        }

        private void Follow(PlannedBlock planned)
        {
            var block = (Block*)planned.Block;
            var last = Block.Ops(block);
            var end = last;
            for (; end->Remaining != 0; end++)
            {
                if (end->Remaining > 1)
                    last = end + 1;
            }
            switch (((Code)last->Code).FlowControl())
            {
                case FlowControl.UnconditionalBranch:
                    Consider(planned, last);
                    break;
                case FlowControl.ConditionalBranch:
                    Consider(planned, last);
                    Consider(planned, end);
                    break;
                case FlowControl.Call when ((Code)last->Code).IsCallNear():
                    Consider(planned, last);
                    Consider(planned, end, isReturnSite: true);
                    break;
                case FlowControl.IndirectBranch when ((Code)last->Code).IsJmpNearIndirect():
                    ConsiderComputed(planned, last);
                    break;
                case FlowControl.IndirectCall when ((Code)last->Code).IsCallNearIndirect():
                    ConsiderComputed(planned, last);
                    Consider(planned, end, isReturnSite: true);
                    break;
                case FlowControl.Return:
                    planned.Returns = true;
                    break;
                case FlowControl.Next:
                    Consider(planned, end);
                    break;
            }
        }

        private void Consider(PlannedBlock from, Op* branch, bool isReturnSite = false)
        {
            var delta = from.Delta + branch->Displacement;
            var target = cache.FindTarget(_s, (Block*)from.Block, branch->Displacement, _s->Rip + (ulong)delta);
            Consider(from, delta, target, isReturnSite, false);
        }

        // A computed branch leads where it has led, as far as the jump cache remembers.
        private void ConsiderComputed(PlannedBlock from, Op* branch)
        {
            for (var entry = _s->JumpCache; entry < _s->JumpCache + JumpCacheEntry.Count; entry++)
            {
                if (entry->From == branch && entry->Tag == _s->CodeTag)
                    Consider(from, (long)(entry->Rip - _s->Rip), entry->Block, false, true);
            }
        }

        private void Consider(PlannedBlock from, long delta, Block* target, bool isReturnSite, bool isComputed)
        {
            if (!_known.TryGetValue(delta, out var planned))
            {
                if (target == null || target->Mode != _seed->Mode || !target->IsLinkable || target->Count == Block.Forgotten
                    || cache.MayBeAtBreakpoint(target)
                    || target->Executions(limits.Executions) < _seed->Executions(limits.Executions) / limits.Coldness)
                {
                    return;
                }
                planned = new PlannedBlock { Block = (nint)target, Delta = delta, Count = (int)target->Count };
                _known.Add(delta, planned);
                _found.Add(planned);
            }
            planned.IsReturnSite |= isReturnSite;
            planned.IsComputed |= isComputed;
            // What follows a call is reached by the return.
            if (!isReturnSite)
                planned.Predecessors.Add(from);
        }
    }
}
