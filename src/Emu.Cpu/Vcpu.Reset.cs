using System.Runtime.InteropServices;
using Emu.Cpu.Events;
using Emu.Cpu.Instructions.Supervisor;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Power-up, INIT and the start-up IPI (SDM Vol. 3, 9.1 and table 9-1).
public sealed unsafe partial class Vcpu
{
    private const SegmentAttributes ResetData = (SegmentAttributes)0x93;
    private const ulong PatAtReset = 0x0007_0406_0007_0406;
    private const ulong WriteBackEnabled = 0x806;

    private readonly ulong _randomSeed;

    /// <summary>The local APIC's ID, as CPUID reports it.</summary>
    public uint ApicId { get; }

    /// <summary>Power-up: everything, the time-stamp counter and the count of retired instructions included, starts anew.</summary>
    /// <remarks>
    /// MTRRs are as firmware leaves them, write-back throughout, because PVH guests get no firmware of their own.
    /// A platform that starts the CPU elsewhere sets <see cref="State"/> afterwards and calls <see cref="StateChanged"/>.
    /// </remarks>
    public void Reset()
    {
        var jumpCache = State->JumpCache;
        NativeMemory.Clear(State, (nuint)sizeof(CpuState));
        State->JumpCache = jumpCache;
        State->InterruptShadowAt = State->StackShadowAt = State->ResumeAt = ulong.MaxValue;
        // Zeros, and tagged as such: not empty.
        State->X87.Control = 0x40;
        State->X87.Valid = 0xFF;
        State->Mxcsr = 0x1F80;
        RandomGenerator.Start(State, _randomSeed, ApicId);
        State->Xcr0 = 1;
        State->Msr.PageAttributeTable = PatAtReset;
        MsrAccess.Reset(this);
        State->Msr.MtrrDefaultType = WriteBackEnabled;
        State->Msr.MicrocodeRevision = 1UL << 32;
        State->Cr0 = Cr0.Nw | Cr0.Cd | Cr0.Et;
        _runEnd = 0;
        _unretired = 0;
        StartAgain();
    }

    /// <summary>INIT: what INIT leaves alone (x87 and SSE state, most MSRs, caches, time) stays.</summary>
    public void Init()
    {
        State->Cr0 = (State->Cr0 & (Cr0.Nw | Cr0.Cd)) | Cr0.Et;
        StartAgain();
    }

    /// <summary>The start-up IPI: real mode at <paramref name="vector"/> × 4096.</summary>
    public void StartUp(byte vector)
    {
        ref var cs = ref State->Segments[(int)SegmentName.Cs];
        cs.Selector = (ushort)(vector << 8);
        cs.Base = (uint)vector << 12;
        State->Rip = 0;
        StateChanged();
        _systemObserver?.Started(this);
    }

    private void StartAgain()
    {
        var s = State;
        for (var i = 0; i < 16; i++)
            s->Registers[i] = 0;
        s->Registers[2] = Model.Signature;
        s->Rip = 0xFFF0;
        s->Flags.SetFrom(0);
        s->SystemFlags = Rflags.AlwaysSet;
        s->Pending = PendingEvents.None;
        s->MonitorAddress = NoMonitor;
        s->Cpl = 0;
        s->Cr2 = s->Cr3 = s->Cr4 = s->Efer = 0;
        for (var name = SegmentName.Es; name <= SegmentName.Gs; name++)
            s->Segments[(int)name] = new SegmentRegister { Limit = 0xFFFF, Attributes = ResetData };
        ref var cs = ref s->Segments[(int)SegmentName.Cs];
        cs.Selector = 0xF000;
        cs.Base = 0xFFFF_0000;
        s->Segments[(int)SegmentName.Ldtr] = new SegmentRegister { Limit = 0xFFFF, Attributes = (SegmentAttributes)0x82 };
        s->Segments[(int)SegmentName.Tr] = new SegmentRegister { Limit = 0xFFFF, Attributes = (SegmentAttributes)0x8B };
        s->Gdtr = s->Idtr = new DescriptorTableRegister { Limit = 0xFFFF };
        for (var i = 0; i < 4; i++)
            s->DebugRegisters[i] = 0;
        s->DebugRegisters[6] = DebugStatus.Reset6;
        s->DebugRegisters[7] = DebugStatus.Reset7;
        s->PendingDebug = 0;
        s->StepFrom = NotStepping;
        _oneInstruction = false;
        StateChanged();
    }
}
