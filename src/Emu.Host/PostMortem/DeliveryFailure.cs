using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Host.Tracing;

namespace Emu.Host.PostMortem;

/// <summary>
/// Says why an exception could not be delivered, by going the processor's way through the tables as the crash left them: a failed delivery
/// changes nothing.
/// </summary>
/// <remarks>
/// <code>
///  gate        63:48 offset 31:16 | 47 P | 46:45 DPL | 44 0 | 43:40 type | 34:32 IST (64-bit) | 31:16 selector | 15:0 offset 15:0
///  descriptor  47 P | 46:45 DPL | 44 S | 43 code | 42 conforming | 53 L
/// </code>
/// Gates have 16 bytes in long mode, 8 in protected mode; real mode has vectors of 4 bytes.
/// </remarks>
internal static unsafe class DeliveryFailure
{
    private const int StackPointer = 4;

    /// <summary>One sentence.</summary>
    public static string Explain(byte vector, Vcpu vcpu)
    {
        CpuState* state = vcpu.State;
        bool isLong = (state->Efer & Efer.Lma) != 0;
        bool isProtected = (state->Cr0 & Cr0.Pe) != 0;
        uint size = isLong ? 16u : isProtected ? 8u : 4u;
        string table = $"IDT at {CrashCause.Hex(state->Idtr.Base)}, limit {CrashCause.Hex(state->Idtr.Limit)}"
            + (state->Idtr.Base == 0 ? "; most likely the kernel has not loaded one of its own yet" : "");
        if (state->Idtr.Limit < size - 1)
            return $"There is no interrupt table yet ({table}), so no exception can be delivered and the first one is fatal.";
        if ((vector + 1u) * size - 1 > state->Idtr.Limit)
            return $"The interrupt table has no entry for vector 0x{vector:x2} ({table}).";

        ulong entry = state->Idtr.Base + (vector * size);
        if (ReadQuad(vcpu, entry) is not { } gate)
            return $"The interrupt table's entry for vector 0x{vector:x2}, at {CrashCause.Hex(entry)}, is not mapped ({table}).";
        if (!isProtected)
            return "The exception could not be delivered.";

        int type = (int)(gate >> 40) & 31;
        bool isUsable = isLong ? type is 14 or 15 : type is 5 or 6 or 7 or 14 or 15;
        if (gate == 0)
            return $"The interrupt table's entry for vector 0x{vector:x2} is empty ({table}).";
        if ((gate >> 47 & 1) == 0)
            return $"The interrupt table's gate for vector 0x{vector:x2} is marked not present ({table}).";
        if (!isUsable)
            return $"The interrupt table's entry for vector 0x{vector:x2} is no gate that an exception may pass, but of type {type} ({table}).";
        return type == 5
            ? $"The task that the gate for vector 0x{vector:x2} names could not be entered."
            : Handler(vector, (ushort)(gate >> 16), (int)(gate >> 32) & 7, isLong, vcpu);
    }

    private static string Handler(byte vector, ushort selector, int interruptStack, bool isLong, Vcpu vcpu)
    {
        CpuState* state = vcpu.State;
        string whose = $"the handler for vector 0x{vector:x2}";
        if ((selector & ~3) == 0)
            return $"The gate of {whose} has a null selector.";
        ref SegmentRegister local = ref state->Segments[(int)SegmentName.Ldtr];
        bool isLocal = (selector & 4) != 0;
        ulong tableBase = isLocal ? local.Base : state->Gdtr.Base;
        uint limit = isLocal ? local.Limit : state->Gdtr.Limit;
        string table = $"{(isLocal ? "LDT" : "GDT")} at {CrashCause.Hex(tableBase)}, limit {CrashCause.Hex(limit)}";
        if ((selector | 7u) > limit)
            return $"The gate of {whose} names selector {CrashCause.Hex(selector)}, which lies behind the end of the table ({table}).";
        if (ReadQuad(vcpu, tableBase + (selector & 0xFFF8u)) is not { } descriptor)
            return $"The descriptor of {whose}, selector {CrashCause.Hex(selector)}, is not mapped ({table}).";
        if ((descriptor >> 43 & 3) != 3)
            return $"The gate of {whose} names selector {CrashCause.Hex(selector)}, which is no code segment ({table}).";
        if ((descriptor >> 47 & 1) == 0)
            return $"The gate of {whose} names selector {CrashCause.Hex(selector)}, a code segment that is marked not present ({table}).";
        if (isLong && (descriptor >> 53 & 1) == 0)
            return $"The gate of {whose} names selector {CrashCause.Hex(selector)}, which is not a 64-bit code segment ({table}).";

        bool changesPrivilege = (descriptor >> 42 & 1) == 0 && (descriptor >> 45 & 3) != state->Cpl;
        if (changesPrivilege || (isLong && interruptStack != 0))
            return "The stack of the more privileged level, which the task state segment names, could not be used.";
        ulong stack = vcpu.Is64BitCode
            ? state->Registers[StackPointer]
            : (uint)(state->Registers[StackPointer] + state->Segments[(int)SegmentName.Ss].Base);
        // Page faults in tables and stack are what is left, and the stack is what is most often lost.
        return IsWritable(vcpu, stack - 8)
            ? "The exception could not be delivered, although its gate and the stack look right."
            : $"The stack at {CrashCause.Hex(stack)} cannot be written, so no exception can be delivered.";
    }

    private static bool IsWritable(Vcpu vcpu, ulong linear)
    {
        Span<byte> probe = stackalloc byte[1];
        if (GuestMemoryView.ReadLinear(vcpu, linear, probe) != 1)
            return false;
        return (vcpu.State->Cr0 & Cr0.Wp) == 0 || GuestMemoryView.Walk(vcpu, linear).TrueForAll(static step => step.AllowsWrites);
    }

    private static ulong? ReadQuad(Vcpu vcpu, ulong linear)
    {
        Span<byte> bytes = stackalloc byte[8];
        return GuestMemoryView.ReadLinear(vcpu, linear, bytes) == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : null;
    }
}
