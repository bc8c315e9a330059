using System.Buffers.Binary;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;

namespace Emu.Xen.Hypercalls;

/// <summary>
/// event_channel_op(cmd, arg) (xen/include/public/event_channel.h, xen/common/event_channel.c). Its structures are the same in both widths.
/// </summary>
internal static class EventChannelOperation
{
    public const uint Number = 32;

    public const uint BindInterdomain = 0, BindVirtual = 1, BindPhysical = 2, Close = 3, Send = 4, Status = 5, AllocateUnbound = 6,
        BindInterprocessor = 7, BindVcpu = 8, Unmask = 9, Reset = 10, InitControl = 11, ExpandArray = 12, SetPriority = 13;

    // EVTCHNOP_reset_cont: what Xen turns a reset into that it has interrupted. A guest that makes it itself has its ports reset again.
    public const uint ResetContinued = 14;

    private const int LongestStructure = 24;

    /// <summary>Physical interrupts that a domain may name: those of the host's I/O APIC, 24 here, and 32 more (extra_guest_irqs).</summary>
    private const uint PhysicalInterrupts = 24 + 32;

    public static long Execute(in GuestCall call)
    {
        var command = (uint)call.Argument(0);
        var length = command switch
        {
            BindInterdomain or BindVirtual or BindPhysical => 12,
            Close or Send or Unmask => 4,
            Status or InitControl => 24,
            AllocateUnbound or BindInterprocessor or BindVcpu or ExpandArray or SetPriority => 8,
            Reset or ResetContinued => 2,
            _ => 0,
        };
        if (length == 0)
            return call.Unsupported(command);
        Span<byte> bytes = stackalloc byte[LongestStructure];
        bytes = bytes[..length];
        if (!call.TryRead(call.Argument(1), bytes))
            return XenError.BadAddress;
        var domain = call.Domain;
        var result = command switch
        {
            BindInterdomain => DoBindInterdomain(domain, bytes),
            BindVirtual => DoBindVirtual(domain, bytes),
            BindPhysical => DoBindPhysical(domain, bytes),
            Close => DoClose(domain, bytes),
            Send => DoSend(domain, bytes),
            Status => DoStatus(domain, bytes),
            AllocateUnbound => DoAllocateUnbound(domain, bytes),
            BindInterprocessor => DoBindInterprocessor(domain, bytes),
            BindVcpu => DoBindVcpu(domain, bytes),
            Unmask => DoUnmask(domain, bytes),
            Reset or ResetContinued => DoReset(domain, bytes),
            InitControl => DoInitControl(domain, bytes),
            ExpandArray => domain.Events.Fifo?.Expand(BinaryPrimitives.ReadUInt64LittleEndian(bytes)) ?? XenError.NotSupported,
            _ => DoSetPriority(domain, bytes),
        };
        var answers = command is BindInterdomain or BindVirtual or BindPhysical or Status or AllocateUnbound or BindInterprocessor or InitControl;
        return result == 0 && answers && !call.TryWrite(call.Argument(1), bytes) ? XenError.BadAddress : result;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ushort DomainId(ReadOnlySpan<byte> bytes, int offset = 0) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static void SetWord(Span<byte> bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[offset..], value);

    /// <summary>port u32@0.</summary>
    private static long DoClose(Domain domain, ReadOnlySpan<byte> bytes)
    {
        if (domain.Events.Find(Word(bytes, 0)) is not { } port || port.State == PortState.Closed)
            return XenError.Invalid;
        domain.Events.Close(port);
        return 0;
    }

    /// <summary>port u32@0. For a free port there is nothing to do, and no error.</summary>
    private static long DoUnmask(Domain domain, ReadOnlySpan<byte> bytes)
    {
        if (domain.Events.Find(Word(bytes, 0)) is not { } port)
            return XenError.Invalid;
        if (port.State != PortState.Closed)
            domain.Events.Unmask(port);
        return 0;
    }

    /// <summary>remote_dom u16@0, remote_port u32@4, local_port u32@8 out. The control domain offers no ports: its ends bind the guest's.</summary>
    private static long DoBindInterdomain(Domain domain, Span<byte> bytes)
    {
        var remote = DomainId(bytes);
        if (!domain.IsSelf(remote) && remote != Domain.ControlDomain)
            return XenError.NoDomain;
        if (domain.Events.Allocate() is not { } local)
            return XenError.NoSpace;
        if (remote == Domain.ControlDomain && !domain.IsSelf(remote))
            return XenError.Invalid;
        if (domain.Events.Find(Word(bytes, 4)) is not { State: PortState.Unbound } peer || peer.RemoteDomain != domain.Id)
            return XenError.Invalid;
        local.Bind(PortState.Interdomain, 0);
        Connect(local, peer, domain.Id);
        Connect(peer, local, domain.Id);
        // The peer may have sent before.
        domain.Events.SetPending(local);
        SetWord(bytes, 8, local.Number);
        return 0;
    }

    private static void Connect(EventPort port, EventPort peer, ushort domain)
    {
        port.State = PortState.Interdomain;
        port.Peer = peer;
        port.RemoteDomain = domain;
    }

    /// <summary>virq u32@0, vcpu u32@4, port u32@8 out. Global ones never come to a domain without privilege, but may be bound.</summary>
    private static long DoBindVirtual(Domain domain, Span<byte> bytes)
    {
        uint virq = Word(bytes, 0), vcpu = Word(bytes, 4);
        if (virq >= VirtualInterrupt.Count || (!VirtualInterrupt.IsPerVcpu(virq) && vcpu != 0))
            return XenError.Invalid;
        if (vcpu >= domain.Vcpus.Count)
            return XenError.NoEntry;
        var bound = domain.Vcpus[(int)vcpu].VirtualInterrupts;
        if (bound.ContainsKey(virq))
            return XenError.Exists;
        if (domain.Events.Allocate() is not { } port)
            return XenError.NoSpace;
        port.Bind(PortState.VirtualInterrupt, (int)vcpu);
        port.VirtualInterrupt = virq;
        bound.Add(virq, port.Number);
        SetWord(bytes, 8, port.Number);
        return 0;
    }

    /// <summary>pirq u32@0, flags u32@4, port u32@8 out. Nothing ever raises one in a domain without devices of its own.</summary>
    private static long DoBindPhysical(Domain domain, Span<byte> bytes)
    {
        var pirq = Word(bytes, 0);
        if (pirq >= PhysicalInterrupts)
            return XenError.Invalid;
        foreach (var other in domain.Events.Ports)
        {
            if (other.State == PortState.PhysicalInterrupt && other.PhysicalInterrupt == pirq)
                return XenError.Exists;
        }

        if (domain.Events.Allocate() is not { } port)
            return XenError.NoSpace;
        port.Bind(PortState.PhysicalInterrupt, 0);
        port.PhysicalInterrupt = pirq;
        SetWord(bytes, 8, port.Number);
        return 0;
    }

    /// <summary>port u32@0. What an unbound port sends is lost, and no error.</summary>
    private static long DoSend(Domain domain, ReadOnlySpan<byte> bytes)
    {
        if (domain.Events.Find(Word(bytes, 0)) is not { } port)
            return XenError.Invalid;
        switch (port.State)
        {
            case PortState.Interdomain when port.Peer is { } peer:
                domain.Events.SetPending(peer);
                return 0;
            case PortState.Interdomain:
                port.Listener!.Notified();
                return 0;
            case PortState.Interprocessor:
                domain.Events.SetPending(port);
                return 0;
            case PortState.Unbound:
                return 0;
            default:
                return XenError.Invalid;
        }
    }

    /// <summary>dom u16@0, port u32@4, status u32@8 out, vcpu u32@12 out, then what the port is bound to: dom u16@16, port u32@20, or virq u32@16.</summary>
    private static long DoStatus(Domain domain, Span<byte> bytes)
    {
        // Ports of the control domain exist, but are none of the guest's business.
        if (domain.CheckTarget(DomainId(bytes)) is var error and not 0)
            return error;
        if (domain.Events.Find(Word(bytes, 4)) is not { } port)
            return XenError.Invalid;
        SetWord(bytes, 8, (uint)port.State);
        SetWord(bytes, 12, (uint)port.Vcpu);
        switch (port.State)
        {
            case PortState.Unbound:
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[16..], port.RemoteDomain);
                break;
            case PortState.Interdomain:
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[16..], port.RemoteDomain);
                SetWord(bytes, 20, port.Peer?.Number ?? port.RemotePort);
                break;
            case PortState.VirtualInterrupt:
                SetWord(bytes, 16, port.VirtualInterrupt);
                break;
            case PortState.PhysicalInterrupt:
                SetWord(bytes, 16, port.PhysicalInterrupt);
                break;
        }

        return 0;
    }

    /// <summary>dom u16@0, remote_dom u16@2, port u32@4 out.</summary>
    private static long DoAllocateUnbound(Domain domain, Span<byte> bytes)
    {
        if (domain.CheckTarget(DomainId(bytes)) is var error and not 0)
            return error;
        var remote = DomainId(bytes, 2);
        var port = domain.Events.AllocateUnbound(remote == Domain.Self ? domain.Id : remote);
        if (port < 0)
            return port;
        SetWord(bytes, 4, (uint)port);
        return 0;
    }

    /// <summary>vcpu u32@0, port u32@4 out.</summary>
    private static long DoBindInterprocessor(Domain domain, Span<byte> bytes)
    {
        var vcpu = Word(bytes, 0);
        if (vcpu >= domain.Vcpus.Count)
            return XenError.NoEntry;
        if (domain.Events.Allocate() is not { } port)
            return XenError.NoSpace;
        port.Bind(PortState.Interprocessor, (int)vcpu);
        SetWord(bytes, 4, port.Number);
        return 0;
    }

    /// <summary>port u32@0, vcpu u32@4: what belongs to a vCPU by its nature stays with it.</summary>
    private static long DoBindVcpu(Domain domain, ReadOnlySpan<byte> bytes)
    {
        var vcpu = Word(bytes, 4);
        if (vcpu >= domain.Vcpus.Count)
            return XenError.NoEntry;
        if (domain.Events.Find(Word(bytes, 0)) is not { } port)
            return XenError.Invalid;
        switch (port.State)
        {
            case PortState.Unbound or PortState.Interdomain or PortState.PhysicalInterrupt:
            case PortState.VirtualInterrupt when !VirtualInterrupt.IsPerVcpu(port.VirtualInterrupt):
                port.Vcpu = (int)vcpu;
                return 0;
            default:
                return XenError.Invalid;
        }
    }

    /// <summary>dom u16@0.</summary>
    private static long DoReset(Domain domain, ReadOnlySpan<byte> bytes)
    {
        if (domain.CheckTarget(DomainId(bytes)) is var error and not 0)
            return error;
        domain.Events.Reset();
        return 0;
    }

    /// <summary>control_gfn u64@0, offset u32@8, vcpu u32@12, link_bits u8@16 out.</summary>
    private static long DoInitControl(Domain domain, Span<byte> bytes)
    {
        uint offset = Word(bytes, 8), vcpu = Word(bytes, 12);
        bytes[16] = FifoEvents.LinkBits;
        if (vcpu >= domain.Vcpus.Count)
            return XenError.NoEntry;
        if (offset > HypercallPage.Length - FifoVcpu.ControlBlockLength || offset % 8 != 0)
            return XenError.Invalid;
        var fifo = domain.Vcpus[(int)vcpu].Fifo;
        if (fifo.ControlBlock is not null || domain.Hold(BinaryPrimitives.ReadUInt64LittleEndian(bytes), (int)offset) is not { } place)
            return XenError.Invalid;
        fifo.ControlBlock = place;
        domain.Events.UseFifo();
        return 0;
    }

    /// <summary>port u32@0, priority u32@4; there is none in the 2-level ABI.</summary>
    private static long DoSetPriority(Domain domain, ReadOnlySpan<byte> bytes)
    {
        var priority = Word(bytes, 4);
        if (domain.Events.Find(Word(bytes, 0)) is not { } port)
            return XenError.Invalid;
        if (domain.Events.Fifo is null)
            return XenError.NotImplemented;
        if (port.State == PortState.Closed)
            return XenError.NoAccess;
        if (priority >= FifoVcpu.QueueCount)
            return XenError.Invalid;
        port.Priority = priority;
        return 0;
    }
}
