using System.Globalization;
using Emu.Cpu;

namespace Emu.Host.PostMortem;

/// <summary>Names and error codes of exceptions, in words (SDM Vol. 3, chapter 6).</summary>
internal static class ExceptionText
{
    public static string Name(byte vector) => vector switch
    {
        ExceptionVector.DivideError => "#DE divide error",
        ExceptionVector.Debug => "#DB debug",
        ExceptionVector.NonMaskableInterrupt => "NMI",
        ExceptionVector.Breakpoint => "#BP breakpoint",
        ExceptionVector.Overflow => "#OF overflow",
        ExceptionVector.BoundRange => "#BR bound range exceeded",
        ExceptionVector.InvalidOpcode => "#UD invalid opcode",
        ExceptionVector.DeviceNotAvailable => "#NM device not available",
        ExceptionVector.DoubleFault => "#DF double fault",
        ExceptionVector.InvalidTss => "#TS invalid TSS",
        ExceptionVector.SegmentNotPresent => "#NP segment not present",
        ExceptionVector.StackFault => "#SS stack fault",
        ExceptionVector.GeneralProtection => "#GP general protection",
        ExceptionVector.PageFault => "#PF page fault",
        ExceptionVector.FloatingPoint => "#MF floating point",
        ExceptionVector.AlignmentCheck => "#AC alignment check",
        ExceptionVector.MachineCheck => "#MC machine check",
        ExceptionVector.SimdFloatingPoint => "#XM SIMD floating point",
        _ => string.Create(CultureInfo.InvariantCulture, $"vector 0x{vector:x2}"),
    };

    /// <summary>What an event's error code says.</summary>
    public static string ErrorCode(in CrashEvent crash)
    {
        EventInFlight fault = crash.Event;
        if (!fault.HasErrorCode)
            return "";
        uint code = fault.ErrorCode;
        string hex = string.Create(CultureInfo.InvariantCulture, $"0x{code:x}");
        return fault.Vector switch
        {
            ExceptionVector.PageFault => $"error code {hex}: {PageFault(code, crash.IsFetch)}",
            ExceptionVector.DoubleFault => $"error code {hex}",
            ExceptionVector.AlignmentCheck => $"error code {hex}",
            _ => $"error code {hex}: {Selector(code)}",
        };
    }

    /// <summary>
    /// <code>
    ///  5 PK | 4 I/D fetch | 3 RSVD | 2 U/S user | 1 W/R write | 0 P present
    /// </code>
    /// </summary>
    private static string PageFault(uint code, bool isFetch)
    {
        string who = (code & 4) != 0 ? "a user" : "a supervisor";
        string what = isFetch ? "instruction fetch" : (code & 2) != 0 ? "write" : "read";
        string why = (code & 8) != 0 ? "a reserved bit is set in a page table entry"
            : (code & 32) != 0 ? "a protection key forbids it"
            : (code & 1) != 0 ? "the page does not allow it"
            : "no page is mapped";
        return $"{who} {what}; {why}";
    }

    /// <summary>
    /// <code>
    ///  15:3 index | 2 TI | 1 IDT | 0 EXT
    /// </code>
    /// </summary>
    private static string Selector(uint code)
    {
        if (code <= 1)
            return "no selector";
        return (code & 2) != 0
            ? string.Create(CultureInfo.InvariantCulture, $"entry 0x{code >> 3:x2} of the IDT")
            : string.Create(CultureInfo.InvariantCulture, $"selector 0x{code & 0xFFF8:x4} in the {((code & 4) != 0 ? "LDT" : "GDT")}");
    }
}
