using Emu.Cpu.Memory;
using Emu.Cpu.Platform;
using Emu.Xen.EventChannels;
using Emu.Xen.Tracing;

namespace Emu.Xen.Domains;

/// <summary>A PVH domain as its hypervisor knows it: memory, vCPUs, event channels, parameters.</summary>
/// <remarks>
/// The control domain (domain 0), in which the toolstack and the back ends of a domain's devices live, is this library itself: it
/// exists for the domain as far as the domain can see it, through ports, grants and the store.
/// </remarks>
public sealed class Domain
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
        Parameters[HvmParameters.TripleFaultReason] = (ulong)ShutdownReason.Crash;
    }

    /// <summary>Its number.</summary>
    public ushort Id { get; }

    /// <summary>How it was made.</summary>
    public DomainOptions Options { get; }

    /// <summary>The machine.</summary>
    public IXenHost Host { get; }

    /// <summary>Its physical memory.</summary>
    public Physmap Memory { get; }

    /// <summary>The page that it shares with Xen.</summary>
    public SharedInfo SharedInfo { get; }

    /// <summary>Its event channels.</summary>
    public EventChannelTable Events { get; }

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

    /// <summary>Ends the domain.</summary>
    /// <param name="reason">Why. A guest that is ready to be saved is not, and goes on: so Xen does after a checkpoint.</param>
    /// <returns>What the guest's call returns: 1 where it goes on.</returns>
    public long Shutdown(ShutdownReason reason)
    {
        if (reason == ShutdownReason.Suspend)
            return 1;
        reason = ShutdownCode ?? reason;
        HasShutDown ??= reason;
        Observer?.ShutDown(reason);
        Host.Shutdown(reason);
        return 0;
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

        Shutdown(ShutdownReason.PowerOff);
    }

    /// <summary>Maps a part of a page of the domain for the hypervisor.</summary>
    /// <param name="gfn">The page; anything.</param>
    /// <param name="offset">Where the part begins in it, 0–4095.</param>
    /// <returns>The part; null where there is no memory.</returns>
    public MappedBytes? Map(ulong gfn, int offset = 0) => Memory.FrameAt(gfn) is >= 0 and var frame ? new MappedBytes(Host.Memory, frame, offset) : null;
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
    public Guid Uuid { get; init; } = new("0e5d0a7e-0000-4000-8000-000000000001");
}
