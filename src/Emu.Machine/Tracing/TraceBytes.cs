using System.Buffers.Binary;
using System.Text;

namespace Emu.Machine.Tracing;

/// <summary>Bytes that grow at their end.</summary>
internal sealed class TraceBytes
{
    private byte[] _bytes = new byte[1 << 16];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value)
    {
        EnsureRoom(1);
        _bytes[Length++] = value;
    }

    /// <summary>Seven bits in a byte, lowest first; the eighth says that more follow.</summary>
    public void Number(ulong value)
    {
        EnsureRoom(10);
        for (; value >= 0x80; value >>= 7)
            _bytes[Length++] = (byte)(value | 0x80);
        _bytes[Length++] = (byte)value;
    }

    /// <summary>A number that is often near zero on either side.</summary>
    public void Difference(ulong value) => Number((value << 1) ^ (ulong)((long)value >> 63));

    public void UInt64(ulong value)
    {
        EnsureRoom(8);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(Length), value);
        Length += 8;
    }

    public void UInt32(uint value)
    {
        EnsureRoom(4);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(Length), value);
        Length += 4;
    }

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        EnsureRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Number((ulong)bytes.Length);
        Bytes(bytes);
    }

    private void EnsureRoom(int count)
    {
        if (_bytes.Length - Length < count)
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + count));
    }
}

/// <summary>Reads what <see cref="TraceBytes"/> wrote; whatever is wrong with it is a <see cref="TraceFileException"/>.</summary>
internal sealed class TraceByteReader(byte[] bytes, int start, int end)
{
    private int _next = start;

    public bool IsAtEnd => _next == end;

    public byte Byte() => _next < end ? bytes[_next++] : throw Short();

    public ulong Number()
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = Byte();
            if (shift == 63 && next > 1)
                throw new TraceFileException("a number in it is too large.");
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }

    public ulong Difference()
    {
        var value = Number();
        return (value >> 1) ^ (0 - (value & 1));
    }

    /// <summary>A number that has a limit.</summary>
    public int Number(int most) => (int)Number((ulong)most);

    /// <summary>The same.</summary>
    public ulong Number(ulong most) => Number() is var value && value <= most ? value : throw new TraceFileException("a number in it is too large.");

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8).Span);

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4).Span);

    public ReadOnlyMemory<byte> Bytes(int count)
    {
        if (count > end - _next)
            throw Short();
        _next += count;
        return bytes.AsMemory(_next - count, count);
    }

    public string Text() => Encoding.UTF8.GetString(Bytes(Number(1 << 20)).Span);

    private static TraceFileException Short() => new("a part of it ends too early.");
}
