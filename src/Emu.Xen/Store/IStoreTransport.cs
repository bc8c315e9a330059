namespace Emu.Xen.Store;

/// <summary>Carries a connection's bytes: the ring in the page that the domain shares with xenstored, or a test's buffer.</summary>
public interface IStoreTransport
{
    /// <summary>Makes the transport empty and connected, as it is when a domain is introduced.</summary>
    void Reset();

    /// <summary>Takes bytes from the domain.</summary>
    /// <param name="buffer">Where they go; not empty.</param>
    /// <returns>How many came; 0 if none waits, −1 if the domain broke the transport's rules.</returns>
    int Receive(Span<byte> buffer);

    /// <summary>Gives bytes to the domain.</summary>
    /// <param name="bytes">The bytes; not empty.</param>
    /// <returns>How many there was room for, −1 if the domain broke the transport's rules.</returns>
    int Send(ReadOnlySpan<byte> bytes);

    /// <summary>Tells the domain that bytes have come or gone.</summary>
    void Notify();

    /// <summary>Tells the domain that it is not served any more.</summary>
    /// <param name="reason">Why.</param>
    void Fail(StoreConnectionError reason);
}

/// <summary>Why a connection is not served any more (xen/include/public/io/xs_wire.h, XENSTORE_ERROR_*).</summary>
public enum StoreConnectionError : uint
{
    /// <summary>XENSTORE_ERROR_NONE: it is served.</summary>
    None = 0,

    /// <summary>XENSTORE_ERROR_COMM: the event channel does not work.</summary>
    Communication = 1,

    /// <summary>XENSTORE_ERROR_RINGIDX: the ring's producer and consumer are further apart than the ring is long.</summary>
    RingIndex = 2,

    /// <summary>XENSTORE_ERROR_PROTO: a payload longer than <see cref="StoreMessageHeader.MaximumPayload"/>.</summary>
    Protocol = 3,
}
