using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Machine;
using Emu.Machine.Interrupts;
using Emu.Xen.Domains;

namespace Emu.Fuzz.Cases;

/// <summary>A timer that runs from the start.</summary>
public enum Heartbeat
{
    /// <summary>None but what the guest sets up.</summary>
    None,

    /// <summary>The 8254's channel 0 through the 8259A pair, which ends interrupts by itself. Not there in a Xen domain.</summary>
    IntervalTimer,

    /// <summary>The local APIC's timer; the handler ends its interrupts in protected modes.</summary>
    LocalApic,
}

/// <summary>One case, as data: the machine, what lies in RAM, the processor's registers, and how many instructions to run.</summary>
public sealed class GuestCase
{
    public required CaseKind Kind { get; init; }

    /// <summary>Run seed and number: what <c>--seed</c> and <c>--case</c> take.</summary>
    public required ulong Seed { get; init; }

    public required ulong Index { get; init; }

    public GuestMode Mode { get; set; }

    public uint Cpl { get; set; }

    public MachineProfile Profile { get; set; }

    public CpuVendor Vendor { get; set; }

    public CpuLevel Level { get; set; } = CpuLevel.Max;

    public int Vcpus { get; set; } = 1;

    public bool TestDevices { get; set; }

    /// <summary>The ROM to begin in, at the reset vector, with the registers as reset leaves them; empty for none.</summary>
    public byte[] Rom { get; set; } = [];

    public ulong MemorySize { get; set; } = 2UL << 20;

    public Heartbeat Heartbeat { get; set; }

    /// <summary>Its period in its own units.</summary>
    public ushort Period { get; set; }

    /// <summary>Console input.</summary>
    public byte[] Input { get; set; } = [];

    /// <summary>Contents of RAM at the start.</summary>
    public byte[] Ram { get; set; } = [];

    /// <summary>The code's place in RAM: what a shrinker may take away, and a report shows.</summary>
    public (int Start, int Length) Code { get; set; }

    public ulong Instructions { get; set; } = 4000;

    /// <summary>Seed of where runs are cut.</summary>
    public ulong CutSeed { get; set; }

    public ulong[] Registers { get; } = new ulong[16];

    public ulong Rip { get; set; }

    public ulong Rflags { get; set; } = 2;

    public SegmentRegister[] Segments { get; } = new SegmentRegister[8];

    public DescriptorTableRegister Gdtr, Idtr;

    public ulong Cr0, Cr2, Cr3, Cr4, Efer, Xcr0;

    public ulong[] DebugRegisters { get; } = new ulong[8];

    public byte[] VectorFill { get; set; } = [];

    public ulong Star, LongStar, SyscallMask, SysenterCs, SysenterEsp, SysenterEip;

    /// <summary>Puts the processor into the state that the case begins with.</summary>
    public unsafe void Apply(Vcpu vcpu)
    {
        var s = vcpu.State;
        Registers.CopyTo(new Span<ulong>(s->Registers, 16));
        s->Rip = Rip;
        s->Cpl = Cpl;
        for (var i = 0; i < 8; i++)
            s->Segments[i] = Segments[i];
        s->Gdtr = Gdtr;
        s->Idtr = Idtr;
        (s->Cr0, s->Cr2, s->Cr3, s->Cr4, s->Efer, s->Xcr0) = (Cr0, Cr2, Cr3, Cr4, Efer, Xcr0);
        for (var i = 0; i < 8; i++)
            s->DebugRegisters[i] = DebugRegisters[i];
        s->X87 = new X87State { Control = 0x37F };
        var vectors = new Span<byte>(s->Vectors, 512);
        for (var i = 0; i < vectors.Length && VectorFill.Length != 0; i++)
            vectors[i] = VectorFill[i % VectorFill.Length];
        (s->Msr.Star, s->Msr.LongStar, s->Msr.SyscallMask) = (Star, LongStar, SyscallMask);
        (s->Msr.SysenterCs, s->Msr.SysenterEsp, s->Msr.SysenterEip) = (SysenterCs, SysenterEsp, SysenterEip);
        vcpu.SetRflags(Rflags);
        vcpu.StateChanged();
    }

    /// <summary>Starts the timer and the other vCPUs, as firmware and a kernel would.</summary>
    public void Start(PvhMachine machine)
    {
        var apic = (LocalApic)(machine.Vcpu.Interrupts is DomainInterrupts interrupts ? interrupts.LocalApic : machine.Vcpu.Interrupts);
        apic.Write(0xF0, 4, 0x1FF);
        switch (Heartbeat)
        {
            case Heartbeat.IntervalTimer:
                apic.Write(0x350, 4, 0x700);
                foreach (var (port, value) in ((ushort, byte)[])[(0x20, 0x11), (0x21, 0x40), (0x21, 0x04), (0x21, 0x03), (0x21, 0xFE), (0x43, 0x34),
                    (0x40, (byte)Period), (0x40, (byte)(Period >> 8))])
                {
                    machine.Vcpu.Ports.Write(port, 1, value);
                }
                break;
            case Heartbeat.LocalApic:
                apic.Write(0x3E0, 4, 0xB);
                apic.Write(0x320, 4, 0x2_0041);
                apic.Write(0x380, 4, Period);
                break;
        }
        if (Vcpus == 1)
            return;
        // INIT and start-up to all but itself: real mode, at the code.
        apic.Write(0x300, 4, 0xC_4500);
        apic.Write(0x300, 4, 0xC_4600 | (uint)Code.Start >> 12);
    }

    /// <summary>A copy whose RAM and length may be changed.</summary>
    public GuestCase With(byte[] ram, ulong instructions)
    {
        var copy = (GuestCase)MemberwiseClone();
        copy.Ram = ram;
        copy.Instructions = instructions;
        return copy;
    }
}
