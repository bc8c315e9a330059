using Emu.Cpu.Events;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>Call gates of 16, 32 and 64 bits, with the change to an inner level's stack (SDM Vol. 3, 5.8.3–5.8.5).</summary>
internal static unsafe class CallGate
{
    /// <summary>JMP through a gate: never to another privilege level.</summary>
    public static bool TryJump(Vcpu vcpu, ushort selector, Descriptor descriptor)
    {
        if (!TryOpen(vcpu, selector, descriptor, out var target))
            return false;
        if (!target.Segment.IsConforming && target.Segment.Dpl != vcpu.State->Cpl)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(target.Selector));
        if (!FarTransfer.TryTarget(vcpu, target.Segment, target.Offset)
            || !DescriptorTables.TryMarkAccessed(vcpu, target.Selector, target.Segment))
        {
            return false;
        }
        FarTransfer.Enter(vcpu, target.Selector, target.Segment, target.Offset);
        return true;
    }

    /// <summary>CALL through a gate.</summary>
    public static bool TryCall(Vcpu vcpu, ushort selector, Descriptor descriptor, ulong next)
    {
        if (!TryOpen(vcpu, selector, descriptor, out var target))
            return false;
        var isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        if (!target.Segment.IsConforming && target.Segment.Dpl < vcpu.State->Cpl)
        {
            return isLong
                ? TryCallInwardLong(vcpu, in target, next)
                : TryCallInward(vcpu, in target, new Gate(descriptor.Raw), next);
        }
        var size = isLong ? 8 : new Gate(descriptor.Raw).Is32 ? 4 : 2;
        if (!FarTransfer.TryTarget(vcpu, target.Segment, target.Offset)
            || !DescriptorTables.TryMarkAccessed(vcpu, target.Selector, target.Segment)
            || !FarTransfer.TryPushReturn(vcpu, size, next))
        {
            return false;
        }
        FarTransfer.Enter(vcpu, target.Selector, target.Segment, target.Offset);
        return true;
    }

    private readonly record struct Target(ushort Selector, Descriptor Segment, ulong Offset);

    // What JMP and CALL check alike: the gate, then the code segment behind it.
    private static bool TryOpen(Vcpu vcpu, ushort selector, Descriptor descriptor, out Target target)
    {
        var s = vcpu.State;
        var gate = new Gate(descriptor.Raw);
        var isLong = (s->Efer & Efer.Lma) != 0;
        target = default;
        if (gate.Dpl < s->Cpl || gate.Dpl < DescriptorTables.Rpl(selector))
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        if (!gate.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector));
        var upper = 0UL;
        if (isLong && !DescriptorTables.TryReadUpper(vcpu, selector, out upper))
            return false;
        if (DescriptorTables.IsNull(gate.Selector))
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!DescriptorTables.TryRead(vcpu, gate.Selector, out var code))
            return false;
        if (!code.IsCode || code.Dpl > s->Cpl || (isLong && (!code.IsLong || code.IsDefault32)))
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(gate.Selector));
        if (!code.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(gate.Selector));
        var offset = isLong ? gate.Offset | (upper << 32) : gate.Is32 ? gate.Offset : gate.Offset & 0xFFFF;
        target = new Target(gate.Selector, code, offset);
        return true;
    }

    private static bool TryCallInwardLong(Vcpu vcpu, in Target target, ulong next)
    {
        var s = vcpu.State;
        var cpl = target.Segment.Dpl;
        if (!InnerStack.TryReadLong(vcpu, cpl, out var pointer)
            || !FarTransfer.TryTarget(vcpu, target.Segment, target.Offset)
            || !DescriptorTables.TryMarkAccessed(vcpu, target.Selector, target.Segment))
        {
            return false;
        }
        var frame = new StackFrame(8);
        frame.Push(s->Segments[(int)SegmentName.Ss].Selector);
        frame.Push(s->Registers[4]);
        frame.Push(s->Segments[(int)SegmentName.Cs].Selector);
        frame.Push(next);
        if (!frame.TryWriteLong(vcpu, ref pointer, false, 0))
            return false;
        s->Segments[(int)SegmentName.Ss] = SegmentLoads.Null((ushort)cpl);
        s->Registers[4] = pointer;
        s->Cpl = cpl;
        FarTransfer.Enter(vcpu, target.Selector, target.Segment, target.Offset);
        return true;
    }

    private static bool TryCallInward(Vcpu vcpu, in Target target, Gate gate, ulong next)
    {
        var s = vcpu.State;
        var cpl = target.Segment.Dpl;
        if (!InnerStack.TryRead(vcpu, cpl, 0, out var pointer, out var stackSelector)
            || !SegmentLoads.TryPrepareStack(vcpu, stackSelector, cpl, false, ExceptionVector.InvalidTss, 0, out var stack))
        {
            return false;
        }
        var size = gate.Is32 ? 4 : 2;
        var frame = new StackFrame(size);
        frame.Push(s->Segments[(int)SegmentName.Ss].Selector);
        frame.Push(s->Registers[4]);
        var parameterBytes = gate.ParameterCount * size;
        if (parameterBytes != 0)
        {
            var parameters = stackalloc byte[31 * 4];
            ref var oldStack = ref s->Segments[(int)SegmentName.Ss];
            var offset = s->Registers[4] & StackSegment.PointerMask(in oldStack);
            if (!StackSegment.TryRead(vcpu, in oldStack, offset, parameters, parameterBytes, size, s->Cpl == 3, 0))
                return false;
            frame.Push(parameters, parameterBytes);
        }
        frame.Push(s->Segments[(int)SegmentName.Cs].Selector);
        frame.Push(next);
        pointer &= StackSegment.PointerMask(in stack);
        if (!FarTransfer.TryTarget(vcpu, target.Segment, target.Offset)
            || !DescriptorTables.TryMarkAccessed(vcpu, target.Selector, target.Segment)
            || !frame.TryWrite(vcpu, in stack, ref pointer, false, DescriptorTables.ErrorCode(stackSelector)))
        {
            return false;
        }
        s->Segments[(int)SegmentName.Ss] = stack;
        StackSegment.SetPointer(s, pointer);
        s->Cpl = cpl;
        FarTransfer.Enter(vcpu, target.Selector, target.Segment, target.Offset);
        return true;
    }
}
