using System.Buffers.Binary;
using System.Text;

namespace Emu.Pvh;

/// <summary>The setup header of a Linux bzImage, as far as it leads to the payload (Linux: Documentation/arch/x86/boot.rst).</summary>
/// <remarks>
/// <code>
/// 0x1F1 setup_sects u8 | 0x1FE boot_flag 0xAA55 | 0x202 "HdrS" | 0x206 version u16 | 0x20E kernel_version u16
/// 0x211 loadflags u8 | 0x230 kernel_alignment u32 | 0x236 xloadflags u16 | 0x248 payload_offset u32 | 0x24C payload_length u32
/// 0x260 init_size u32
/// </code>
/// The protected-mode part begins after the boot sector and setup_sects further sectors; payload_offset counts from there.
/// </remarks>
public sealed record BzImageHeader
{
    private const int HeaderEnd = 0x264;

    private BzImageHeader()
    {
    }

    /// <summary>The boot protocol version, major in the high byte: 0x020F is 2.15.</summary>
    public ushort ProtocolVersion { get; private init; }

    /// <summary>The version string of the kernel, or null.</summary>
    public string? KernelVersion { get; private init; }

    /// <summary>Where the payload begins in the file, in bytes.</summary>
    public int PayloadFileOffset { get; private init; }

    /// <summary>The length of the payload in bytes.</summary>
    public int PayloadLength { get; private init; }

    /// <summary>init_size: how much memory the kernel needs to start, in bytes; 0 when the protocol is too old to tell.</summary>
    public uint InitSize { get; private init; }

    /// <summary>True when the bytes are a Linux kernel with a setup header.</summary>
    /// <param name="file">A file.</param>
    /// <returns>Whether it is one.</returns>
    public static bool IsPresent(ReadOnlySpan<byte> file) =>
        file.Length >= 0x206 && file[0x1FE] == 0x55 && file[0x1FF] == 0xAA && file[0x202..].StartsWith("HdrS"u8);

    /// <summary>Reads the header and checks that the payload lies in the file.</summary>
    /// <param name="file">The bzImage.</param>
    /// <returns>The header.</returns>
    /// <exception cref="KernelImageException">The header contradicts the file, or the protocol is too old to name a payload.</exception>
    public static BzImageHeader Parse(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderEnd)
            throw new TruncatedImageException("the bzImage setup header", 0, HeaderEnd, file.Length);
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(file[0x206..]);
        if (version < 0x0208)
        {
            throw new MalformedSetupHeaderException(
                $"The bzImage uses boot protocol {version >> 8}.{version & 0xFF:00}, which does not name its payload; "
                + "2.08 (Linux 2.6.26) or newer is needed.");
        }

        int setupSectors = file[0x1F1] == 0 ? 4 : file[0x1F1];
        long offset = ((setupSectors + 1L) * 512) + BinaryPrimitives.ReadUInt32LittleEndian(file[0x248..]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(file[0x24C..]);
        if (length == 0)
            throw new MalformedSetupHeaderException("The bzImage's setup header names no payload (payload_length is 0).");
        if (offset > file.Length || length > file.Length - offset)
            throw new TruncatedImageException("the bzImage's payload", (ulong)offset, length, file.Length);
        return new BzImageHeader
        {
            ProtocolVersion = version,
            KernelVersion = VersionString(file),
            PayloadFileOffset = (int)offset,
            PayloadLength = (int)length,
            InitSize = version >= 0x020A ? BinaryPrimitives.ReadUInt32LittleEndian(file[0x260..]) : 0,
        };
    }

    private static string? VersionString(ReadOnlySpan<byte> file)
    {
        int pointer = BinaryPrimitives.ReadUInt16LittleEndian(file[0x20E..]);
        if (pointer == 0 || pointer + 0x200 >= file.Length)
            return null;
        ReadOnlySpan<byte> text = file.Slice(pointer + 0x200, Math.Min(256, file.Length - pointer - 0x200));
        int end = text.IndexOf((byte)0);
        if (end <= 0)
            return null;
        StringBuilder version = new(end);
        foreach (byte b in text[..end])
            version.Append(b is >= 0x20 and < 0x7F ? (char)b : '?');
        return version.ToString();
    }
}
