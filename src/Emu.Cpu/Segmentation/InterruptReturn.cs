using System.Runtime.CompilerServices;
using Emu.Cpu.Events;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>IRET, IRETD and IRETQ: to the same or an outer level, to virtual-8086 mode, to the previous task (SDM Vol. 2A).</summary>
internal static unsafe class InterruptReturn
{
    private const ulong Always = Rflags.Arithmetic | Rflags.Trap | Rflags.Direction | Rflags.NestedTask;
    private const ulong In32 = Rflags.Resume | Rflags.AlignmentCheck | Rflags.Identification;
    private const ulong VirtualFlags = Rflags.VirtualInterrupt | Rflags.VirtualInterruptPending;

    /// <summary>Returns.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="operandSize">2, 4 or 8 bytes.</param>
    /// <param name="next">RIP of the next instruction, which a task switch saves.</param>
    /// <param name="retired">Instructions retired when this one is.</param>
    /// <returns>False with the failure recorded.</returns>
    public static bool TryReturn(Vcpu vcpu, int operandSize, ulong next, ulong retired)
    {
        var s = vcpu.State;
        s->Pending &= ~PendingEvents.NmiBlocked;
        var done = !vcpu.IsProtected ? TryReturnUnprotected(vcpu, operandSize)
            : (s->SystemFlags & Rflags.NestedTask) != 0 ? TryReturnToTask(vcpu, next, retired)
            : vcpu.Is64BitCode ? TryReturnLong(vcpu, operandSize)
            : TryReturnProtected(vcpu, operandSize);
        if (done)
            s->ResumeAt = retired;
        return done;
    }

    private static bool TryReturnUnprotected(Vcpu vcpu, int operandSize)
    {
        var s = vcpu.State;
        var isVirtual = (s->SystemFlags & Rflags.Virtual8086) != 0;
        var hasInterruptFlag = !isVirtual || (s->SystemFlags & Rflags.IoPrivilege) == Rflags.IoPrivilege;
        if (!hasInterruptFlag && (operandSize != 2 || (s->Cr4 & Cr4.Vme) == 0))
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        var values = stackalloc ulong[3];
        if (!StackSegment.TryPeek(vcpu, 0, values, 3, operandSize))
            return false;
        if (values[0] > s->Segments[(int)SegmentName.Cs].Limit)
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!hasInterruptFlag)
        {
            if (VirtualInterrupts.AreRefused(s, values[2]))
                return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
            values[2] = VirtualInterrupts.FlagsFromProgram(values[2]);
        }
        StackSegment.Drop(vcpu, (ulong)operandSize * 3);
        var mask = Always | (hasInterruptFlag ? Rflags.Interrupt : Rflags.VirtualInterrupt)
            | (isVirtual ? 0 : Rflags.IoPrivilege) | (operandSize == 2 ? 0 : In32);
        SetFlags(s, values[2], mask);
        FarTransfer.EnterUnprotected(vcpu, (ushort)values[1], values[0]);
        return true;
    }

    private static bool TryReturnProtected(Vcpu vcpu, int operandSize)
    {
        var s = vcpu.State;
        var values = stackalloc ulong[3];
        if (!StackSegment.TryPeek(vcpu, 0, values, 3, operandSize))
            return false;
        if (operandSize == 4 && (values[2] & Rflags.Virtual8086) != 0 && s->Cpl == 0 && (s->Efer & Efer.Lma) == 0)
            return TryReturnToVirtual8086(vcpu);
        var selector = (ushort)values[1];
        if (!FarReturn.TryPrepareCode(vcpu, selector, out var descriptor))
            return false;
        if (DescriptorTables.Rpl(selector) != s->Cpl)
        {
            var stackValues = stackalloc ulong[2];
            return StackSegment.TryPeek(vcpu, (ulong)operandSize * 3, stackValues, 2, operandSize)
                && TryReturnWithStack(vcpu, operandSize, selector, descriptor, values[0], values[2], stackValues[0], (ushort)stackValues[1]);
        }
        if (!FarTransfer.TryTarget(vcpu, descriptor, values[0]) || !DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
            return false;
        StackSegment.Drop(vcpu, (ulong)operandSize * 3);
        SetFlags(s, values[2], FlagsMask(s, operandSize));
        FarTransfer.Enter(vcpu, selector, descriptor, values[0]);
        return true;
    }

    // 64-bit code pops SS:RSP whatever the levels.
    private static bool TryReturnLong(Vcpu vcpu, int operandSize)
    {
        var s = vcpu.State;
        if (operandSize == sizeof(ulong) && s->Cpl != 3)
        {
            var frame = (ulong*)vcpu.ReadableAtOnce(s->Registers[4], 5 * sizeof(ulong), PageAccess.Read);
            if (frame != null)
            {
                ulong rip = frame[0], flags = frame[2], pointer = frame[3];
                ushort code = (ushort)frame[1], stack = (ushort)frame[4];
                return FarReturn.TryPrepareCode(vcpu, code, out var descriptor)
                    && TryReturnWithStack(vcpu, sizeof(ulong), code, descriptor, rip, flags, pointer, stack);
            }
        }
        return TryReturnLongSlowly(vcpu, operandSize);
    }

    private static bool TryReturnLongSlowly(Vcpu vcpu, int operandSize)
    {
        var values = stackalloc ulong[5];
        if (!StackSegment.TryPeek(vcpu, 0, values, 5, operandSize))
            return false;
        var selector = (ushort)values[1];
        return FarReturn.TryPrepareCode(vcpu, selector, out var descriptor)
            && TryReturnWithStack(vcpu, operandSize, selector, descriptor, values[0], values[2], values[3], (ushort)values[4]);
    }

    private static bool TryReturnWithStack(
        Vcpu vcpu, int operandSize, ushort selector, Descriptor descriptor, ulong rip, ulong flags, ulong pointer, ushort stackSelector)
    {
        var s = vcpu.State;
        var rpl = DescriptorTables.Rpl(selector);
        if (!FarReturn.TryPrepareStack(vcpu, descriptor, rpl, stackSelector, out var stack)
            || !FarTransfer.TryTarget(vcpu, descriptor, rip)
            || !DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
        {
            return false;
        }
        SetFlags(s, flags, FlagsMask(s, operandSize));
        var outward = rpl != s->Cpl;
        s->Cpl = rpl;
        FarReturn.LoadStack(vcpu, descriptor, in stack, pointer);
        if (outward)
            SegmentLoads.DropInaccessible(s, rpl);
        FarTransfer.Enter(vcpu, selector, descriptor, rip);
        return true;
    }

    private static bool TryReturnToVirtual8086(Vcpu vcpu)
    {
        var s = vcpu.State;
        var values = stackalloc ulong[9];
        if (!StackSegment.TryPeek(vcpu, 0, values, 9, 4))
            return false;
        // EIP is cut to the limit of 64 KiB that every such segment has.
        if (values[0] > 0xFFFF)
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        SetFlags(s, values[2], FlagsMask(s, 4) | Rflags.Virtual8086);
        s->Cpl = 3;
        s->Segments[(int)SegmentName.Cs] = SegmentLoads.Virtual8086((ushort)values[1]);
        s->Registers[4] = values[3];
        s->Segments[(int)SegmentName.Ss] = SegmentLoads.Virtual8086((ushort)values[4]);
        s->Segments[(int)SegmentName.Es] = SegmentLoads.Virtual8086((ushort)values[5]);
        s->Segments[(int)SegmentName.Ds] = SegmentLoads.Virtual8086((ushort)values[6]);
        s->Segments[(int)SegmentName.Fs] = SegmentLoads.Virtual8086((ushort)values[7]);
        s->Segments[(int)SegmentName.Gs] = SegmentLoads.Virtual8086((ushort)values[8]);
        s->Rip = values[0];
        vcpu.UpdateMode();
        return true;
    }

    private static bool TryReturnToTask(Vcpu vcpu, ulong next, ulong retired)
    {
        var s = vcpu.State;
        if ((s->Efer & Efer.Lma) != 0)
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!vcpu.TryReadSystem(s->Segments[(int)SegmentName.Tr].Base, out ushort selector)
            || !TaskSwitch.TryReadBackLink(vcpu, selector, out var descriptor))
        {
            return false;
        }
        return TaskSwitch.TrySwitch(vcpu, TaskSwitchSource.InterruptReturn, selector, descriptor, next, retired, vcpu.RflagsImage, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong FlagsMask(CpuState* s, int operandSize)
    {
        var mask = Always;
        if (s->Cpl <= ((uint)(s->SystemFlags >> 12) & 3))
            mask |= Rflags.Interrupt;
        if (s->Cpl == 0)
            mask |= Rflags.IoPrivilege;
        if (operandSize != 2)
            mask |= s->Cpl == 0 ? In32 | VirtualFlags : In32;
        return mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetFlags(CpuState* s, ulong flags, ulong mask)
    {
        s->Flags.SetFrom(flags);
        mask &= ~Rflags.Arithmetic;
        s->SystemFlags = (s->SystemFlags & ~mask) | (flags & mask);
        // A 16-bit IRET pops no RF; the instruction ends what an earlier one had set.
        if ((mask & Rflags.Resume) == 0)
            s->SystemFlags &= ~Rflags.Resume;
    }
}
