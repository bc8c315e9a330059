using System.Buffers.Binary;

namespace Emu.Pvh.Compression;

/// <summary>
/// Undoes xz's x86 filter, which turned the relative targets of CALL (E8) and JMP (E9) into absolute ones before compression. A target
/// counts when its top byte is 00 or FF; a three-bit mask remembers which of the last bytes were opcodes themselves, to tell operands from code.
/// </summary>
internal static class X86BranchFilter
{
    /// <summary>Converts a block in place.</summary>
    /// <param name="block">All bytes of the block.</param>
    /// <param name="start">The position that the encoder gave to the first byte.</param>
    public static void Decode(Span<byte> block, uint start)
    {
        uint mask = 0;
        int previous = -1;
        int end = block.Length - 4;
        for (int i = 0; i < end; i++)
        {
            int next = block[i..end].IndexOfAny((byte)0xE8, (byte)0xE9);
            if (next < 0)
                return;
            i += next;
            int gap = i - previous;
            previous = i;
            mask = gap > 3 ? 0 : (mask << (gap - 1)) & 7;
            if (mask != 0 && (mask is 3 or > 4 || IsTop(block[i + 4 - OpcodeBytes(mask)])))
            {
                mask = (mask << 1) | 1;
                continue;
            }

            if (!IsTop(block[i + 4]))
            {
                mask = (mask << 1) | 1;
                continue;
            }

            Span<byte> operand = block.Slice(i + 1, 4);
            uint source = BinaryPrimitives.ReadUInt32LittleEndian(operand);
            uint position = unchecked(start + (uint)i + 5);
            uint target;
            while (true)
            {
                target = unchecked(source - position);
                if (mask == 0)
                    break;
                int shift = OpcodeBytes(mask) * 8;
                if (!IsTop((byte)(target >> (24 - shift))))
                    break;
                source = target ^ ((1u << (32 - shift)) - 1);
            }

            target &= 0x01FFFFFF;
            target |= 0 - (target & 0x01000000);
            BinaryPrimitives.WriteUInt32LittleEndian(operand, target);
            i += 4;
        }
    }

    private static bool IsTop(byte value) => value is 0 or 0xFF;

    private static int OpcodeBytes(uint mask) => mask switch
    {
        1 => 1,
        2 or 3 => 2,
        _ => 3,
    };
}
