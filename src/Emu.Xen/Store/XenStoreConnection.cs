using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>Sees a connection's messages, for instance to trace them.</summary>
/// <param name="domain">The domain whose connection it is.</param>
/// <param name="header">The message's header. A <see cref="StoreMessageType.WatchEvent"/> and answers go to the domain.</param>
/// <param name="payload">The payload.</param>
/// <param name="isToDomain">Whether it goes to the domain; otherwise it came from there.</param>
public delegate void StoreObserver(uint domain, StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain);

/// <summary>
/// One domain's conversation with xenstored: puts requests together from bytes, has them carried out one after the other, and queues
/// answers and events for as long as the domain does not read them (tools/xenstore/xenstored_core.c, handle_input, handle_output).
/// </summary>
/// <remarks>
/// A domain that does not read cannot make the queue grow without end: with <see cref="StoreQuota.Outstanding"/> answers waiting, or
/// <see cref="StoreQuota.Memory"/> bytes in use, its requests stay where they are, and beyond that memory events are dropped; an
/// event like one that waits already is not queued again. As in xenstored, one that breaks the protocol is not served any more.
/// </remarks>
public sealed class XenStoreConnection : IStoreEventSink, IStateful
{
    // What one call of Process takes at most: a ring's worth. No honest domain can have more waiting.
    private const int InputBudget = 1024;

    private readonly XenStore _store;
    private readonly StoreDomain _domain;
    private readonly IStoreTransport _transport;
    private readonly StoreQueue _output;
    private readonly byte[] _input = new byte[StoreMessageHeader.Size + StoreMessageHeader.MaximumPayload];
    private int _inputLength;
    private bool _isBusy;

    internal XenStoreConnection(XenStore store, StoreDomain domain, IStoreTransport transport, out StoreClient client)
    {
        _store = store;
        _domain = domain;
        _transport = transport;
        _output = new StoreQueue(domain);
        Client = client = new StoreClient(domain, this);
    }

    /// <summary>Sees each request when it is complete, and each answer and event when it is queued.</summary>
    public StoreObserver? Observer { get; set; }

    /// <summary>Why the domain is not served any more, or <see cref="StoreConnectionError.None"/>.</summary>
    public StoreConnectionError Error { get; private set; }

    /// <summary>Tells that the domain is not served any more, and why: it broke the rules.</summary>
    public event Action<StoreConnectionError>? Disconnected;

    /// <summary>How many bytes wait for the domain to read them.</summary>
    public int QueuedBytes => _output.Bytes;

    /// <summary>How many bytes of xenstore's memory the domain uses.</summary>
    public int MemoryInUse => _domain.Memory;

    internal StoreClient Client { get; }

    private bool IsServed { get; set; } = true;

    private bool TakesRequests => _output.Answers < _store.Quota.Outstanding && _domain.CanCharge(0, _store.Quota);

    /// <summary>Carries out what the domain has asked for, and gives it as much as there is room for.</summary>
    public void Process()
    {
        if (_isBusy || !IsServed)
            return;
        _isBusy = true;
        try
        {
            var budget = InputBudget;
            var moved = false;
            while (true)
            {
                var received = ReceiveSome(ref budget);
                var sent = SendOne();
                if (!received && !sent)
                    break;
                moved = true;
            }

            if (moved)
                _transport.Notify();
        }
        finally
        {
            _isBusy = false;
        }
    }

    void IStoreEventSink.Queue(string path, string token)
    {
        if (path.Length + token.Length + 2 > StoreMessageHeader.MaximumPayload)
            return;
        var payload = StoreText.Encode([path, token]);
        var header = new StoreMessageHeader(StoreMessageType.WatchEvent, 0, 0, (uint)payload.Length);
        if (_output.TryAddEvent(header, payload, _store.Quota, isUnique: !path.StartsWith('@')))
            Observer?.Invoke(_domain.Id, header, payload, isToDomain: true);
    }

    /// <summary>Transfers the conversation; the store comes before, and its domain has forgotten what it was charged for.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("xenstore connection");
        Error = stream.Transferred(Error);
        IsServed = stream.Transferred(IsServed);
        _inputLength = stream.Count(_inputLength, _input.Length);
        stream.Transfer(_input.AsSpan(0, _inputLength));
        stream.Require(
            _inputLength < StoreMessageHeader.Size
                || (StoreMessageHeader.Read(_input).Length <= StoreMessageHeader.MaximumPayload && Missing() > 0),
            "a request is longer than it can be");
        _output.Transfer(stream);
        Client.Transfer(stream);
    }

    /// <summary>Gives the domain what waits for it, as far as there is room.</summary>
    internal void Flush()
    {
        if (_isBusy || !IsServed || _output.IsEmpty)
            return;
        var moved = false;
        while (SendOne())
            moved = true;
        if (moved)
            _transport.Notify();
    }

    /// <summary>Forgets everything that belongs to the connection.</summary>
    internal void Close()
    {
        IsServed = false;
        XenStore.RemoveWatches(Client);
        XenStore.AbandonTransactions(Client);
        _output.Clear();
        _inputLength = 0;
    }

    private bool ReceiveSome(ref int budget)
    {
        if (!IsServed || !TakesRequests)
            return false;
        var missing = Missing();
        if (missing > 0)
        {
            if (budget <= 0)
                return false;
            var received = _transport.Receive(_input.AsSpan(_inputLength, Math.Min(missing, budget)));
            if (received <= 0)
            {
                if (received < 0)
                    Ignore(StoreConnectionError.RingIndex);
                return false;
            }

            budget -= received;
            _inputLength += received;
        }

        if (_inputLength < StoreMessageHeader.Size)
            return true;
        var header = StoreMessageHeader.Read(_input);
        if (header.Length > StoreMessageHeader.MaximumPayload)
        {
            Ignore(StoreConnectionError.Protocol);
            return false;
        }

        if (Missing() == 0)
            Serve(header);
        return true;
    }

    /// <summary>How many bytes the header, or the message whose header is there, still lacks.</summary>
    private int Missing() => _inputLength < StoreMessageHeader.Size
        ? StoreMessageHeader.Size - _inputLength
        : StoreMessageHeader.Size + (int)StoreMessageHeader.Read(_input).Length - _inputLength;

    private void Serve(StoreMessageHeader header)
    {
        var payload = _input.AsSpan(StoreMessageHeader.Size, (int)header.Length);
        _inputLength = 0;
        Observer?.Invoke(_domain.Id, header, payload, isToDomain: false);
        var error = StoreRequests.Serve(_store, Client, header, payload, out var answer, out var newWatch);
        if (error == StoreError.None && answer.Length > StoreMessageHeader.MaximumPayload)
            error = StoreError.E2BIG;
        var type = header.Type;
        if (error != StoreError.None)
        {
            type = StoreMessageType.Error;
            answer = StoreText.Encode([error.ToString()]);
        }

        var reply = header with { Type = type, Length = (uint)answer.Length };
        _output.AddAnswer(reply, answer);
        Observer?.Invoke(_domain.Id, reply, answer, isToDomain: true);
        if (newWatch != null)
            XenStore.FireFirst(Client, newWatch);
        _store.Settle();
    }

    /// <summary>Sends the message at the queue's head, or a part of it.</summary>
    private bool SendOne()
    {
        if (_output.IsEmpty || !IsServed)
            return false;
        var sent = _transport.Send(_output.Head);
        if (sent < 0)
            Ignore(StoreConnectionError.RingIndex);
        else if (sent > 0)
            _output.Advance(sent);
        return sent > 0;
    }

    private void Ignore(StoreConnectionError reason)
    {
        Error = reason;
        _transport.Fail(reason);
        Close();
        Disconnected?.Invoke(reason);
    }
}
