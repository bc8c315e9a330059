using System.Security.Cryptography;
using Emu.Pvh.Compression;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Compression;

public sealed class DecompressorTests
{
    private const string SampleHash = "1E5FB66C4AFA8DBB9168E92A7460BAE900D0D8238805D9F393235492D13CAB77";
    private const int SampleLength = 229376;

    public static TheoryData<string> Forms => [.. Fixture.Forms];

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_the_real_tool_packed_is_unpacked_exactly(string form)
    {
        byte[] packed = Fixture.Read("sample." + form);
        ReadOnlyMemory<byte> unpacked = Unpack(packed);

        Assert.Equal(SampleLength, unpacked.Length);
        Assert.Equal(SampleHash, Convert.ToHexString(SHA256.HashData(unpacked.Span)));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_form_carries_a_kernel_in_a_bzImage(string form)
    {
        byte[] elf = ElfBuilder.Bootable().Build();
        byte[] packed = Fixture.Read("bootable.elf." + form);
        KernelImage image = KernelImage.Read(BzImageBuilder.Build(packed, form == "gz" ? null : (uint)elf.Length));

        Assert.Equal(elf, image.Elf!.Image.ToArray());
        Assert.Equal(KernelContainer.BzImage, image.Container);
        Assert.Equal(0x100010u, image.Xen.Entry);
    }

    [Fact]
    public void Fixture_is_the_image_that_the_builder_makes() =>
        Assert.Equal(ElfBuilder.Bootable().Build(), Fixture.Read("bootable.elf"));

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_stream_that_is_cut_anywhere_is_refused(string form)
    {
        byte[] packed = Fixture.Read("bootable.elf." + form);
        byte[] whole = Unpack(packed).ToArray();
        for (int length = 14; length < packed.Length; length++)
        {
            try
            {
                // The legacy LZ4 framing has no end mark, so a cut at a block boundary may go unnoticed; nothing else may come out.
                Assert.Equal(whole, Unpack(packed[..length]).ToArray());
            }
            catch (KernelImageException)
            {
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_flipped_bit_never_yields_wrong_contents_where_the_format_has_a_checksum(string form)
    {
        byte[] packed = Fixture.Read("bootable.elf." + form);
        byte[] whole = Unpack(packed).ToArray();
        bool hasChecksum = form is not ("lz4" or "lzma" or "fast.zst" or "frame.lz4");
        for (int bit = 0; bit < packed.Length * 8; bit++)
        {
            byte[] flipped = [.. packed];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            // A changed magic makes another format of it.
            if (Decompressor.Detect(flipped) != Decompressor.Detect(packed))
                continue;
            try
            {
                byte[] result = Unpack(flipped).ToArray();
                if (hasChecksum && result.Length != 0 && !IsUnchecked(form, bit / 8))
                    Assert.Equal(whole, result);
            }
            catch (KernelImageException)
            {
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void The_limit_is_kept(string form)
    {
        byte[] packed = Fixture.Read("sample." + form);
        KernelImageOptions options = new() { MaximumSize = SampleLength - 1 };

        PayloadTooLargeException error = Assert.Throws<PayloadTooLargeException>(
            () => Decompressor.Unpack(Decompressor.Detect(packed), packed, options));
        Assert.Equal(SampleLength - 1, error.Limit);
    }

    [Fact]
    public void A_bomb_is_refused_before_it_costs_more_than_the_limit()
    {
        byte[] bomb = BzImageBuilder.Gzip(new byte[256 << 20]);
        const int limit = 16 << 20;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<PayloadTooLargeException>(() => KernelImage.Read(bomb, new KernelImageOptions { MaximumSize = limit }));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4L * limit);
    }

    [Fact]
    public void A_header_that_claims_gigabytes_allocates_nothing_for_them()
    {
        // .lzma: an unpacked size and a dictionary of nearly 4 GiB over four bytes of data.
        byte[] lie = [0x5D, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0xF0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<CorruptPayloadException>(() => KernelImage.Read(lie));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Progress_rises_to_the_end()
    {
        byte[] packed = BzImageBuilder.Gzip(new byte[8 << 20]);
        List<UnpackProgress> reports = [];
        Decompressor.Unpack(CompressionFormat.Gzip, packed, new KernelImageOptions { Progress = reports.Add });

        Assert.True(reports.Count >= 4);
        Assert.Equal(new UnpackProgress(CompressionFormat.Gzip, packed.Length, packed.Length, 8 << 20), reports[^1]);
        for (int i = 1; i < reports.Count; i++)
            Assert.True(reports[i].BytesWritten >= reports[i - 1].BytesWritten);
    }

    [Fact]
    public void Concatenated_xz_streams_and_zstd_frames_are_joined()
    {
        foreach (string form in (string[])["xz", "zst", "gz"])
        {
            byte[] packed = Fixture.Read("bootable.elf." + form);
            byte[] whole = Unpack(packed).ToArray();
            Assert.Equal([.. whole, .. whole], Unpack([.. packed, .. packed]).ToArray());
        }
    }

    [Fact]
    public void An_unknown_xz_filter_is_named()
    {
        // A stream header and a block header with the ARM64 filter (0x0A) before LZMA2.
        byte[] stream = [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0, 1, 0x69, 0x22, 0xDE, 0x36,
            2, 1, 0x0A, 0, 0x21, 1, 0x16, 0, 0, 0, 0, 0];
        byte[] header = stream[12..20];
        BitConverter.TryWriteBytes(stream.AsSpan(20), ReferenceCrc32(header));

        UnsupportedCompressionException error = Assert.Throws<UnsupportedCompressionException>(() => Unpack(stream));
        Assert.Contains("0xa", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Bytes that no checksum covers: gzip's header, bzip2's block size and padding, and lzop's fields behind its last block.</summary>
    private static bool IsUnchecked(string form, int offset) => form is "gz" or "bz2" && offset < 10;

    private static ReadOnlyMemory<byte> Unpack(byte[] packed) =>
        Decompressor.Unpack(Decompressor.Detect(packed), packed, new KernelImageOptions { MaximumSize = 1 << 20 });

    private static uint ReferenceCrc32(byte[] data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
