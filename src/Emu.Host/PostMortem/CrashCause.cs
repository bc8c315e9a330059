using System.Globalization;
using Emu.Cpu;

namespace Emu.Host.PostMortem;

/// <summary>Says in plain language why a chain of faults happened: first what went wrong, then why the kernel could not handle it.</summary>
internal static class CrashCause
{
    /// <summary>Addresses this close to 0 are null pointers with an offset.</summary>
    private const ulong NullReach = 4096;

    /// <summary>Sentences about the first and the last fault of a chain.</summary>
    public static IReadOnlyList<string> Explain(IReadOnlyList<CrashEvent> chain, Vcpu vcpu) =>
        chain.Count == 0 ? [] : [First(chain[0]), DeliveryFailure.Explain(chain[0].Event.Vector, vcpu)];

    private static string First(CrashEvent fault)
    {
        string rip = Hex(fault.Event.Rip);
        switch (fault.Event.Vector)
        {
            case ExceptionVector.PageFault:
                string address = Hex(fault.Cr2);
                if (fault.IsFetch)
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

    public static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");
}

/// <summary>An exception or interrupt that was about to be delivered, with CR2 at that moment.</summary>
/// <param name="Event">The event.</param>
/// <param name="Cr2">CR2; of meaning for page faults.</param>
internal record struct CrashEvent(EventInFlight Event, ulong Cr2)
{
    /// <summary>A page fault of an instruction fetch. Without NX and SMEP the error code does not tell it from a read.</summary>
    public readonly bool IsFetch => Event.Vector == ExceptionVector.PageFault && ((Event.ErrorCode & 16) != 0 || Cr2 == Event.Rip);
}
