using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Emu.Cpu.Compilation;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>
/// A small machine for tests of privileged code: 4 MiB of RAM mapped one to one, a GDT with a segment of each kind, an IDT whose
/// every gate leads to a HLT, and a TSS. A test assembles a few instructions, runs them, and looks at where the CPU stands.
/// </summary>
internal sealed unsafe class Guest : IDisposable
{
    public const ulong RamBytes = 4 << 20;

    public const uint Gdt = 0x1000, Idt = 0x2000, Tss = 0x4000, SecondTss = 0x4800, Ldt = 0x4C00;
    public const uint Handlers = 0x6000, Code = 0x8000, UserCode = 0xA000;
    public const uint Stack = 0x20000, KernelStack = 0x24000, UserStack = 0x28000, SpareStack = 0x2C000;
    public const uint PageTables = 0x100000, Data = 0x200000;

    public const ushort KernelCode = 0x08, KernelData = 0x10, UserCode32 = 0x1B, UserData = 0x23, UserCode64 = 0x2B;
    public const ushort TssSelector = 0x30, SecondTssSelector = 0x40, Spare = 0x48, SpareGate = 0x50, LdtSelector = 0x60, Code16 = 0x70;

    // Building a model's instruction table takes longer than most tests.
    private static readonly ConcurrentDictionary<(CpuVendor Vendor, CpuLevel Level), CpuModel> Models = new();

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private readonly Platform _platform = new();
    private int _bits = 32;

    public Guest(CpuVendor vendor = CpuVendor.Intel, CpuLevel level = CpuLevel.Max, CpuModel? model = null)
    {
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        var memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(memory);
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = memory,
            Blocks = _blocks,
            Ports = _platform,
            Mmio = _platform,
            Interrupts = _platform,
            Observer = _platform,
            Model = model ?? Models.GetOrAdd((vendor, level), static key => new CpuModel(key.Vendor, level: key.Level)),
        });
        _platform.Vcpu = Vcpu;
    }

    public Vcpu Vcpu { get; }

    /// <summary>Has hot code compiled from now on. Whoever asks for it disposes of it before the guest.</summary>
    public TieredCompiler Compile(TieringLimits limits) => new(_blocks, Vcpu.Memory, Vcpu.Model, limits);

    public CpuState* State => Vcpu.State;

    public List<EventInFlight> Delivered => _platform.Delivered;

    public List<string> Unsupported => _platform.Unsupporteds;

    public List<(ushort Port, int Size, uint Value)> Written => _platform.Written;

    /// <summary>Called when a port is written.</summary>
    public Action? PortWritten { set => _platform.PortWritten = value; }

    /// <summary>Accesses to physical addresses above RAM, which read as ones; time is in retired instructions, and null a read.</summary>
    public List<(ulong Address, int Size, ulong? Value, ulong Time)> DeviceAccesses => _platform.DeviceAccesses;

    /// <summary>Vectors that the local APIC holds.</summary>
    public Queue<byte> Interrupts => _platform.Vectors;

    public ref ulong Rax => ref State->Registers[0];

    public ref ulong Rcx => ref State->Registers[1];

    public ref ulong Rdx => ref State->Registers[2];

    public ref ulong Rbx => ref State->Registers[3];

    public ref ulong Rsp => ref State->Registers[4];

    /// <summary>Ring 0 of flat 32-bit protected mode without paging.</summary>
    public static Guest Protected(CpuVendor vendor = CpuVendor.Intel, CpuLevel level = CpuLevel.Max, CpuModel? model = null)
    {
        var guest = new Guest(vendor, level, model) { _bits = 32 };
        guest.BuildTables(isLong: false);
        var s = guest.State;
        s->Cr0 = Cr0.Pe | Cr0.Et | Cr0.Ne;
        guest.EnterRing0(0xC9B, 0x8B);
        return guest;
    }

    /// <summary>Ring 0 of 64-bit mode; every page is present, writable and open to ring 3.</summary>
    public static Guest Long(CpuVendor vendor = CpuVendor.Intel, CpuLevel level = CpuLevel.Max, CpuModel? model = null)
    {
        var guest = new Guest(vendor, level, model) { _bits = 64 };
        guest.BuildTables(isLong: true);
        guest.Write(PageTables, PageTables + 0x1000 + 7UL);
        guest.Write(PageTables + 0x1000, PageTables + 0x2000 + 7UL);
        guest.Write(PageTables + 0x2000, PageTables + 0x3000 + 7UL);
        guest.Write(PageTables + 0x2008, PageTables + 0x4000 + 7UL);
        for (var page = 0u; page < 1024; page++)
            guest.Write(PageTables + 0x3000 + page * 8, page * 4096UL + 7);
        var s = guest.State;
        s->Cr0 = Cr0.Pe | Cr0.Et | Cr0.Ne | Cr0.Wp | Cr0.Pg;
        s->Cr3 = PageTables;
        s->Cr4 = Cr4.Pae;
        s->Efer = Efer.Lme | Efer.Lma | Efer.Nxe | Efer.Sce;
        guest.EnterRing0(0xA9B, 0x8B);
        return guest;
    }

    /// <summary>Real mode, stack at 0000:7000.</summary>
    public static Guest Real()
    {
        var guest = new Guest { _bits = 16 };
        var s = guest.State;
        s->Segments[(int)SegmentName.Cs].Selector = 0;
        s->Segments[(int)SegmentName.Cs].Base = 0;
        s->Registers[4] = 0x7000;
        s->Rip = Code;
        guest.Vcpu.StateChanged();
        return guest;
    }

    public void Write<T>(uint address, T value) where T : unmanaged => *(T*)(_ram + address) = value;

    public T Read<T>(uint address) where T : unmanaged => *(T*)(_ram + address);

    /// <summary>The page-table entry of a page in <see cref="Long"/>.</summary>
    public void SetPage(uint address, ulong flags) => Write(PageTables + 0x3000 + address / 4096 * 8, (address & ~0xFFFUL) | flags);

    public void SetDescriptor(ushort selector, ulong descriptor) => Write(Gdt + (selector & ~7u), descriptor);

    public static ulong Descriptor(uint start, uint limit, uint access, uint flags) =>
        (limit & 0xFFFF) | ((ulong)(start & 0xFFFFFF) << 16) | ((ulong)access << 40) | ((ulong)(limit >> 16) << 48)
        | ((ulong)flags << 52) | ((ulong)(start >> 24) << 56);

    /// <summary>Writes a gate of the current mode's size.</summary>
    public void SetGate(byte vector, uint offset, ushort selector = KernelCode, uint access = 0x8E, uint parameterOrStack = 0)
    {
        var low = Gate(offset, selector, access, parameterOrStack);
        if (_bits == 64)
        {
            Write(Idt + vector * 16u, low);
            Write(Idt + vector * 16u + 8, 0UL);
        }
        else
        {
            Write(Idt + vector * 8u, low);
        }
    }

    public static ulong Gate(uint offset, ushort selector, uint access, uint parameterOrStack = 0) =>
        (offset & 0xFFFF) | ((ulong)selector << 16) | ((ulong)parameterOrStack << 32) | ((ulong)access << 40) | ((ulong)(offset >> 16) << 48);

    /// <summary>Assembles code and makes it the next to run.</summary>
    public void Assemble(Action<Assembler> write, uint address = Code)
    {
        Place(write, address);
        State->Rip = address;
        State->Pending &= ~PendingEvents.Halt;
    }

    /// <summary>Assembles code without going there.</summary>
    public void Place(Action<Assembler> write, uint address, int? bits = null)
    {
        var assembler = new Assembler(bits ?? _bits);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        stream.ToArray().CopyTo(new Span<byte>(_ram + address, (int)stream.Length));
        Vcpu.Memory.TryWrite(address, stream.ToArray());
    }

    /// <summary>Runs until something ends it, at most so many ticks.</summary>
    public RunExit Run(ulong ticks = 1000) => Vcpu.Run(Vcpu.InstructionsRetired + ticks);

    /// <summary>Runs to the HLT of a handler.</summary>
    /// <returns>Its vector.</returns>
    public int RunToHandler()
    {
        var exit = Run();
        if (exit != RunExit.Halted || State->Rip <= Handlers || State->Rip > Handlers + 256 * 4)
            throw new InvalidOperationException($"{exit} at 0x{State->Rip:X}, after {string.Join(", ", Delivered)}");
        return (int)(State->Rip - 1 - Handlers) / 4;
    }

    /// <summary>Returns from a handler that has been run to, with its IRET, and runs to the next handler.</summary>
    /// <param name="flags">Bits to set in the flags returned to.</param>
    /// <returns>The next handler's vector.</returns>
    public int ReturnToNextHandler(ulong flags = 0)
    {
        Return(flags);
        return RunToHandler();
    }

    /// <summary>Makes a handler's IRET the next instruction, in place of what follows its HLT.</summary>
    /// <param name="flags">Bits to set in the flags returned to.</param>
    public void Return(ulong flags = 0)
    {
        if (_bits == 64)
            Write((uint)Rsp + 16, OnStack(2) | flags);
        else
            Write((uint)Rsp + 8, (uint)(OnStack(2) | flags));
        Assemble(a => { if (_bits == 64) a.iretq(); else a.iretd(); }, Handlers + 0x900);
    }

    /// <summary>Sets a breakpoint in DR0 to DR3.</summary>
    /// <param name="index">Which.</param>
    /// <param name="address">Address or port.</param>
    /// <param name="kind">R/W field: 0 execute, 1 write, 2 port, 3 read or write.</param>
    /// <param name="length">LEN field: 0 one byte, 1 two, 2 eight, 3 four.</param>
    public void SetBreakpoint(int index, ulong address, ulong kind, ulong length = 0)
    {
        State->DebugRegisters[index] = address;
        State->DebugRegisters[7] |= 0x400 | (2UL << (index * 2)) | (kind << (16 + index * 4)) | (length << (18 + index * 4));
        Vcpu.StateChanged();
    }

    /// <summary>B0–B3, BD, BS and BT of DR6.</summary>
    public ulong DebugStatus => State->DebugRegisters[6] & 0xE00F;

    /// <summary>Drops to ring 3 of the mode, at <see cref="UserCode"/>.</summary>
    public void EnterRing3(ulong flags = Rflags.AlwaysSet)
    {
        var s = State;
        var is64 = _bits == 64;
        s->Cpl = 3;
        s->Segments[(int)SegmentName.Cs] = new SegmentRegister
        {
            Selector = is64 ? UserCode64 : UserCode32,
            Limit = uint.MaxValue,
            Attributes = (SegmentAttributes)(is64 ? 0xAFB : 0xCFB),
        };
        foreach (var name in (SegmentName[])[SegmentName.Ss, SegmentName.Ds, SegmentName.Es])
            s->Segments[(int)name] = new SegmentRegister { Selector = UserData, Limit = uint.MaxValue, Attributes = (SegmentAttributes)0xCF3 };
        s->Registers[4] = UserStack;
        s->SystemFlags = flags;
        s->Rip = UserCode;
        Vcpu.StateChanged();
    }

    /// <summary>A value on the stack, counted from the top in elements of the mode's size.</summary>
    public ulong OnStack(int index) => _bits switch
    {
        64 => Read<ulong>((uint)Rsp + (uint)index * 8),
        32 => Read<uint>((uint)Rsp + (uint)index * 4),
        _ => Read<ushort>((uint)(ushort)Rsp + (uint)index * 2),
    };

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private void EnterRing0(uint code, uint tss)
    {
        var s = State;
        s->Cpl = 0;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
            s->Segments[(int)name] = new SegmentRegister { Selector = KernelData, Limit = uint.MaxValue, Attributes = (SegmentAttributes)0xC93 };
        s->Segments[(int)SegmentName.Cs] = new SegmentRegister { Selector = KernelCode, Limit = uint.MaxValue, Attributes = (SegmentAttributes)code };
        s->Segments[(int)SegmentName.Tr] = new SegmentRegister { Selector = TssSelector, Base = Tss, Limit = 0x67, Attributes = (SegmentAttributes)tss };
        s->Segments[(int)SegmentName.Ldtr] = default;
        s->Gdtr = new DescriptorTableRegister { Base = Gdt, Limit = 0xFF };
        s->Idtr = new DescriptorTableRegister { Base = Idt, Limit = 0xFFF };
        s->Registers[4] = Stack;
        s->Rip = Code;
        Vcpu.StateChanged();
    }

    private void BuildTables(bool isLong)
    {
        SetDescriptor(KernelCode, Descriptor(0, 0xFFFFF, 0x9B, isLong ? 0xAu : 0xC));
        SetDescriptor(KernelData, Descriptor(0, 0xFFFFF, 0x93, 0xC));
        SetDescriptor(UserCode32, Descriptor(0, 0xFFFFF, 0xFB, 0xC));
        SetDescriptor(UserData, Descriptor(0, 0xFFFFF, 0xF3, 0xC));
        SetDescriptor(UserCode64, Descriptor(0, 0xFFFFF, 0xFB, 0xA));
        SetDescriptor(TssSelector, Descriptor(Tss, 0x67, 0x8B, 0));
        if (!isLong)
            SetDescriptor(SecondTssSelector, Descriptor(SecondTss, 0x67, 0x89, 0));
        for (var vector = 0; vector < 256; vector++)
        {
            var handler = Handlers + (uint)vector * 4;
            Write(handler, (byte)0xF4);
            SetGate((byte)vector, handler);
        }
        if (isLong)
        {
            Write(Tss + 4, (ulong)KernelStack);
            Write(Tss + 0x24, (ulong)SpareStack);
        }
        else
        {
            Write(Tss + 4, KernelStack);
            Write(Tss + 8, (uint)KernelData);
        }
        Write(Tss + 0x66, (ushort)0x68);
    }

    private sealed class Platform : EmptyPlatform
    {
        public Vcpu? Vcpu { get; set; }

        public List<(ulong Address, int Size, ulong? Value, ulong Time)> DeviceAccesses { get; } = [];

        public List<EventInFlight> Delivered { get; } = [];

        public List<string> Unsupporteds { get; } = [];

        public List<(ushort Port, int Size, uint Value)> Written { get; } = [];

        public Queue<byte> Vectors { get; } = [];

        public override bool HasInterrupt => Vectors.Count != 0;

        public override uint Read(ushort port, int size) => 0x12345678;

        public Action? PortWritten { get; set; }

        public override void Write(ushort port, int size, uint value)
        {
            Written.Add((port, size, value));
            PortWritten?.Invoke();
        }

        public override ulong Read(ulong address, int size)
        {
            DeviceAccesses.Add((address, size, null, Vcpu!.InstructionsRetired));
            return ulong.MaxValue;
        }

        public override void Write(ulong address, int size, ulong value) => DeviceAccesses.Add((address, size, value, Vcpu!.InstructionsRetired));

        public override byte Acknowledge() => Vectors.Dequeue();

        public override bool TryReadMsr(uint msr, out ulong value)
        {
            value = 0xFEE0_0900;
            return msr == 0x1B;
        }

        public override void Unsupported(Vcpu vcpu, string what) => Unsupporteds.Add(what);

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered) => Delivered.Add(delivered);
    }
}
