using System.Buffers.Binary;
using System.Text;

namespace Emu.Machine.Acpi;

/// <summary>Writes the few constructs of the ACPI machine language that the machine's DSDT needs (ACPI 6.5, chapter 20).</summary>
internal static class AmlWriter
{
    private const byte ZeroOp = 0x00;
    private const byte OneOp = 0x01;
    private const byte NameOp = 0x08;
    private const byte BytePrefix = 0x0A;
    private const byte WordPrefix = 0x0B;
    private const byte DWordPrefix = 0x0C;
    private const byte StringPrefix = 0x0D;
    private const byte ScopeOp = 0x10;
    private const byte BufferOp = 0x11;
    private const byte PackageOp = 0x12;
    private const byte ExtendedPrefix = 0x5B;
    private const byte DeviceOp = 0x82;
    private const byte RootCharacter = 0x5C;

    /// <summary>Scope (\name) { … }</summary>
    public static byte[] RootScope(string name, params byte[][] terms) =>
        [ScopeOp, .. WithLength([RootCharacter, .. NameSegment(name), .. Concatenate(terms)])];

    /// <summary>Device (name) { … }</summary>
    public static byte[] Device(string name, params byte[][] terms) =>
        [ExtendedPrefix, DeviceOp, .. WithLength([.. NameSegment(name), .. Concatenate(terms)])];

    /// <summary>Name (name, value)</summary>
    public static byte[] Name(string name, byte[] value) => [NameOp, .. NameSegment(name), .. value];

    /// <summary>Name (\name, value)</summary>
    public static byte[] RootName(string name, byte[] value) => [NameOp, RootCharacter, .. NameSegment(name), .. value];

    /// <summary>An integer constant in its shortest form.</summary>
    public static byte[] Integer(uint value)
    {
        switch (value)
        {
            case 0:
                return [ZeroOp];
            case 1:
                return [OneOp];
            case <= byte.MaxValue:
                return [BytePrefix, (byte)value];
            case <= ushort.MaxValue:
                return [WordPrefix, (byte)value, (byte)(value >> 8)];
            default:
                var bytes = new byte[5];
                bytes[0] = DWordPrefix;
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), value);
                return bytes;
        }
    }

    /// <summary>A string constant.</summary>
    public static byte[] Text(string value) => [StringPrefix, .. Encoding.ASCII.GetBytes(value), 0];

    /// <summary>Package () { … }</summary>
    public static byte[] Package(params byte[][] elements) =>
        [PackageOp, .. WithLength([(byte)elements.Length, .. Concatenate(elements)])];

    /// <summary>EisaId ("PNP0501"): three letters of five bits, then four hexadecimal digits, most significant byte first.</summary>
    public static byte[] EisaId(string id)
    {
        var letters = ((id[0] - '@') << 10) | ((id[1] - '@') << 5) | (id[2] - '@');
        var digits = Convert.ToUInt32(id[3..], 16);
        return [DWordPrefix, (byte)(letters >> 8), (byte)letters, (byte)(digits >> 8), (byte)digits];
    }

    /// <summary>ResourceTemplate () { … } of small descriptors (ACPI 6.5, section 6.4), end tag included.</summary>
    public static byte[] ResourceTemplate(params byte[][] descriptors)
    {
        byte[] resources = [.. Concatenate(descriptors), 0x79, 0];
        return [BufferOp, .. WithLength([.. Integer((uint)resources.Length), .. resources])];
    }

    /// <summary>IO (Decode16, first, first, 1, count)</summary>
    public static byte[] Ports(ushort first, byte count) =>
        [0x47, 0x01, (byte)first, (byte)(first >> 8), (byte)first, (byte)(first >> 8), 0x01, count];

    /// <summary>IRQNoFlags () {irq}: edge triggered, active high.</summary>
    public static byte[] Irq(int irq) => [0x22, (byte)(1 << irq), (byte)(1 << irq >> 8)];

    private static byte[] Concatenate(byte[][] terms) => [.. terms.SelectMany(static term => term)];

    private static byte[] NameSegment(string name) => Encoding.ASCII.GetBytes(name.PadRight(4, '_'));

    /// <summary>PkgLength counts itself: one byte holds up to 63, two hold 4 + 8 bits, three 4 + 16.</summary>
    private static byte[] WithLength(byte[] body)
    {
        if (body.Length + 1 < 0x40)
            return [(byte)(body.Length + 1), .. body];
        if (body.Length + 2 < 0x1000)
        {
            var length = body.Length + 2;
            return [(byte)(0x40 | (length & 0xF)), (byte)(length >> 4), .. body];
        }

        var longLength = body.Length + 3;
        return [(byte)(0x80 | (longLength & 0xF)), (byte)(longLength >> 4), (byte)(longLength >> 12), .. body];
    }
}
