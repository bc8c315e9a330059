using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Cpu.State;
using Emu.Xen.EventChannels;
using Emu.Xen.Tracing;

namespace Emu.Xen.Domains;

/// <summary>One vCPU of a domain: where it looks for events and time, its timers, and how it waits.</summary>
public sealed class DomainVcpu : IStateful
{
    /// <summary><see cref="Polled"/> of a vCPU that polls no port, or more than one.</summary>
    internal const uint AnyPort = 0;

    /// <summary>Bytes in vcpu_info.</summary>
    internal const int InfoLength = 64;

    private const int UpcallPending = 0, UpcallMask = 1;
    private const int PendingSelector = 8;
    private const int PendingSelector32 = 4;
    private const int TimeOffset = 32;

    private readonly Domain _domain;
    private MappedBytes? _registeredInfo;

    internal DomainVcpu(Domain domain, int id, IXenProcessor processor)
    {
        _domain = domain;
        Id = id;
        Processor = processor;
        Timers = new VcpuTimers(domain.Host, this);
        Runstate = new VcpuRunstate(domain, processor);
        Fifo = new FifoVcpu();
        WriteTime();
    }

    /// <summary>Its number, from 0 on.</summary>
    public int Id { get; }

    /// <summary>The vCPU of the machine.</summary>
    public IXenProcessor Processor { get; }

    /// <summary>The CPU itself.</summary>
    public Vcpu Vcpu => Processor.Vcpu;

    /// <summary>Its timers, each of which raises VIRQ_TIMER.</summary>
    public VcpuTimers Timers { get; }

    /// <summary>How long it ran, waited and so on.</summary>
    public VcpuRunstate Runstate { get; }

    /// <summary>The vector of its local APIC that tells of events (HVMOP_set_evtchn_upcall_vector); 0 for none.</summary>
    public byte UpcallVector { get; internal set; }

    /// <summary>The ports of its virtual interrupts; the global ones are those of the first vCPU.</summary>
    internal Dictionary<uint, uint> VirtualInterrupts { get; } = [];

    /// <summary>Its half of the FIFO event ABI.</summary>
    internal FifoVcpu Fifo { get; }

    /// <summary>The port that it polls (SCHEDOP_poll), or <see cref="AnyPort"/>; null while it does not.</summary>
    internal uint? Polled { get; private set; }

    /// <summary>How far the hypercall that it makes has come.</summary>
    internal HypercallWork Work { get; } = new();

    /// <summary>True where it has asked for a place of its own for vcpu_info.</summary>
    public bool HasRegisteredInfo => _registeredInfo is not null;

    /// <summary>Its vcpu_info.</summary>
    internal MappedBytes Info => _registeredInfo ?? _domain.SharedInfo.VcpuInfo(Id);

    /// <summary>evtchn_upcall_pending.</summary>
    public bool IsUpcallPending => Info.ReadByte(UpcallPending) != 0;

    /// <summary>True where a domain-wide callback vector has to be injected: it stops when the guest clears upcall_pending.</summary>
    public bool HasCallback => PendingCallback is not null;

    /// <summary>The vector that is to be injected; null while there is none or no upcall is pending.</summary>
    internal byte? PendingCallback => _domain.Parameters.CallbackVector is { } vector && IsUpcallPending ? vector : null;

    /// <summary>True where an NMI, an interrupt or an upcall would be taken now.</summary>
    internal unsafe bool HasDeliverableEvent
    {
        get
        {
            const PendingEvents nmi = PendingEvents.NonMaskableInterrupt, blocked = PendingEvents.NmiBlocked;
            return (Vcpu.State->Pending & (nmi | blocked)) == nmi
                || ((Vcpu.State->SystemFlags & Rflags.Interrupt) != 0 && Vcpu.Interrupts.HasInterrupt);
        }
    }

    /// <summary>One of its timers has run out: the observer hears of it.</summary>
    internal void NoteExpired(VcpuTimer timer) => _domain.Observer?.TimerExpired(this, timer);

    /// <summary>Raises a virtual interrupt of this vCPU.</summary>
    /// <param name="virq">One that each vCPU has for itself.</param>
    internal void RaiseVirtualInterrupt(uint virq) => _domain.Events.RaiseVirtual(this, virq);

    /// <summary>Sets evtchn_upcall_pending, and tells the vCPU where it was clear (vcpu_mark_events_pending).</summary>
    public void RaiseUpcall()
    {
        var info = Info;
        if (info.ReadByte(UpcallPending) != 0)
            return;
        info.WriteByte(UpcallPending, 1);
        AssertUpcall();
    }

    /// <summary>Tells the vCPU of an upcall, by whichever way the guest has chosen (hvm_assert_evtchn_irq); a vector of its own comes first.</summary>
    public void AssertUpcall()
    {
        _domain.Observer?.UpcallRaised(this);
        if (UpcallVector != 0)
        {
            Processor.RequestInterrupt(UpcallVector);
        }
        else if (_domain.Parameters.CallbackVector is not null)
        {
            Processor.NotifyInterrupt();
            Unblock();
        }
    }

    /// <summary>Sets the selector bit of a word of the 2-level bitmap.</summary>
    /// <param name="word">The word's number.</param>
    /// <returns>Whether it was set before.</returns>
    internal bool SetSelector(int word) => Info.SetBit(_domain.SharedInfo.Is64Bit ? PendingSelector : PendingSelector32, word);

    /// <summary>Moves vcpu_info to a place of the guest's choice (VCPUOP_register_vcpu_info): contents move along, everything counts as pending.</summary>
    internal void RegisterInfo(MappedBytes place)
    {
        Info.Bytes[..InfoLength].CopyTo(place.Writable(0, InfoLength));
        _registeredInfo = place;
        if (_domain.SharedInfo.Is64Bit)
            place.WriteUInt64(PendingSelector, ulong.MaxValue);
        else
            place.WriteUInt32(PendingSelector32, uint.MaxValue);
        WriteTime();
        RaiseUpcall();
    }

    /// <summary>Begins with the time-stamp counter of the first vCPU, whatever its own was (hvm_set_tsc_offset).</summary>
    public void TakeTimeStamp()
    {
        var difference = _domain.Vcpus[0].Processor.TimeStamp - Processor.TimeStamp;
        if (difference == 0)
            return;
        Vcpu.AdvanceTimeStamp(difference);
        WriteTime();
    }

    /// <summary>The vCPU has gone down by itself: HLT with interrupts off, or INIT. With the last one the domain switches off.</summary>
    public void NoteDown() => _domain.NoteDown();

    /// <summary>Its local APIC was switched on: an upcall that was raised before was lost.</summary>
    public void NoteApicEnabled()
    {
        if (UpcallVector != 0 && IsUpcallPending)
            AssertUpcall();
    }

    /// <summary>Transfers what is the vCPU's alone: its event channels are with the others'.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("vCPU of the domain");
        _domain.Memory.Transfer(stream, ref _registeredInfo, InfoLength);
        UpcallVector = stream.Transferred(UpcallVector);
        var polled = Polled;
        stream.Transfer(ref polled);
        Polled = polled;
        Timers.Transfer(stream);
        Runstate.Transfer(stream);
        Work.Transfer(stream);
    }

    /// <summary>Lets it wait until it has an event to take (SCHEDOP_block); events are let come, though no HVM container looks at that bit.</summary>
    internal void Block()
    {
        Info.WriteByte(UpcallMask, 0);
        EndPoll();
        if (!HasDeliverableEvent)
            Processor.Block();
    }

    /// <summary>Lets it wait until a port is pending or time is up.</summary>
    /// <param name="port">The port, or <see cref="AnyPort"/>.</param>
    /// <param name="deadline">When to go on in any case, in system time; 0 for never.</param>
    internal void Poll(uint port, ulong deadline)
    {
        EndPoll();
        Polled = port;
        if (deadline != 0)
            Timers.StartPoll(deadline);
        Processor.Block();
    }

    /// <summary>Ends what SCHEDOP_block and SCHEDOP_poll began.</summary>
    internal void Unblock()
    {
        EndPoll();
        Processor.Wake();
    }

    /// <summary>Writes vcpu_time_info: a constant, for one tick of the time-stamp counter is one nanosecond.</summary>
    internal void WriteTime()
    {
        PvClock.Write(Info.From(TimeOffset), Processor.TimeStamp, _domain.Host.Now);
        Runstate.WriteTime(Processor.TimeStamp, _domain.Host.Now);
    }

    // An interrupt may have ended the wait without a word to this.
    private void EndPoll()
    {
        Polled = null;
        Timers.StopPoll();
    }
}
