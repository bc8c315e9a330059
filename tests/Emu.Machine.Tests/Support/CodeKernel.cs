using System.Buffers.Binary;
using Emu.Pvh;

namespace Emu.Machine.Tests.Support;

/// <summary>Makes the smallest kernel there is: an ELF32 image with a PVH note and the given code at 1 MiB.</summary>
internal static class CodeKernel
{
    public const uint Entry = 0x10_0000;

    private const int HeaderLength = 52;
    private const int ProgramHeaderLength = 32;
    private const int NoteOffset = HeaderLength + (2 * ProgramHeaderLength);
    private const int NoteLength = 20;
    private const int CodeOffset = NoteOffset + NoteLength;

    public static KernelImage Of(params byte[] code)
    {
        var file = new byte[CodeOffset + code.Length];
        var header = file.AsSpan();
        new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1 }.CopyTo(header);
        Put16(file, 16, 2); // executable
        Put16(file, 18, 3); // 386
        Put32(file, 20, 1);
        Put32(file, 24, Entry);
        Put32(file, 28, HeaderLength);
        Put16(file, 40, HeaderLength);
        Put16(file, 42, ProgramHeaderLength);
        Put16(file, 44, 2);
        PutSegment(file, HeaderLength, type: 1, CodeOffset, Entry, code.Length, memory: code.Length + 0x1000);
        PutSegment(file, HeaderLength + ProgramHeaderLength, type: 4, NoteOffset, 0, NoteLength, memory: NoteLength);
        Put32(file, NoteOffset, 4);
        Put32(file, NoteOffset + 4, 4);
        Put32(file, NoteOffset + 8, 18); // PHYS32_ENTRY
        "Xen\0"u8.CopyTo(header[(NoteOffset + 12)..]);
        Put32(file, NoteOffset + 16, Entry);
        code.CopyTo(file, CodeOffset);
        return KernelImage.Read(file);
    }

    private static void PutSegment(byte[] file, int at, uint type, int offset, uint address, int length, int memory)
    {
        Put32(file, at, type);
        Put32(file, at + 4, (uint)offset);
        Put32(file, at + 8, address);
        Put32(file, at + 12, address);
        Put32(file, at + 16, (uint)length);
        Put32(file, at + 20, (uint)memory);
        Put32(file, at + 24, 7);
        Put32(file, at + 28, 4);
    }

    private static void Put16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void Put32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
}
