using System.Runtime.InteropServices;
using Emu.Cpu;
using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;
using Iced.Intel;

namespace Emu.Benchmarks.Cpu;

/// <summary>
/// A vCPU in 64-bit mode without devices, for timing the core alone: RAM is mapped at its own address, in 4 KiB pages or, without paging, directly.
/// </summary>
internal sealed unsafe class BareVcpu : IDisposable
{
    public const ulong RamBytes = 64 << 20;
    public const ulong CodeAddress = 0x1000;
    public const ulong DataAddress = 0x10_0000;

    // The tables that paging and events want lie at the end of RAM.
    public const ulong PageTables = RamBytes - 0x2_1000;
    private const ulong Directory = RamBytes - 0x3_0000, Pointers = Directory + 0x1000, TopLevel = Directory + 0x2000;
    private const ulong Gdt = Directory + 0x3000, Idt = Directory + 0x4000;
    private const ulong Stack = Directory - 0x1000;

    /// <summary>The code segment of event handlers.</summary>
    private const ushort CodeSelector = 8;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private TieredCompiler? _compiler;

    /// <summary>Makes a vCPU that is about to run a program.</summary>
    /// <param name="program">Writes it.</param>
    /// <param name="paging">Whether linear addresses are translated.</param>
    /// <param name="handlers">Vectors of events that the program raises, with what handles them; without, an event is a mistake.</param>
    public BareVcpu(Action<Assembler> program, bool paging = false, params (byte Vector, Action<Assembler> Write)[] handlers)
    {
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        Memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(Memory);
        var nothing = new Nothing { AllowsEvents = handlers.Length > 0 };
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = nothing,
            Mmio = nothing,
            Interrupts = nothing,
            Observer = nothing,
            Model = new CpuModel(),
        });

        ulong next = Write(program, CodeAddress);
        Write(Gdt + CodeSelector, 0x00AF_9A00_0000_FFFF);
        foreach (var (vector, write) in handlers)
        {
            Write(Idt + vector * 16UL, (next & 0xFFFF) | CodeSelector << 16 | 0x8E00UL << 32 | next >> 16 << 48);
            next = Write(write, next);
        }

        var s = Vcpu.State;
        s->Cr0 = Cr0.Pe;
        s->Efer = Efer.Lme | Efer.Lma;
        s->SystemFlags = Rflags.AlwaysSet;
        s->Segments[(int)SegmentName.Cs].Attributes =
            SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.Code | SegmentAttributes.Long;
        s->Segments[(int)SegmentName.Cs].Selector = CodeSelector;
        s->Rip = CodeAddress;
        s->Registers[4] = Stack;
        s->Gdtr = new DescriptorTableRegister { Base = Gdt, Limit = 0xFFF };
        s->Idtr = new DescriptorTableRegister { Base = Idt, Limit = 0xFFF };
        if (paging)
            MapMemory(s);
        Vcpu.StateChanged();
    }

    // The address behind what was written, rounded up.
    private ulong Write(Action<Assembler> program, ulong address)
    {
        var assembler = new Assembler(64);
        program(assembler);
        using var code = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(code), address);
        Memory.TryWrite(address, code.ToArray());
        return (address + (ulong)code.Length + 0xF) & ~0xFUL;
    }

    private void Write(ulong address, ulong value) => Memory.TryWrite(address, BitConverter.GetBytes(value));

    private void MapMemory(CpuState* s)
    {
        const ulong PresentWritable = 3;
        for (ulong page = 0; page < RamBytes; page += PhysicalMemory.PageSize)
            Write(PageTables + page / PhysicalMemory.PageSize * 8, page | PresentWritable);
        for (ulong table = 0; table < RamBytes >> 21; table++)
            Write(Directory + table * 8, PageTables + table * PhysicalMemory.PageSize | PresentWritable);
        Write(Pointers, Directory | PresentWritable);
        Write(TopLevel, Pointers | PresentWritable);
        s->Cr3 = TopLevel;
        s->Cr4 |= Cr4.Pae;
        s->Cr0 |= Cr0.Pg;
    }

    /// <summary>Has hot code compiled from now on.</summary>
    public TieredCompiler Compile(TieringLimits limits) => _compiler = new TieredCompiler(_blocks, Memory, Vcpu.Model, limits);

    /// <summary>Forgets all decoded and compiled code.</summary>
    public void ForgetCode() => _blocks.Flush();

    /// <summary>Runs for so many instructions.</summary>
    /// <exception cref="InvalidOperationException">The program did not get that far: what would be timed is not what was meant.</exception>
    public void Run(int instructions)
    {
        var exit = Vcpu.Run(Vcpu.InstructionsRetired + (ulong)instructions);
        if (exit != RunExit.LimitReached)
            throw new InvalidOperationException($"{exit} at {Vcpu.State->Rip:x}");
    }

    public PhysicalMemory Memory { get; }

    public Vcpu Vcpu { get; }

    public void Dispose()
    {
        _compiler?.Dispose();
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    // What is timed needs none of this: if it is asked for, the program went astray.
    private sealed class Nothing : EmptyPlatform
    {
        public bool AllowsEvents { get; init; }

        public override void Unsupported(Vcpu vcpu, string what) => throw new InvalidOperationException(what);

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
            if (!AllowsEvents)
                throw new InvalidOperationException(delivered.ToString());
        }
    }
}
