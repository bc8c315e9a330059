using System.Buffers.Binary;

namespace Emu.Xen.Tests.Snapshots;

/// <summary>Changes to a saved state, as chance or malice makes them.</summary>
internal static class Forgery
{
    /// <summary>Changes up to four bytes that follow each other: a bit, a byte, or all of them.</summary>
    public static void Change(byte[] bytes, Random random)
    {
        var place = bytes.AsSpan(random.Next(bytes.Length - 4), 4);
        switch (random.Next(4))
        {
            case 0:
                place[0] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                place[0] = (byte)random.Next(256);
                break;
            case 2:
                BinaryPrimitives.WriteInt32LittleEndian(place, random.Next(-2, 300));
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)random.NextInt64(1L << 32));
                break;
        }
    }
}
