using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.Explaining;

/// <summary>Tells how a kernel sets up the local APICs, be their registers in memory or MSRs (x2APIC): each thing the first time.</summary>
internal sealed class LocalApicNarrator(BootNarrator narrator, Manual manual)
{
    private const uint EndOfInterrupt = 0x0B, Spurious = 0x0F, CommandLow = 0x30, CommandHigh = 0x31, TimerVector = 0x32, Lint0 = 0x35, InitialCount = 0x38, Divide = 0x3E;

    /// <summary>The MSR of register 0 in x2APIC mode.</summary>
    private const uint FirstMsr = 0x800;

    private uint _commandHigh;
    private uint _timer = 1 << 16;
    private uint _divide;

    /// <summary>How a message is to be delivered, in words.</summary>
    /// <param name="mode">The delivery mode, 0–7.</param>
    public static string DeliveryName(uint mode) => mode switch
    {
        0 => "fixed",
        1 => "to whichever is least busy",
        2 => "a system-management interrupt",
        4 => "an NMI",
        5 => "INIT",
        6 => "a start-up message",
        7 => "an 8259A's interrupt",
        _ => "reserved",
    };

    /// <summary>The register that an MSR is in x2APIC mode; null where it is none.</summary>
    public static uint? RegisterOf(uint msr) => msr is >= FirstMsr and < FirstMsr + 0x40 ? msr - FirstMsr : null;

    /// <summary>A register has been written.</summary>
    /// <param name="vcpu">By which vCPU, to its own.</param>
    /// <param name="register">Its offset in memory divided by 16.</param>
    /// <param name="value">What was written.</param>
    /// <param name="isX2Apic">Whether it is an MSR; the interrupt command has 64 bits then.</param>
    public void Written(Vcpu vcpu, uint register, ulong value, bool isX2Apic)
    {
        uint low = (uint)value;
        switch (register)
        {
            case CommandHigh when !isX2Apic:
                _commandHigh = low;
                break;
            case CommandLow:
                NoteCommand(vcpu, low, isX2Apic ? (uint)(value >> 32) : _commandHigh >> 24);
                break;
            case Divide:
                _divide = low;
                break;
            case TimerVector:
                _timer = low;
                NoteTimer(vcpu, low);
                break;
            case InitialCount when low != 0:
                NoteCount(vcpu, low);
                break;
            case Spurious when (low & 0x100) != 0 && narrator.IsFirst("apic on"):
                narrator.TellController(
                    vcpu,
                    "The local APIC is enabled",
                    "Bit 8 of the spurious-interrupt vector register switches it on in software. From now on it takes interrupts: from the I/O APIC, from other processors, and from its own timer.",
                    manual.LocalApicEnable,
                    [new Fact("spurious vector", $"0x{low & 0xFF:x2}"), new Fact("registers", isX2Apic ? "are MSRs (x2APIC)" : "are in memory, a page for each processor's own")]);
                break;
            case EndOfInterrupt when narrator.IsFirst("apic eoi"):
                narrator.TellController(
                    vcpu,
                    "The local APIC is told that an interrupt is over",
                    "EOI: the handler has done its work, and interrupts of the same and lower priority can come again.",
                    manual.EndOfInterrupt,
                    []);
                break;
            case Lint0 when (low & (1 << 16)) == 0 && (low >> 8 & 7) == 7 && !narrator.IsDomain && narrator.IsFirst("apic lint0"):
                narrator.TellController(
                    vcpu,
                    "The local APIC lets the 8259As' interrupts through",
                    "Its input LINT0 takes external interrupts as they come: the 8259As are asked for the vector, as if there were no APIC (virtual wire mode).",
                    manual.LocalVectors,
                    [new Fact("LINT0", BootNarrator.Hex(low))]);
                break;
        }
    }

    private void NoteCommand(Vcpu vcpu, uint command, uint destination)
    {
        uint mode = command >> 8 & 7;
        // INIT comes with its end in some kernels, which means nothing to newer APICs.
        bool isEndOfInit = mode == 5 && (command & (1 << 14)) == 0 && (command & (1 << 15)) != 0;
        // A start-up message is told by the processor that starts.
        if (isEndOfInit || mode == 6 || !narrator.IsFirst("ipi", mode == 5 ? mode : 0))
            return;
        (string title, string text) = mode == 5
            ? ("The first INIT message", "INIT resets other processors, wherever they were, and makes them wait for a start-up message, which says where they begin.")
            : ("The first interprocessor interrupt", "A write to the interrupt command register sends a message to other local APICs, or to this one itself.");
        string target = (command >> 18 & 3) switch
        {
            1 => "this processor itself",
            2 => "all processors",
            3 => "all other processors",
            _ => (command & (1 << 11)) != 0 ? $"the logical destination 0x{destination:x}" : $"APIC {destination}",
        };
        string message = mode is 0 or 1 ? $"vector 0x{command & 0xFF:x2}, {DeliveryName(mode)}" : DeliveryName(mode);
        narrator.TellController(vcpu, title, text, mode == 5 ? manual.Startup : manual.InterruptCommand, [new Fact("goes to", target), new Fact("message", message)]);
    }

    private void NoteTimer(Vcpu vcpu, uint entry)
    {
        uint mode = entry >> 17 & 3;
        if ((entry & (1 << 16)) != 0 || mode == 3 || !narrator.IsFirst("apic timer", mode))
            return;
        byte vector = (byte)entry;
        List<Fact> facts = [new Fact("vector", $"0x{vector:x2}")];
        if (narrator.HandlerOf(vcpu, vector) is { } handler)
            facts.Add(new Fact("handler", handler));
        narrator.TellController(
            vcpu,
            mode switch { 0 => "The local APIC's timer may interrupt: one-shot", 1 => "The local APIC's timer may interrupt: periodic", _ => "The local APIC's timer may interrupt: TSC deadline" },
            mode switch
            {
                0 => "Each processor has such a timer of its own. It counts down once from the number that is written to it, and then interrupts.",
                1 => "Each processor has such a timer of its own. It counts down from the number that is written to it, interrupts, and begins anew.",
                _ => "Each processor has such a timer of its own. It interrupts when the time-stamp counter reaches the value in IA32_TSC_DEADLINE. That counter's rate is known already, so nothing has to be measured.",
            },
            mode == 2 ? manual.Deadline : manual.ApicTimer,
            facts);
    }

    private void NoteCount(Vcpu vcpu, uint count)
    {
        uint code = (_divide & 3) | (_divide >> 1 & 4);
        uint divisor = code == 7 ? 1U : 2U << (int)code;
        bool isEndless = count >= 0x8000_0000;
        if ((_timer >> 17 & 3) == 2 || !narrator.IsFirst(isEndless ? "apic calibration" : "apic count"))
            return;
        string length = BootNarrator.Duration((ulong)count * divisor);
        narrator.TellController(
            vcpu,
            isEndless ? "The local APIC's timer is measured" : "The local APIC's timer counts",
            isEndless
                ? "It counts down from a number that it will not get to the end of. Its rate is written nowhere, so the kernel looks how far it comes while a clock with a known rate (the 8254, the ACPI timer) measures the time."
                : "The initial count is written, and with it the timer starts.",
            manual.ApicTimer,
            [
                new Fact("initial count", string.Create(CultureInfo.InvariantCulture, $"{count:N0}")),
                new Fact("divider", divisor.ToString(CultureInfo.InvariantCulture)),
                new Fact("that is", $"{length} with this machine's 1 GHz"),
                new Fact("at the end", (_timer & (1 << 16)) != 0 ? "nothing: its vector is masked" : (_timer >> 17 & 3) == 1 ? "an interrupt, and it begins anew" : "an interrupt"),
            ]);
    }
}
