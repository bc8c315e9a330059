using System.Buffers.Binary;

namespace Emu.Xen.Store;

/// <summary>
/// The page through which a domain talks to xenstored (xen/include/public/io/xs_wire.h, struct xenstore_domain_interface;
/// docs/misc/xenstore-ring.txt): a ring of 1024 bytes in each direction with free-running 32-bit indices.
/// </summary>
/// <remarks>
/// <code>
/// 000 req[1024]     400 rsp[1024]     800 req_cons  804 req_prod  808 rsp_cons  80C rsp_prod
/// 810 server_features   814 connection   818 error
/// </code>
/// Like the xenstored of 4.17, this offers no server features: a guest cannot ask to be reconnected. The guest owns the page, so all
/// of it is read once and checked; indices that make no sense end the connection with XENSTORE_ERROR_RINGIDX.
/// </remarks>
public sealed class XenStoreRing : IStoreTransport
{
    /// <summary>XENSTORE_RING_SIZE: each direction's bytes.</summary>
    public const int Size = 1024;

    private const int Requests = 0;
    private const int Responses = 0x400;
    private const int RequestConsumer = 0x800;
    private const int RequestProducer = 0x804;
    private const int ResponseConsumer = 0x808;
    private const int ResponseProducer = 0x80C;
    private const int ServerFeatures = 0x810;
    private const int ConnectionState = 0x814;
    private const int ConnectionError = 0x818;

    private readonly ISharedPage _page;
    private readonly Action _notify;

    /// <summary>Makes the ring empty and connects its domain to the store.</summary>
    /// <param name="store">The store.</param>
    /// <param name="domain">The id of a domain that the store knows and that has no connection.</param>
    /// <param name="page">The shared page.</param>
    /// <param name="notify">Sends the event channel's event to the domain. It must not call back.</param>
    /// <exception cref="ArgumentException">The domain is unknown or connected already.</exception>
    public XenStoreRing(XenStore store, uint domain, ISharedPage page, Action notify)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(page);
        _page = page;
        _notify = notify;
        Connection = store.Introduce(domain, this);
    }

    /// <summary>The conversation over this ring.</summary>
    public XenStoreConnection Connection { get; }

    /// <summary>Serves the domain: called when its event channel is signalled.</summary>
    public void Process() => Connection.Process();

    void IStoreTransport.Reset()
    {
        if (_page.IsPresent)
            _page.Writable(RequestConsumer, ConnectionError + sizeof(uint) - RequestConsumer).Clear();
    }

    int IStoreTransport.Receive(Span<byte> buffer)
    {
        if (!_page.IsPresent)
            return 0;
        var consumer = Read(RequestConsumer);
        var waiting = Read(RequestProducer) - consumer;
        if (waiting > Size)
            return -1;
        var at = (int)(consumer % Size);
        var count = Math.Min(Math.Min(buffer.Length, (int)waiting), Size - at);
        _page.Bytes.Slice(Requests + at, count).CopyTo(buffer);
        Write(RequestConsumer, consumer + (uint)count);
        return count;
    }

    int IStoreTransport.Send(ReadOnlySpan<byte> bytes)
    {
        if (!_page.IsPresent)
            return 0;
        var producer = Read(ResponseProducer);
        var used = producer - Read(ResponseConsumer);
        if (used > Size)
            return -1;
        var at = (int)(producer % Size);
        var count = Math.Min(Math.Min(bytes.Length, Size - (int)used), Size - at);
        bytes[..count].CopyTo(_page.Writable(Responses + at, count));
        Write(ResponseProducer, producer + (uint)count);
        return count;
    }

    void IStoreTransport.Notify() => _notify();

    void IStoreTransport.Fail(StoreConnectionError reason)
    {
        if (_page.IsPresent)
            Write(ConnectionError, (uint)reason);
    }

    private uint Read(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_page.Bytes[offset..]);

    private void Write(int offset, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(_page.Writable(offset, sizeof(uint)), value);
}
