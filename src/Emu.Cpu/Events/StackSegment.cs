using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Events;

/// <summary>Blocks of values on a stack in a segment, read or written whole, with the segment's checks.</summary>
internal static unsafe class StackSegment
{
    /// <summary>What the stack pointer wraps at: SS.B.</summary>
    public static ulong PointerMask(in SegmentRegister stack) =>
        (stack.Attributes & SegmentAttributes.Default32) != 0 ? 0xFFFF_FFFF : 0xFFFFUL;

    /// <summary>Sets SP or ESP, as the B bit of SS says.</summary>
    public static void SetPointer(CpuState* s, ulong value)
    {
        var mask = PointerMask(in s->Segments[(int)SegmentName.Ss]);
        s->Registers[4] = mask == 0xFFFF ? (s->Registers[4] & ~mask) | value : value;
    }

    /// <summary>Writes values at an offset.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="stack">The segment.</param>
    /// <param name="offset">Offset of the lowest byte, within the pointer's mask.</param>
    /// <param name="from">The bytes.</param>
    /// <param name="size">How many.</param>
    /// <param name="element">Bytes of each value: none of them may straddle the wrap-around.</param>
    /// <param name="user">Whether the stack is used at CPL 3.</param>
    /// <param name="errorCode">Error code of #SS outside the segment.</param>
    /// <returns>False with the failure recorded and nothing written.</returns>
    public static bool TryWrite(Vcpu vcpu, in SegmentRegister stack, ulong offset, byte* from, int size, int element, bool user, uint errorCode)
    {
        var rights = user ? PageAccess.User | PageAccess.Write : PageAccess.Write;
        if (!TrySplit(vcpu, in stack, offset, size, element, true, errorCode, out var first))
            return false;
        if (first == size)
            return vcpu.TryWriteSystem((uint)(stack.Base + offset), from, size, rights, ExceptionVector.StackFault, errorCode);
        // Around the wrap the parts are far apart; the upper one lies below the pointer still, so writing it alone does no harm.
        return vcpu.TryWriteSystem((uint)stack.Base, from + first, size - first, rights, ExceptionVector.StackFault, errorCode)
            && vcpu.TryWriteSystem((uint)(stack.Base + offset), from, first, rights, ExceptionVector.StackFault, errorCode);
    }

    /// <summary>Reads values at an offset.</summary>
    /// <inheritdoc cref="TryWrite"/>
    public static bool TryRead(Vcpu vcpu, in SegmentRegister stack, ulong offset, byte* to, int size, int element, bool user, uint errorCode)
    {
        var rights = user ? PageAccess.User : PageAccess.Read;
        if (!TrySplit(vcpu, in stack, offset, size, element, false, errorCode, out var first))
            return false;
        return vcpu.TryReadSystem((uint)(stack.Base + offset), to, first, rights, ExceptionVector.StackFault, errorCode)
            && (first == size
                || vcpu.TryReadSystem((uint)stack.Base, to + first, size - first, rights, ExceptionVector.StackFault, errorCode));
    }

    /// <summary>Reads values from the stack in use, whatever the mode.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="skip">Bytes between the stack pointer and the first value.</param>
    /// <param name="values">Receives the values, zero-extended.</param>
    /// <param name="count">How many, at most 9.</param>
    /// <param name="element">Bytes of each: 2, 4 or 8.</param>
    /// <returns>False with the failure recorded; the stack pointer does not move in any case.</returns>
    public static bool TryPeek(Vcpu vcpu, ulong skip, ulong* values, int count, int element)
    {
        var s = vcpu.State;
        var user = s->Cpl == 3;
        var bytes = (byte*)values;
        if (vcpu.Is64BitCode)
        {
            var rights = user ? PageAccess.User : PageAccess.Read;
            if (!vcpu.TryCheckStackAlignment(s->Registers[4] + skip, element)
                || !vcpu.TryReadSystem(s->Registers[4] + skip, bytes, count * element, rights, ExceptionVector.StackFault, 0))
            {
                return false;
            }
        }
        else
        {
            ref var ss = ref s->Segments[(int)SegmentName.Ss];
            var offset = (s->Registers[4] + skip) & PointerMask(in ss);
            if (!vcpu.TryCheckStackAlignment(ss.Base + offset, element)
                || !TryRead(vcpu, in ss, offset, bytes, count * element, element, user, 0))
            {
                return false;
            }
        }
        // In place, from the last to the first: a value's slot never lies below its bytes.
        for (var i = count - 1; i >= 0 && element != 8; i--)
            values[i] = element == 4 ? ((uint*)bytes)[i] : ((ushort*)bytes)[i];
        return true;
    }

    /// <summary>Moves the stack pointer in use up.</summary>
    public static void Drop(Vcpu vcpu, ulong bytes)
    {
        var s = vcpu.State;
        if (vcpu.Is64BitCode)
            s->Registers[4] += bytes;
        else
            SetPointer(s, (s->Registers[4] + bytes) & PointerMask(in s->Segments[(int)SegmentName.Ss]));
    }

    // How many bytes come before the pointer wraps around; each part is checked against the segment.
    private static bool TrySplit(Vcpu vcpu, in SegmentRegister stack, ulong offset, int size, int element, bool write, uint errorCode, out int first)
    {
        var beforeWrap = PointerMask(in stack) + 1 - offset;
        first = (int)Math.Min(beforeWrap, (ulong)size);
        if (first % element == 0
            && Vcpu.Allows(in stack, offset, first, write)
            && (first == size || Vcpu.Allows(in stack, 0, size - first, write)))
        {
            return true;
        }
        return vcpu.Fail(ExceptionVector.StackFault, errorCode);
    }
}
