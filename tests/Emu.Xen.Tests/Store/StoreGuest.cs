using System.Buffers.Binary;
using System.Text;
using Emu.Xen.Store;

namespace Emu.Xen.Tests.Store;

/// <summary>A domain that talks to xenstored through a ring in a page, as a guest's driver does. Texts are separated by '|'.</summary>
internal sealed class StoreGuest : ISharedPage
{
    private const int RequestConsumer = 0x800, RequestProducer = 0x804, ResponseConsumer = 0x808, ResponseProducer = 0x80C;

    private readonly List<byte> _received = [];
    private readonly Queue<string> _events = [];
    private uint _nextRequest = 1;

    public StoreGuest(XenStore store, uint domain = 1)
    {
        if (!store.Control.Exists(StorePath.OfDomain(domain)))
        {
            store.AddDomain(domain);
            store.Control.MakeDirectory(StorePath.OfDomain(domain));
            store.Control.SetPermissions(StorePath.OfDomain(domain), StorePermissions.Parse($"n{domain}"));
        }

        Ring = new XenStoreRing(store, domain, this, () => Notifications++);
    }

    public byte[] Page { get; } = new byte[4096];

    public bool IsPresent { get; set; } = true;

    ReadOnlySpan<byte> ISharedPage.Bytes => IsPresent ? Page : throw new InvalidOperationException("The page is not there.");

    public XenStoreRing Ring { get; }

    public XenStoreConnection Connection => Ring.Connection;

    public int Notifications { get; set; }

    /// <summary>How many bytes of requests there is room for.</summary>
    public int Room => (int)Math.Max(0, XenStoreRing.Size - (long)(Index(RequestProducer) - Index(RequestConsumer)));

    /// <summary>Sends a request and gives the answer's payload, or the error's name.</summary>
    public string Ask(StoreMessageType type, string payload, uint transaction = 0)
    {
        var (answerType, answer) = AskRaw(type, Bytes(payload), transaction);
        if (answerType != type && answerType != StoreMessageType.Error)
            throw new InvalidOperationException($"{answerType} answers {type}.");
        return answer;
    }

    public (StoreMessageType Type, string Payload) AskRaw(StoreMessageType type, byte[] payload, uint transaction = 0)
    {
        var request = _nextRequest++;
        Send(Message(type, request, transaction, payload));
        while (true)
        {
            var (header, text) = Next() ?? throw new InvalidOperationException("There is no answer.");
            if (header.Type == StoreMessageType.WatchEvent)
            {
                _events.Enqueue(text);
                continue;
            }

            if (header.RequestId != request || header.TransactionId != transaction)
                throw new InvalidOperationException("The answer is another request's.");
            return (header.Type, text);
        }
    }

    Span<byte> ISharedPage.Writable(int offset, int length) =>
        IsPresent ? Page.AsSpan(offset, length) : throw new InvalidOperationException("The page is not there.");

    public string Read(string path, uint transaction = 0) => Ask(StoreMessageType.Read, path + "|", transaction);

    public string Write(string path, string value, uint transaction = 0) =>
        Ask(StoreMessageType.Write, $"{path}|{value}", transaction);

    public string Directory(string path, uint transaction = 0) => Ask(StoreMessageType.Directory, path + "|", transaction);

    public string Remove(string path, uint transaction = 0) => Ask(StoreMessageType.Remove, path + "|", transaction);

    public string Watch(string path, string token) => Ask(StoreMessageType.Watch, $"{path}|{token}|");

    public uint Start() => uint.Parse(Ask(StoreMessageType.TransactionStart, "|").TrimEnd('|'), null);

    public string End(uint transaction, bool commits = true) =>
        Ask(StoreMessageType.TransactionEnd, commits ? "T|" : "F|", transaction);

    /// <summary>The events since the last call, each as path|token|.</summary>
    public string[] Events()
    {
        while (Next() is { } message)
            _events.Enqueue(message.Payload);
        var events = _events.ToArray();
        _events.Clear();
        return events;
    }

    /// <summary>Puts bytes into the ring, as many at a time as there is room for, and kicks each time.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = Put(bytes);
            if (count == 0)
                throw new InvalidOperationException("xenstored takes no more requests.");
            bytes = bytes[count..];
            Ring.Process();
        }
    }

    /// <summary>Puts bytes into the ring without a kick.</summary>
    public int Put(ReadOnlySpan<byte> bytes)
    {
        var producer = Index(RequestProducer);
        var count = Math.Min(bytes.Length, Room);
        for (var i = 0; i < count; i++)
            Page[(producer + (uint)i) % XenStoreRing.Size] = bytes[i];
        SetIndex(RequestProducer, producer + (uint)count);
        return count;
    }

    /// <summary>The next message from xenstored, if a whole one is there.</summary>
    public (StoreMessageHeader Header, string Payload)? Next()
    {
        while (true)
        {
            if (_received.Count >= StoreMessageHeader.Size)
            {
                var header = StoreMessageHeader.Read(_received.ToArray());
                var length = StoreMessageHeader.Size + (int)header.Length;
                if (_received.Count >= length)
                {
                    var text = Text(_received.GetRange(StoreMessageHeader.Size, (int)header.Length).ToArray());
                    _received.RemoveRange(0, length);
                    return (header, text);
                }
            }

            if (Take() == 0)
                return null;
            Ring.Process();
        }
    }

    /// <summary>Moves all bytes that are in the ring out of it, without a kick.</summary>
    public int Take()
    {
        var consumer = Index(ResponseConsumer);
        var count = (int)Math.Min(Index(ResponseProducer) - consumer, XenStoreRing.Size);
        for (var i = 0; i < count; i++)
            _received.Add(Page[0x400 + (int)((consumer + (uint)i) % XenStoreRing.Size)]);
        SetIndex(ResponseConsumer, consumer + (uint)count);
        return count;
    }

    /// <summary>Forgets all bytes that are in the ring, without a kick.</summary>
    public void Discard() => SetIndex(ResponseConsumer, Index(ResponseProducer));

    public uint Index(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Page.AsSpan(offset));

    public void SetIndex(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Page.AsSpan(offset), value);

    public static byte[] Message(StoreMessageType type, uint request, uint transaction, byte[] payload)
    {
        var bytes = new byte[StoreMessageHeader.Size + payload.Length];
        new StoreMessageHeader(type, request, transaction, (uint)payload.Length).Write(bytes);
        payload.CopyTo(bytes, StoreMessageHeader.Size);
        return bytes;
    }

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text.Replace('|', '\0'));

    private static string Text(byte[] bytes) => Encoding.Latin1.GetString(bytes).Replace('\0', '|');
}
