using System.Runtime.InteropServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Cpu.Tests.Execution;

/// <summary>A vCPU without paging in a given code mode, all of whose registers point into RAM: most instructions just work.</summary>
internal sealed unsafe class FlatVcpu : IDisposable
{
    private const ulong RamBytes = 16 << 20;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private readonly CodeMode _mode;

    public FlatVcpu(CodeMode mode)
    {
        _mode = mode;
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        var memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(memory);
        Scratch = (Block*)NativeMemory.AlignedAlloc((nuint)(sizeof(Block) + BlockDecoder.RoomFor(Block.MaxInstructions) * sizeof(Op)), 64);
        var nothing = new EmptyPlatform();
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = memory,
            Blocks = _blocks,
            Ports = nothing,
            Mmio = nothing,
            Interrupts = nothing,
            Observer = nothing,
            Model = new CpuModel(),
        });
    }

    public Vcpu Vcpu { get; }

    /// <summary>Room for a block of the most instructions.</summary>
    public Block* Scratch { get; }

    public Block* NoBlock => _blocks.NoBlock;

    /// <summary>Resets the state to something harmless.</summary>
    public void Prepare()
    {
        var s = Vcpu.State;
        for (var i = 0; i < 16; i++)
            s->Registers[i] = (_mode & CodeMode.CodeSize) == CodeMode.Code16 ? 0x4000u : 0x40_0000;
        s->SystemFlags = Rflags.AlwaysSet;
        s->Flags = default;
        s->Cr0 = Cr0.Et | Cr0.Ne | ((_mode & CodeMode.CodeSize) == CodeMode.Code16 ? 0 : Cr0.Pe);
        s->Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->Mxcsr = 0x1F80;
        s->X87 = new X87State { Control = 0x37F };
        s->Efer = (_mode & CodeMode.Code64) != 0 ? Efer.Lma | Efer.Lme : 0;
        var code = SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.Code | SegmentAttributes.WritableOrReadable;
        var size = (_mode & CodeMode.CodeSize) switch
        {
            CodeMode.Code64 => SegmentAttributes.Long,
            CodeMode.Code32 => SegmentAttributes.Default32,
            _ => SegmentAttributes.None,
        };
        var data = SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable | SegmentAttributes.Default32;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
        {
            s->Segments[(int)name] = new SegmentRegister
            {
                Limit = (_mode & CodeMode.CodeSize) == CodeMode.Code16 ? 0xFFFF : uint.MaxValue,
                Attributes = name == SegmentName.Cs ? code | size : (_mode & CodeMode.CodeSize) == CodeMode.Code16 ? data & ~SegmentAttributes.Default32 : data,
            };
        }
        Vcpu.StateChanged();
    }

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
        NativeMemory.AlignedFree(Scratch);
    }
}
