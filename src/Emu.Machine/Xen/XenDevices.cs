using Emu.Cpu.Platform;
using Emu.Machine.Processors;
using Emu.Xen;
using Emu.Xen.Backends;
using Emu.Xen.Domains;

namespace Emu.Machine.Xen;

/// <summary>What the <c>xen</c> profile has in place of a PC's devices: the domain, its hypervisor and the back ends of its devices.</summary>
internal sealed class XenDevices
{
    /// <summary>Pages that the hypervisor shares with the domain: shared_info, 8 special pages, grant and status frames, ACPI tables.</summary>
    public const int SparePages = 256;

    public XenDevices(IXenHost host, DomainOptions options)
    {
        Domain = new Domain(host, options);
        Hypervisor = new XenHypervisor(Domain);
        Console = new ConsoleRing(Domain);
    }

    public Domain Domain { get; }

    public IHypervisor Hypervisor { get; }

    public ConsoleRing Console { get; }

    /// <summary>Adds a vCPU to the domain.</summary>
    public void Add(Processor processor, DomainInterrupts interrupts)
    {
        var vcpu = Domain.AddVcpu(processor);
        processor.DomainVcpu = vcpu;
        interrupts.Domain = Domain;
        interrupts.Vcpu = vcpu;
        processor.LocalApic.EnabledBySoftware = vcpu.NoteApicEnabled;
    }
}
