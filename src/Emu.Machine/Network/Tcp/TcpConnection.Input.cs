using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Tcp;

internal sealed partial class TcpConnection
{
    private const int DuplicatesForRetransmission = 3;

    private uint _receiveNext;
    private uint _receiveInitial;

    /// <summary>Where the window that the guest was told ends. It never moves back.</summary>
    private uint _advertisedEnd;
    private uint? _finSequence;
    private bool _isAccepted;
    private bool _mustAcknowledge;

    /// <summary>The window to tell now.</summary>
    private ushort Window
    {
        get
        {
            var free = _receiveNext + (uint)(_receiving?.Room ?? ReceiveBuffer.Capacity);
            if (SequenceNumber.IsAfter(free, _advertisedEnd) && (_receiving is null || IsWindowUpdateDue))
                _advertisedEnd = free;
            return (ushort)Math.Min(_advertisedEnd - _receiveNext, ushort.MaxValue);
        }
    }

    /// <summary>The window opens in steps worth a segment, or half the buffer (RFC 9293, 3.8.6.2.2).</summary>
    private bool IsWindowUpdateDue =>
        _receiving is { } buffer
        && (int)(_receiveNext + (uint)buffer.Room - _advertisedEnd) >= Math.Min((int)TcpStack.OwnMaximumSegment, ReceiveBuffer.Capacity / 2);

    /// <summary>Begins with the SYN of a guest that calls.</summary>
    public void BeginWith(in TcpSegment syn)
    {
        State = TcpState.SynReceived;
        TakeSyn(syn);
        if (_application!.AcceptsAtOnce)
            Accept();
    }

    /// <summary>Takes a segment of this connection.</summary>
    public void Receive(in TcpSegment segment)
    {
        _isProcessing = true;
        if (State == TcpState.SynSent)
            ReceiveInSynSent(segment);
        else
            ReceiveSynchronized(segment);
        _isProcessing = false;
        if (State != TcpState.Closed)
            Output();
    }

    private void TakeSyn(in TcpSegment syn)
    {
        _receiveInitial = syn.Sequence;
        _receiveNext = syn.Sequence + 1;
        _advertisedEnd = _receiveNext;
        _segmentLimit = Math.Clamp(syn.MaximumSegment ?? DefaultSegment, SmallestSegment, TcpStack.OwnMaximumSegment);
        _congestionWindow = InitialSegments * _segmentLimit;
        _sendWindow = syn.Window;
        _largestWindow = syn.Window;
        _windowSequence = syn.Sequence;
    }

    private void ReceiveInSynSent(in TcpSegment segment)
    {
        var acknowledges = segment.Has(TcpFlags.Acknowledge);
        if (acknowledges && segment.Acknowledgment != _highest)
        {
            if (!segment.Has(TcpFlags.Reset))
                _stack.SendReset(segment);
            return;
        }

        if (segment.Has(TcpFlags.Reset))
        {
            if (acknowledges)
                End();
            return;
        }

        if (!segment.Has(TcpFlags.Syn))
            return;
        TakeSyn(segment);
        if (!acknowledges)
        {
            // Both have called at the same time.
            State = TcpState.SynReceived;
            _isAccepted = true;
            SendSyn();
            return;
        }

        _windowAcknowledgment = segment.Acknowledgment;
        TakeAcknowledgmentOfSyn();
        _mustAcknowledge = true;
        BecomeEstablished();
    }

    private void ReceiveSynchronized(in TcpSegment segment)
    {
        if (State == TcpState.SynReceived && !_isAccepted)
        {
            if (segment.Has(TcpFlags.Reset) && segment.Sequence == _receiveNext)
                End();
            return;
        }

        if (!IsAcceptable(segment, out var onlyAcknowledgment))
        {
            if (segment.Has(TcpFlags.Reset))
                return;
            if (State == TcpState.SynReceived && segment.Has(TcpFlags.Syn) && segment.Sequence == _receiveInitial)
                SendSyn();
            else
                _mustAcknowledge = true;
            // A segment that was there before carries no news; one beyond a closed window may (RFC 9293, 3.10.7.4).
            if (!onlyAcknowledgment)
                return;
        }

        // RFC 5961: only the exact number resets; everything else might be a stranger's guess and is asked back.
        if (segment.Has(TcpFlags.Reset))
        {
            if (segment.Sequence == _receiveNext)
                End();
            else
                _mustAcknowledge = true;
            return;
        }

        if (segment.Has(TcpFlags.Syn))
        {
            _mustAcknowledge = true;
            return;
        }

        if (!segment.Has(TcpFlags.Acknowledge))
            return;
        if (State == TcpState.SynReceived)
        {
            if (segment.Acknowledgment != _highest)
            {
                _stack.SendReset(segment);
                return;
            }

            _windowAcknowledgment = segment.Acknowledgment;
            TakeAcknowledgmentOfSyn();
            TakeWindow(segment);
            BecomeEstablished();
        }
        else if (!TakeAcknowledgment(segment))
        {
            return;
        }

        if (State == TcpState.Closed)
            return;
        TakePayload(segment);
        TellApplication();
    }

    /// <summary>
    /// RFC 9293, 3.10.7.4, first. Where the window is closed and the segment begins where it should, its acknowledgment counts nevertheless.
    /// </summary>
    private bool IsAcceptable(in TcpSegment segment, out bool onlyAcknowledgment)
    {
        onlyAcknowledgment = false;
        var window = _advertisedEnd - _receiveNext;
        var begin = segment.Sequence - _receiveNext;
        if (segment.SequenceLength == 0)
            return window == 0 ? begin == 0 : begin < window;
        if (window == 0)
        {
            onlyAcknowledgment = begin == 0;
            return false;
        }

        return begin < window || segment.Sequence + (uint)segment.SequenceLength - 1 - _receiveNext < window;
    }

    private void TakePayload(in TcpSegment segment)
    {
        if (segment.SequenceLength == 0)
            return;
        _mustAcknowledge = true;
        if (State is not (TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2))
            return;

        var payload = segment.Payload;
        var offset = (int)(segment.Sequence - _receiveNext);
        var hasFin = segment.Has(TcpFlags.Fin);
        if (offset < 0)
        {
            payload = payload[Math.Min(-offset, payload.Length)..];
            offset = 0;
        }

        var window = (int)(_advertisedEnd - _receiveNext);
        if (offset + payload.Length > window)
        {
            payload = payload[..Math.Max(window - offset, 0)];
            hasFin = false;
        }

        if (hasFin)
            _finSequence = segment.Sequence + (uint)segment.Payload.Length;
        _receiveNext += (uint)_receiving!.Insert(offset, payload);
    }

    private void TellApplication()
    {
        if (Available != 0)
            _application?.Readable();
        if (State is not (TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2) || _finSequence != _receiveNext)
            return;
        _receiveNext++;
        _advertisedEnd++;
        _mustAcknowledge = true;
        switch (State)
        {
            case TcpState.Established:
                State = TcpState.CloseWait;
                _application?.PeerClosed();
                break;
            case TcpState.FinWait1:
                State = TcpState.Closing;
                _application?.PeerClosed();
                break;
            default:
                _application?.PeerClosed();
                if (State == TcpState.FinWait2)
                    BecomeTimeWait();
                break;
        }
    }
}
