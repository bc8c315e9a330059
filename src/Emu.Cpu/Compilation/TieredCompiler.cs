using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

/// <summary>Counts executions of blocks, has the hot ones compiled, and gives up what is no longer true.</summary>
/// <remarks>
/// The guest's thread plans a region and goes on interpreting; a thread of its own compiles it and puts it in place by one store of
/// a pointer: that of the first handler of the block where the region begins. When that happens is not determined, and need not be: the
/// region does what the interpreter does.
/// A region is given up when one of its blocks is forgotten. That never happens while it runs: a store into translated code leaves the
/// region first. Code that has been given up lives on until the run loop, where no region is running (<see cref="ReleaseRetired"/>).
/// </remarks>
public sealed unsafe class TieredCompiler : IDisposable
{
    private readonly object _gate = new();
    private readonly BlockCache _blocks;
    private readonly PhysicalMemory _memory;
    private readonly CpuModel _model;
    private readonly TieringLimits _limits;
    private readonly Dictionary<nint, RegionPlan> _waiting = [];
    private readonly Dictionary<nint, List<RegionPlan>> _plansOf = [];
    private readonly Dictionary<RegionPlan, CompiledRegion> _regions = [];
    private readonly List<CompiledRegion> _retired = [];
    private const int MostRefusals = 4;

    // log2 of how much hotter than the threshold a block may be known to be.
    private const int MostRequests = 16;

    private struct Ts { public long s, n; }
    [System.Runtime.InteropServices.DllImport("libc")] private static extern int clock_gettime(int id, out Ts ts);
    private RegionCompiler? _compiler;
    private Thread? _thread;
    private bool _isDisposed;
    private int _instructions;
    private volatile bool _hasRetired;

    /// <summary>Makes a compiler for the blocks of a cache, which then has new blocks counted.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="model">The processor.</param>
    /// <param name="limits">When to compile, and how much.</param>
    public TieredCompiler(BlockCache blocks, PhysicalMemory memory, CpuModel model, TieringLimits limits)
    {
        _blocks = blocks;
        _memory = memory;
        _model = model;
        _limits = limits;
        blocks.Compiler = this;
    }

    /// <summary>Regions compiled so far.</summary>
    public int RegionCount { get; private set; }

    /// <summary>Time spent on them.</summary>
    public TimeSpan CompileTime { get; private set; }

    /// <summary>Instructions in them.</summary>
    public long InstructionCount { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            clock_gettime(3, out var tm);
            if (Environment.GetEnvironmentVariable("EMU_TIER") != null)
                Console.Error.Write($"main {tm.s + tm.n / 1e9:f2} s; ");
            if (Environment.GetEnvironmentVariable("EMU_TIER") != null)
                Console.Error.WriteLine($"{RegionCount} regions {InstructionCount} instructions {CompileTime.TotalMilliseconds} ms, waiting {_waiting.Count}");
            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }
        _thread?.Join();
        ForgetAll();
        ReleaseRetired();
    }

    /// <summary>Begins to count the executions of a new block.</summary>
    internal void Watch(Block* block)
    {
        if (!RegionPlan.Allows(block->Mode) || !block->IsLinkable)
            return;
        block->Heat = _limits.Executions;
        block->Requests = 0;
        Block.Ops(block)->Handler = &Count;
    }

    /// <summary>A block that is part of a plan or region has been forgotten.</summary>
    internal void Forget(Block* block)
    {
        lock (_gate)
        {
            if (!_plansOf.Remove((nint)block, out var plans))
                return;
            foreach (var plan in plans.ToArray())
                GiveUp(plan);
        }
    }

    /// <summary>All blocks have been forgotten.</summary>
    internal void ForgetAll()
    {
        lock (_gate)
        {
            foreach (var plans in _plansOf.Values.ToArray())
            {
                foreach (var plan in plans.ToArray())
                    GiveUp(plan);
            }
            _plansOf.Clear();
            _waiting.Clear();
        }
    }

    /// <summary>Frees what was given up. To be called where no compiled code is running.</summary>
    internal void ReleaseRetired()
    {
        if (!_hasRetired)
            return;
        lock (_gate)
        {
            foreach (var region in _retired)
                region.Dispose();
            _retired.Clear();
            _hasRetired = false;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Count(Vcpu vcpu, CpuState* s, Op* op)
    {
        var block = (Block*)op - 1;
        if (--block->Heat == 0)
            vcpu.RequestRegion(block);
        block->Interpreter(vcpu, s, op);
    }

    /// <summary>A block has been executed often enough.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Request(CpuState* s, Block* block)
    {
        block->Heat = _limits.Executions << block->Requests;
        if (block->Requests < MostRequests)
            block->Requests++;
        var plan = RegionPlan.Make(_blocks, _memory, s, block, _limits);
        if (!plan.IsLoop && plan.Count < _limits.LeastTraceInstructions)
        {
            // Its neighbours may yet become hot; if they do not, it is not counted for ever.
            if (block->Requests == MostRefusals)
                Block.Ops(block)->Handler = block->Interpreter;
            return;
        }
        lock (_gate)
        {
            if (_entered.Contains((nint)block))
                return;
            // A later plan knows more of what is hot around the block.
            if (_waiting.Remove((nint)block, out var earlier))
                GiveUp(earlier);
            foreach (var planned in plan.Blocks)
            {
                ((Block*)planned.Block)->IsInRegion = true;
                if (!_plansOf.TryGetValue(planned.Block, out var plans))
                    _plansOf.Add(planned.Block, plans = []);
                plans.Add(plan);
            }
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
        foreach (var plan in _waiting.Values)
        {
            if (most == null || plan.Urgency >= most.Urgency)
                most = plan;
        }
        if (most != null)
            _waiting.Remove(most.Blocks[0].Block);
        return most;
    }

    private void Compile(RegionPlan plan)
    {
        _compiler ??= new RegionCompiler(_model, _blocks.NoBlock);
        clock_gettime(3, out var t0);
        var region = _compiler.Compile(plan);
        clock_gettime(3, out var t1);
        CompileTime += TimeSpan.FromMicroseconds((t1.s - t0.s) * 1e6 + (t1.n - t0.n) / 1e3);
        lock (_gate)
        {
            if (plan.IsCancelled || _isDisposed)
            {
                region.Dispose();
                return;
            }
            Install(region);
        }
    }

    private void Install(CompiledRegion region)
    {
        _regions.Add(region.Plan, region);
        RegionCount++;
        var entry = (ushort)0;
        foreach (var planned in region.Plan.Blocks)
        {
            // A block of the region that asked for one, too, asks again if it is still executed outside.
            if (_waiting.TryGetValue(planned.Block, out var superfluous))
                GiveUp(superfluous);
            InstructionCount += planned.Count;
            _instructions += planned.Count;
            if (!planned.IsEntry)
                continue;
            var block = (Block*)planned.Block;
            var number = entry++;
            // A block keeps the region that it has: the guest's thread may just be reading which of its entries this is.
            if (!_entered.Add(planned.Block))
                continue;
            block->Entry = number;
            Volatile.Write(ref *(nint*)&Block.Ops(block)->Handler, region.Code);
        }
    }

    private readonly HashSet<nint> _entered = [];

    private void GiveUp(RegionPlan plan)
    {
        plan.IsCancelled = true;
        if (_waiting.TryGetValue(plan.Blocks[0].Block, out var waiting) && waiting == plan)
            _waiting.Remove(plan.Blocks[0].Block);
        var isInstalled = _regions.Remove(plan, out var region);
        foreach (var planned in plan.Blocks)
        {
            var block = (Block*)planned.Block;
            if (_plansOf.TryGetValue(planned.Block, out var plans))
                plans.Remove(plan);
            if (!isInstalled || *(nint*)&Block.Ops(block)->Handler != region!.Code)
                continue;
            _entered.Remove(planned.Block);
            // It is counted anew.
            block->Heat = _limits.Executions;
            block->Requests = 0;
            Block.Ops(block)->Handler = &Count;
        }
        if (!isInstalled)
            return;
        foreach (var planned in plan.Blocks)
            _instructions -= planned.Count;
        _retired.Add(region!);
        _hasRetired = true;
    }
}
