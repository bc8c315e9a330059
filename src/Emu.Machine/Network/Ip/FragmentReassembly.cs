using System.Numerics;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;
using Emu.Machine.Time;

namespace Emu.Machine.Network.Ip;

/// <summary>Puts fragments of the guest's packets together (RFC 791, 3.2).</summary>
/// <remarks>
/// Fragments that overlap are an attack or a defect, never of use: the whole datagram is dropped, as RFC 5722 has it for IPv6. A
/// repeated fragment is ignored. Where more datagrams are under way than there is room for, the oldest one is dropped.
/// </remarks>
internal sealed class FragmentReassembly : IStateful
{
    /// <summary>So many datagrams may be incomplete at a time.</summary>
    public const int Capacity = 16;

    /// <summary>How long one may be.</summary>
    public const ulong Patience = 30 * VirtualClock.NanosecondsPerSecond;

    private const int Unit = 8;

    private readonly VirtualClock _clock;
    private readonly NetworkCounters _counters;
    private readonly Datagram[] _datagrams = new Datagram[Capacity];
    private ulong _begun;

    public FragmentReassembly(VirtualClock clock, NetworkCounters counters)
    {
        _clock = clock;
        _counters = counters;
        for (var i = 0; i < Capacity; i++)
            _datagrams[i] = new Datagram();
    }

    /// <summary>Takes a fragment.</summary>
    /// <param name="fragment">The fragment.</param>
    /// <param name="whole">The datagram that it completes; valid until the next fragment.</param>
    /// <returns>True where it completes one.</returns>
    public bool TryComplete(scoped in Ipv4Packet fragment, out Ipv4Packet whole)
    {
        whole = default;
        var offset = fragment.FragmentOffset;
        var end = offset + fragment.Payload.Length;
        if (end > Ipv4Packet.LongestPayload || (fragment.HasMoreFragments && (end % Unit != 0 || end == offset)))
        {
            _counters.DroppedMalformed++;
            return false;
        }

        var datagram = FindOrMake(fragment);
        if (!datagram.TryAdd(fragment, offset, end))
        {
            _counters.DroppedMalformed++;
            datagram.IsUsed = false;
            return false;
        }

        if (!datagram.IsComplete)
            return false;
        datagram.IsUsed = false;
        whole = datagram.Whole;
        return true;
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("fragments");
        stream.Transfer(ref _begun);
        foreach (var datagram in _datagrams)
            datagram.Transfer(stream);
    }

    private Datagram FindOrMake(in Ipv4Packet fragment)
    {
        var replaced = _datagrams[0];
        foreach (var datagram in _datagrams)
        {
            if (datagram.IsUsed && datagram.Expires <= _clock.Now)
                datagram.IsUsed = false;
            if (datagram.IsUsed && datagram.IsOf(fragment))
                return datagram;
            if (replaced.IsUsed && (!datagram.IsUsed || datagram.Number < replaced.Number))
                replaced = datagram;
        }

        if (replaced.IsUsed)
            _counters.DroppedWithoutResources++;
        replaced.Begin(fragment, _clock.Now + Patience, _begun++);
        return replaced;
    }

    private sealed class Datagram : IStateful
    {
        private const int LongestHeader = 60;

        private readonly byte[] _header = new byte[LongestHeader];
        private readonly ulong[] _received = new ulong[65536 / Unit / 64];
        private byte[] _payload = [];
        private int _headerLength;
        private int _length;
        private int _furthest;
        private int _units;
        private uint _source;
        private uint _destination;
        private ushort _identification;
        private byte _protocol;

        public bool IsUsed { get; set; }

        public ulong Expires { get; private set; }

        /// <summary>How many had begun before: many may begin at the same time.</summary>
        public ulong Number { get; private set; }

        public bool IsComplete => _length >= 0 && _units == UnitsIn(_length) && _headerLength != 0;

        public Ipv4Packet Whole => Ipv4Packet.Reassembled(_header.AsSpan(0, _headerLength), _payload.AsSpan(0, _length));

        public bool IsOf(in Ipv4Packet fragment) =>
            fragment.Identification == _identification
            && fragment.Protocol == _protocol
            && fragment.Source.Value == _source
            && fragment.Destination.Value == _destination;

        public void Begin(in Ipv4Packet fragment, ulong expires, ulong number)
        {
            _source = fragment.Source.Value;
            _destination = fragment.Destination.Value;
            _identification = fragment.Identification;
            _protocol = fragment.Protocol;
            Expires = expires;
            Number = number;
            IsUsed = true;
            _headerLength = 0;
            _length = -1;
            _furthest = 0;
            _units = 0;
            Array.Clear(_received);
        }

        /// <summary>False where the fragment contradicts what came before.</summary>
        public bool TryAdd(in Ipv4Packet fragment, int offset, int end)
        {
            if (!fragment.HasMoreFragments)
            {
                if ((_length >= 0 && _length != end) || _furthest > end)
                    return false;
                _length = end;
            }
            else if (_length >= 0 && end > _length)
            {
                return false;
            }

            _furthest = Math.Max(_furthest, end);
            var first = offset / Unit;
            var count = UnitsIn(end) - first;
            var known = CountReceived(first, count);
            if (known != 0)
                return known == count;
            for (var unit = first; unit < first + count; unit++)
                _received[unit / 64] |= 1UL << (unit % 64);
            _units += count;
            if (_payload.Length < end)
                Array.Resize(ref _payload, Math.Min(Ipv4Packet.LongestPayload, (int)BitOperations.RoundUpToPowerOf2((uint)end)));
            fragment.Payload.CopyTo(_payload.AsSpan(offset));
            if (offset == 0)
            {
                fragment.Header.CopyTo(_header);
                _headerLength = fragment.Header.Length;
            }

            return true;
        }

        public void Transfer(StateStream stream)
        {
            IsUsed = stream.Transferred(IsUsed);
            if (!IsUsed)
                return;
            Expires = stream.Transferred(Expires);
            Number = stream.Transferred(Number);
            stream.Transfer(ref _source);
            stream.Transfer(ref _destination);
            stream.Transfer(ref _identification);
            stream.Transfer(ref _protocol);
            stream.Transfer(ref _headerLength);
            stream.Require(_headerLength is 0 or (>= Ipv4Packet.HeaderLength and <= LongestHeader), $"no header has {_headerLength} bytes");
            stream.Transfer<byte>(_header);
            stream.Transfer(ref _furthest);
            stream.Transfer(ref _length);
            stream.Require(_furthest is >= 0 and <= Ipv4Packet.LongestPayload && _length >= -1 && _length <= _furthest, "no datagram is so long");
            stream.Transfer<ulong>(_received);
            _units = CountReceived(0, UnitsIn(_furthest));
            if (stream.IsRestoring)
                _payload = new byte[_furthest];
            stream.Transfer(_payload.AsSpan(0, _furthest));
        }

        private static int UnitsIn(int length) => (length + Unit - 1) / Unit;

        private int CountReceived(int first, int count)
        {
            var sum = 0;
            for (var unit = first; unit < first + count; unit++)
                sum += (int)((_received[unit / 64] >> (unit % 64)) & 1);
            return sum;
        }
    }
}
