using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Tcp;

internal sealed partial class TcpConnection : IStateful
{
    private const int LargestWindow = ushort.MaxValue;

    /// <summary>Transfers the connection and the application behind it, which are new where state is restored.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        stream.Section("TCP connection");
        State = stream.Transferred(State);
        stream.Require(State is >= TcpState.SynSent and <= TcpState.TimeWait, "there is no such connection");
        TransferBuffers(stream);
        TransferInput(stream);
        TransferOutput(stream);
        TransferTimes(stream);
        _application!.Transfer(stream);
    }

    private void TransferBuffers(StateStream stream)
    {
        if (stream.IsRestoring)
        {
            _sending = State is >= TcpState.Established and <= TcpState.LastAck ? new SendBuffer() : null;
            _receiving = State >= TcpState.Established ? new ReceiveBuffer() : null;
        }

        _sending?.Transfer(stream);
        _receiving?.Transfer(stream);
    }

    private void TransferInput(StateStream stream)
    {
        stream.Transfer(ref _receiveNext);
        stream.Transfer(ref _receiveInitial);
        stream.Transfer(ref _advertisedEnd);
        stream.Transfer(ref _finSequence);
        stream.Transfer(ref _isAccepted);
        stream.Transfer(ref _mustAcknowledge);
        // What the guest may send has room.
        stream.Require(_advertisedEnd - _receiveNext <= (uint)(_receiving?.Room ?? ReceiveBuffer.Capacity), "more was asked for than there is room for");
    }

    private void TransferOutput(StateStream stream)
    {
        stream.Transfer(ref _segmentLimit);
        stream.Require(_segmentLimit is >= SmallestSegment and <= TcpStack.OwnMaximumSegment, $"no segment has {_segmentLimit} bytes");
        stream.Transfer(ref _unacknowledged);
        stream.Transfer(ref _next);
        stream.Transfer(ref _highest);
        stream.Transfer(ref _bufferStart);
        stream.Transfer(ref _closesAfterData);
        RequireOrder(stream);
        stream.Transfer(ref _sendWindow);
        stream.Transfer(ref _largestWindow);
        stream.Require(_sendWindow is >= 0 and <= LargestWindow && _largestWindow is >= 0 and <= LargestWindow, "no window is so large");
        stream.Transfer(ref _windowSequence);
        stream.Transfer(ref _windowAcknowledgment);
        stream.Transfer(ref _congestionWindow);
        stream.Transfer(ref _slowStartThreshold);
        stream.Require(_congestionWindow >= 0 && _slowStartThreshold > 0, "no window is so small");
        stream.Transfer(ref _duplicates);
        stream.Transfer(ref _recoversUntil);
    }

    /// <summary>What is acknowledged, what is sent next, and what was ever sent lie within the bytes that there are, with the FIN behind them.</summary>
    private void RequireOrder(StateStream stream)
    {
        if (_sending is not { } sending)
            return;
        var sent = _highest - _bufferStart;
        var acknowledged = _unacknowledged - _bufferStart;
        stream.Require(
            sent <= (uint)sending.Count + (_closesAfterData ? 1u : 0)
            && acknowledged <= sent && (acknowledged == 0 || sending.Count == 0)
            && _next - _unacknowledged <= _highest - _unacknowledged,
            "what was sent is not in order");
    }

    private void TransferTimes(StateStream stream)
    {
        stream.Transfer(ref _timeout);
        stream.Transfer(ref _smoothed);
        stream.Transfer(ref _variation);
        stream.Transfer(ref _attempts);
        stream.Require(_attempts is >= 0 and <= MostAttempts, $"nothing is tried {_attempts} times");
        stream.Transfer(ref _measuredEnd);
        stream.Transfer(ref _measuredFrom);
        _timer.Transfer(stream);
    }
}
