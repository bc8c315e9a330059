using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Emu.Host.Symbols;
using Emu.Pvh;

namespace Emu.Host.Debugging;

// The one file that gdb may read: the kernel as a debugger wants it, with symbols. So gdb needs nothing but the port.
internal sealed partial class DebugSession
{
    private const string NoSuchFile = "F-1,2", BadDescriptor = "F-1,9", Descriptor = "3";

    private byte[]? _file;

    private string ExecutableName
    {
        get
        {
            if (_control.Setup.Kernel?.Elf is null)
                return "";
            return "/" + (_control.Setup.KernelName is { Length: > 0 } name ? name : "kernel");
        }
    }

    // A kernel that brings symbols of its own may bring more for debuggers; Debian's has only those in kallsyms.
    private byte[] File
    {
        get
        {
            if (_file is not null)
                return _file;
            KernelImage kernel = _control.Setup.Kernel!;
            bool isWhole = SymbolReader.FromElf(kernel.Elf!).Count != 0;
            return _file = isWhole ? kernel.Image.ToArray() : SymbolFile.Build(kernel.Elf!, kernel.Notes, _control.Setup.Symbols.Table);
        }
    }

    private byte[] HandleFile(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string operation = colon < 0 ? text : text[..colon];
        string[] arguments = colon < 0 ? [] : text[(colon + 1)..].Split(',');
        switch (operation)
        {
            case "setfs":
                return Ascii("F0");
            case "open" when arguments.Length == 3:
                bool isOurs = Hexadecimal.TryBytes(arguments[0]) is { } name && ExecutableName.Length != 0 && Encoding.UTF8.GetString(name) == ExecutableName;
                return Ascii(isOurs ? "F" + Descriptor : NoSuchFile);
            case "close":
                return Ascii(arguments is [Descriptor] ? "F0" : BadDescriptor);
            case "fstat":
                return arguments is [Descriptor] && ExecutableName.Length != 0 ? Status() : Ascii(BadDescriptor);
            case "pread" when arguments.Length == 3:
                if (arguments[0] != Descriptor || ExecutableName.Length == 0)
                    return Ascii(BadDescriptor);
                if (!Hexadecimal.TryNumber(arguments[1], out ulong count) || !Hexadecimal.TryNumber(arguments[2], out ulong offset))
                    return Ascii("F-1,16");
                return Piece(count, offset);
            default:
                return [];
        }
    }

    private byte[] Piece(ulong count, ulong offset)
    {
        ReadOnlySpan<byte> rest = offset < (ulong)File.Length ? File.AsSpan((int)offset) : default;
        // Half a packet, should every byte have to be quoted.
        ReadOnlySpan<byte> piece = rest[..(int)Math.Min(Math.Min(count, (ulong)rest.Length), (PacketReader.LongestPayload / 2) - 16)];
        return [.. Ascii(string.Create(CultureInfo.InvariantCulture, $"F{piece.Length:x};")), .. piece];
    }

    // struct stat of the protocol, big endian: device, inode, mode, links, user, group, device type; size, block size, blocks (8 bytes
    // each); three times.
    private byte[] Status()
    {
        byte[] status = new byte[64];
        BinaryPrimitives.WriteUInt32BigEndian(status.AsSpan(8), 0x8124);
        BinaryPrimitives.WriteUInt32BigEndian(status.AsSpan(12), 1);
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(28), (ulong)File.Length);
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(36), 512);
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(44), ((ulong)File.Length + 511) / 512);
        return [.. Ascii("F40;"), .. status];
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
