using Emu.Cpu.Snapshots;

namespace Emu.Cpu.State;

// What a snapshot has of a vCPU's state. Left out is what the engine keeps here between two instructions of one run, and pointers.
public unsafe partial struct CpuState
{
    /// <summary>Transfers the architectural state, and what is due at which count: see <see cref="IStateful"/>.</summary>
    /// <param name="stream">Where it goes to, or comes from.</param>
    internal void Transfer(StateStream stream)
    {
        fixed (CpuState* s = &this)
        {
            stream.Transfer(new Span<ulong>(s->Registers, 16));
            stream.Transfer(new Span<ulong>(s->Vectors, 16 * 4));
            stream.Transfer(new Span<ulong>(s->Pdptes, 4));
            stream.Transfer(new Span<ulong>(s->DebugRegisters, 8));
            stream.Transfer(new Span<ulong>(s->MonitorLine, 8));
            stream.Transfer(new Span<ulong>(&s->Msr, sizeof(ModelSpecificRegisters) / sizeof(ulong)));
            stream.Transfer(new Span<ulong>(s->X87.Registers, 16));
        }

        stream.Transfer(ref Rip);
        stream.Transfer(ref Flags.Result);
        stream.Transfer(ref Flags.Aux);
        stream.Transfer(ref SystemFlags);
        // What asks a run to end is no state of the guest's.
        Pending = stream.Transferred(Pending & ~(PendingEvents.Stop | PendingEvents.Yield));
        stream.Transfer(ref InterruptShadowAt);
        stream.Transfer(ref StackShadowAt);
        stream.Transfer(ref ResumeAt);
        stream.Transfer(ref PendingDebug);
        stream.Transfer(ref StepFrom);
        stream.Transfer(ref Cpl);
        stream.Require(Cpl <= 3, "there is no such privilege");
        for (var i = 0; i < 8; i++)
        {
            ref var segment = ref Segments[i];
            stream.Transfer(ref segment.Base);
            stream.Transfer(ref segment.Limit);
            stream.Transfer(ref segment.Selector);
            stream.Transfer(ref segment.Attributes);
        }

        stream.Transfer(ref Gdtr.Base);
        stream.Transfer(ref Gdtr.Limit);
        stream.Transfer(ref Idtr.Base);
        stream.Transfer(ref Idtr.Limit);
        Cr0 = stream.Transferred(Cr0);
        stream.Transfer(ref Cr2);
        stream.Transfer(ref Cr3);
        Cr4 = stream.Transferred(Cr4);
        stream.Transfer(ref Efer);
        Xcr0 = stream.Transferred(Xcr0);
        stream.Transfer(ref LinesHeldLow);
        stream.Transfer(ref TimeStampOffset);
        stream.Transfer(ref X87.Context.ControlWord);
        stream.Transfer(ref X87.Context.StatusWord);
        stream.Transfer(ref X87.Context.Raised);
        stream.Transfer(ref X87.Valid);
        stream.Transfer(ref X87.LastOpcode);
        stream.Transfer(ref X87.LastCodeSelector);
        stream.Transfer(ref X87.LastDataSelector);
        stream.Transfer(ref X87.LastInstruction);
        stream.Transfer(ref X87.LastOperand);
        stream.Transfer(ref Sse.Mxcsr);
        stream.Transfer(ref Sse.Unmasked);
        stream.Transfer(ref Pkru);
        stream.Transfer(ref Pkrs);
        stream.Transfer(ref RandomState);
        stream.Transfer(ref MonitorAddress);
    }
}
