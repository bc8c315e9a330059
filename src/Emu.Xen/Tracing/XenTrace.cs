using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;
using Emu.Xen.Store;
using Emu.Xen.Tracing.Forms;

namespace Emu.Xen.Tracing;

/// <summary>Reads memory of a guest without any effect on it: no accessed bit is set, no translation is kept.</summary>
/// <param name="vcpu">The vCPU whose page tables count.</param>
/// <param name="linear">A linear address.</param>
/// <param name="destination">Takes the bytes.</param>
/// <returns>False where not all of them can be read.</returns>
public delegate bool GuestMemoryReader(Vcpu vcpu, ulong linear, Span<byte> destination);

/// <summary>What passes between a domain and its hypervisor as text, one line for each event (docs/xen-trace.md).</summary>
/// <remarks>
/// <code>
/// COUNT vN RIP KIND TEXT [@ PLACE]
/// 93120 v0 ffffffff82001003 call event_channel_op.bind_virq(virq=TIMER, vcpu=0) = 0 port=3 @ bind_virq_to_irq+0x8c
/// </code>
/// A call's line stands before those of its effects. The entries of a multicall stand before the multicall.
/// </remarks>
public sealed class XenTrace : IXenObserver
{
    private readonly TextWriter _writer;
    private readonly Domain _domain;
    private readonly Func<ulong> _count;
    private readonly CallPlace _place;
    private readonly GuestMemoryReader _reader;
    private readonly Stack<OpenCall> _open = new();

    // What happened during the innermost call.
    private readonly List<string> _effects = [];

    /// <summary>Begins a trace of a domain, to be its observer.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="writer">Where the trace goes.</param>
    /// <param name="count">How many instructions the machine has retired.</param>
    /// <param name="reader">Looks at the guest's memory.</param>
    /// <param name="symbols">The symbol that an address belongs to, with the distance from it; null where none is known.</param>
    public XenTrace(Domain domain, TextWriter writer, Func<ulong> count, GuestMemoryReader reader, Func<ulong, string?>? symbols = null)
    {
        _domain = domain;
        _writer = writer;
        _count = count;
        _reader = reader;
        _place = new CallPlace(reader, symbols);
    }

    /// <inheritdoc/>
    public void Calling(in GuestCall call)
    {
        var text = new CallText(new LiveCall(call, _reader));
        _open.Push(new OpenCall(text, text.Inputs()));
    }

    /// <inheritdoc/>
    public void Called(in GuestCall call, long result)
    {
        var (text, inputs) = _open.Pop();
        var outputs = text.Outputs(result);
        var line = $"{text.Name}({inputs}) = {CallText.Result(result)}{(outputs.Length == 0 ? "" : " ")}{outputs}{_place.Of(call.Caller.Vcpu)}";
        Write(Line(call.Caller, _open.Count == 0 ? "call" : "entry", line));
        foreach (var effect in _effects)
            Write(effect);
        _effects.Clear();
    }

    /// <inheritdoc/>
    public void PortRaised(in PortNotice port) => AddPort(port, port.IsPending ? "pending again" : "pending");

    /// <inheritdoc/>
    public void PortUnmasked(in PortNotice port) => AddPort(port, port.IsPending ? "unmask pending" : "unmask");

    /// <inheritdoc/>
    public void UpcallRaised(DomainVcpu vcpu)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        var way = vcpu.UpcallVector != 0
            ? string.Create(CultureInfo.InvariantCulture, $"vector=0x{vcpu.UpcallVector:x} of its own")
            : _domain.Parameters.CallbackVector is { } vector
                ? string.Create(CultureInfo.InvariantCulture, $"vector=0x{vector:x} of the domain")
                : "without vector";
        Add(vcpu, "upcall", string.Create(CultureInfo.InvariantCulture, $"vcpu={vcpu.Id} {way}"));
    }

    /// <inheritdoc/>
    public void TimerExpired(DomainVcpu vcpu, VcpuTimer timer)
    {
        ArgumentNullException.ThrowIfNull(vcpu);
        var name = timer.ToString().ToLowerInvariant();
        Add(vcpu, "timer", string.Create(CultureInfo.InvariantCulture, $"vcpu={vcpu.Id} {name} now={_domain.Host.Now}ns"));
    }

    /// <inheritdoc/>
    public void VcpuChanged(int vcpu, bool isUp) =>
        Add(null, "vcpu", string.Create(CultureInfo.InvariantCulture, $"vcpu={vcpu} {(isUp ? "up" : "down")}"));

    /// <inheritdoc/>
    public void StoreMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain) =>
        Add(null, "store", StoreMessageText.Describe(header, payload, isToDomain));

    /// <inheritdoc/>
    public void GrantUsed(in GrantNotice grant)
    {
        var use = grant.Use switch
        {
            GrantUse.Map => grant.IsWrite ? "map" : "map readonly",
            GrantUse.Unmap => "unmap",
            GrantUse.CopyFrom => string.Create(CultureInfo.InvariantCulture, $"copy-from offset={grant.Offset} len={grant.Length}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"copy-to offset={grant.Offset} len={grant.Length}"),
        };
        Add(null, "grant", string.Create(CultureInfo.InvariantCulture, $"ref={grant.Reference} {use} by=0 status={GrantForms.Status((long)grant.Status)}"));
    }

    /// <inheritdoc/>
    public void ShutDown(ShutdownReason reason) =>
        Add(null, "domain", $"shutdown reason={SchedulerForms.Reasons.Find((uint)reason) ?? ((uint)reason).ToString(CultureInfo.InvariantCulture)}");

    private void AddPort(in PortNotice port, string what)
    {
        var bound = port.State switch
        {
            PortState.VirtualInterrupt => "virq=" + (EventChannelForms.VirtualInterrupts.Find(port.VirtualInterrupt) ?? port.VirtualInterrupt.ToString(CultureInfo.InvariantCulture)),
            PortState.Interprocessor => "ipi",
            PortState.Interdomain => string.Create(CultureInfo.InvariantCulture, $"interdomain={port.RemoteDomain}"),
            _ => port.State.ToString().ToLowerInvariant(),
        };
        Add(null, "event", string.Create(CultureInfo.InvariantCulture, $"port={port.Number} {bound} vcpu={port.Vcpu} {what}{(port.IsMasked ? " masked" : "")}"));
    }

    private void Add(DomainVcpu? vcpu, string kind, string text)
    {
        var line = Line(vcpu, kind, text);
        if (_open.Count == 0)
            Write(line);
        else
            _effects.Add(line);
    }

    private unsafe string Line(DomainVcpu? vcpu, string kind, string text) => vcpu is null
        ? string.Create(CultureInfo.InvariantCulture, $"{_count()} - - {kind} {text}")
        : string.Create(CultureInfo.InvariantCulture, $"{_count()} v{vcpu.Id} {vcpu.Vcpu.State->Rip:x16} {kind} {text}");

    private void Write(string line)
    {
        _writer.Write(line);
        _writer.Write('\n');
    }

    private readonly record struct OpenCall(CallText Text, string Inputs);

    private sealed class LiveCall(in GuestCall call, GuestMemoryReader reader) : ICallSource
    {
        private readonly GuestCall _call = call;

        public ulong Number => _call.Number;

        public bool Is64Bit => _call.Is64Bit;

        public ulong Argument(int index) => _call.Argument(index);

        public bool TryRead(ulong address, Span<byte> destination) =>
            reader(_call.Caller.Vcpu, _call.Is64Bit ? address : (uint)address, destination);
    }
}
