using System.Runtime.InteropServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Tests.Shared;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>A vCPU with 16 MiB of RAM, no paging and a recording platform, to run single instructions in any mode.</summary>
internal sealed unsafe class CpuFixture : IDisposable
{
    public const ulong RamBytes = 16 << 20;

    /// <summary>Where <see cref="Load"/> puts code.</summary>
    public const ulong Code = 0xF0_0000;

    /// <summary>Where a device answers.</summary>
    public const ulong Device = 0x8000_0000;

    private readonly byte* _ram;
    private readonly BlockCache _blocks;
    private readonly Platform _platform = new();

    public CpuFixture(CpuVendor vendor = CpuVendor.Intel)
    {
        _ram = (byte*)NativeMemory.AlignedAlloc((nuint)RamBytes, PhysicalMemory.PageSize);
        new Span<byte>(_ram, (int)RamBytes).Clear();
        Memory = new PhysicalMemory(_ram, RamBytes, RamBytes);
        _blocks = new BlockCache(Memory);
        Vcpu = new Vcpu(new VcpuOptions
        {
            Memory = Memory,
            Blocks = _blocks,
            Ports = _platform,
            Mmio = _platform,
            Interrupts = _platform,
            Observer = _platform,
            Model = new CpuModel(vendor),
        });
        State = Vcpu.State;
        Enter64Bit();
    }

    public Vcpu Vcpu { get; }

    public CpuState* State { get; }

    public PhysicalMemory Memory { get; }

    /// <summary>Device accesses, oldest first: "read 80000000 4", "write 80000004 1 ff".</summary>
    public List<string> DeviceAccesses => _platform.Accesses;

    /// <summary>What the device does when it is accessed.</summary>
    public Action? DeviceAccessed
    {
        set => _platform.Accessed = value;
    }

    /// <summary>Whether an interrupt waits at the processor's pin.</summary>
    public bool HasInterrupt
    {
        set => _platform.InterruptLine = value;
    }

    /// <summary>Where the host's stack was when an instruction without an implementation was reached.</summary>
    public nint StackAtUnsupported => _platform.StackAtUnsupported;

    /// <summary>RAM as the host sees it.</summary>
    public Span<byte> Ram(ulong address, int length) => new(_ram + address, length);

    /// <summary>RFLAGS as a whole.</summary>
    public ulong Flags
    {
        get => State->SystemFlags | State->Flags.ToRflags();
        set
        {
            State->SystemFlags = (value & ~Rflags.Arithmetic) | Rflags.AlwaysSet;
            State->Flags.SetFrom(value);
        }
    }

    public void Enter64Bit() => Enter(SegmentAttributes.Long, Efer.Lme | Efer.Lma, uint.MaxValue, Cr0.Pe);

    /// <summary>Flat 32-bit protected mode.</summary>
    public void Enter32Bit() => Enter(SegmentAttributes.Default32, 0, uint.MaxValue, Cr0.Pe);

    /// <summary>Real mode; segments start at 0.</summary>
    public void Enter16Bit() => Enter(SegmentAttributes.None, 0, 0xFFFF, 0);

    /// <summary>Places code at <see cref="Code"/> (or elsewhere) and points RIP at it.</summary>
    public void Load(ReadOnlySpan<byte> code, ulong address = Code)
    {
        Memory.TryWrite(address, code);
        State->Rip = address;
    }

    /// <summary>Executes so many instructions, or fewer where one faults.</summary>
    /// <returns>The exception's vector, or −1. RIP is then that of the instruction.</returns>
    public int Run(int instructions)
    {
        try
        {
            Vcpu.Run(Vcpu.InstructionsRetired + (ulong)instructions);
            return -1;
        }
        catch (GuestEvent e)
        {
            return e.Delivered.Vector;
        }
    }

    public void Dispose()
    {
        Vcpu.Dispose();
        _blocks.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private void Enter(SegmentAttributes size, ulong efer, uint limit, ulong cr0)
    {
        var data = SegmentAttributes.Present | SegmentAttributes.CodeOrData | SegmentAttributes.WritableOrReadable;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
        {
            var attributes = data | (size == SegmentAttributes.None ? 0 : SegmentAttributes.Default32);
            State->Segments[(int)name] = new SegmentRegister { Limit = limit, Attributes = attributes };
        }
        State->Segments[(int)SegmentName.Cs].Attributes = data | SegmentAttributes.Code | size;
        State->Cr0 = cr0;
        State->Efer = efer;
        State->SystemFlags = Rflags.AlwaysSet;
        Vcpu.StateChanged();
    }

    private sealed class GuestEvent(EventInFlight delivered) : Exception
    {
        public EventInFlight Delivered => delivered;
    }

    private sealed class Platform : EmptyPlatform
    {
        public List<string> Accesses { get; } = [];

        public Action? Accessed { get; set; }

        public bool InterruptLine { get; set; }

        public override bool HasInterrupt => InterruptLine;

        public nint StackAtUnsupported { get; private set; }

        // A device of one byte per address, its value the address's low byte.
        public override ulong Read(ulong address, int size)
        {
            Accesses.Add($"read {address:x} {size}");
            Accessed?.Invoke();
            var value = 0UL;
            for (var i = size - 1; i >= 0; i--)
                value = (value << 8) | (byte)(address + (ulong)i);
            return value;
        }

        public override void Write(ulong address, int size, ulong value)
        {
            Accesses.Add($"write {address:x} {size} {value:x}");
            Accessed?.Invoke();
        }

        public override void Unsupported(Vcpu vcpu, string what)
        {
            byte here;
            StackAtUnsupported = (nint)(&here);
        }

        public override void Delivering(Vcpu vcpu, in EventInFlight delivered) => throw new GuestEvent(delivered);
    }
}
