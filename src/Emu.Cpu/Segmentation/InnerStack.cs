using Emu.Cpu.State;

namespace Emu.Cpu.Segmentation;

/// <summary>The stack pointers that a TSS holds for each inner privilege level (SDM Vol. 3, 7.2.1 and 7.6).</summary>
internal static unsafe class InnerStack
{
    /// <summary>Reads SS:SP or SS:ESP of a level from the 16- or 32-bit TSS.</summary>
    /// <returns>False with the failure recorded: #TS(TR) where the TSS is too short.</returns>
    public static bool TryRead(Vcpu vcpu, uint level, uint ext, out ulong pointer, out ushort selector)
    {
        ref var tr = ref vcpu.State->Segments[(int)SegmentName.Tr];
        pointer = 0;
        selector = 0;
        if (((uint)tr.Attributes & 8) != 0)
        {
            var offset = 4 + level * 8;
            if (offset + 7 > tr.Limit)
                return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
            if (!vcpu.TryReadSystem(tr.Base + offset, out uint esp) || !vcpu.TryReadSystem(tr.Base + offset + 4, out selector))
                return false;
            pointer = esp;
            return true;
        }
        var offset16 = 2 + level * 4;
        if (offset16 + 3 > tr.Limit)
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
        if (!vcpu.TryReadSystem(tr.Base + offset16, out ushort sp) || !vcpu.TryReadSystem(tr.Base + offset16 + 2, out selector))
            return false;
        pointer = sp;
        return true;
    }

    /// <summary>Reads RSP of a level from the 64-bit TSS.</summary>
    public static bool TryReadLong(Vcpu vcpu, uint level, out ulong pointer)
    {
        ref var tr = ref vcpu.State->Segments[(int)SegmentName.Tr];
        var offset = 4 + level * 8;
        pointer = 0;
        return offset + 7 <= tr.Limit
            ? vcpu.TryReadSystem(tr.Base + offset, out pointer)
            : vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector));
    }
}
