using Emu.Machine.Network.Frames;
using Emu.Machine.Network.Tcp;
using Emu.Machine.Tests.Support;

namespace Emu.Machine.Tests.Network;

/// <summary>
/// A guest's TCP made for tests, independent of the one under test: it takes only what is in order, goes back to the oldest byte after each
/// time-out, and loses, doubles or swaps segments as it is told.
/// </summary>
internal sealed class ScriptedTcpPeer
{
    public const ulong Timeout = 300_000_000;

    private const uint Initial = 0xFFFF_F000; // wraps soon
    private const int Segment = 1460;

    private readonly TestGuest _guest;
    private readonly TcpKey _key;
    private readonly byte[] _data;
    private readonly List<byte> _received = [];
    private uint _receiveNext;
    private uint _acknowledged = Initial;
    private uint _highest = Initial;
    private uint _window;
    private bool _synAcknowledged;

    public ScriptedTcpPeer(TestGuest guest, ushort port, byte[] data)
    {
        _guest = guest;
        _key = new TcpKey(TestGuest.Address, 40000, TestGuest.Gateway, port);
        _data = data;
        guest.Arrived = Arrive;
    }

    /// <summary>Decides whether a segment is lost on its way; told whether the guest sends it.</summary>
    public Func<bool, bool> Loses { get; set; } = static _ => false;

    /// <summary>What the guest tells as its window.</summary>
    public ushort Window { get; set; } = 65535;

    /// <summary>Lets time pass, in nanoseconds, where a test wants to look meanwhile.</summary>
    public Action<ulong>? Passes { get; set; }

    public byte[] Received => [.. _received];

    public bool WasReset { get; private set; }

    public bool PeerHasClosed { get; private set; }

    public bool IsFinAcknowledged => _acknowledged == DataEnd + 1;

    public int Segments { get; private set; }

    private uint DataEnd => Initial + 1 + (uint)_data.Length;

    /// <summary>Sends everything, then FIN, until both sides are done or time is up.</summary>
    public void Run(ulong longest, bool closes = true)
    {
        var end = _guest.Clock.Now + longest;
        while (_guest.Clock.Now < end && !WasReset && !(IsFinAcknowledged && PeerHasClosed))
        {
            SendWhatIsMissing(closes);
            var before = _acknowledged;
            var deadline = Math.Min(_guest.Clock.Now + Timeout, end);
            while (_guest.Clock.Now < deadline && !WasReset && !(IsFinAcknowledged && PeerHasClosed))
            {
                var next = Math.Min(_guest.Clock.NextDeadline ?? deadline, deadline);
                (Passes ?? _guest.Clock.Advance)(Math.Max(next, _guest.Clock.Now) - _guest.Clock.Now);
                if (_acknowledged != before)
                {
                    before = _acknowledged;
                    deadline = Math.Min(_guest.Clock.Now + Timeout, end);
                    if (_synAcknowledged && _acknowledged - Initial > 0)
                        SendWhatIsMissing(closes);
                }
            }
        }
    }

    private void SendWhatIsMissing(bool closes)
    {
        if (!_synAcknowledged)
        {
            Send(Initial, TcpFlags.Syn, default, mss: Segment);
            return;
        }

        // Two segments at a time: enough for gaps, and no flood.
        var next = _acknowledged;
        for (var i = 0; i < 2 && next != DataEnd + 1; i++)
        {
            var at = (int)(next - Initial - 1);
            var length = (int)Math.Min(Math.Min((uint)Segment, (uint)(_data.Length - Math.Min(at, _data.Length))), _window);
            var isLast = at + length >= _data.Length;
            if (length == 0 && !(isLast && closes))
                return;
            var flags = TcpFlags.Acknowledge | (isLast && closes ? TcpFlags.Fin : 0);
            Send(next, flags, _data.AsSpan(Math.Min(at, _data.Length), length));
            next += (uint)length + (isLast && closes ? 1u : 0);
        }
    }

    private void Send(uint sequence, TcpFlags flags, ReadOnlySpan<byte> payload, ushort mss = 0)
    {
        var end = sequence + (uint)payload.Length + ((flags & (TcpFlags.Syn | TcpFlags.Fin)) != 0 ? 1u : 0);
        if ((int)(end - _highest) > 0)
            _highest = end;
        if (!Loses(true))
            _guest.SendTcp(_key, sequence, (flags & TcpFlags.Acknowledge) != 0 ? _receiveNext : 0, flags, Window, payload, mss);
    }

    private void Arrive(byte[] frame)
    {
        if (Loses(false) || !Ipv4Packet.TryParse(frame.AsSpan(14), out var packet) || !TcpSegment.TryParse(packet, out var segment))
            return;
        Segments++;
        if (segment.Has(TcpFlags.Reset))
        {
            WasReset = true;
            return;
        }

        _window = segment.Window;
        if (segment.Has(TcpFlags.Syn))
        {
            _synAcknowledged = true;
            _receiveNext = segment.Sequence + 1;
        }

        if (segment.Has(TcpFlags.Acknowledge) && (int)(segment.Acknowledgment - _acknowledged) > 0)
            _acknowledged = segment.Acknowledgment;
        if (segment.SequenceLength == 0)
            return;
        var skip = (int)(_receiveNext - segment.Sequence);
        if (!segment.Has(TcpFlags.Syn) && skip >= 0 && skip <= segment.Payload.Length)
        {
            _received.AddRange(segment.Payload[skip..]);
            _receiveNext += (uint)(segment.Payload.Length - skip);
            if (segment.Has(TcpFlags.Fin) && !PeerHasClosed)
            {
                PeerHasClosed = true;
                _receiveNext++;
            }
        }

        Send(_highest, TcpFlags.Acknowledge, default);
    }
}
