using Emu.Pvh.Compression;

namespace Emu.Pvh;

/// <summary>How the kernel was wrapped in the file.</summary>
public enum KernelContainer
{
    /// <summary>The file is the ELF image itself.</summary>
    Elf,

    /// <summary>The file is a compressed ELF image, for instance vmlinux.gz or xen.gz.</summary>
    CompressedElf,

    /// <summary>The file is a Linux bzImage (vmlinuz) with the ELF image as its payload.</summary>
    BzImage,

    /// <summary>The file is not ELF: a Multiboot header in it says where to load it. It may be compressed.</summary>
    Flat,
}

/// <summary>A kernel file, opened: its wrapping taken off, its headers checked, its notes decoded. Nothing is loaded yet.</summary>
public sealed class KernelImage
{
    private KernelImage(
        ReadOnlyMemory<byte> image, ElfFile? elf, KernelContainer container, CompressionFormat compression, long fileLength)
    {
        Image = image;
        Elf = elf;
        Container = container;
        Compression = compression;
        FileLength = fileLength;
        Notes = ElfNotes.Read(elf);
        Xen = XenNotes.Decode(Notes);
        Multiboot1 = Multiboot1Header.Find(image.Span);
        Multiboot2 = Multiboot2Header.Find(image.Span);
    }

    /// <summary>How the kernel was wrapped.</summary>
    public KernelContainer Container { get; }

    /// <summary>The compression that was taken off.</summary>
    public CompressionFormat Compression { get; }

    /// <summary>The length of the file as given, in bytes.</summary>
    public long FileLength { get; }

    /// <summary>The kernel without its wrapping, in bytes.</summary>
    public ReadOnlyMemory<byte> Image { get; }

    /// <summary>The ELF image; null when <see cref="Container"/> is <see cref="KernelContainer.Flat"/>.</summary>
    public ElfFile? Elf { get; }

    /// <summary>All its notes.</summary>
    public ElfNotes Notes { get; }

    /// <summary>Its Xen notes, decoded.</summary>
    public XenNotes Xen { get; }

    /// <summary>The setup header when <see cref="Container"/> is a bzImage, else null.</summary>
    public BzImageHeader? SetupHeader { get; private init; }

    /// <summary>The Multiboot 1 header, or null.</summary>
    public Multiboot1Header? Multiboot1 { get; }

    /// <summary>The Multiboot 2 header, or null.</summary>
    public Multiboot2Header? Multiboot2 { get; }

    /// <summary>
    /// The protocol that <see cref="BootProtocol.Auto"/> means for this image: the PVH note wins, be it broken, over a Multiboot 2 header, and
    /// that over a Multiboot 1 header. An image that is not ELF has one that says where to load it.
    /// </summary>
    public BootProtocol PreferredProtocol
    {
        get
        {
            if (Xen.Entry is not null || Xen.HasBadEntryDescriptor)
                return BootProtocol.Pvh;
            if (Multiboot2 is { } header && (Elf is not null || HasAddresses(Image.Span, header)))
                return BootProtocol.Multiboot2;
            return Multiboot1 is not null ? BootProtocol.Multiboot : BootProtocol.Pvh;
        }
    }

    /// <summary>Reads a kernel file from the host's file system.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Limits and progress; null for the defaults.</param>
    /// <returns>The image.</returns>
    /// <exception cref="KernelImageException">The file cannot be read or used; the class tells why.</exception>
    public static KernelImage Open(string path, KernelImageOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new KernelImageOptions();
        if (Directory.Exists(path))
            throw new UnreadableImageException($"The kernel file '{path}' is a directory.");
        try
        {
            return Read(ReadFile(path, options.MaximumFileSize), options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            var reason = e switch
            {
                FileNotFoundException => "there is no such file.",
                DirectoryNotFoundException => "there is no such folder.",
                UnauthorizedAccessException => "permission is denied.",
                _ => e.Message,
            };
            throw new UnreadableImageException($"The kernel file '{path}' cannot be read: {reason}", e);
        }
    }

    /// <summary>Reads a kernel file that is in memory.</summary>
    /// <param name="file">The file; it may be kept, so it must not change.</param>
    /// <param name="options">Limits and progress; null for the defaults.</param>
    /// <returns>The image.</returns>
    /// <exception cref="KernelImageException">The file cannot be used; the class tells why.</exception>
    public static KernelImage Read(ReadOnlyMemory<byte> file, KernelImageOptions? options = null)
    {
        options ??= new KernelImageOptions();
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.IsEmpty)
            throw new UnrecognizedImageException("The kernel file is empty.");
        if (ElfFile.HasMagic(bytes))
            return FromElf(file, KernelContainer.Elf, CompressionFormat.None, null, file.Length);
        if (BzImageHeader.IsPresent(bytes))
            return FromBzImage(file, options, file.Length);
        CompressionFormat format = Decompressor.Detect(bytes);
        if (format == CompressionFormat.None)
            return FromFlat(file, format, file.Length) ?? throw Unrecognized(bytes);

        ReadOnlyMemory<byte> inner = Decompressor.Unpack(format, file, options);
        if (ElfFile.HasMagic(inner.Span))
            return FromElf(inner, KernelContainer.CompressedElf, format, null, file.Length);
        if (BzImageHeader.IsPresent(inner.Span))
            return FromBzImage(inner, options, file.Length);
        return FromFlat(inner, format, file.Length) ?? throw new UnrecognizedImageException(
            $"The file is {format.Name()}-compressed, but what it holds is neither an ELF image nor a bzImage; an initramfs belongs after --initrd.");
    }

    /// <summary>Reads a file whole. A device has no length and counts as empty; a pipe is read to its end, within the limit.</summary>
    private static ReadOnlyMemory<byte> ReadFile(string path, int limit)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (file.CanSeek)
        {
            if (file.Length > limit)
                throw TooLarge(path, limit);
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)file.Length);
            return bytes.AsMemory(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }

        using MemoryStream copy = new();
        byte[] chunk = new byte[1 << 16];
        int read;
        while ((read = file.Read(chunk)) > 0)
        {
            if (copy.Length + read > limit)
                throw TooLarge(path, limit);
            copy.Write(chunk, 0, read);
        }

        return copy.ToArray();
    }

    private static UnreadableImageException TooLarge(string path, int limit) =>
        new($"The kernel file '{path}' has more than {limit} bytes, which is the limit for a kernel file here.");

    private static KernelImage FromBzImage(ReadOnlyMemory<byte> file, KernelImageOptions options, long fileLength)
    {
        BzImageHeader header = BzImageHeader.Parse(file.Span);
        ReadOnlyMemory<byte> payload = file.Slice(header.PayloadFileOffset, header.PayloadLength);
        CompressionFormat format = Decompressor.Detect(payload.Span);
        if (format == CompressionFormat.None)
        {
            if (!ElfFile.HasMagic(payload.Span))
            {
                throw new UnsupportedCompressionException(
                    "The bzImage's payload is neither an ELF image nor in a known compression (gzip, bzip2, xz, lzma, lzo, lz4, zstd).");
            }

            return FromElf(payload, KernelContainer.BzImage, format, header, fileLength);
        }

        ReadOnlyMemory<byte> inner = Decompressor.Unpack(format, payload, options);
        if (!ElfFile.HasMagic(inner.Span))
            throw new UnrecognizedImageException("The bzImage's payload unpacks to something that is not an ELF image.");
        return FromElf(inner, KernelContainer.BzImage, format, header, fileLength);
    }

    private static KernelImage FromElf(
        ReadOnlyMemory<byte> image, KernelContainer container, CompressionFormat compression, BzImageHeader? setup, long fileLength) =>
        new(image, ElfFile.Parse(image), container, compression, fileLength) { SetupHeader = setup };

    /// <summary>A file of any format that a Multiboot header makes loadable; null for one without such a header.</summary>
    private static KernelImage? FromFlat(ReadOnlyMemory<byte> image, CompressionFormat compression, long fileLength) =>
        Multiboot1Header.Find(image.Span) is { HasAddresses: true }
        || (Multiboot2Header.Find(image.Span) is { } header && HasAddresses(image.Span, header))
            ? new KernelImage(image, null, KernelContainer.Flat, compression, fileLength)
            : null;

    private static bool HasAddresses(ReadOnlySpan<byte> image, Multiboot2Header header)
    {
        try
        {
            return Multiboot2Request.Read(image, header).Addresses is not null;
        }
        catch (KernelImageException)
        {
            return false;
        }
    }

    private static UnrecognizedImageException Unrecognized(ReadOnlySpan<byte> bytes)
    {
        if (Multiboot1Header.Find(bytes) is not null)
        {
            return new UnrecognizedImageException(
                "The file has a Multiboot header but is not an ELF image, and the header says nothing about where to load it (flag 16).");
        }

        if (Multiboot2Header.Find(bytes) is not null)
        {
            return new UnrecognizedImageException(
                "The file has a Multiboot 2 header but is not an ELF image, and the header does not say where to load it (tag 2).");
        }

        if (bytes.StartsWith("MZ"u8))
            return new UnrecognizedImageException("The file is an EFI or DOS executable without a Linux setup header, not a PVH kernel.");
        return new UnrecognizedImageException("The file is not a kernel: it is neither an ELF image, nor a bzImage, nor a compressed form of one.");
    }
}
