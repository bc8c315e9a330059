using System.Runtime.CompilerServices;
using Emu.Cpu.Events;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>Far JMP and CALL: to a code segment, through a call gate, to a task (SDM Vol. 2A, CALL and JMP; Vol. 3, 5.8).</summary>
internal static unsafe class FarTransfer
{
    /// <summary>Far JMP.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="selector">Target selector.</param>
    /// <param name="offset">Target offset.</param>
    /// <param name="operandSize">2, 4 or 8 bytes.</param>
    /// <param name="next">RIP of the next instruction, which a task switch saves.</param>
    /// <param name="retired">Instructions retired when this one is.</param>
    /// <returns>False with the failure recorded; true with CS and RIP loaded.</returns>
    public static bool TryJump(Vcpu vcpu, ushort selector, ulong offset, int operandSize, ulong next, ulong retired)
    {
        var s = vcpu.State;
        if (!vcpu.IsProtected)
        {
            if (offset > s->Segments[(int)SegmentName.Cs].Limit)
                return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
            EnterUnprotected(vcpu, selector, offset);
            return true;
        }
        if (!TryReadTarget(vcpu, selector, out var descriptor))
            return false;
        if (descriptor.IsCode)
            return TryDirect(vcpu, selector, descriptor, offset, operandSize, false, next);
        return IsCallGate(vcpu, descriptor)
            ? CallGate.TryJump(vcpu, selector, descriptor)
            : TryTask(vcpu, selector, descriptor, TaskSwitchSource.Jump, next, retired);
    }

    /// <summary>Far CALL.</summary>
    /// <inheritdoc cref="TryJump"/>
    public static bool TryCall(Vcpu vcpu, ushort selector, ulong offset, int operandSize, ulong next, ulong retired)
    {
        var s = vcpu.State;
        if (!vcpu.IsProtected)
        {
            if (offset > s->Segments[(int)SegmentName.Cs].Limit)
                return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
            if (!TryPushReturn(vcpu, operandSize, next))
                return false;
            EnterUnprotected(vcpu, selector, offset);
            return true;
        }
        if (!TryReadTarget(vcpu, selector, out var descriptor))
            return false;
        if (descriptor.IsCode)
            return TryDirect(vcpu, selector, descriptor, offset, operandSize, true, next);
        return IsCallGate(vcpu, descriptor)
            ? CallGate.TryCall(vcpu, selector, descriptor, next)
            : TryTask(vcpu, selector, descriptor, TaskSwitchSource.CallOrEvent, next, retired);
    }

    /// <summary>Pushes CS and RIP on the stack in use.</summary>
    public static bool TryPushReturn(Vcpu vcpu, int operandSize, ulong next)
    {
        var s = vcpu.State;
        var frame = new StackFrame(operandSize);
        frame.Push(s->Segments[(int)SegmentName.Cs].Selector);
        frame.Push(next);
        if (vcpu.Is64BitCode)
            return vcpu.TryCheckStackAlignment(s->Registers[4], operandSize) && frame.TryWriteLong(vcpu, ref s->Registers[4], s->Cpl == 3, 0);
        ref var ss = ref s->Segments[(int)SegmentName.Ss];
        var mask = StackSegment.PointerMask(in ss);
        var pointer = s->Registers[4] & mask;
        if (!vcpu.TryCheckStackAlignment(ss.Base + pointer, operandSize) || !frame.TryWrite(vcpu, in ss, ref pointer, s->Cpl == 3, 0))
            return false;
        StackSegment.SetPointer(s, pointer);
        return true;
    }

    /// <summary>The RIP that a transfer to a code segment reaches: canonical in 64-bit code, else within the limit.</summary>
    /// <returns>False with #GP(0) recorded.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryTarget(Vcpu vcpu, Descriptor descriptor, ulong offset)
    {
        var isLong = (vcpu.State->Efer & Efer.Lma) != 0 && descriptor.IsLong;
        return (isLong ? vcpu.IsCanonical(offset) : offset <= descriptor.Limit) || vcpu.Fail(ExceptionVector.GeneralProtection, 0);
    }

    /// <summary>False for a code segment with both L and D in long mode, which is reserved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsModeValid(Vcpu vcpu, Descriptor descriptor) =>
        (vcpu.State->Efer & Efer.Lma) == 0 || !descriptor.IsLong || !descriptor.IsDefault32;

    /// <summary>Loads CS and RIP at an unchanged privilege level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(Vcpu vcpu, ushort selector, Descriptor descriptor, ulong rip)
    {
        var s = vcpu.State;
        s->Segments[(int)SegmentName.Cs] = descriptor.ToRegister((ushort)((selector & ~3) | (int)s->Cpl));
        s->Rip = rip;
        vcpu.UpdateMode();
    }

    /// <summary>Loads CS and RIP in real or virtual-8086 mode.</summary>
    public static void EnterUnprotected(Vcpu vcpu, ushort selector, ulong rip)
    {
        SegmentLoads.LoadUnprotected(vcpu.State, SegmentName.Cs, selector);
        vcpu.State->Rip = rip;
        vcpu.UpdateMode();
    }

    private static bool TryReadTarget(Vcpu vcpu, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        return DescriptorTables.IsNull(selector)
            ? vcpu.Fail(ExceptionVector.GeneralProtection, 0)
            : DescriptorTables.TryRead(vcpu, selector, out descriptor);
    }

    private static bool IsCallGate(Vcpu vcpu, Descriptor descriptor) =>
        !descriptor.IsCodeOrData
        && (descriptor.Type == DescriptorType.CallGate32
            || (descriptor.Type == DescriptorType.CallGate16 && (vcpu.State->Efer & Efer.Lma) == 0));

    private static bool TryDirect(Vcpu vcpu, ushort selector, Descriptor descriptor, ulong offset, int operandSize, bool call, ulong next)
    {
        var cpl = vcpu.State->Cpl;
        var allowed = descriptor.IsConforming
            ? descriptor.Dpl <= cpl
            : DescriptorTables.Rpl(selector) <= cpl && descriptor.Dpl == cpl;
        if (!allowed || !IsModeValid(vcpu, descriptor))
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector));
        if (!TryTarget(vcpu, descriptor, offset)
            || !DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor)
            || (call && !TryPushReturn(vcpu, operandSize, next)))
        {
            return false;
        }
        Enter(vcpu, selector, descriptor, offset);
        return true;
    }

    // A task gate or a TSS; neither exists in long mode.
    private static bool TryTask(Vcpu vcpu, ushort selector, Descriptor descriptor, TaskSwitchSource source, ulong next, ulong retired)
    {
        var s = vcpu.State;
        var errorCode = DescriptorTables.ErrorCode(selector);
        if ((s->Efer & Efer.Lma) != 0 || descriptor.IsCodeOrData
            || descriptor.Type is not (DescriptorType.TaskGate or DescriptorType.AvailableTss16 or DescriptorType.AvailableTss32)
            || descriptor.Dpl < s->Cpl || descriptor.Dpl < DescriptorTables.Rpl(selector))
        {
            return vcpu.Fail(ExceptionVector.GeneralProtection, errorCode);
        }
        if (!descriptor.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, errorCode);
        if (descriptor.Type == DescriptorType.TaskGate)
        {
            selector = new Gate(descriptor.Raw).Selector;
            if (!TaskSwitch.TryReadTarget(vcpu, selector, 0, out descriptor))
                return false;
        }
        return TaskSwitch.TrySwitch(vcpu, source, selector, descriptor, next, retired, vcpu.RflagsImage, 0);
    }
}
