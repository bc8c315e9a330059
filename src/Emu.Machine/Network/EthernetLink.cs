using Emu.Cpu.Snapshots;
using Emu.Machine.Time;

namespace Emu.Machine.Network;

/// <summary>The cable between the guest's card and the network, with the queue of the switch at its end.</summary>
/// <remarks>
/// What the guest sends is looked at when it sends it. What goes to the guest arrives a fixed virtual time after its cause, in order: so the
/// guest sees its network as a function of what it did itself. The queue is bounded; where the card takes nothing, the newest frame is
/// lost, as in a switch.
/// </remarks>
public sealed class EthernetLink : IEthernetPort, IStateful
{
    /// <summary>The longest payload of a frame to the guest.</summary>
    public const int Mtu = 1500;

    /// <summary>Destination, source and type.</summary>
    public const int HeaderLength = 14;

    /// <summary>The longest frame to the guest, in bytes.</summary>
    public const int LongestToGuest = HeaderLength + Mtu;

    /// <summary>The longest frame from the guest, in bytes: an IPv4 packet of the greatest length.</summary>
    public const int LongestFromGuest = HeaderLength + 65535;

    /// <summary>The shortest frame to the guest, in bytes.</summary>
    public const int Shortest = 60;

    /// <summary>So many frames may be on the way to the guest.</summary>
    public const int QueueLength = 1024;

    private readonly VirtualClock _clock;
    private readonly VirtualTimer _arrival;
    private readonly ulong _latency;
    private readonly NetworkCounters _counters;
    private readonly PcapWriter? _capture;
    private readonly Slot[] _queue = new Slot[QueueLength];
    private IEthernetReceiver? _receiver;
    private int _first;
    private int _count;
    private bool _isRefused;

    internal EthernetLink(VirtualClock clock, ulong latency, NetworkCounters counters, PcapWriter? capture)
    {
        _clock = clock;
        _latency = latency;
        _counters = counters;
        _capture = capture;
        _arrival = clock.CreateTimer("Ethernet frame", _ => Arrive());
    }

    /// <summary>While true, frames are not captured.</summary>
    internal bool IsCaptureMuted { get; set; }

    /// <summary>Takes what the guest sends.</summary>
    internal Action<ReadOnlySpan<byte>>? FromGuest { get; set; }

    /// <inheritdoc/>
    public void Connect(IEthernetReceiver receiver)
    {
        _receiver = receiver;
        ReceiverReady();
    }

    /// <inheritdoc/>
    public void Transmit(ReadOnlySpan<byte> frame)
    {
        _counters.FromGuest++;
        if (frame.Length is < HeaderLength or > LongestFromGuest)
        {
            _counters.DroppedMalformed++;
            return;
        }

        Capture(frame);
        FromGuest?.Invoke(frame);
    }

    /// <inheritdoc/>
    public void ReceiverReady()
    {
        _isRefused = false;
        ScheduleFirst();
    }

    /// <summary>Transfers the frames on the way to the guest.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("Ethernet");
        stream.Transfer(ref _first);
        stream.Require((uint)_first < QueueLength, $"the queue has no place {_first}");
        _count = stream.Count(_count, QueueLength);
        for (var i = 0; i < _count; i++)
        {
            ref var slot = ref _queue[(_first + i) % QueueLength];
            slot.Bytes ??= new byte[LongestToGuest];
            stream.Transfer(ref slot.Length);
            stream.Require(slot.Length is >= Shortest and <= LongestToGuest, $"no frame has {slot.Length} bytes");
            stream.Transfer<byte>(slot.Bytes.AsSpan(0, slot.Length));
            stream.Transfer(ref slot.Due);
        }

        stream.Transfer(ref _isRefused);
        _arrival.Transfer(stream);
    }

    /// <summary>Sends a frame to the guest.</summary>
    /// <param name="frame">At most <see cref="LongestToGuest"/> bytes.</param>
    internal void Send(ReadOnlySpan<byte> frame)
    {
        if (_count == QueueLength)
        {
            _counters.DroppedWithoutRoom++;
            return;
        }

        ref var slot = ref _queue[(_first + _count) % QueueLength];
        slot.Bytes ??= new byte[LongestToGuest];
        slot.Length = Math.Max(frame.Length, Shortest);
        slot.Due = _clock.Now + _latency;
        frame.CopyTo(slot.Bytes);
        slot.Bytes.AsSpan(frame.Length, slot.Length - frame.Length).Clear();
        _count++;
        ScheduleFirst();
    }

    private void Arrive()
    {
        while (_count != 0 && !_isRefused && _receiver is not null)
        {
            ref var slot = ref _queue[_first];
            if (slot.Due > _clock.Now)
                break;
            ReadOnlySpan<byte> frame = slot.Bytes.AsSpan(0, slot.Length);
            if (!_receiver.TryReceive(frame))
            {
                _isRefused = true;
                return;
            }

            Capture(frame);
            _counters.ToGuest++;
            _first = (_first + 1) % QueueLength;
            _count--;
        }

        ScheduleFirst();
    }

    private void Capture(ReadOnlySpan<byte> frame)
    {
        if (!IsCaptureMuted)
            _capture?.Write(_clock.Now, frame);
    }

    private void ScheduleFirst()
    {
        if (_count == 0 || _isRefused || _receiver is null || _arrival.IsArmed)
            return;
        _arrival.Arm(Math.Max(_queue[_first].Due, _clock.Now));
    }

    private struct Slot
    {
        public byte[]? Bytes;
        public int Length;
        public ulong Due;
    }
}
