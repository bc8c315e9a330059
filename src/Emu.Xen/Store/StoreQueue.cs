using Emu.Cpu.Snapshots;

namespace Emu.Xen.Store;

/// <summary>Messages that wait for a domain to read them. Their bytes count as the domain's memory.</summary>
internal sealed class StoreQueue(StoreDomain domain) : IStateful
{
    private readonly Queue<Message> _messages = [];
    private readonly HashSet<string> _events = new(StringComparer.Ordinal);
    private int _sent;

    public bool IsEmpty => _messages.Count == 0;

    /// <summary>How many answers wait, not counting events.</summary>
    public int Answers { get; private set; }

    /// <summary>How many bytes wait, headers included, and what the domain has of a message that it has begun to read.</summary>
    public int Bytes { get; private set; }

    /// <summary>What of the first message is still to be sent; not empty.</summary>
    public ReadOnlySpan<byte> Head => _messages.Peek().Bytes.AsSpan(_sent);

    public void AddAnswer(StoreMessageHeader header, ReadOnlySpan<byte> payload)
    {
        Add(MakeMessage(header, payload), eventText: null);
    }

    /// <summary>Queues an event, unless it is a second one of the same text or the domain's memory is used up.</summary>
    public bool TryAddEvent(StoreMessageHeader header, ReadOnlySpan<byte> payload, StoreQuota quota, bool isUnique)
    {
        var text = isUnique ? StoreText.Decode(payload) : "";
        if (isUnique && _events.Contains(text))
            return false;
        if (!domain.CanCharge(StoreMessageHeader.Size + payload.Length, quota))
            return false;
        Add(MakeMessage(header, payload), text);
        return true;
    }

    /// <summary>Takes bytes off the first message, which goes with its last one.</summary>
    public void Advance(int count)
    {
        _sent += count;
        var first = _messages.Peek();
        if (_sent < first.Bytes.Length)
            return;
        _messages.Dequeue();
        _sent = 0;
        Charge(-first.Bytes.Length);
        if (first.EventText == null)
            Answers--;
        else
            _events.Remove(first.EventText);
    }

    public void Clear()
    {
        Charge(-Bytes);
        _messages.Clear();
        _events.Clear();
        _sent = 0;
        Answers = 0;
    }

    /// <summary>Transfers what waits. The domain, which has forgotten what it was charged for, is charged again.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        List<Message> messages = [.. _messages];
        stream.Transfer(messages, int.MaxValue, message => Transfer(stream, message));
        var sent = stream.Transferred(_sent);
        stream.Require(sent == 0 || (sent > 0 && messages.Count != 0 && sent < messages[0].Bytes.Length), "more is sent than there was");
        if (!stream.IsRestoring)
            return;
        _messages.Clear();
        _events.Clear();
        Answers = Bytes = 0;
        foreach (var message in messages)
            Add(message.Bytes, message.EventText);
        _sent = sent;
    }

    private static Message Transfer(StateStream stream, Message message)
    {
        var bytes = message.Bytes ?? [];
        stream.Transfer(ref bytes, StoreMessageHeader.Size + StoreMessageHeader.MaximumPayload);
        stream.Require(bytes.Length >= StoreMessageHeader.Size, "a message is too short");
        var isEvent = stream.Transferred(message.EventText is not null);
        var isUnique = stream.Transferred(!string.IsNullOrEmpty(message.EventText));
        var text = isUnique ? StoreText.Decode(bytes.AsSpan(StoreMessageHeader.Size)) : "";
        return new Message(bytes, isEvent ? text : null);
    }

    private static byte[] MakeMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[StoreMessageHeader.Size + payload.Length];
        header.Write(bytes);
        payload.CopyTo(bytes.AsSpan(StoreMessageHeader.Size));
        return bytes;
    }

    // An answer has no text; an event that may wait more than once has an empty one.
    private void Add(byte[] bytes, string? eventText)
    {
        if (eventText is null)
            Answers++;
        else if (eventText.Length != 0)
            _events.Add(eventText);
        _messages.Enqueue(new Message(bytes, eventText));
        Charge(bytes.Length);
    }

    private void Charge(int bytes)
    {
        Bytes += bytes;
        domain.Charge(bytes);
    }

    private readonly record struct Message(byte[] Bytes, string? EventText);
}
