using System.Buffers.Binary;
using Emu.Cpu.Memory;

namespace Emu.Xen.Domains;

/// <summary>A part of a page that the hypervisor shares with the domain: it stays what it is wherever the domain moves the page.</summary>
/// <remarks>The domain can change the bytes between any two of its instructions: what is read is to be checked after reading, not before.</remarks>
public readonly struct MappedBytes
{
    private readonly PhysicalMemory _memory;
    private readonly int _frame;
    private readonly int _offset;

    /// <summary>Maps a part of a page.</summary>
    /// <param name="memory">The domain's memory.</param>
    /// <param name="frame">The page's number in the host mapping.</param>
    /// <param name="offset">Where the part begins in the page, 0–4095.</param>
    public MappedBytes(PhysicalMemory memory, int frame, int offset = 0)
    {
        _memory = memory;
        _frame = frame;
        _offset = offset;
    }

    /// <summary>The page's number in the host mapping.</summary>
    public int Frame => _frame;

    /// <summary>Where the part begins in the page.</summary>
    internal int Offset => _offset;

    /// <summary>A part of this part.</summary>
    /// <param name="offset">Where it begins in this.</param>
    /// <returns>It.</returns>
    public MappedBytes From(int offset) => new(_memory, _frame, _offset + offset);

    /// <summary>The bytes up to the page's end.</summary>
    public ReadOnlySpan<byte> Bytes => _memory.Frame(_frame)[_offset..];

    /// <summary>Reads a byte.</summary>
    /// <param name="offset">Where.</param>
    /// <returns>It.</returns>
    public byte ReadByte(int offset) => Bytes[offset];

    /// <summary>Reads a 32-bit number.</summary>
    /// <param name="offset">Where.</param>
    /// <returns>It.</returns>
    public uint ReadUInt32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[offset..]);

    /// <summary>Reads a 64-bit number.</summary>
    /// <param name="offset">Where.</param>
    /// <returns>It.</returns>
    public ulong ReadUInt64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes[offset..]);

    /// <summary>Bytes to be written at once.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many, up to the page's end.</param>
    /// <returns>They.</returns>
    public Span<byte> Writable(int offset, int length) => _memory.WritableFrame(_frame, _offset + offset, length);

    /// <summary>Writes a byte.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="value">The byte.</param>
    public void WriteByte(int offset, byte value) => Writable(offset, 1)[0] = value;

    /// <summary>Writes a 32-bit number.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="value">The number.</param>
    public void WriteUInt32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Writable(offset, 4), value);

    /// <summary>Writes a 64-bit number.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="value">The number.</param>
    public void WriteUInt64(int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Writable(offset, 8), value);

    /// <summary>Looks at a bit of a bitmap.</summary>
    /// <param name="offset">Where the bitmap begins.</param>
    /// <param name="bit">Its number from there.</param>
    /// <returns>Whether it is set.</returns>
    public bool TestBit(int offset, int bit) => (Bytes[offset + (bit >> 3)] & (1 << (bit & 7))) != 0;

    /// <summary>Sets a bit of a bitmap.</summary>
    /// <param name="offset">Where the bitmap begins.</param>
    /// <param name="bit">Its number from there.</param>
    /// <returns>Whether it was set before.</returns>
    public bool SetBit(int offset, int bit)
    {
        var place = Writable(offset + (bit >> 3), 1);
        var mask = (byte)(1 << (bit & 7));
        var was = (place[0] & mask) != 0;
        place[0] |= mask;
        return was;
    }

    /// <summary>Clears a bit of a bitmap.</summary>
    /// <param name="offset">Where the bitmap begins.</param>
    /// <param name="bit">Its number from there.</param>
    /// <returns>Whether it was set before.</returns>
    public bool ClearBit(int offset, int bit)
    {
        var place = Writable(offset + (bit >> 3), 1);
        var mask = (byte)(1 << (bit & 7));
        var was = (place[0] & mask) != 0;
        place[0] &= (byte)~mask;
        return was;
    }
}
