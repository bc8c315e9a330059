using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Compilation;

/// <summary>Which blocks are to become a region: chosen, and their bytes copied, on the thread that runs the guest.</summary>
internal sealed unsafe class RegionPlan
{
    private readonly List<PlannedBlock> _blocks = [];
    private readonly HashSet<long> _known = [];

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

        /// <summary>Its bytes.</summary>
        public required byte[] Code { get; init; }

        /// <summary>Where they lie in guest-physical memory.</summary>
        public required ulong PhysicalAddress { get; init; }

        /// <summary>Instructions.</summary>
        public required int Count { get; init; }

        /// <summary>Mode of the code.</summary>
        public required CodeMode Mode { get; init; }

        /// <summary>The region may be entered here.</summary>
        public bool IsEntry { get; set; }

        /// <summary>Follows a call of the region.</summary>
        public bool IsReturnSite { get; set; }
    }

    /// <summary>The blocks, the first being the one that asked.</summary>
    public IReadOnlyList<PlannedBlock> Blocks => _blocks;

    /// <summary>Set when one of the blocks is forgotten: what comes of the plan may not be used.</summary>
    public bool IsCancelled { get; set; }

    /// <summary>True where blocks of a mode can be compiled.</summary>
    public static bool Allows(CodeMode mode) =>
        (mode & CodeMode.Code64) != 0 || (mode & (CodeMode.Code32 | CodeMode.Flat | CodeMode.Stack32)) == (CodeMode.Code32 | CodeMode.Flat | CodeMode.Stack32);

    /// <summary>Plans a region around a block that has become hot: what is as hot and reached by direct branches, nearest first.</summary>
    /// <param name="cache">All blocks.</param>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="s">State of the vCPU that is about to execute the block.</param>
    /// <param name="seed">The block.</param>
    /// <param name="limits">How large a region may be, and how hot its blocks must be.</param>
    public static RegionPlan Make(BlockCache cache, PhysicalMemory memory, CpuState* s, Block* seed, TieringLimits limits)
    {
        var plan = new RegionPlan();
        var instructions = 0;
        var queue = new Queue<(nint Block, long Delta, bool IsReturnSite)>();
        queue.Enqueue(((nint)seed, 0, false));
        plan._known.Add(0);
        while (queue.TryDequeue(out var next))
        {
            var block = (Block*)next.Block;
            if (instructions + block->Count > limits.RegionInstructions && plan._blocks.Count > 0)
                continue;
            instructions += (int)block->Count;
            plan._blocks.Add(new PlannedBlock
            {
                Block = next.Block,
                Delta = next.Delta,
                Code = new Span<byte>(memory.HostAddress(block->PhysicalAddress), (int)block->ByteLength).ToArray(),
                PhysicalAddress = block->PhysicalAddress,
                Count = (int)block->Count,
                Mode = block->Mode,
                IsEntry = plan._blocks.Count == 0 || next.IsReturnSite,
                IsReturnSite = next.IsReturnSite,
            });
            plan.Follow(cache, s, block, next.Delta, limits, queue);
        }
        return plan;
    }

    private void Follow(BlockCache cache, CpuState* s, Block* block, long delta, TieringLimits limits, Queue<(nint, long, bool)> queue)
    {
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
                Consider(last, false);
                break;
            case FlowControl.ConditionalBranch:
                Consider(last, false);
                Consider(end, false);
                break;
            case FlowControl.Call when end != last && last->Displacement != 0:
                Consider(last, false);
                Consider(end, true);
                break;
            case FlowControl.Next:
                Consider(end, false);
                break;
        }

        void Consider(Op* branch, bool isReturnSite)
        {
            var target = delta + branch->Displacement;
            var found = cache.FindTarget(s, block, branch->Displacement, s->Rip + (ulong)target);
            if (found == null || found->Mode != block->Mode || !found->IsLinkable || found->Count == long.MaxValue
                || limits.Executions - found->Heat < limits.Executions / limits.Coldness || !_known.Add(target))
            {
                return;
            }
            queue.Enqueue(((nint)found, target, isReturnSite));
        }
    }
}

/// <summary>When blocks are compiled, and how much at once.</summary>
public sealed record TieringLimits
{
    /// <summary>Executions of a block after which it asks to be compiled.</summary>
    public int Executions { get; init; } = 1000;

    /// <summary>A neighbour belongs to the region when it has been executed at least one in so many times as often.</summary>
    public int Coldness { get; init; } = 4;

    /// <summary>Most instructions in a region: the time to compile one grows faster than its size.</summary>
    public int RegionInstructions { get; init; } = 120;

    /// <summary>Most instructions in all regions together; beyond, all are given up, and what is still hot is compiled again.</summary>
    public int TotalInstructions { get; init; } = 400_000;

    /// <summary>Compile at once, on the thread that asks, instead of in the background.</summary>
    public bool IsSynchronous { get; init; }
}
