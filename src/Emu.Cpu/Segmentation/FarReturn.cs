using System.Runtime.CompilerServices;
using Emu.Cpu.Events;
using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>RETF, to the same or an outer privilege level (SDM Vol. 2B, RET).</summary>
internal static unsafe class FarReturn
{
    /// <summary>Returns.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="operandSize">2, 4 or 8 bytes.</param>
    /// <param name="release">Bytes of parameters to release, on both stacks.</param>
    /// <returns>False with the failure recorded; true with CS, RIP and the stack loaded.</returns>
    public static bool TryReturn(Vcpu vcpu, int operandSize, uint release)
    {
        var s = vcpu.State;
        var values = stackalloc ulong[2];
        if (!StackSegment.TryPeek(vcpu, 0, values, 2, operandSize))
            return false;
        var rip = values[0];
        var selector = (ushort)values[1];
        var popped = (ulong)operandSize * 2 + release;
        if (!vcpu.IsProtected)
        {
            if (rip > s->Segments[(int)SegmentName.Cs].Limit)
                return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
            StackSegment.Drop(vcpu, popped);
            FarTransfer.EnterUnprotected(vcpu, selector, rip);
            return true;
        }
        if (!TryPrepareCode(vcpu, selector, out var descriptor))
            return false;
        if (DescriptorTables.Rpl(selector) != s->Cpl)
            return TryReturnOutward(vcpu, selector, descriptor, rip, operandSize, release);
        if (!FarTransfer.TryTarget(vcpu, descriptor, rip) || !DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
            return false;
        StackSegment.Drop(vcpu, popped);
        FarTransfer.Enter(vcpu, selector, descriptor, rip);
        return true;
    }

    /// <summary>Checks the code segment that RETF or IRET goes back to: its RPL is the level returned to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPrepareCode(Vcpu vcpu, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        if (DescriptorTables.IsNull(selector))
            return vcpu.Fail(ExceptionVector.GeneralProtection, 0);
        if (!DescriptorTables.TryRead(vcpu, selector, out descriptor))
            return false;
        var rpl = DescriptorTables.Rpl(selector);
        if (!descriptor.IsCode || rpl < vcpu.State->Cpl
            || (descriptor.IsConforming ? descriptor.Dpl > rpl : descriptor.Dpl != rpl)
            || !FarTransfer.IsModeValid(vcpu, descriptor))
        {
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(selector));
        }
        return descriptor.IsPresent || vcpu.Fail(ExceptionVector.SegmentNotPresent, DescriptorTables.ErrorCode(selector));
    }

    /// <summary>Checks the stack segment that a return to <paramref name="code"/> loads; null will do for 64-bit code below CPL 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPrepareStack(Vcpu vcpu, Descriptor code, uint rpl, ushort selector, out SegmentRegister stack)
    {
        var nullAllowed = (vcpu.State->Efer & Efer.Lma) != 0 && code.IsLong && rpl != 3;
        return SegmentLoads.TryPrepareStack(vcpu, selector, rpl, nullAllowed, ExceptionVector.GeneralProtection, 0, out stack);
    }

    /// <summary>Loads the stack of an outer level: RSP whole for 64-bit code, else SP or ESP as the new SS.B says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadStack(Vcpu vcpu, Descriptor code, in SegmentRegister stack, ulong pointer)
    {
        var s = vcpu.State;
        s->Segments[(int)SegmentName.Ss] = stack;
        if ((s->Efer & Efer.Lma) != 0 && code.IsLong)
            s->Registers[4] = pointer;
        else
            StackSegment.SetPointer(s, pointer & StackSegment.PointerMask(in stack));
    }

    private static bool TryReturnOutward(Vcpu vcpu, ushort selector, Descriptor descriptor, ulong rip, int operandSize, uint release)
    {
        var s = vcpu.State;
        var values = stackalloc ulong[2];
        var rpl = DescriptorTables.Rpl(selector);
        if (!StackSegment.TryPeek(vcpu, (ulong)operandSize * 2 + release, values, 2, operandSize)
            || !TryPrepareStack(vcpu, descriptor, rpl, (ushort)values[1], out var stack)
            || !FarTransfer.TryTarget(vcpu, descriptor, rip)
            || !DescriptorTables.TryMarkAccessed(vcpu, selector, descriptor))
        {
            return false;
        }
        s->Cpl = rpl;
        LoadStack(vcpu, descriptor, in stack, values[0] + release);
        SegmentLoads.DropInaccessible(s, rpl);
        FarTransfer.Enter(vcpu, selector, descriptor, rip);
        return true;
    }
}
