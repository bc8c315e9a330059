using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>Counts executions of blocks, and has the hot ones compiled.</summary>
/// <remarks>
/// The guest's thread plans a region and goes on interpreting; a thread of its own compiles it and puts it in place by one store of
/// a pointer: that of the first handler of the block where the region begins. When that happens is not determined, and need not be: the
/// region does what the interpreter does.
/// A region is given up when one of its blocks is forgotten. That never happens while it runs: a store into translated code leaves the
/// region first.
/// </remarks>
public sealed unsafe class TieredCompiler : IDisposable
{
    // A block around which nothing is worth compiling is looked at so often, each time after twice as many executions.
    private const int MostRefusals = 4;

    // log2 of how much hotter than the threshold a block may be known to be.
    private const int MostRequests = 16;

    private readonly object _gate = new();
    private readonly BlockCache _blocks;
    private readonly PhysicalMemory _memory;
    private readonly CpuModel _model;
    private readonly TieringLimits _limits;
    private readonly Dictionary<nint, RegionPlan> _waiting = [];
    private readonly RegionCache _regions;
    private RegionCompiler? _compiler;
    private Thread? _thread;
    private bool _isDisposed;
    private volatile bool _needsTrimming;

    /// <summary>Makes a compiler for the blocks of a cache, which then has new blocks counted.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="model">The processor.</param>
    /// <param name="limits">When to compile, and how much.</param>
    public TieredCompiler(BlockCache blocks, PhysicalMemory memory, CpuModel model, TieringLimits limits)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentNullException.ThrowIfNull(limits);
        _blocks = blocks;
        _memory = memory;
        _model = model;
        _limits = limits;
        _regions = new RegionCache(limits.TotalInstructions, block => CountAnew((Block*)block));
        blocks.Compiler = this;
    }

    /// <summary>Regions compiled so far.</summary>
    public int RegionCount { get; private set; }

    /// <summary>Guest instructions in the regions compiled so far.</summary>
    public long InstructionCount { get; private set; }

    /// <summary>Guest instructions in the regions that are in place.</summary>
    public int LiveInstructions
    {
        get
        {
            lock (_gate)
                return _regions.Instructions;
        }
    }

    /// <summary>Host time spent on compiling.</summary>
    public TimeSpan CompileTime { get; private set; }

    /// <summary>Regions that could not be compiled, which is a defect: their blocks are interpreted.</summary>
    public int Failures { get; private set; }

    /// <summary>What the last failure was.</summary>
    public Exception? LastFailure { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }
        _thread?.Join();
        ForgetAll();
        TrimRegions();
    }

    /// <summary>Begins to count the executions of a new block.</summary>
    internal void Watch(Block* block)
    {
        if (RegionPlan.Allows(block->Mode) && block->IsLinkable)
            CountAnew(block);
    }

    /// <summary>A block that is part of a plan or region has been forgotten.</summary>
    internal void Forget(Block* block)
    {
        lock (_gate)
        {
            _regions.Forget((nint)block);
            _needsTrimming = _regions.NeedsTrimming;
        }
    }

    /// <summary>All blocks have been forgotten.</summary>
    internal void ForgetAll()
    {
        lock (_gate)
        {
            _waiting.Clear();
            _regions.ForgetAll();
            _needsTrimming = _regions.NeedsTrimming;
        }
    }

    /// <summary>Keeps the regions to their limit, and frees the code of those that were given up. To be called where no compiled code is running.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Trim()
    {
        if (_needsTrimming)
            TrimRegions();
    }

    private void TrimRegions()
    {
        lock (_gate)
        {
            _regions.Trim();
            _needsTrimming = false;
        }
    }

    /// <summary>A block has been executed often enough to be compiled, or twice as often as when it asked last.</summary>
    /// <param name="s">State of the vCPU that is about to execute it.</param>
    /// <param name="block">The block.</param>
    internal void Request(CpuState* s, Block* block)
    {
        block->Heat = _limits.Executions << block->Requests;
        if (block->Requests < MostRequests)
            block->Requests++;
        var plan = RegionPlan.Make(_blocks, _memory, s, block, _limits);
        if (!plan.IsLoop && plan.Count < _limits.LeastTraceInstructions)
        {
            // Its neighbours may yet become hot; if they do not, it is not counted for ever.
            if (block->Requests >= MostRefusals)
                Block.Ops(block)->Handler = block->Interpreter;
            return;
        }
        lock (_gate)
        {
            if (_regions.IsEntry((nint)block))
                return;
            // A later plan knows more of what is hot around the block.
            if (_waiting.Remove((nint)block, out var earlier))
                _regions.GiveUp(earlier);
            _regions.Add(plan);
            if (!_limits.IsSynchronous)
            {
                _waiting.Add((nint)block, plan);
                Monitor.Pulse(_gate);
                if (_thread == null)
                {
                    _thread = new Thread(CompileAll) { IsBackground = true, Name = "region compiler" };
                    _thread.Start();
                }
                return;
            }
        }
        Compile(plan);
    }

    private void CountAnew(Block* block)
    {
        block->Heat = _limits.Executions;
        block->Requests = 0;
        Block.Ops(block)->Handler = &Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Count(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        if (--block->Heat == 0)
            vcpu.RequestRegion(block);
        block->Interpreter(vcpu, s, op);
    }

    private void CompileAll()
    {
        while (true)
        {
            RegionPlan? plan;
            lock (_gate)
            {
                while ((plan = TakeMostUrgent()) == null)
                {
                    if (_isDisposed)
                        return;
                    Monitor.Wait(_gate);
                }
            }
            Compile(plan);
        }
    }

    // What was executed most; of several, what was asked for last.
    private RegionPlan? TakeMostUrgent()
    {
        RegionPlan? most = null;
        foreach (var (block, plan) in _waiting)
        {
            if (plan.IsCancelled)
                _waiting.Remove(block);
            else if (most == null || plan.Urgency >= most.Urgency)
                most = plan;
        }
        if (most != null)
            _waiting.Remove(most.Blocks[0].Block);
        return most;
    }

    private void Compile(RegionPlan plan)
    {
        var begin = Stopwatch.GetTimestamp();
        CompiledRegion region;
        try
        {
            _compiler ??= new RegionCompiler(_model, _blocks.NoBlock);
            region = _compiler.Compile(plan);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            lock (_gate)
            {
                Failures++;
                LastFailure = failure;
                _regions.GiveUp(plan);
            }
            return;
        }
        lock (_gate)
        {
            CompileTime += Stopwatch.GetElapsedTime(begin);
            if (_isDisposed)
                _regions.GiveUp(plan);
            if (!_regions.Install(region))
                return;
            RegionCount++;
            InstructionCount += plan.Count;
            _needsTrimming = _regions.NeedsTrimming;
            foreach (var planned in plan.Blocks)
            {
                // A block of the region that asked for one, too, asks again if it is still executed outside.
                if (_waiting.Remove(planned.Block, out var superfluous))
                    _regions.GiveUp(superfluous);
            }
        }
    }
}
