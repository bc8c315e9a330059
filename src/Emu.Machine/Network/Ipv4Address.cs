using System.Buffers.Binary;
using System.Globalization;

namespace Emu.Machine.Network;

/// <summary>An IPv4 address: a value, where <see cref="System.Net.IPAddress"/> would be an object for each packet.</summary>
/// <param name="Value">The address as a number; the byte that is sent first is the highest.</param>
public readonly record struct Ipv4Address(uint Value)
{
    /// <summary>Bytes of an address.</summary>
    public const int Length = 4;

    /// <summary>0.0.0.0: no address yet.</summary>
    public static readonly Ipv4Address None;

    /// <summary>255.255.255.255: everybody on this link.</summary>
    public static readonly Ipv4Address Broadcast = new(0xFFFF_FFFF);

    /// <summary>127.0.0.1.</summary>
    public static readonly Ipv4Address Loopback = new(0x7F00_0001);

    /// <summary>True for what can name one station: neither 0/8, loopback, multicast nor reserved.</summary>
    public bool IsStation => Value >> 24 is not (0 or 127) && Value >> 28 < 0xE;

    /// <summary>Reads four numbers with dots between them.</summary>
    /// <param name="text">The text, such as <c>10.0.2.2</c>.</param>
    /// <param name="address">The address.</param>
    /// <returns>False where the text is none.</returns>
    public static bool TryParse(string? text, out Ipv4Address address)
    {
        address = None;
        var parts = text?.Split('.') ?? [];
        if (parts.Length != Length)
            return false;
        uint value = 0;
        foreach (var part in parts)
        {
            if (!byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
                return false;
            value = (value << 8) | octet;
        }

        address = new Ipv4Address(value);
        return true;
    }

    /// <summary>Reads the address at the beginning of a field.</summary>
    /// <param name="bytes">At least four bytes.</param>
    /// <returns>The address.</returns>
    public static Ipv4Address Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32BigEndian(bytes));

    /// <summary>Writes the address to the beginning of a field.</summary>
    /// <param name="bytes">At least four bytes.</param>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt32BigEndian(bytes, Value);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Value >> 24}.{(Value >> 16) & 0xFF}.{(Value >> 8) & 0xFF}.{Value & 0xFF}");
}
