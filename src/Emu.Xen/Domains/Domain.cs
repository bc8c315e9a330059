using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Cpu.Snapshots;
using Emu.Xen.EventChannels;
using Emu.Xen.Grants;
using Emu.Xen.Hypercalls;
using Emu.Xen.Tracing;

namespace Emu.Xen.Domains;

/// <summary>A PVH domain as its hypervisor knows it: memory, vCPUs, event channels, parameters.</summary>
/// <remarks>
/// The control domain (domain 0), in which the toolstack and the back ends of a domain's devices live, is this library itself: it
/// exists for the domain as far as the domain can see it, through ports, grants and the store.
/// </remarks>
public sealed class Domain : IStateful
{
    /// <summary>The control domain's id.</summary>
    public const ushort ControlDomain = 0;

    /// <summary>How a domain names itself (DOMID_SELF).</summary>
    public const ushort Self = 0x7FF0;

    /// <summary>What a domain's special pages begin with: 8 of them, the last the console's (tools/include/xenguest.h).</summary>
    public const ulong FirstSpecialGfn = 0xFEFF8;

    /// <summary>How many special pages there are.</summary>
    public const int SpecialPageCount = 8;

    private const int StorePageIndex = 4;
    private const int ConsolePageIndex = 7;

    private readonly List<DomainVcpu> _vcpus = [];
    private IReadOnlyList<XenMemoryRange>? _memoryMap;

    /// <summary>Makes a domain; <see cref="AddVcpu"/> completes it.</summary>
    /// <param name="host">The machine that it runs on.</param>
    /// <param name="options">How it is to be.</param>
    public Domain(IXenHost host, DomainOptions options)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(options);
        Host = host;
        Id = options.Id;
        Options = options;
        Memory = new Physmap(host.Memory, options.PhysicalAddressBits);
        SharedInfo = new SharedInfo(host, Memory.AllocatePage());
        Events = new EventChannelTable(this);
        Watchdogs = new Watchdogs(this);
        var pages = new XenPage[SpecialPageCount];
        for (var i = 0; i < SpecialPageCount; i++)
        {
            pages[i] = Memory.AllocatePage();
            Memory.Place(pages[i], FirstSpecialGfn + (ulong)i);
        }

        StorePage = pages[StorePageIndex];
        ConsolePage = pages[ConsolePageIndex];
        Parameters[HvmParameters.StoreFrame] = FirstSpecialGfn + StorePageIndex;
        Parameters[HvmParameters.StorePort] = (ulong)Events.AllocateUnbound(ControlDomain);
        Parameters[HvmParameters.ConsoleFrame] = FirstSpecialGfn + ConsolePageIndex;
        Parameters[HvmParameters.ConsolePort] = (ulong)Events.AllocateUnbound(ControlDomain);
        Grants = new GrantTable(this);
    }

    /// <summary>Its number.</summary>
    public ushort Id { get; }

    /// <summary>How it was made.</summary>
    public DomainOptions Options { get; }

    /// <summary>The machine.</summary>
    public IXenHost Host { get; }

    /// <summary>Its physical memory.</summary>
    public Physmap Memory { get; }

    /// <summary>Its memory map, in the order in which the toolstack or the guest itself gave it.</summary>
    public IReadOnlyList<XenMemoryRange> MemoryMap
    {
        get => _memoryMap ?? Host.MemoryMap;
        internal set => _memoryMap = value;
    }

    /// <summary>The page that it shares with Xen.</summary>
    public SharedInfo SharedInfo { get; }

    /// <summary>Its event channels.</summary>
    public EventChannelTable Events { get; }

    /// <summary>Its grant table.</summary>
    public GrantTable Grants { get; }

    /// <summary>Its parameters.</summary>
    public HvmParameters Parameters { get; } = new();

    /// <summary>Its vCPUs, by number.</summary>
    public IReadOnlyList<DomainVcpu> Vcpus => _vcpus;

    /// <summary>The page of the xenstore ring.</summary>
    public XenPage StorePage { get; }

    /// <summary>The page of the console ring.</summary>
    public XenPage ConsolePage { get; }

    /// <summary>Why the domain has shut down; null while it has not.</summary>
    public ShutdownReason? HasShutDown { get; private set; }

    /// <summary>What the guest has declared as the reason in advance (SCHEDOP_shutdown_code): it holds whatever ends the domain.</summary>
    public ShutdownReason? ShutdownCode { get; internal set; }

    /// <summary>Who sees what passes between the domain and its hypervisor; null for nobody.</summary>
    public IXenObserver? Observer { get; set; }

    /// <summary>Who stands between the domain and its hypervisor; null for nobody. It knows nothing of <see cref="Observer"/>, nor that of it.</summary>
    public IHypercallHook? HypercallHook { get; set; }

    /// <summary>Its watchdogs.</summary>
    public Watchdogs Watchdogs { get; }

    /// <summary>Adds the next vCPU.</summary>
    /// <param name="processor">It, as the machine has it.</param>
    /// <returns>It, as the domain has it.</returns>
    public DomainVcpu AddVcpu(IXenProcessor processor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        var vcpu = new DomainVcpu(this, _vcpus.Count, processor);
        _vcpus.Add(vcpu);
        return vcpu;
    }

    /// <summary>Whether a domain id in an argument means the domain itself.</summary>
    /// <param name="id">The id.</param>
    /// <returns>True where it does.</returns>
    public bool IsSelf(ushort id) => id == Self || id == Id;

    /// <summary>Whether the domain may do something to a domain that it names: as one without privilege, to itself alone (XSM_TARGET).</summary>
    /// <param name="id">The other's id.</param>
    /// <returns>0; -EPERM; -ESRCH where there is no such domain.</returns>
    public long CheckTarget(ushort id)
    {
        if (IsSelf(id))
            return 0;
        return id == ControlDomain ? XenError.NotPermitted : XenError.NoDomain;
    }

    /// <summary>The guest asks for the end of the domain.</summary>
    /// <param name="reason">Why. A guest that is ready to be saved is not, and goes on: so Xen does after a checkpoint.</param>
    /// <returns>What the guest's call returns: 1 where it goes on.</returns>
    public long Shutdown(ShutdownReason reason)
    {
        if ((ShutdownCode ?? reason) == ShutdownReason.Suspend)
        {
            ShutdownCode = null;
            return 1;
        }

        End(reason);
        return 0;
    }

    /// <summary>Ends the domain.</summary>
    /// <param name="reason">Why, if the guest has not said something else in advance.</param>
    public void End(ShutdownReason reason)
    {
        if (HasShutDown is not null)
            return;
        HasShutDown = ShutdownCode ?? reason;
        Observer?.ShutDown(HasShutDown.Value);
        Host.Shutdown(HasShutDown.Value);
    }

    /// <summary>Takes a vCPU out of action; with the last one the domain switches off.</summary>
    /// <param name="vcpu">The vCPU.</param>
    public void TakeDown(DomainVcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        vcpu.Processor.TakeDown();
        NoteDown();
    }

    /// <summary>A vCPU has gone down by itself: HLT with interrupts off, or INIT.</summary>
    public void NoteDown()
    {
        foreach (var other in _vcpus)
        {
            if (other.Processor.IsUp)
                return;
        }

        End(ShutdownReason.PowerOff);
    }

    /// <summary>Transfers all that the hypervisor knows of it. What the back ends have of its grants and ports comes after, with them.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("domain");
        HasShutDown = Transferred(stream, HasShutDown);
        ShutdownCode = Transferred(stream, ShutdownCode);
        TransferMemoryMap(stream);
        Memory.Transfer(stream);
        SharedInfo.Transfer(stream);
        Parameters.Transfer(stream);
        Watchdogs.Transfer(stream);
        foreach (var vcpu in _vcpus)
            vcpu.Transfer(stream);
        Events.Transfer(stream);
        Grants.Transfer(stream);
    }

    private static ShutdownReason? Transferred(StateStream stream, ShutdownReason? reason)
    {
        stream.Transfer(ref reason);
        return reason;
    }

    private void TransferMemoryMap(StateStream stream)
    {
        if (!stream.Transferred(_memoryMap is not null))
        {
            _memoryMap = null;
            return;
        }

        List<XenMemoryRange> ranges = [.. _memoryMap ?? []];
        stream.Transfer(ranges, MemoryOperation.MostEntries, range => new XenMemoryRange(
            stream.Transferred(range.Address), stream.Transferred(range.Size), stream.Transferred(range.Type)));
        _memoryMap = ranges;
    }

    /// <summary>Maps a part of a page of the domain for the hypervisor, for the moment.</summary>
    /// <param name="gfn">The page; anything.</param>
    /// <param name="offset">Where the part begins in it, 0–4095.</param>
    /// <returns>The part; null where there is no memory, or another domain's.</returns>
    public MappedBytes? Map(ulong gfn, int offset = 0) =>
        !Memory.IsForeign(gfn) && Memory.FrameAt(gfn) is >= 0 and var frame ? new MappedBytes(Host.Memory, frame, offset) : null;

    /// <summary>Maps a part of a page of the domain for the hypervisor, until its frame is unpinned: the page stays whatever the guest does.</summary>
    /// <param name="gfn">The page; anything.</param>
    /// <param name="offset">Where the part begins in it, 0–4095.</param>
    /// <returns>The part; null where there is no memory, or another domain's.</returns>
    internal MappedBytes? Hold(ulong gfn, int offset = 0)
    {
        var place = Map(gfn, offset);
        if (place is { } held)
            Memory.Pin(held.Frame);
        return place;
    }
}

/// <summary>How a domain is to be.</summary>
public sealed record DomainOptions
{
    /// <summary>Its number.</summary>
    public ushort Id { get; init; } = 1;

    /// <summary>The opcode that the processor's vendor has for hypercalls.</summary>
    public HypercallInstruction Instruction { get; init; } = HypercallInstruction.Vmcall;

    /// <summary>Whether the other vendor's opcode works too, instead of #UD as on hardware.</summary>
    public bool AcceptsBothInstructions { get; init; }

    /// <summary>Width of guest-physical addresses.</summary>
    public int PhysicalAddressBits { get; init; } = 40;

    /// <summary>The domain's universally unique identifier, 16 bytes as the guest reads them.</summary>
    public Guid Uuid { get; init; } = StandardUuid;

    /// <summary>The <see cref="Uuid"/> of a domain that was given none: the same in every run.</summary>
    public static Guid StandardUuid { get; } = new("0e5d0a7e-0000-4000-8000-000000000001");
}
