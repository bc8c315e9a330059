using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Snapshots;
using Emu.Machine.Acpi;
using Emu.Machine.Network;
using Emu.Machine.Processors;
using Emu.Machine.Time;
using Emu.Machine.Xen.Disks;
using Emu.Xen;
using Emu.Xen.Backends;
using Emu.Xen.Backends.Network;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Xen;

/// <summary>What the <c>xen</c> profile has in place of a PC's devices: the domain, its hypervisor and the back ends of its devices.</summary>
internal sealed class XenDevices : IDisposable, IStateful
{
    /// <summary>Pages that the hypervisor shares with the domain: shared_info, 8 special pages, grant and status frames, ACPI tables.</summary>
    public const int SparePages = 256;

    /// <summary>What Xen 4.17 has no bit for in the policies of HVM containers (xen/include/public/arch-x86/cpufeatureset.h).</summary>
    public static readonly IReadOnlySet<string> WithheldFeatures = new HashSet<string> { "monitor", "la57", "pks" };

    private const int PageShift = 12;

    private readonly ControlDomainLog _log;
    private readonly DomainDisks _disks;
    private readonly List<NetworkBackend> _networkCards = [];
    private readonly Toolstack _toolstack;

    public XenDevices(IXenHost host, DomainOptions options, MachineOptions machine, VirtualClock clock, ILogger log)
    {
        _log = new ControlDomainLog(log);
        Domain = new Domain(host, options);
        Hypervisor = new XenHypervisor(Domain);
        Console = new ConsoleRing(Domain);
        WriteRecords(machine);
        StoreRing = new StoreService(Domain, Store);
        PlaceAcpiTables(machine.Vcpus);
        _disks = new DomainDisks(Domain, Store.Control, machine.Disks, _log, machine.Journal);
        _log.Follow(StoreRing.Ring.Connection);
        _toolstack = new Toolstack(Domain, Store.Control, clock, machine.ToolstackCommands, log);
        StoreRing.Ring.Connection.Observer = (_, header, payload, isToDomain) => Domain.Observer?.StoreMessage(header, payload, isToDomain);
    }

    public Domain Domain { get; }

    public IHypervisor Hypervisor { get; }

    public ConsoleRing Console { get; }

    /// <summary>The control domain's xenstore.</summary>
    public XenStore Store { get; } = new();

    /// <summary>The store's end of the domain's ring.</summary>
    public StoreService StoreRing { get; }

    /// <summary>Adds a vCPU to the domain.</summary>
    public void Add(Processor processor, DomainInterrupts interrupts)
    {
        var vcpu = Domain.AddVcpu(processor);
        processor.DomainVcpu = vcpu;
        interrupts.Vcpu = vcpu;
        processor.LocalApic.EnabledBySoftware = vcpu.NoteApicEnabled;
    }

    /// <summary>Gives the domain a virtual network interface.</summary>
    /// <param name="port">What it is plugged into.</param>
    /// <param name="address">Its Ethernet address.</param>
    public void AddNetworkCard(IEthernetPort port, MacAddress address)
    {
        NetworkDeviceRecord record = new() { Domain = Domain.Id, Handle = (uint)_networkCards.Count, Mac = address.ToString() };
        record.WriteTo(Store.Control);
        XenNetworkLink link = new(port);
        NetworkBackend backend = new(Domain, Store.Control, record, link);
        _log.Follow(backend);
        link.Connect(backend);
        _networkCards.Add(backend);
    }

    /// <summary>Transfers the domain and its back ends; memory, what shows where in it, the vCPUs and the clock come before.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        Domain.Transfer(stream);
        Store.Transfer(stream);
        StoreRing.Transfer(stream);
        Console.Transfer(stream);
        _disks.Transfer(stream);
        stream.Section("network cards");
        stream.Require(stream.Count(_networkCards.Count, int.MaxValue) == _networkCards.Count, "it is of a machine with other network cards");
        foreach (var card in _networkCards)
            card.Transfer(stream);
        _toolstack.Transfer(stream);
    }

    /// <summary>Closes the images of the domain's disks.</summary>
    public void Dispose() => _disks.Dispose();

    // What `xl create` writes about a domain before it lets it run.
    private void WriteRecords(MachineOptions machine)
    {
        var memory = Domain.Memory.MaximumRamPages * (PhysicalMemory.PageSize / 1024);
        Store.AddDomain(Domain.Id);
        new DomainRecord
        {
            Domain = Domain.Id,
            Name = machine.DomainName,
            Uuid = Domain.Options.Uuid,
            MaximumKib = memory,
            TargetKib = machine.MemoryTarget / 1024 ?? memory,
            MaximumVcpus = machine.Vcpus,
            OnlineVcpus = machine.OnlineVcpus,
            StorePort = (uint)Domain.Parameters[HvmParameters.StorePort],
            StoreFrame = Domain.Parameters[HvmParameters.StoreFrame],
            StartTime = (ulong)Domain.Host.ClockStart.ToUnixTimeSeconds(),
        }.WriteTo(Store.Control);
        new ConsoleRecord
        {
            Domain = Domain.Id,
            Port = (uint)Domain.Parameters[HvmParameters.ConsolePort],
            Frame = Domain.Parameters[HvmParameters.ConsoleFrame],
        }.WriteTo(Store.Control);
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
