using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Instructions;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Cpu.Tests.Vector;

/// <summary>A vCPU without a platform, in 64-bit code without paging, for one instruction at a time: its handler runs alone.</summary>
public sealed unsafe class SingleInstruction : IDisposable
{
    public const ulong CodeAddress = 0x1000;
    public const ulong OperandAddress = 0x8000;
    private const ulong Size = 1 << 20;
    private static readonly CpuModel Model = new(CpuVendor.Amd);

    private readonly byte* _memory;
    private readonly BlockCache _blocks;
    private readonly BlockDecoder _decoder;
    private readonly Block* _block;

    public SingleInstruction()
    {
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Size, 4096);
        new Span<byte>(_memory, (int)Size).Clear();
        var memory = new PhysicalMemory(_memory, Size, Size);
        _blocks = new BlockCache(memory);
        var nothing = new Nothing();
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = memory,
            Blocks = _blocks,
            Ports = nothing,
            Mmio = nothing,
            Interrupts = nothing,
            Observer = nothing,
            Model = Model,
        });
        _decoder = new BlockDecoder(new InstructionTable(Model));
        _block = (Block*)NativeMemory.AlignedAlloc((nuint)(sizeof(Block) + 64 * sizeof(Op)), 64);
        SetMode(CodeMode.Code64);
    }

    public Vcpu Vcpu { get; }

    public CpuState* State => Vcpu.State;

    public byte* Operand => _memory + OperandAddress;

    public Span<byte> OperandBytes(int length) => new(Operand, length);

    public byte* Memory => _memory;

    private CodeMode _mode;

    /// <summary>64-bit code, or flat 32-bit code.</summary>
    public void SetMode(CodeMode size)
    {
        var s = State;
        s->Cr0 = Cr0.Pe | Cr0.Et | Cr0.Ne | Cr0.Mp;
        s->Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->Efer = size == CodeMode.Code64 ? Efer.Lma | Efer.Lme : 0;
        for (var i = 0; i < 6; i++)
        {
            s->Segments[i] = new SegmentRegister
            {
                Limit = uint.MaxValue,
                Attributes = SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable
                    | SegmentAttributes.Default32 | SegmentAttributes.Granularity,
            };
        }
        s->Segments[(int)SegmentName.Cs].Attributes |= SegmentAttributes.Code;
        if (size == CodeMode.Code64)
            s->Segments[(int)SegmentName.Cs].Attributes |= SegmentAttributes.Long;
        s->SystemFlags = 2;
        Vcpu.StateChanged();
        _mode = Vcpu.CodeMode;
    }

    /// <summary>Executes; returns the vector of its fault, or −1.</summary>
    public int Execute(ReadOnlySpan<byte> instruction)
    {
        Prepare(instruction);
        return Run();
    }

    /// <summary>Decodes an instruction for <see cref="Run"/>.</summary>
    public Op* Prepare(ReadOnlySpan<byte> instruction)
    {
        instruction.CopyTo(new Span<byte>(_memory + CodeAddress, 16));
        *_block = new Block { PhysicalAddress = CodeAddress };
        _decoder.Decode(_block, _mode, _memory + CodeAddress, 4096, null, 1, _blocks.NoBlock, out _);
        var op = Block.Ops(_block);
        op[1].Handler = &Stop;
        return op;
    }

    /// <summary>Executes what <see cref="Prepare"/> decoded.</summary>
    public int Run()
    {
        State->Rip = CodeAddress;
        State->Exit = EngineExit.NextBlock;
        State->Solo = Solitude.Alone;
        Block.Ops(_block)->Handler(Vcpu, State, Block.Ops(_block));
        return State->Exit == EngineExit.Fault ? Vcpu.PendingFault.Vector : -1;
    }

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_block);
        NativeMemory.AlignedFree(_memory);
    }

    private static void Stop(Vcpu vcpu, CpuState* s, Op* op)
    {
    }

    private sealed class Nothing : EmptyPlatform
    {
        public override void Unsupported(Vcpu vcpu, string what) => throw new InvalidOperationException(what);
    }
}
