using System.Buffers.Binary;

namespace Emu.Fuzz.Generation;

/// <summary>Guest code in the making, for one code size: the few instructions that a snippet is built of.</summary>
internal sealed class CodeWriter(int bitness, int capacity)
{
    public const int Eax = 0, Ecx = 1, Edx = 2, Ebx = 3, Esp = 4, Ebp = 5, Esi = 6, Edi = 7;

    private readonly byte[] _bytes = new byte[capacity];

    public int Bitness => bitness;

    public int Length { get; private set; }

    public bool IsFull => Length > capacity - 48;

    public byte[] ToArray() => _bytes;

    public void Emit(params ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, capacity - Length)];
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>MOV r32, imm32 in every mode.</summary>
    public void Load(int register, uint value)
    {
        OperandSize32();
        Emit((byte)(0xB8 | register));
        Emit32(value);
    }

    /// <summary>MOV r64, imm64 where there is one, else the lower half.</summary>
    public void LoadWide(int register, ulong value)
    {
        if (bitness != 64)
        {
            Load(register, (uint)value);
            return;
        }
        Emit((byte)(0x48 | register >> 3), (byte)(0xB8 | register & 7));
        Emit32((uint)value);
        Emit32((uint)(value >> 32));
    }

    /// <summary>An instruction with the memory operand [register], addressed with 32 bits (64 in 64-bit code).</summary>
    public void AtRegister(int register, int reg, params ReadOnlySpan<byte> opcode)
    {
        if (bitness == 16)
            Emit(0x67);
        Emit(opcode);
        Emit((byte)(reg << 3 | register));
    }

    /// <summary>The prefix that makes operands 32 bits wide.</summary>
    public void OperandSize32()
    {
        if (bitness == 16)
            Emit(0x66);
    }

    /// <summary>The prefix that makes operands 16 bits wide.</summary>
    public void OperandSize16()
    {
        if (bitness != 16)
            Emit(0x66);
    }

    private void Emit32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Emit(bytes);
    }
}
