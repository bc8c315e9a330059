using Emu.Cpu;
using Emu.Machine.Interrupts;
using Emu.Machine.Recording;

namespace Emu.Machine;

// What a debugger shows of the machine around its vCPUs.
public sealed partial class PvhMachine
{
    /// <summary>The I/O APIC; null in a Xen domain, which has none.</summary>
    public IoApic? IoApic => _pc?.IoApic;

    /// <summary>A vCPU's local APIC.</summary>
    /// <param name="vcpu">One of <see cref="Vcpus"/>.</param>
    /// <returns>The local APIC.</returns>
    public LocalApic LocalApicOf(Vcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        return _scheduler.Processors[vcpu.Number].LocalApic;
    }

    /// <summary>Another future begins here: input that was remembered for the old one is forgotten.</summary>
    internal void ForgetFutureInput() => _journal?.Branch();
}
