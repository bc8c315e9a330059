using System.Runtime.CompilerServices;
using Emu.Cpu.Memory;
using Emu.Cpu.Segmentation;
using Emu.Cpu.State;

namespace Emu.Cpu.Events;

// Long mode (SDM Vol. 3, 6.14): 16-byte gates, a frame that always holds SS:RSP, aligned stacks, the interrupt-stack table.
internal static unsafe partial class EventDelivery
{
    private const uint InterruptStackTable = 0x24;
    private const uint StackPointers = 4;

    private static bool TryDeliverLong(Vcpu vcpu, in EventInFlight e)
    {
        var s = vcpu.State;
        var ext = ExtOf(in e);
        var entry = e.Vector * 16u;
        if (entry + 15 > s->Idtr.Limit)
            return vcpu.Fail(ExceptionVector.GeneralProtection, GateErrorCode(in e));
        if (!vcpu.TryReadSystem(s->Idtr.Base + entry, out ulong low) || !vcpu.TryReadSystem(s->Idtr.Base + entry + 8, out ulong high))
            return false;
        var gate = new Gate(low);
        if (gate.Type is not (DescriptorType.InterruptGate32 or DescriptorType.TrapGate32) || (IsSoftware(in e) && gate.Dpl < s->Cpl))
            return vcpu.Fail(ExceptionVector.GeneralProtection, GateErrorCode(in e));
        if (!gate.IsPresent)
            return vcpu.Fail(ExceptionVector.SegmentNotPresent, GateErrorCode(in e));
        if (!TryReadHandlerSegment(vcpu, gate.Selector, ext, out var descriptor))
            return false;
        if (!descriptor.IsLong || descriptor.IsDefault32)
            return vcpu.Fail(ExceptionVector.GeneralProtection, DescriptorTables.ErrorCode(gate.Selector, ext));
        var rip = gate.Offset | (high << 32);
        if (!vcpu.IsCanonical(rip))
            return vcpu.Fail(ExceptionVector.GeneralProtection, ext);

        var cpl = descriptor.IsConforming ? s->Cpl : descriptor.Dpl;
        var pointer = s->Registers[4];
        if (gate.InterruptStack != 0)
        {
            if (!TryReadStackPointer(vcpu, InterruptStackTable + (uint)(gate.InterruptStack - 1) * 8, ext, out pointer))
                return false;
        }
        else if (cpl != s->Cpl && !TryReadStackPointer(vcpu, StackPointers + cpl * 8, ext, out pointer))
        {
            return false;
        }
        if (!DescriptorTables.TryMarkAccessed(vcpu, gate.Selector, descriptor))
            return false;

        var skipped = e.HasErrorCode ? 0 : 1;
        var size = (FrameSize - skipped) * sizeof(ulong);
        pointer = (pointer & ~15UL) - (ulong)size;
        var rights = cpl == 3 ? PageAccess.User | PageAccess.Write : PageAccess.Write;
        var place = (ulong*)vcpu.WritableAtOnce(pointer, size, rights);
        if (place != null)
        {
            if (skipped == 0)
                *place = e.ErrorCode;
            FillFrame(vcpu, in e, place - skipped);
        }
        else if (!TryWriteFrame(vcpu, in e, pointer, skipped, rights, ext))
        {
            return false;
        }

        s->Registers[4] = pointer;
        if (cpl != s->Cpl)
            s->Segments[(int)SegmentName.Ss] = SegmentLoads.Null((ushort)cpl);
        Enter(vcpu, gate, descriptor, cpl, rip);
        return true;
    }

    // The error code or, above it, nothing: the frame's lowest address comes first.
    private const int FrameSize = 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FillFrame(Vcpu vcpu, in EventInFlight e, ulong* frame)
    {
        var s = vcpu.State;
        frame[1] = e.Rip;
        frame[2] = s->Segments[(int)SegmentName.Cs].Selector;
        frame[3] = FlagsToPush(vcpu, in e);
        frame[4] = s->Registers[4];
        frame[5] = s->Segments[(int)SegmentName.Ss].Selector;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryWriteFrame(Vcpu vcpu, in EventInFlight e, ulong pointer, int skipped, PageAccess rights, uint ext)
    {
        var frame = stackalloc ulong[FrameSize];
        frame[0] = e.ErrorCode;
        FillFrame(vcpu, in e, frame);
        return vcpu.TryWriteSystem(pointer, frame + skipped, (FrameSize - skipped) * sizeof(ulong), rights, ExceptionVector.StackFault, ext);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadStackPointer(Vcpu vcpu, uint offset, uint ext, out ulong pointer)
    {
        ref var tr = ref vcpu.State->Segments[(int)SegmentName.Tr];
        if (offset + 7 > tr.Limit)
        {
            pointer = 0;
            return vcpu.Fail(ExceptionVector.InvalidTss, DescriptorTables.ErrorCode(tr.Selector, ext));
        }
        return vcpu.TryReadSystem(tr.Base + offset, out pointer);
    }
}
