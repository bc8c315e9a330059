using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Snapshots;
using Emu.Cpu.State;

namespace Emu.Cpu;

/// <summary>One x86-64 virtual CPU: its state, its memory-management unit and the engine that runs it.</summary>
/// <remarks>
/// A guest instruction's way: <c>Vcpu.Run.cs</c> finds the block at RIP and enters it; <c>Vcpu.Fetch.cs</c> decodes it if it is new.
/// Each op's handler works on <see cref="State"/>, reaches memory through <see cref="Operand"/> and steps to the next. On a TLB miss
/// <c>Vcpu.Memory.cs</c> makes the access and <c>Vcpu.Translation.cs</c> finds the page. <c>Vcpu.Faults.cs</c> records a fault, and the
/// run loop delivers it (<c>Vcpu.Events.cs</c>).
/// Not thread safe: everything is called on the thread that runs the vCPU.
/// </remarks>
public sealed unsafe partial class Vcpu : IStateful, IDisposable
{
    private readonly PhysicalMemory _memory;
    private readonly IMmioBus _mmio;
    private readonly Tlb _tlb = new();
    private readonly PageWalker _walker;
    private readonly BlockCache _blocks;
    private readonly BlockDecoder _decoder;

    // The first instructions of a block that may not run whole, and code that lies outside RAM and is decoded anew each time.
    private readonly Block* _partial;
    private readonly Block* _uncached;
    private readonly Op* _alone;

    /// <summary>Makes a vCPU in its reset state.</summary>
    public Vcpu(VcpuOptions options)
    {
        _memory = options.Memory;
        _mmio = options.Mmio;
        Ports = options.Ports;
        Interrupts = options.Interrupts;
        Hypervisor = options.Hypervisor;
        Observer = options.Observer;
        Model = options.Model;
        ApicId = options.ApicId;
        Number = options.Number;
        YieldsOnPause = Model.Processors > 1;
        _randomSeed = options.RandomSeed;
        State = (CpuState*)NativeMemory.AlignedAlloc((nuint)sizeof(CpuState), 64);
        *State = default;
        State->JumpCache = (JumpCacheEntry*)NativeMemory.AlignedAlloc((nuint)(JumpCacheEntry.Count * sizeof(JumpCacheEntry)), 64);
        _partial = AllocateBlock();
        _uncached = AllocateBlock();
        _alone = (Op*)NativeMemory.AllocZeroed(2, (nuint)sizeof(Op));
        _alone[1].Handler = &Terminators.ReturnToRunLoop;
        _walker = new PageWalker(_memory, State, Model.PhysicalAddressBits, Model.HasGiantPages);
        _banks = _tlb.Bank(0);
        _blocks = options.Blocks;
        _decoder = new BlockDecoder(Model.InstructionTable) { Breakpoints = _blocks.Breakpoints };
        _blocks.Flushed += ForgetJumps;
        _blocks.CodePageAdded += ProtectCode;
        _memory.Remapped += TakeRemapping;
        _memory.AllKept += _tlb.WithdrawWrites;
        ForgetJumps();
        Reset();
    }

    /// <summary>The architectural state. Between calls to <see cref="Run"/> anyone may read it; who writes it calls <see cref="StateChanged"/>.</summary>
    public CpuState* State { get; }

    /// <summary>Which of the machine's vCPUs this is, from 0 on.</summary>
    public int Number { get; }

    /// <summary>What CPUID says and MSRs allow.</summary>
    public CpuModel Model { get; }

    /// <summary>The I/O port space.</summary>
    public IPortBus Ports { get; }

    /// <summary>The local APIC.</summary>
    public ILocalInterrupts Interrupts { get; }

    /// <summary>The hypervisor that the platform plays, or null.</summary>
    public IHypervisor? Hypervisor { get; }

    /// <summary>Hears what a log should say.</summary>
    public IVcpuObserver Observer { get; }

    /// <summary>Whether PAUSE ends the vCPU's turn: only where there are others.</summary>
    internal bool YieldsOnPause { get; }

    /// <summary>Guest RAM.</summary>
    public PhysicalMemory Memory => _memory;

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Flushed -= ForgetJumps;
        _blocks.CodePageAdded -= ProtectCode;
        _memory.Remapped -= TakeRemapping;
        _memory.AllKept -= _tlb.WithdrawWrites;
        NativeMemory.AlignedFree(State->JumpCache);
        NativeMemory.AlignedFree(State);
        NativeMemory.AlignedFree(_partial);
        NativeMemory.AlignedFree(_uncached);
        NativeMemory.Free(_alone);
        _tlb.Dispose();
    }

    private static Block* AllocateBlock() =>
        (Block*)NativeMemory.AlignedAlloc((nuint)(sizeof(Block) + BlockDecoder.RoomFor(Block.MaxInstructions) * sizeof(Op)), 64);

    private void ForgetJumps()
    {
        new Span<byte>(State->JumpCache, JumpCacheEntry.Count * sizeof(JumpCacheEntry)).Fill(0xFF);
        State->LinkRequest = null;
    }

    private void ProtectCode(nint hostPage) => _tlb.ProtectFromWrites((byte*)hostPage);
}

/// <summary>What a vCPU is made with.</summary>
public sealed class VcpuOptions
{
    /// <summary>Guest RAM.</summary>
    public required PhysicalMemory Memory { get; init; }

    /// <summary>Translated code, shared by all vCPUs over the same RAM.</summary>
    public required BlockCache Blocks { get; init; }

    /// <summary>I/O ports.</summary>
    public required IPortBus Ports { get; init; }

    /// <summary>Physical addresses that are not RAM.</summary>
    public required IMmioBus Mmio { get; init; }

    /// <summary>The local APIC.</summary>
    public required ILocalInterrupts Interrupts { get; init; }

    /// <summary>The hypervisor that the platform plays, or null.</summary>
    public IHypervisor? Hypervisor { get; init; }

    /// <summary>Hears what a log should say.</summary>
    public required IVcpuObserver Observer { get; init; }

    /// <summary>The processor to be.</summary>
    public required CpuModel Model { get; init; }

    /// <summary>Which of the machine's vCPUs it is, from 0 on.</summary>
    public int Number { get; init; }

    /// <summary>The local APIC's ID.</summary>
    public uint ApicId { get; init; }

    /// <summary>What RDRAND and RDSEED begin with, together with the APIC ID.</summary>
    public ulong RandomSeed { get; init; }
}
