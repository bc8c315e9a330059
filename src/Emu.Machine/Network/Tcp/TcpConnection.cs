using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Tcp;

/// <summary>One connection with the guest (RFC 9293, with the congestion control of RFC 5681 and 6582 and the timer of RFC 6298).</summary>
/// <remarks>
/// What is offered is the MSS option alone: no window scaling, time stamps or selective acknowledgments, which at 20 µs of delay would
/// change nothing. Every segment with data is acknowledged at once. Time is the virtual clock's, initial sequence numbers are a function
/// of it and of the addresses.
/// </remarks>
internal sealed partial class TcpConnection
{
    private readonly TcpStack _stack;
    private SendBuffer? _sending;
    private ReceiveBuffer? _receiving;
    private TcpApplication? _application;
    private bool _isProcessing;
    private bool _hasEnded;

    /// <summary>Makes a connection that has sent nothing yet.</summary>
    public TcpConnection(TcpStack stack, in TcpKey key, uint initialSequence)
    {
        _stack = stack;
        Key = key;
        _initialSequence = initialSequence;
        _unacknowledged = initialSequence;
        _next = initialSequence;
        _highest = initialSequence;
        _bufferStart = initialSequence + 1;
        _timer = stack.Clock.CreateTimer("TCP connection", _ => TimeOut());
    }

    public TcpKey Key { get; }

    /// <summary>What is behind this end.</summary>
    public TcpApplication Application => _application!;

    /// <summary>The first number of this side's, which is the SYN's.</summary>
    public uint InitialSequence => _initialSequence;

    public TcpState State { get; private set; }

    /// <summary>Bytes that can be read.</summary>
    public int Available => _receiving?.Count ?? 0;

    /// <summary>Bytes that can be written.</summary>
    public int Room => CanWrite ? _sending!.Room : 0;

    /// <summary>True where the guest will send no more than what is <see cref="Available"/>.</summary>
    public bool IsPeerClosed => State is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait;

    private bool CanWrite => State is TcpState.Established or TcpState.CloseWait && !_closesAfterData;

    /// <summary>Puts an application behind this end, before anything is sent or received.</summary>
    public void Connect(TcpApplication application) => _application = application;

    /// <summary>Calls the guest.</summary>
    public void Open()
    {
        State = TcpState.SynSent;
        SendSyn();
    }

    /// <summary>Answers the guest's call.</summary>
    public void Accept()
    {
        if (State == TcpState.SynReceived && !_isAccepted)
        {
            _isAccepted = true;
            SendSyn();
        }
    }

    /// <summary>Takes bytes that have come.</summary>
    public int Read(Span<byte> destination)
    {
        var count = _receiving?.Read(destination) ?? 0;
        AfterReading();
        return count;
    }

    /// <summary>The bytes that have come, or a part of them, without taking them.</summary>
    public ReadOnlySpan<byte> Peek() => _receiving is null ? default : _receiving.Peek();

    /// <summary>Takes bytes that were looked at.</summary>
    public void Skip(int count)
    {
        _receiving?.Drop(count);
        AfterReading();
    }

    /// <summary>Sends bytes.</summary>
    /// <returns>How many there was room for.</returns>
    public int Write(ReadOnlySpan<byte> source)
    {
        if (!CanWrite)
            return 0;
        var count = _sending!.Write(source);
        Progress();
        return count;
    }

    /// <summary>Sends a FIN after what is written.</summary>
    public void CloseWriting()
    {
        if (!CanWrite)
            return;
        _closesAfterData = true;
        Progress();
    }

    /// <summary>Ends the connection with a RST.</summary>
    public void Abort()
    {
        if (State == TcpState.Closed)
            return;
        _stack.Send(Key, _highest, _receiveNext, TcpFlags.Reset | TcpFlags.Acknowledge, 0);
        End();
    }

    /// <summary>Forgets the connection without a word.</summary>
    public void End()
    {
        if (_hasEnded)
            return;
        _hasEnded = true;
        State = TcpState.Closed;
        _timer.Disarm();
        _sending = null;
        _receiving = null;
        _stack.Forget(this);
        _application?.Ended();
    }

    private void BecomeEstablished()
    {
        State = TcpState.Established;
        _sending = new SendBuffer();
        _receiving = new ReceiveBuffer();
        _stack.NoteEstablished(this);
        _application?.Established();
    }

    private void BecomeTimeWait()
    {
        State = TcpState.TimeWait;
        _sending = null;
        _timer.Arm(_stack.Clock.Now + TimeWaitLength);
    }

    private void AfterReading()
    {
        if (IsWindowUpdateDue)
            _mustAcknowledge = true;
        Progress();
    }

    /// <summary>Sends what can be sent, unless a segment is being looked at, after which that happens anyway.</summary>
    private void Progress()
    {
        if (!_isProcessing)
            Output();
    }
}
