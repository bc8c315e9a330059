using System.Globalization;
using Emu.Host.Symbols;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Xen;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Tracing;

namespace Emu.Host.Explaining;

/// <summary>Tells what passes between a domain and Xen for the first time: each operation's first call, decoded, and events, timers, vCPUs.</summary>
/// <remarks>The words are those of <see cref="XenTrace"/>, which sees the calls that are new, and no others.</remarks>
internal sealed class XenNarrator : IXenObserver
{
    private readonly BootNarrator _narrator;
    private readonly XenTrace _trace;
    private readonly StringWriter _lines = new(CultureInfo.InvariantCulture);
    private readonly HashSet<(ulong Number, ulong Operation)> _known;
    private readonly HashSet<string> _told;
    private readonly Stack<bool> _isNew = new();

    /// <summary>Makes a narrator.</summary>
    /// <param name="narrator">Takes the milestones.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="machine">Its machine.</param>
    /// <param name="symbols">The kernel's names.</param>
    /// <param name="before">The narrator of the guest's life before; null in its first.</param>
    public XenNarrator(BootNarrator narrator, Domain domain, PvhMachine machine, KernelSymbols symbols, XenNarrator? before)
    {
        _narrator = narrator;
        _known = before?._known ?? [];
        _told = before?._told ?? [];
        Calls = before?.Calls ?? 0;
        _lines.NewLine = "\n";
        _trace = new XenTrace(
            domain,
            _lines,
            () => machine.InstructionsRetired,
            static (vcpu, linear, destination) => GuestMemoryView.ReadLinear(vcpu, linear, destination) == destination.Length,
            symbols.Table.Describe);
    }

    /// <summary>How many hypercalls there have been.</summary>
    public ulong Calls { get; private set; }

    /// <inheritdoc/>
    public void Calling(in GuestCall call)
    {
        Calls++;
        // The sub-operation of those that have one is the first argument; elsewhere that is a count or an address, and only the first call counts.
        ulong operation = call.Argument(0);
        bool isNew = _known.Count < 4096 && _known.Add((call.Number, operation < 64 ? operation : ulong.MaxValue));
        _isNew.Push(isNew);
        if (isNew)
            _trace.Calling(call);
    }

    /// <inheritdoc/>
    public void Called(in GuestCall call, long result)
    {
        if (!_isNew.Pop())
            return;
        _trace.Called(call, result);
        string line = _lines.ToString().Split('\n')[0];
        _lines.GetStringBuilder().Clear();
        // COUNT vN RIP KIND TEXT [@ PLACE]
        string[] parts = line.Split(' ', 5);
        if (parts.Length < 5)
            return;
        string text = parts[4];
        string name = text.Split('(')[0];
        if (!_told.Add(name))
            return;
        int place = text.LastIndexOf(" @ ", StringComparison.Ordinal);
        _narrator.TellXen(
            call.Caller.Vcpu,
            (_told.Count == 1 ? "The first hypercall: " : "Hypercall ") + name,
            _told.Count == 1 ? "The kernel asks Xen for something: number and arguments in registers, by the instruction that the processor's maker has for that." : "",
            _narrator.HeaderOf(name),
            [new Fact("call", place < 0 ? text : text[..place]), .. place < 0 ? (Fact[])[] : [new Fact("by", text[(place + 3)..])]],
            ulong.Parse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public void PortRaised(in PortNotice port)
    {
    }

    /// <inheritdoc/>
    public void PortUnmasked(in PortNotice port)
    {
    }

    /// <inheritdoc/>
    public void UpcallRaised(DomainVcpu vcpu) => TellOnce(
        "upcall", "Xen raises its first event", "An event channel has become pending; the vCPU is told by an interrupt, and looks in the shared page which it is.");

    /// <inheritdoc/>
    public void TimerExpired(DomainVcpu vcpu, VcpuTimer timer) => TellOnce(
        "timer", "A timer of Xen's runs out for the first time", "The domain has no timer chip: it asks Xen for an event at a time.");

    /// <inheritdoc/>
    public void VcpuChanged(int vcpu, bool isUp)
    {
        if (isUp)
            _narrator.TellBroughtUp(vcpu);
    }

    /// <inheritdoc/>
    public void StoreMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain) => TellOnce(
        "store", "The first message to xenstore", "Xenstore is where a domain and the control domain tell each other which devices there are and how they are set up.");

    /// <inheritdoc/>
    public void GrantUsed(in GrantNotice grant) => TellOnce(
        "grant", "A back end uses what the domain grants", "The domain lets a device's other half, outside, map or copy single pages of its memory.");

    /// <inheritdoc/>
    public void ShutDown(ShutdownReason reason)
    {
    }

    private void TellOnce(string what, string title, string text)
    {
        if (_told.Add("+" + what))
            _narrator.TellXen(null, title, text, null, []);
    }
}
