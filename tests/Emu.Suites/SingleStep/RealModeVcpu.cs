using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Suites.SingleStep;

/// <summary>A processor in real mode with 16 MiB of RAM and nothing else; ports read as ones.</summary>
internal sealed unsafe class RealModeVcpu : IDisposable
{
    private const ulong RamBytes = 16 << 20;
    private const int MostIterations = 100_000;

    private static readonly (MooRegister Register, int Number)[] General =
    [
        (MooRegister.Eax, 0), (MooRegister.Ecx, 1), (MooRegister.Edx, 2), (MooRegister.Ebx, 3),
        (MooRegister.Esp, 4), (MooRegister.Ebp, 5), (MooRegister.Esi, 6), (MooRegister.Edi, 7),
    ];

    private static readonly (MooRegister Register, SegmentName Name)[] Segments =
    [
        (MooRegister.Es, SegmentName.Es), (MooRegister.Cs, SegmentName.Cs), (MooRegister.Ss, SegmentName.Ss),
        (MooRegister.Ds, SegmentName.Ds), (MooRegister.Fs, SegmentName.Fs), (MooRegister.Gs, SegmentName.Gs),
    ];

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private readonly Surroundings _surroundings = new();
    private readonly Vcpu _vcpu;

    public RealModeVcpu()
    {
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        Memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(Memory);
        _vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = _surroundings,
            Mmio = _surroundings,
            Interrupts = _surroundings,
            Observer = _surroundings,
            Model = new CpuModel(),
        });
    }

    public PhysicalMemory Memory { get; }

    /// <summary>The vector of the first event that the instruction led to, or null.</summary>
    public byte? Vector => _surroundings.Vector;

    /// <summary>Sets the processor's state.</summary>
    public void Load(MooRegisters registers, uint flags)
    {
        CpuState* s = _vcpu.State;
        s->Cr0 = Cr0.Et;
        foreach ((MooRegister register, int number) in General)
            s->Registers[number] = registers[register] ?? 0;
        foreach ((MooRegister register, SegmentName name) in Segments)
        {
            ushort selector = (ushort)(registers[register] ?? 0);
            s->Segments[(int)name] = new SegmentRegister
            {
                Selector = selector,
                Base = (uint)selector << 4,
                Limit = 0xFFFF,
                Attributes = (SegmentAttributes)0x93,
            };
        }

        s->Rip = registers[MooRegister.Eip] ?? 0;
        s->Flags.SetFrom(flags & Rflags.Arithmetic);
        s->SystemFlags = (flags & ~Rflags.Arithmetic) | Rflags.AlwaysSet;
        s->Idtr = new DescriptorTableRegister { Limit = 0x3FF };
        s->Pending = PendingEvents.None;
        s->X87 = new X87State { Control = 0x37F };
        _vcpu.StateChanged();
    }

    /// <summary>Executes one instruction, with all its repetitions, or as far as the event that it leads to.</summary>
    public void Step()
    {
        _surroundings.Vector = null;
        ulong start = _vcpu.State->Rip;
        for (int i = 0; i < MostIterations; i++)
        {
            RunExit exit = _vcpu.Run(_vcpu.InstructionsRetired + 1);
            if (exit != RunExit.LimitReached || _surroundings.Vector is not null || _vcpu.State->Rip != start)
                return;
        }
    }

    /// <summary>A register as it is now.</summary>
    public uint this[MooRegister register]
    {
        get
        {
            foreach ((MooRegister general, int number) in General)
            {
                if (general == register)
                    return (uint)_vcpu.State->Registers[number];
            }

            foreach ((MooRegister segment, SegmentName name) in Segments)
            {
                if (segment == register)
                    return _vcpu.State->Segments[(int)name].Selector;
            }

            return register switch
            {
                MooRegister.Eip => (uint)_vcpu.State->Rip,
                MooRegister.Eflags => (uint)_vcpu.RflagsImage,
                _ => 0,
            };
        }
    }

    /// <summary>True where HLT was executed.</summary>
    public bool IsHalted => (_vcpu.State->Pending & PendingEvents.Halt) != 0;

    public void Dispose()
    {
        _vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private sealed class Surroundings : EmptyPlatform
    {
        public byte? Vector { get; set; }

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered) => Vector ??= delivered.Vector;
    }
}
