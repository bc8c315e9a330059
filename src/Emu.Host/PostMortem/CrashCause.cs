using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Host.PostMortem;

/// <summary>Says in plain language why a chain of faults happened: first what went wrong, then why the kernel could not handle it.</summary>
internal static class CrashCause
{
    /// <summary>Addresses this close to 0 are null pointers with an offset.</summary>
    private const ulong NullReach = 4096;

    /// <summary>Sentences about the first and the last fault of a chain.</summary>
    public static IReadOnlyList<string> Explain(IReadOnlyList<CrashEvent> chain, Vcpu vcpu) =>
        chain.Count == 0 ? [] : [First(chain[0]), Unhandled(chain, vcpu)];

    private static string First(CrashEvent fault)
    {
        string rip = Hex(fault.Event.Rip);
        switch (fault.Event.Vector)
        {
            case ExceptionVector.PageFault:
                string address = Hex(fault.Cr2);
                if ((fault.Event.ErrorCode & 16) != 0)
                {
                    return fault.Cr2 < NullReach
                        ? $"The kernel jumped to {address}, which is not mapped: it called through a null pointer or returned to a cleared stack slot."
                        : $"The kernel jumped to {address}, where nothing may be executed.";
                }

                string verb = (fault.Event.ErrorCode & 2) != 0 ? "wrote to" : "read";
                string reason = (fault.Event.ErrorCode & 1) == 0 ? "which is not mapped" : "which the page tables do not allow";
                return fault.Cr2 < NullReach
                    ? $"The instruction at {rip} {verb} {address}, {reason}: most likely a null pointer."
                    : $"The instruction at {rip} {verb} {address}, {reason}.";
            case ExceptionVector.InvalidOpcode:
                return $"What lies at {rip} is no instruction that this processor knows or allows here: a jump into data, a trap that the kernel set, or an extension that CPUID does not announce.";
            case ExceptionVector.DivideError:
                return $"The instruction at {rip} divided by zero, or its quotient did not fit.";
            case ExceptionVector.GeneralProtection when fault.Event.ErrorCode > 1 && (fault.Event.ErrorCode & 2) == 0:
                return $"The instruction at {rip} used selector {Hex(fault.Event.ErrorCode & 0xFFFC)}, which the descriptor table does not offer for that. After the PVH entry the loader's selectors mean nothing: load a GDT of your own first.";
            case ExceptionVector.GeneralProtection:
                return $"The instruction at {rip} did what its privilege, its operands or the control registers forbid.";
            case ExceptionVector.StackFault:
                return $"The instruction at {rip} left its stack segment or used a stack pointer that is not canonical.";
            case ExceptionVector.DeviceNotAvailable:
                return $"The instruction at {rip} used floating point or SSE while CR0.EM or CR0.TS is set.";
            default:
                return $"The instruction at {rip} raised {ExceptionText.Name(fault.Event.Vector)}.";
        }
    }

    private static unsafe string Unhandled(IReadOnlyList<CrashEvent> chain, Vcpu vcpu)
    {
        CpuState* state = vcpu.State;
        int gate = (state->Efer & Efer.Lma) != 0 ? 16 : (state->Cr0 & Cr0.Pe) != 0 ? 8 : 4;
        byte first = chain[0].Event.Vector;
        if (state->Idtr.Limit < (uint)((first + 1) * gate) - 1)
        {
            return state->Idtr.Limit < gate
                ? $"There is no interrupt table yet (IDTR limit {Hex(state->Idtr.Limit)}), so no exception can be delivered and the first one is fatal."
                : $"The interrupt table ends before vector 0x{first:x2} (IDTR limit {Hex(state->Idtr.Limit)}).";
        }

        CrashEvent last = chain[^1];
        if (last.Event.Vector == ExceptionVector.PageFault)
        {
            ulong stack = state->Registers[4];
            return last.Cr2 <= stack + 64 && last.Cr2 + 256 >= stack
                ? $"The exception could not be delivered, because the stack at {Hex(stack)} is not mapped for writing."
                : $"The exception could not be delivered, because {Hex(last.Cr2)}, where the processor looks for tables or the stack, is not mapped.";
        }

        if ((last.Event.ErrorCode & 2) != 0 && last.Event.HasErrorCode && last.Event.Vector is not ExceptionVector.PageFault)
            return $"The exception could not be delivered, because entry 0x{last.Event.ErrorCode >> 3:x2} of the IDT at {Hex(state->Idtr.Base)} is no usable gate.";
        if (last.Event.HasErrorCode && last.Event.ErrorCode > 1)
            return $"The exception could not be delivered, because its gate names selector {Hex(last.Event.ErrorCode & 0xFFFC)}, which cannot be loaded.";
        return "The exception could not be delivered, and neither could the double fault that followed.";
    }

    private static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");
}

/// <summary>An exception or interrupt that was about to be delivered, with CR2 at that moment.</summary>
/// <param name="Event">The event.</param>
/// <param name="Cr2">CR2; of meaning for page faults.</param>
internal readonly record struct CrashEvent(EventInFlight Event, ulong Cr2);
