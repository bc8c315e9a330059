using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Segment checks on memory accesses outside flat and 64-bit code (SDM Vol. 3, 5.3 and 5.5).
public sealed unsafe partial class Vcpu
{
    // Not canonical: misses every TLB, so that the accessor comes to the slow path and finds the fault recorded.
    private const ulong FaultedAddress = 0x8000_0000_0000_0000;

    /// <summary>The linear address of an offset in a segment, after the checks of limit and type.</summary>
    /// <returns>After a fault, an address that makes the accessor report it.</returns>
    internal ulong Segment(Op* op, SegmentName name, ulong offset, int size, bool write)
    {
        ref var segment = ref State->Segments[(int)name];
        if (Is64BitCode)
            return name >= SegmentName.Fs ? segment.Base + offset : offset;
        if (Allows(in segment, offset, size, write))
            return (uint)(segment.Base + offset);
        RaiseFault(op, name == SegmentName.Ss ? ExceptionVector.StackFault : ExceptionVector.GeneralProtection, 0);
        _segmentFaulted = true;
        return FaultedAddress;
    }

    /// <summary>True where a segment admits an access: limit and type.</summary>
    internal static bool Allows(in SegmentRegister segment, ulong offset, int size, bool write)
    {
        var attributes = segment.Attributes;
        if ((attributes & SegmentAttributes.Present) == 0)
            return false;
        var code = (attributes & SegmentAttributes.Code) != 0;
        var writableOrReadable = (attributes & SegmentAttributes.WritableOrReadable) != 0;
        if (write ? code || !writableOrReadable : code && !writableOrReadable)
            return false;
        var last = offset + (ulong)size - 1;
        if (code || (attributes & SegmentAttributes.ExpandDownOrConforming) == 0)
            return last <= segment.Limit;
        var top = (attributes & SegmentAttributes.Default32) != 0 ? uint.MaxValue : 0xFFFFUL;
        return offset > segment.Limit && last <= top;
    }

    // The linear address of the next instruction; a fault is recorded where CS does not reach it.
    private bool TryCodeAddress(ulong rip, out ulong linear)
    {
        linear = rip;
        if (Is64BitCode)
            return true;
        ref var cs = ref State->Segments[(int)SegmentName.Cs];
        linear = (uint)(cs.Base + rip);
        return rip <= cs.Limit || RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
    }
}
