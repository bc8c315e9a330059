using System.Buffers.Binary;

namespace Emu.Xen.Store;

/// <summary>
/// What every message begins with (xen/include/public/io/xs_wire.h, struct xsd_sockmsg): four little-endian 32-bit fields.
/// </summary>
/// <param name="Type">The message's type; from a guest any number.</param>
/// <param name="RequestId">The request's id, which its answer repeats; 0 for an event.</param>
/// <param name="TransactionId">The transaction that the request belongs to, or 0.</param>
/// <param name="Length">The payload's length in bytes.</param>
public readonly record struct StoreMessageHeader(StoreMessageType Type, uint RequestId, uint TransactionId, uint Length)
{
    /// <summary>The header's size in bytes.</summary>
    public const int Size = 16;

    /// <summary>XENSTORE_PAYLOAD_MAX: the longest payload in either direction.</summary>
    public const int MaximumPayload = 4096;

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    /// <returns>The header, unchecked.</returns>
    public static StoreMessageHeader Read(ReadOnlySpan<byte> bytes) => new(
        (StoreMessageType)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));

    /// <summary>Writes the header.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)Type);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], RequestId);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], TransactionId);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], Length);
    }
}
