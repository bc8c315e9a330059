using Emu.Pvh.Compression;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Images;

public sealed class BzImageTests
{
    private static readonly byte[] Elf = ElfBuilder.Bootable().Build();

    [Fact]
    public void The_payload_and_the_version_are_found()
    {
        KernelImage image = KernelImage.Read(BzImageBuilder.Build(BzImageBuilder.Gzip(Elf)));

        Assert.Equal(CompressionFormat.Gzip, image.Compression);
        Assert.Equal("6.1.0-test (us@here)", image.SetupHeader!.KernelVersion);
        Assert.Equal(0x020F, image.SetupHeader.ProtocolVersion);
        Assert.Equal(Elf, image.Elf!.Image.ToArray());
    }

    [Fact]
    public void An_uncompressed_payload_is_taken_as_it_is() =>
        Assert.Equal(CompressionFormat.None, KernelImage.Read(BzImageBuilder.Build(Elf)).Compression);

    [Fact]
    public void A_setup_sector_count_of_0_means_4()
    {
        byte[] image = BzImageBuilder.Build(Elf);
        byte[] moved = [.. image[..(3 * 512)], .. new byte[2 * 512], .. image[(3 * 512)..]];
        moved[0x1F1] = 0;
        Assert.Equal(Elf, KernelImage.Read(moved).Elf!.Image.ToArray());
    }

    [Fact]
    public void A_gzipped_bzImage_is_unwrapped_twice() =>
        Assert.Equal(KernelContainer.BzImage, KernelImage.Read(BzImageBuilder.Gzip(BzImageBuilder.Build(BzImageBuilder.Gzip(Elf)))).Container);

    [Fact]
    public void A_gzipped_elf_is_unwrapped() =>
        Assert.Equal(KernelContainer.CompressedElf, KernelImage.Read(BzImageBuilder.Gzip(Elf)).Container);

    [Fact]
    public void An_old_protocol_is_named() => Assert.Contains(
        "2.07", Assert.Throws<MalformedSetupHeaderException>(() => KernelImage.Read(BzImageBuilder.Build(Elf, version: 0x0207))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_payload_of_no_length_is_refused() =>
        Assert.Throws<MalformedSetupHeaderException>(() => KernelImage.Read(Patched(0x24C, 0)));

    [Theory]
    [InlineData(0x248, 0xFFFFFFFFu)]
    [InlineData(0x24C, 0xFFFFFFFFu)]
    [InlineData(0x24C, 0x7FFFFFFFu)]
    public void A_payload_outside_the_file_is_refused(int field, uint value) =>
        Assert.Throws<TruncatedImageException>(() => KernelImage.Read(Patched(field, value)));

    [Fact]
    public void A_cut_setup_header_is_refused() =>
        Assert.Throws<TruncatedImageException>(() => KernelImage.Read(BzImageBuilder.Build(Elf)[..0x210]));

    [Fact]
    public void A_version_string_outside_the_file_is_ignored()
    {
        byte[] image = BzImageBuilder.Build(Elf);
        image[0x20E] = 0xFF;
        image[0x20F] = 0xFF;
        Assert.Null(KernelImage.Read(image).SetupHeader!.KernelVersion);
    }

    [Fact]
    public void An_unknown_payload_names_what_is_known() => Assert.Contains(
        "zstd", Assert.Throws<UnsupportedCompressionException>(() => KernelImage.Read(BzImageBuilder.Build(new byte[100]))).Message, StringComparison.Ordinal);

    [Fact]
    public void An_initramfs_given_as_kernel_is_recognised() => Assert.Contains(
        "--initrd", Assert.Throws<UnrecognizedImageException>(() => KernelImage.Read(BzImageBuilder.Gzip("070701"u8.ToArray()))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_payload_that_is_not_elf_is_refused() => Assert.Throws<UnrecognizedImageException>(
        () => KernelImage.Read(BzImageBuilder.Build(BzImageBuilder.Gzip(new byte[100]))));

    [Fact]
    public void A_missing_file_is_one_sentence() => Assert.Contains(
        "/no/such/kernel", Assert.Throws<UnreadableImageException>(() => KernelImage.Open("/no/such/kernel")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_directory_is_one_sentence() => Assert.Contains(
        "is a directory", Assert.Throws<UnreadableImageException>(() => KernelImage.Open(AppContext.BaseDirectory)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_above_the_limit_is_not_read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Fixtures", "bootable.elf");
        Assert.Equal(Elf.Length, KernelImage.Open(path).FileLength);
        Assert.Contains("limit", Assert.Throws<UnreadableImageException>(
            () => KernelImage.Open(path, new KernelImageOptions { MaximumFileSize = 100 })).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void An_endless_device_is_an_empty_file()
    {
        Skip.IfNot(File.Exists("/dev/zero"), "There is no /dev/zero here.");
        Assert.Throws<UnrecognizedImageException>(() => KernelImage.Open("/dev/zero"));
    }

    [Fact]
    public void A_multiboot_1_header_is_recognised_where_qemu_looks()
    {
        byte[] header = ElfBuilder.Numbers(0x1BADB002, 0x3, unchecked(0u - 0x1BADB002 - 0x3));
        Assert.Equal(3u, Read(header)!.Flags);
        header[8]++;
        Assert.Null(Read(header));

        static Multiboot1Header? Read(byte[] header) => KernelImage.Read(
            new ElfBuilder().Load(0x100000, [.. new byte[8], .. header]).Build()).Multiboot1;
    }

    [Fact]
    public void A_multiboot_2_header_is_recognised()
    {
        byte[] header = ElfBuilder.Numbers(0xE85250D6, 0, 24, unchecked(0u - 0xE85250D6 - 24), 0, 8);
        KernelImage image = KernelImage.Read(new ElfBuilder().Load(0x100000, header).Build());
        Assert.Equal(24u, image.Multiboot2!.Length);
        Assert.Null(image.Multiboot1);
    }

    private static byte[] Patched(int offset, uint value)
    {
        byte[] image = BzImageBuilder.Build(Elf);
        BitConverter.TryWriteBytes(image.AsSpan(offset), value);
        return image;
    }
}
