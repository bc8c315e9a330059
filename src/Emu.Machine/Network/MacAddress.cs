using System.Globalization;

namespace Emu.Machine.Network;

/// <summary>An Ethernet address of 48 bits.</summary>
/// <param name="Value">The address as a number; the byte that is sent first is the highest of the six.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>Bytes of an address.</summary>
    public const int Length = 6;

    /// <summary>The address of all stations.</summary>
    public static readonly MacAddress Broadcast = new(0xFFFF_FFFF_FFFF);

    /// <summary>True for group addresses, the broadcast address among them.</summary>
    public bool IsMulticast => (Value & 0x0100_0000_0000) != 0;

    /// <summary>Reads the address at the beginning of a field.</summary>
    /// <param name="bytes">At least six bytes.</param>
    /// <returns>The address.</returns>
    public static MacAddress Read(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        foreach (var part in bytes[..Length])
            value = (value << 8) | part;
        return new MacAddress(value);
    }

    /// <summary>Reads six pairs of hexadecimal digits with colons between them.</summary>
    /// <param name="text">The text, such as <c>00:16:3e:00:00:01</c>.</param>
    /// <param name="address">The address.</param>
    /// <returns>False where the text is none.</returns>
    public static bool TryParse(string? text, out MacAddress address)
    {
        address = default;
        var parts = text?.Split(':') ?? [];
        if (parts.Length != Length)
            return false;
        ulong value = 0;
        foreach (var part in parts)
        {
            if (part.Length != 2 || !byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
                return false;
            value = (value << 8) | octet;
        }

        address = new MacAddress(value);
        return true;
    }

    /// <summary>Writes the address to the beginning of a field.</summary>
    /// <param name="bytes">At least six bytes.</param>
    public void Write(Span<byte> bytes)
    {
        for (var i = 0; i < Length; i++)
            bytes[i] = (byte)(Value >> (8 * (Length - 1 - i)));
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        Write(bytes);
        return string.Create(
            CultureInfo.InvariantCulture, $"{bytes[0]:x2}:{bytes[1]:x2}:{bytes[2]:x2}:{bytes[3]:x2}:{bytes[4]:x2}:{bytes[5]:x2}");
    }
}
