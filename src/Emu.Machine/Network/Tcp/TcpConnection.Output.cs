using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Tcp;

internal sealed partial class TcpConnection
{
    /// <summary>What a guest takes that does not say (RFC 9293, 3.7.1).</summary>
    private const ushort DefaultSegment = 536;

    /// <summary>Less is taken for this: a guest that asks for single bytes would have a packet for each.</summary>
    private const ushort SmallestSegment = 48;

    /// <summary>The window of a new connection (RFC 6928).</summary>
    private const int InitialSegments = 10;

    private readonly uint _initialSequence;
    private ushort _segmentLimit = DefaultSegment;

    /// <summary>The oldest number that is not acknowledged.</summary>
    private uint _unacknowledged;

    /// <summary>The next number to send; moves back to send again.</summary>
    private uint _next;

    /// <summary>Beyond the highest number that was ever sent.</summary>
    private uint _highest;

    /// <summary>The number of the first byte in the buffer.</summary>
    private uint _bufferStart;
    private bool _closesAfterData;

    private int _sendWindow;
    private int _largestWindow;
    private uint _windowSequence;
    private uint _windowAcknowledgment;

    private int _congestionWindow;
    private int _slowStartThreshold = int.MaxValue;
    private int _duplicates;
    private uint? _recoversUntil;

    /// <summary>Beyond the last byte that the application has written.</summary>
    private uint DataEnd => _bufferStart + (uint)_sending!.Count;

    private int Flight => (int)(_next - _unacknowledged);

    private bool CanSendData =>
        _sending is not null && State is TcpState.Established or TcpState.CloseWait or TcpState.FinWait1 or TcpState.Closing or TcpState.LastAck;

    private void SendSyn()
    {
        var flags = State == TcpState.SynSent ? TcpFlags.Syn : TcpFlags.Syn | TcpFlags.Acknowledge;
        var isFirst = _highest == _initialSequence;
        _next = _initialSequence + 1;
        _highest = _next;
        StartMeasuring(isFirst);
        _stack.Send(Key, _initialSequence, _receiveNext, flags, State == TcpState.SynSent ? (ushort)ReceiveBuffer.Capacity : Window, hasMss: true);
        _mustAcknowledge = false;
        ArmRetransmission();
    }

    /// <summary>Sends what windows and data allow, and else an acknowledgment where one is due.</summary>
    private void Output()
    {
        if (CanSendData)
        {
            while (TrySendSegment())
            {
            }

            WatchOverSending();
        }

        if (_mustAcknowledge && State is not (TcpState.Closed or TcpState.SynSent or TcpState.SynReceived))
            Acknowledge();
    }

    private void Acknowledge()
    {
        _mustAcknowledge = false;
        _stack.Send(Key, _next, _receiveNext, TcpFlags.Acknowledge, Window);
    }

    private bool TrySendSegment()
    {
        var unsent = (int)(DataEnd - _next);
        if (unsent < 0)
            return false; // the FIN is out
        var window = Math.Min(_sendWindow, _congestionWindow) - Flight;
        var length = Math.Min(Math.Min(unsent, _segmentLimit), Math.Max(window, 0));
        var isLast = length == unsent;
        var fin = isLast && _closesAfterData;
        if (length == 0 && !fin)
            return false;
        // No small segments because of a small window, unless nothing else is on the way (RFC 9293, 3.8.6.2.1).
        if (!isLast && length < _segmentLimit && Flight != 0 && length < _largestWindow / 2)
            return false;
        SendData(length, fin, isLast);
        return true;
    }

    private void SendData(int length, bool fin, bool isLast)
    {
        var flags = TcpFlags.Acknowledge | (isLast && length != 0 ? TcpFlags.Push : 0) | (fin ? TcpFlags.Fin : 0);
        var payload = _stack.Payload[..length];
        _sending!.Peek((int)(_next - _bufferStart), payload);
        var sequence = _next;
        _next += (uint)length + (fin ? 1u : 0);
        StartMeasuring(SequenceNumber.IsAfter(_next, _highest) && sequence == _highest);
        if (SequenceNumber.IsAfter(_next, _highest))
            _highest = _next;
        _mustAcknowledge = false;
        _stack.Send(Key, sequence, _receiveNext, flags, Window, length);
        if (fin)
            State = State switch { TcpState.Established => TcpState.FinWait1, TcpState.CloseWait => TcpState.LastAck, _ => State };
    }

    private void TakeAcknowledgmentOfSyn()
    {
        _unacknowledged = _initialSequence + 1;
        _next = _highest;
        FinishMeasuring(_unacknowledged);
        StopRetransmission();
    }

    /// <summary>RFC 9293, 3.10.7.4, fifth.</summary>
    /// <returns>False where the rest of the segment does not count.</returns>
    private bool TakeAcknowledgment(in TcpSegment segment)
    {
        var acknowledgment = segment.Acknowledgment;
        if (SequenceNumber.IsAfter(acknowledgment, _highest))
        {
            _mustAcknowledge = true;
            return false;
        }

        _attempts = 0;
        if (SequenceNumber.IsAfter(acknowledgment, _unacknowledged))
            Advance(acknowledgment);
        else if (acknowledgment == _unacknowledged && segment.SequenceLength == 0 && segment.Window == _sendWindow && _sendWindow != 0 && Flight != 0)
            CountDuplicate();
        if (State != TcpState.Closed)
            TakeWindow(segment);
        return true;
    }

    private void TakeWindow(in TcpSegment segment)
    {
        if (SequenceNumber.IsBefore(segment.Sequence, _windowSequence)
            || (segment.Sequence == _windowSequence && SequenceNumber.IsBefore(segment.Acknowledgment, _windowAcknowledgment)))
        {
            return;
        }

        if (_sendWindow == 0 && segment.Window != 0 && State != TcpState.SynReceived)
        {
            // The byte that asked whether the window is open was not taken; everything goes on from there, and no longer waits.
            _next = _unacknowledged;
            _measuredEnd = null;
            StopRetransmission();
        }

        _sendWindow = segment.Window;
        _largestWindow = Math.Max(_largestWindow, _sendWindow);
        _windowSequence = segment.Sequence;
        _windowAcknowledgment = segment.Acknowledgment;
    }

    private void Advance(uint acknowledgment)
    {
        var acknowledged = (int)(acknowledgment - _unacknowledged);
        _unacknowledged = acknowledgment;
        if (SequenceNumber.IsBefore(_next, acknowledgment))
            _next = acknowledgment;
        FinishMeasuring(acknowledgment);
        _duplicates = 0;
        Widen(acknowledged, acknowledgment);

        // What is left of the number behind the bytes is the FIN's.
        if (_sending is { } sending)
        {
            var bytes = Math.Min((int)(acknowledgment - _bufferStart), sending.Count);
            sending.Drop(bytes);
            _bufferStart += (uint)bytes;
            if (bytes != 0 && CanWrite)
                _application?.Writable();
        }

        if (State == TcpState.Closed)
            return;
        if (_unacknowledged == _highest)
            StopRetransmission();
        else
            ArmRetransmission();
        // Only what comes after all bytes and the FIN is beyond the buffer's end.
        if (_sending is not null && _closesAfterData && SequenceNumber.IsAfter(acknowledgment, DataEnd))
            TakeAcknowledgmentOfFin();
    }

    private void TakeAcknowledgmentOfFin()
    {
        switch (State)
        {
            case TcpState.FinWait1:
                State = TcpState.FinWait2;
                break;
            case TcpState.Closing:
                BecomeTimeWait();
                break;
            case TcpState.LastAck:
                End();
                break;
        }
    }

    /// <summary>Slow start, congestion avoidance, and what NewReno does with an acknowledgment during recovery (RFC 6582).</summary>
    private void Widen(int acknowledged, uint acknowledgment)
    {
        if (_recoversUntil is { } until)
        {
            if (!SequenceNumber.IsBefore(acknowledgment, until))
            {
                _recoversUntil = null;
                _congestionWindow = _slowStartThreshold;
                return;
            }

            _congestionWindow = Math.Max(_congestionWindow - acknowledged, 0) + _segmentLimit;
            RetransmitFirst();
            return;
        }

        _congestionWindow += _congestionWindow < _slowStartThreshold
            ? Math.Min(acknowledged, _segmentLimit)
            : Math.Max(_segmentLimit * _segmentLimit / _congestionWindow, 1);
        _congestionWindow = Math.Min(_congestionWindow, 2 * SendBuffer.Capacity);
    }

    private void CountDuplicate()
    {
        _duplicates++;
        if (_recoversUntil is not null)
        {
            _congestionWindow = Math.Min(_congestionWindow + _segmentLimit, 2 * SendBuffer.Capacity);
            return;
        }

        if (_duplicates != DuplicatesForRetransmission)
            return;
        HalveThreshold();
        _recoversUntil = _highest;
        _congestionWindow = _slowStartThreshold + (DuplicatesForRetransmission * _segmentLimit);
        RetransmitFirst();
    }

    private void HalveThreshold() =>
        _slowStartThreshold = Math.Max((int)(_highest - _unacknowledged) / 2, 2 * _segmentLimit);

    /// <summary>Sends the oldest segment again, and goes on where sending was.</summary>
    private void RetransmitFirst()
    {
        if (!CanSendData)
            return;
        var resume = _next;
        var unsent = (int)(DataEnd - _unacknowledged);
        // Past all bytes only the FIN is missing.
        if (unsent < 0)
            return;
        _next = _unacknowledged;
        _measuredEnd = null;
        var length = Math.Min(unsent, _segmentLimit);
        // Bytes and FIN that were not sent yet wait for their turn.
        var sent = (int)(_highest - _unacknowledged);
        length = Math.Min(length, sent);
        var fin = length == unsent && _closesAfterData && sent > length;
        if (length != 0 || fin)
            SendData(length, fin, length == unsent);
        if (SequenceNumber.IsAfter(resume, _next))
            _next = resume;
        ArmRetransmission();
    }
}
