using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Machine.Acpi;
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

    private const int PageShift = 12;

    public XenDevices(IXenHost host, DomainOptions options, int vcpus)
    {
        Domain = new Domain(host, options);
        Hypervisor = new XenHypervisor(Domain);
        Console = new ConsoleRing(Domain);
        PlaceAcpiTables(vcpus);
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

    private void PlaceAcpiTables(int vcpus)
    {
        ReadOnlySpan<byte> tables = XenAcpiTables.Build(vcpus);
        for (var gfn = XenAcpiTables.InformationPage >> PageShift; !tables.IsEmpty; gfn++)
        {
            var page = Domain.Memory.AllocatePage();
            Domain.Memory.Place(page, gfn);
            var part = tables[..Math.Min(tables.Length, PhysicalMemory.PageSize)];
            part.CopyTo(Domain.Host.Memory.WritableFrame(page.Frame, 0, part.Length));
            tables = tables[part.Length..];
        }
    }
}
