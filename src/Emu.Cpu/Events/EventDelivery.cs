using System.Runtime.CompilerServices;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;

namespace Emu.Cpu.Events;

/// <summary>The way of an interrupt or exception through the interrupt-descriptor table (SDM Vol. 3, chapter 6; INT n in Vol. 2A).</summary>
/// <remarks>
/// Error codes of faults met here carry EXT (bit 0) where the event did not come from an INT n, INT3 or INTO, and IDT (bit 1) where
/// they name a vector:
/// <code>
///  15                       3  2   1    0
///  selector index or vector    TI  IDT  EXT
/// </code>
/// Nothing is changed before the last check has passed, but A bits in descriptors.
/// </remarks>
internal static unsafe partial class EventDelivery
{
    /// <summary>Delivers an event: on return RIP is the handler's.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="e">The event.</param>
    /// <param name="retired">Instructions retired when the delivery, or the instruction that it is part of, is complete.</param>
    /// <returns>False with the failure recorded and the state as before.</returns>
    public static bool TryDeliver(Vcpu vcpu, in EventInFlight e, ulong retired)
    {
        var s = vcpu.State;
        if ((s->Efer & Efer.Lma) != 0)
            return TryDeliverLong(vcpu, in e);
        return (s->Cr0 & Cr0.Pe) != 0 ? TryDeliverProtected(vcpu, in e, retired) : TryDeliverReal(vcpu, in e);
    }

    /// <summary>True for INT n, INT3 and INTO: they obey the gate's DPL, and EXT is clear.</summary>
    private static bool IsSoftware(in EventInFlight e) => e.Kind is EventKind.SoftwareInterrupt or EventKind.SoftwareException;

    private static uint ExtOf(in EventInFlight e) => IsSoftware(in e) ? 0u : 1u;

    private static uint GateErrorCode(in EventInFlight e) => e.Vector * 8u + 2 + ExtOf(in e);

    /// <summary>RFLAGS to push: faults push RF set, so that their return skips an instruction breakpoint (SDM Vol. 3, 17.3.1.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong FlagsToPush(Vcpu vcpu, in EventInFlight e)
    {
        var flags = vcpu.RflagsImage;
        return e.Kind == EventKind.Exception && e.Vector is not (ExceptionVector.Debug or ExceptionVector.DoubleFault or ExceptionVector.MachineCheck)
            ? flags | Rflags.Resume : flags;
    }

    // Interrupt-vector table of real mode: an array of IP, CS.
    private static bool TryDeliverReal(Vcpu vcpu, in EventInFlight e)
    {
        var s = vcpu.State;
        var entry = e.Vector * 4u;
        if (entry + 3 > s->Idtr.Limit)
            return vcpu.Fail(ExceptionVector.GeneralProtection, GateErrorCode(in e));
        return TryDeliverThroughVector(vcpu, in e, s->Idtr.Base + entry, vcpu.RflagsImage, Rflags.Interrupt | Rflags.AlignmentCheck);
    }

    // INT n that the redirection bitmap leaves to the virtual-8086 program (SDM Vol. 3, table 21-2, methods 5 and 6).
    private static bool TryDeliverToProgram(Vcpu vcpu, in EventInFlight e)
    {
        var hasInterruptFlag = (vcpu.State->SystemFlags & Rflags.IoPrivilege) == Rflags.IoPrivilege;
        var flags = vcpu.RflagsImage;
        return TryDeliverThroughVector(
            vcpu,
            in e,
            e.Vector * 4u,
            hasInterruptFlag ? flags : VirtualInterrupts.FlagsForProgram(flags),
            hasInterruptFlag ? Rflags.Interrupt : Rflags.VirtualInterrupt);
    }

    private static bool TryDeliverThroughVector(Vcpu vcpu, in EventInFlight e, ulong entry, ulong flags, ulong cleared)
    {
        var s = vcpu.State;
        if (!vcpu.TryReadSystem(entry, out uint handler))
            return false;
        ref var ss = ref s->Segments[(int)SegmentName.Ss];
        ref var cs = ref s->Segments[(int)SegmentName.Cs];
        var frame = new StackFrame(2);
        frame.Push(flags);
        frame.Push(cs.Selector);
        frame.Push(e.Rip);
        var mask = StackSegment.PointerMask(in ss);
        var pointer = s->Registers[4] & mask;
        if (!frame.TryWrite(vcpu, in ss, ref pointer, s->Cpl == 3, 0))
            return false;
        StackSegment.SetPointer(s, pointer);
        SegmentLoads.LoadUnprotected(s, SegmentName.Cs, (ushort)(handler >> 16));
        s->Rip = (ushort)handler;
        s->SystemFlags &= ~(cleared | Rflags.Trap | Rflags.Resume);
        vcpu.UpdateMode();
        return true;
    }

    private static bool TryDeliverProtected(Vcpu vcpu, in EventInFlight e, ulong retired)
    {
        var s = vcpu.State;
        var ext = ExtOf(in e);
        // Only INT n obeys IOPL and the redirection bitmap in virtual-8086 mode; INT3 and INTO do not.
        if (e.Kind == EventKind.SoftwareInterrupt && (s->SystemFlags & Rflags.Virtual8086) != 0)
        {
            var isRedirected = false;
            if ((s->Cr4 & Cr4.Vme) != 0 && !VirtualInterrupts.TryReadRedirection(vcpu, e.Vector, out isRedirected))
                return false;
            if (isRedirected)
                return TryDeliverToProgram(vcpu, in e);
            if ((s->SystemFlags & Rflags.IoPrivilege) != Rflags.IoPrivilege)
                return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        }
        var entry = e.Vector * 8u;
        if (entry + 7 > s->Idtr.Limit)
            return vcpu.Fail(ExceptionVector.GeneralProtection, GateErrorCode(in e));
        if (!vcpu.TryReadSystem(s->Idtr.Base + entry, out ulong raw))
            return false;
        var gate = new Gate(raw);
        if (gate.Type is not (DescriptorType.TaskGate or DescriptorType.InterruptGate16 or DescriptorType.TrapGate16
            or DescriptorType.InterruptGate32 or DescriptorType.TrapGate32)
            || (IsSoftware(in e) && gate.Dpl < s->Cpl))
        {
            return vcpu.Fail(ExceptionVector.GeneralProtection, GateErrorCode(in e));
        }
        if (!gate.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, GateErrorCode(in e));
        if (gate.Type == DescriptorType.TaskGate)
            return TryDeliverToTask(vcpu, in e, gate, retired);
        if (!TryReadHandlerSegment(vcpu, gate.Selector, ext, out var descriptor))
            return false;
        if (!descriptor.IsConforming && descriptor.Dpl < s->Cpl)
            return TryDeliverInward(vcpu, in e, gate, descriptor);
        if ((s->SystemFlags & Rflags.Virtual8086) != 0 || (!descriptor.IsConforming && descriptor.Dpl != s->Cpl))
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(gate.Selector, ext));
        return TryDeliverSamePrivilege(vcpu, in e, gate, descriptor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadHandlerSegment(Vcpu vcpu, ushort selector, uint ext, out Descriptor descriptor)
    {
        descriptor = default;
        if (DescriptorTables.IsNull(selector))
            return vcpu.Fail(ExceptionVector.GeneralProtection, ext);
        if (!DescriptorTables.TryRead(vcpu, selector, out descriptor, ext))
            return false;
        if (!descriptor.IsCode || descriptor.Dpl > vcpu.State->Cpl)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector, ext));
        return descriptor.IsPresent || vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector, ext));
    }

    private static bool TryDeliverSamePrivilege(Vcpu vcpu, in EventInFlight e, Gate gate, Descriptor descriptor)
    {
        var s = vcpu.State;
        var ext = ExtOf(in e);
        var frame = new StackFrame(gate.Is32 ? 4 : 2);
        frame.Push(FlagsToPush(vcpu, in e));
        frame.Push(s->Segments[(int)SegmentName.Cs].Selector);
        frame.Push(e.Rip);
        if (e.HasErrorCode)
            frame.Push(e.ErrorCode);
        if (!TryTarget(vcpu, gate, descriptor, ext, out var rip))
            return false;
        ref var ss = ref s->Segments[(int)SegmentName.Ss];
        var mask = StackSegment.PointerMask(in ss);
        var pointer = s->Registers[4] & mask;
        if (!frame.TryWrite(vcpu, in ss, ref pointer, s->Cpl == 3, ext))
            return false;
        StackSegment.SetPointer(s, pointer);
        Enter(vcpu, gate, descriptor, s->Cpl, rip);
        return true;
    }

    // To a more privileged level, whose stack the TSS names; from virtual-8086 mode the data segments are saved too.
    private static bool TryDeliverInward(Vcpu vcpu, in EventInFlight e, Gate gate, Descriptor descriptor)
    {
        var s = vcpu.State;
        var ext = ExtOf(in e);
        var fromVirtual8086 = (s->SystemFlags & Rflags.Virtual8086) != 0;
        var cpl = descriptor.Dpl;
        if (fromVirtual8086 && cpl != 0)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(gate.Selector, ext));
        if (!InnerStack.TryRead(vcpu, cpl, ext, out var pointer, out var selector)
            || !SegmentLoads.TryPrepareStack(vcpu, selector, cpl, false, ExceptionVector.InvalidTss, ext, out var stack))
        {
            return false;
        }
        var frame = new StackFrame(gate.Is32 ? 4 : 2);
        if (fromVirtual8086)
        {
            frame.Push(s->Segments[(int)SegmentName.Gs].Selector);
            frame.Push(s->Segments[(int)SegmentName.Fs].Selector);
            frame.Push(s->Segments[(int)SegmentName.Ds].Selector);
            frame.Push(s->Segments[(int)SegmentName.Es].Selector);
        }
        frame.Push(s->Segments[(int)SegmentName.Ss].Selector);
        frame.Push(s->Registers[4]);
        frame.Push(FlagsToPush(vcpu, in e));
        frame.Push(s->Segments[(int)SegmentName.Cs].Selector);
        frame.Push(e.Rip);
        if (e.HasErrorCode)
            frame.Push(e.ErrorCode);
        if (!TryTarget(vcpu, gate, descriptor, ext, out var rip))
            return false;
        pointer &= StackSegment.PointerMask(in stack);
        if (!frame.TryWrite(vcpu, in stack, ref pointer, false, DescriptorTables.ErrorCode(selector, ext)))
            return false;

        s->Segments[(int)SegmentName.Ss] = stack;
        StackSegment.SetPointer(s, pointer);
        if (fromVirtual8086)
        {
            s->Segments[(int)SegmentName.Es] = default;
            s->Segments[(int)SegmentName.Ds] = default;
            s->Segments[(int)SegmentName.Fs] = default;
            s->Segments[(int)SegmentName.Gs] = default;
        }
        Enter(vcpu, gate, descriptor, cpl, rip);
        return true;
    }

    // A task gate: the interrupted task is the new one's back link, and an error code goes onto the new task's stack.
    private static bool TryDeliverToTask(Vcpu vcpu, in EventInFlight e, Gate gate, ulong retired)
    {
        var ext = ExtOf(in e);
        if (!TaskSwitch.TryReadTarget(vcpu, gate.Selector, ext, out var descriptor)
            || !TaskSwitch.TrySwitch(vcpu, TaskSwitchSource.CallOrEvent, gate.Selector, descriptor, e.Rip, retired, FlagsToPush(vcpu, in e), ext))
        {
            return false;
        }
        return !e.HasErrorCode || TaskSwitch.TryPushErrorCode(vcpu, e.ErrorCode, ext);
    }

    private static bool TryTarget(Vcpu vcpu, Gate gate, Descriptor descriptor, uint ext, out ulong rip)
    {
        rip = gate.Is32 ? gate.Offset : gate.Offset & 0xFFFF;
        return rip <= descriptor.Limit
            ? DescriptorTables.TryMarkAccessed(vcpu, gate.Selector, descriptor)
            : vcpu.Fail(ExceptionVector.GeneralProtection, ext);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Enter(Vcpu vcpu, Gate gate, Descriptor descriptor, uint cpl, ulong rip)
    {
        var s = vcpu.State;
        s->Segments[(int)SegmentName.Cs] = descriptor.ToRegister((ushort)((gate.Selector & ~3) | (int)cpl));
        s->Cpl = cpl;
        s->Rip = rip;
        s->SystemFlags &= ~(Rflags.Trap | Rflags.NestedTask | Rflags.Resume | Rflags.Virtual8086);
        if (!gate.IsTrap)
            s->SystemFlags &= ~Rflags.Interrupt;
        vcpu.UpdateMode();
    }
}
