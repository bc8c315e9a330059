using System.Buffers.Binary;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Builds ELF32 kernels around a few bytes of 32-bit code, for what no committed test kernel is about.</summary>
internal static class TinyKernel
{
    public const uint LoadAddress = 0x100000;

    private const int HeaderSize = 52;
    private const int ProgramHeaderSize = 32;
    private const int NoteOffset = HeaderSize + (2 * ProgramHeaderSize);
    private const int NoteSize = 20;
    private const int GuestNoteSize = 24;
    private const int CodeOffset = 0x100;

    /// <summary>The address of the first byte of code.</summary>
    public const uint Entry = LoadAddress + CodeOffset;

    public static byte[] Build(params byte[] code) => Build(isLinux: false, code);

    /// <summary>A kernel that says of itself, with a note, whether it is a Linux; one that announces no features.</summary>
    public static byte[] Build(bool isLinux, params byte[] code)
    {
        byte[] file = new byte[CodeOffset + code.Length];
        ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1]).CopyTo(file);
        Put16(file, 16, 2);                // ET_EXEC
        Put16(file, 18, 3);                // EM_386
        Put32(file, 20, 1);
        Put32(file, 24, Entry);
        Put32(file, 28, HeaderSize);       // program headers
        Put16(file, 40, HeaderSize);
        Put16(file, 42, ProgramHeaderSize);
        Put16(file, 44, 2);

        ProgramHeader(file, HeaderSize, type: 1, offset: 0, address: LoadAddress, size: (uint)file.Length);
        ProgramHeader(file, HeaderSize + ProgramHeaderSize, type: 4, NoteOffset, LoadAddress + NoteOffset, isLinux ? (uint)(NoteSize + GuestNoteSize) : NoteSize);

        Put32(file, NoteOffset, 4);
        Put32(file, NoteOffset + 4, 4);
        Put32(file, NoteOffset + 8, 18);   // PHYS32_ENTRY
        "Xen\0"u8.CopyTo(file.AsSpan(NoteOffset + 12));
        Put32(file, NoteOffset + 16, Entry);
        if (isLinux)
        {
            Put32(file, NoteOffset + NoteSize, 4);
            Put32(file, NoteOffset + NoteSize + 4, 6);
            Put32(file, NoteOffset + NoteSize + 8, 6);   // GUEST_OS
            "Xen\0linux\0"u8.CopyTo(file.AsSpan(NoteOffset + NoteSize + 12));
        }

        code.CopyTo(file, CodeOffset);
        return file;
    }

    private static void ProgramHeader(byte[] file, int at, uint type, uint offset, uint address, uint size)
    {
        Put32(file, at, type);
        Put32(file, at + 4, offset);
        Put32(file, at + 8, address);
        Put32(file, at + 12, address);
        Put32(file, at + 16, size);
        Put32(file, at + 20, size);
        Put32(file, at + 24, 7);
        Put32(file, at + 28, 4);
    }

    private static void Put16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void Put32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
}
