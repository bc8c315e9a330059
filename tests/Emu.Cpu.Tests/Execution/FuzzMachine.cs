using System.Runtime.InteropServices;
using System.Text;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.State;

namespace Emu.Cpu.Tests.Execution;

/// <summary>A small machine for arbitrary code: tables that deliver every event to a handler that goes on elsewhere in the code, devices whose answers depend on the time, a periodic interrupt.</summary>
/// <remarks>
/// Linear layout: IVT 0; IDT 0x8000; GDT 0x9000; TSS 0xA000; handler 0xB000; code 0x10000–0x13FFF; data 0x14000–0x1BFFF; stack 0x1C000;
/// page tables 0x20000. Under paging the pages of code and data are permuted, and what the handler needs is read-only.
/// </remarks>
internal sealed unsafe class FuzzMachine : IDisposable
{
    public const int CodeBytes = 0x4000;
    private const uint RamBytes = 1 << 18;
    private const uint Idt = 0x8000, Gdt = 0x9000, Tss = 0xA000, Handler = 0xB000, Code = 0x1_0000, Data = 0x1_4000, Stack = 0x1_BF00;
    private const uint Tables = 0x2_0000;
    private const ulong Period = 997;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private readonly Bus _bus = new();
    private readonly Vcpu _vcpu;

    public FuzzMachine()
    {
        _ram = (byte*)NativeMemory.AlignedAlloc(RamBytes, PhysicalMemory.PageSize);
        Memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        // A small arena: everything is forgotten now and then.
        _blocks = new BlockCache(Memory, 256 << 10);
        _vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = _bus,
            Mmio = _bus,
            Interrupts = _bus,
            Observer = _bus,
            Model = new CpuModel(),
        });
        _bus.Vcpu = _vcpu;
    }

    private PhysicalMemory Memory { get; }

    /// <summary>Starts anew with code in a mode.</summary>
    public void Load(CodeMode size, ReadOnlySpan<byte> code, ulong seed)
    {
        new Span<byte>(_ram, (int)RamBytes).Clear();
        _blocks.Flush();
        _bus.Start();
        _vcpu.Reset();
        var s = _vcpu.State;
        var isLong = size == CodeMode.Code64;
        for (var i = 0U; i < 16; i++)
            s->Registers[i] = Data + i * 0x7F0 + (i & 3);
        s->Registers[1] = seed & 0x1FF;
        s->Registers[4] = Stack;
        s->Cr0 = size == CodeMode.Code16 ? Cr0.Et : Cr0.Et | Cr0.Pe | Cr0.Ne;
        s->Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->X87 = new X87State { Control = 0x37F };
        s->SystemFlags = Rflags.AlwaysSet | Rflags.Interrupt;
        for (var i = 0; i < 64; i++)
            s->Vectors[i] = seed * (ulong)(i * 2 + 1);
        WriteTables(size);
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
            s->Segments[(int)name] = Flat(size, name == SegmentName.Cs);
        s->Gdtr = new DescriptorTableRegister { Base = Gdt, Limit = 0x3F };
        s->Idtr = size == CodeMode.Code16
            ? new DescriptorTableRegister { Base = 0, Limit = 0x3FF } : new DescriptorTableRegister { Base = Idt, Limit = 0xFFF };
        s->Segments[(int)SegmentName.Tr] = new SegmentRegister { Base = Tss, Limit = 0x67, Selector = 0x18, Attributes = (SegmentAttributes)0x8B };
        for (var at = 0; at < code.Length; at += PhysicalMemory.PageSize)
            code.Slice(at, PhysicalMemory.PageSize).CopyTo(new Span<byte>(_ram + Physical(Code + (uint)at, isLong), PhysicalMemory.PageSize));
        s->Rip = size == CodeMode.Code16 ? 0x4000u : Code;
        if (size == CodeMode.Code16)
        {
            // Real mode: everything within the first 64 KiB, the code at 0x4000.
            code.CopyTo(new Span<byte>(_ram + 0x4000, code.Length));
            for (var i = 0U; i < 16; i++)
                s->Registers[i] = 0xC000 + i * 0x1F0 + (i & 3);
            s->Registers[4] = 0xBF00;
        }
        if (isLong)
        {
            s->Cr3 = Tables;
            s->Cr4 |= Cr4.Pae;
            s->Cr0 |= Cr0.Pg | Cr0.Wp;
            s->Efer = Efer.Lme | Efer.Lma | Efer.Sce;
        }
        _vcpu.StateChanged();
    }

    /// <summary>Runs for a number of instructions, in pieces of so many between two periodic interrupts.</summary>
    /// <returns>Everything that can be told of the machine then.</returns>
    public string Run(ulong instructions, ulong piece)
    {
        var tick = Period;
        while (_vcpu.InstructionsRetired < instructions)
        {
            var now = _vcpu.InstructionsRetired;
            while (tick <= now)
            {
                tick += Period;
                _bus.HasInterrupt = true;
                _vcpu.NotifyInterrupt();
            }
            var exit = _vcpu.Run(Math.Min(Math.Min(tick, now + piece), instructions));
            if (exit == RunExit.Shutdown)
                break;
            if (exit == RunExit.Halted)
            {
                _vcpu.NotifyNmi();
                if ((_vcpu.State->Pending & PendingEvents.NmiBlocked) != 0)
                    break;
            }
        }
        return Describe();
    }

    public void Dispose()
    {
        _vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private static SegmentRegister Flat(CodeMode size, bool code)
    {
        if (size == CodeMode.Code16)
            return new SegmentRegister { Limit = 0xFFFF, Attributes = (SegmentAttributes)0x93 };
        var attributes = code ? (size == CodeMode.Code64 ? 0xA9B : 0xC9B) : 0xC93;
        return new SegmentRegister { Selector = code ? (ushort)8 : (ushort)16, Limit = uint.MaxValue, Attributes = (SegmentAttributes)attributes };
    }

    private static uint Physical(uint linear, bool paged) =>
        paged && linear is >= Code and < Tables ? Code + (((linear - Code) >> 12) * 5 + 3) % 16 * 0x1000 + (linear & 0xFFF) : linear;

    private void WriteTables(CodeMode size)
    {
        var q = (ulong*)_ram;
        if (size == CodeMode.Code16)
        {
            for (var i = 0; i < 256; i++)
                ((uint*)_ram)[i] = 0x1000;
            // mov sp,BF00; xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; rdtsc; and ax,3FFF; add ax,4000; sti; jmp ax
            new byte[] { 0xBC, 0x00, 0xBF, 0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0x0F, 0x31, 0x25, 0xFF, 0x3F, 0x05, 0x00, 0x40, 0xFB, 0xFF, 0xE0 }
                .CopyTo(new Span<byte>(_ram + 0x1000, 32));
            return;
        }
        q[Gdt / 8 + 1] = size == CodeMode.Code64 ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFFUL;
        q[Gdt / 8 + 2] = 0x00CF_9300_0000_FFFF;
        q[Gdt / 8 + 3] = 0x0000_8B00_A000_0067;
        q[Gdt / 8 + 5] = size == CodeMode.Code64 ? 0x00AF_FB00_0000_FFFF : 0x00CF_FB00_0000_FFFFUL;
        q[Gdt / 8 + 6] = 0x00CF_F300_0000_FFFF;
        q[Gdt / 8 + 7] = 0x000F_9B00_0000_FFFF;
        for (var i = 0; i < 256; i++)
        {
            const ulong Gate = Handler | (8UL << 16) | (0xEEUL << 40);
            if (size == CodeMode.Code64)
                q[Idt / 8 + i * 2] = Gate;
            else
                q[Idt / 8 + i] = Gate;
        }
        *(ulong*)(_ram + Tss + 4) = Stack | (size == CodeMode.Code32 ? 16UL << 32 : 0);
        // mov esp,stack; mov eax,16; mov ds,eax; mov es,eax; mov ss,eax; rdtsc; and eax,3FFF; add eax,code; clts; sti; jmp rax
        new byte[] { 0xBC, 0x00, 0xBF, 0x01, 0x00, 0xB8, 0x10, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0x0F, 0x31,
            0x25, 0xFF, 0x3F, 0, 0, 0x05, 0, 0, 1, 0, 0x0F, 0x06, 0xFB, 0xFF, 0xE0 }
            .CopyTo(new Span<byte>(_ram + Handler, 64));
        q[Tables / 8] = (Tables + 0x1000) | 7;
        q[(Tables + 0x1000) / 8] = (Tables + 0x2000) | 7;
        q[(Tables + 0x2000) / 8] = (Tables + 0x3000) | 7;
        // Beyond 2 MiB: devices.
        q[(Tables + 0x2000) / 8 + 1] = 0x8000_0087;
        for (var page = 0U; page < 64; page++)
        {
            var linear = page << 12;
            var readOnly = linear is >= Idt and < Code or >= Tables;
            q[(Tables + 0x3000) / 8 + page] = Physical(linear, true) | (readOnly ? 5UL : 7UL);
        }
    }

    private string Describe()
    {
        var s = _vcpu.State;
        var text = new StringBuilder();
        for (var i = 0; i < 16; i++)
            text.Append($"r{i}={s->Registers[i]:x} ");
        text.Append($"rip={s->Rip:x} flags={_vcpu.RflagsImage:x} cpl={s->Cpl} cr={s->Cr0:x},{s->Cr2:x},{s->Cr3:x},{s->Cr4:x} efer={s->Efer:x} ");
        for (var i = 0; i < 8; i++)
            text.Append($"seg{i}={s->Segments[i].Selector:x},{s->Segments[i].Base:x},{s->Segments[i].Limit:x},{(uint)s->Segments[i].Attributes:x} ");
        for (var i = 0; i < 8; i++)
            text.Append($"dr{i}={s->DebugRegisters[i]:x} ");
        text.Append($"idtr={s->Idtr.Base:x},{s->Idtr.Limit:x} gdtr={s->Gdtr.Base:x},{s->Gdtr.Limit:x} mxcsr={s->Mxcsr:x} xcr0={s->Xcr0:x} ");
        text.Append($"x87={Hash(new ReadOnlySpan<byte>(&s->X87, sizeof(X87State))):x} vectors={Hash(new ReadOnlySpan<byte>(s->Vectors, 512)):x} ");
        text.Append($"msr={Hash(new ReadOnlySpan<byte>(&s->Msr, sizeof(ModelSpecificRegisters))):x} pending={s->Pending} ");
        text.Append($"retired={_vcpu.InstructionsRetired} events={_bus.Events} ram={Hash(new ReadOnlySpan<byte>(_ram, (int)RamBytes)):x} log={_bus.Log:x}");
        return text.ToString();
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var word in MemoryMarshal.Cast<byte, uint>(bytes))
            hash = (hash ^ word) * 1099511628211;
        return hash;
    }

    // Answers and what is heard carry the time, so that an access at the wrong time shows.
    private sealed class Bus : IPortBus, IMmioBus, ILocalInterrupts, IVcpuObserver
    {
        public Vcpu Vcpu { get; set; } = null!;

        public ulong Log { get; private set; }

        public int Events { get; private set; }

        public bool HasInterrupt { get; set; }

        public byte TaskPriorityClass { get; set; }

        public void Start()
        {
            Log = 0;
            Events = 0;
            HasInterrupt = false;
            TaskPriorityClass = 0;
        }

        public uint Read(ushort port, int size) => (uint)Note(1, port, (ulong)size);

        public void Write(ushort port, int size, uint value) => Note(2, port, value);

        public ulong Read(ulong address, int size) => Note(3, address, (ulong)size);

        public void Write(ulong address, int size, ulong value) => Note(4, address, value);

        public byte Acknowledge()
        {
            HasInterrupt = false;
            return 0x40;
        }

        public bool TryReadMsr(uint msr, out ulong value)
        {
            value = 0;
            return false;
        }

        public bool TryWriteMsr(uint msr, ulong value) => false;

        public void Unsupported(Vcpu vcpu, string what)
        {
        }

        public void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
            Events++;
            Note(5, delivered.Vector, delivered.Rip);
        }

        private ulong Note(ulong kind, ulong where, ulong what)
        {
            Log = (((Log ^ kind) * 1099511628211 ^ where) * 1099511628211 ^ what) * 1099511628211 ^ Vcpu.InstructionsRetired;
            return Log >> 7;
        }
    }
}
