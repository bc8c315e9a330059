using Emu.Machine.Time;

namespace Emu.Machine.Network.Tcp;

internal sealed partial class TcpConnection
{
    /// <summary>After so many time-outs without a word the guest is taken for gone.</summary>
    private const int MostAttempts = 10;

    private const ulong InitialTimeout = VirtualClock.NanosecondsPerSecond;
    private const ulong ShortestTimeout = 200_000_000;
    private const ulong LongestTimeout = 60 * VirtualClock.NanosecondsPerSecond;

    /// <summary>How long a closed connection answers late segments: nothing lives longer than a few milliseconds on this cable.</summary>
    private const ulong TimeWaitLength = VirtualClock.NanosecondsPerSecond;

    private readonly VirtualTimer _timer;
    private ulong _timeout = InitialTimeout;
    private ulong _smoothed;
    private ulong _variation;
    private int _attempts;

    /// <summary>The number whose acknowledgment tells the round trip that is being measured; null for none.</summary>
    private uint? _measuredEnd;
    private ulong _measuredFrom;

    /// <summary>Measures a round trip where none is, and where nothing is sent for the second time (RFC 6298, 3).</summary>
    private void StartMeasuring(bool isNew)
    {
        if (!isNew)
        {
            _measuredEnd = null;
            return;
        }

        if (_measuredEnd is not null)
            return;
        _measuredEnd = _next;
        _measuredFrom = _stack.Clock.Now;
    }

    private void FinishMeasuring(uint acknowledgment)
    {
        if (_measuredEnd is not { } end || SequenceNumber.IsBefore(acknowledgment, end))
            return;
        _measuredEnd = null;
        var trip = _stack.Clock.Now - _measuredFrom;
        if (_smoothed == 0)
        {
            _smoothed = Math.Max(trip, 1);
            _variation = trip / 2;
        }
        else
        {
            var error = trip > _smoothed ? trip - _smoothed : _smoothed - trip;
            _variation = ((3 * _variation) + error) / 4;
            _smoothed = Math.Max(((7 * _smoothed) + trip) / 8, 1);
        }

        _timeout = Math.Clamp(_smoothed + (4 * _variation), ShortestTimeout, LongestTimeout);
    }

    private void ArmRetransmission() => _timer.Arm(_stack.Clock.Now + Backoff());

    private void StopRetransmission()
    {
        _attempts = 0;
        _timer.Disarm();
    }

    private ulong Backoff() => Math.Min(_timeout << _attempts, LongestTimeout);

    /// <summary>Sees to it that a time-out comes while something is on the way, or while a closed window keeps something back.</summary>
    private void WatchOverSending()
    {
        var isWaiting = _unacknowledged != _highest || DataEnd != _next;
        if (isWaiting && !_timer.IsArmed)
            ArmRetransmission();
    }

    private void TimeOut()
    {
        if (State == TcpState.TimeWait)
        {
            // An application that is slow to read has its bytes still.
            if (Available == 0)
                End();
            else
                _timer.Arm(_stack.Clock.Now + TimeWaitLength);
            return;
        }

        if (++_attempts > MostAttempts)
        {
            Abort();
            return;
        }

        switch (State)
        {
            case TcpState.SynSent or TcpState.SynReceived:
                SendSyn();
                break;
            case var _ when CanSendData && _unacknowledged == _highest:
                Probe();
                break;
            case var _ when CanSendData:
                SendAgain();
                break;
        }
    }

    /// <summary>Goes back to the oldest number (RFC 5681, 3.1, and 6298, 5.4 to 5.6).</summary>
    private void SendAgain()
    {
        HalveThreshold();
        _congestionWindow = _segmentLimit;
        _recoversUntil = null;
        _duplicates = 0;
        _next = _unacknowledged;
        _measuredEnd = null;
        ArmRetransmission();
        // A window that has closed meanwhile lets nothing out; one byte asks whether it is open again.
        if (_sendWindow == 0)
            Probe();
        else
            Output();
    }

    /// <summary>Asks with one byte whether a closed window has opened (RFC 9293, 3.8.6.1).</summary>
    private void Probe()
    {
        if ((int)(DataEnd - _next) > 0)
        {
            ArmRetransmission();
            SendData(1, fin: false, isLast: false);
        }
        else
        {
            Output();
        }
    }
}
