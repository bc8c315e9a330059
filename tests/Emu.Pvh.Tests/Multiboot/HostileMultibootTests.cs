using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Multiboot;

/// <summary>Headers that lie: each one is refused with the error that names its cause, and nothing is written.</summary>
public sealed class HostileMultibootTests
{
    [Fact]
    public void A_header_must_lie_wholly_in_the_first_8_kib()
    {
        Assert.NotNull(Multiboot1Header.Find([.. new byte[8192 - 12], .. MultibootBuilder.Header(0)]));
        Assert.Null(Multiboot1Header.Find([.. new byte[8192 - 8], .. MultibootBuilder.Header(0)]));
        Assert.Null(Multiboot1Header.Find([.. new byte[8192], .. MultibootBuilder.Header(0)]));
    }

    [Fact]
    public void A_header_must_be_aligned_and_its_checksum_fit()
    {
        Assert.Null(Multiboot1Header.Find([0, 0, .. MultibootBuilder.Header(0), 0, 0]));
        Assert.Null(Multiboot1Header.Find(ElfBuilder.Numbers(MultibootBuilder.Magic, 0, 0)));
        // What looks like one does not hide the one behind it.
        Assert.Equal(12, Multiboot1Header.Find([.. ElfBuilder.Numbers(MultibootBuilder.Magic, 0, 0), .. MultibootBuilder.Header(1)])!.FileOffset);
    }

    [Theory]
    [InlineData(0x8u)]
    [InlineData(0x8000u)]
    public void A_requirement_that_nobody_defined_is_refused(uint flag) => Refused<UnsupportedMultibootException>(MultibootBuilder.Elf(flags: 3 | flag).Build());

    [Theory]
    [InlineData(0x4u)]
    [InlineData(0x20000u)]
    [InlineData(0x80000000u)]
    public void A_wish_for_video_and_optional_features_are_passed_over(uint flag) =>
        MultibootLoaderTests.Load(MultibootBuilder.Elf(flags: flag).Build(), SparseGuestMemory.OfSize(16 << 20));

    [Fact]
    public void An_image_without_a_header_is_refused() => Refused<MissingMultibootHeaderException>(ElfBuilder.Bootable().Build());

    [Fact]
    public void Addresses_behind_the_end_of_the_file_are_refused()
    {
        byte[] image = new ElfBuilder().Load(0x100000, MultibootBuilder.Header(MultibootBuilder.AddressFlag)).Build();
        Refused<MalformedMultibootHeaderException>(image[..(Multiboot1Header.Find(image)!.FileOffset + 16)]);
    }

    [Theory]
    // The header before the image that it is in.
    [InlineData(0xFFFFCu, 0x100000u, 0x100400u, 0x102000u, 0x100080u)]
    // More wanted before the header than the file has.
    [InlineData(0x100044u, 0x100000u, 0x100400u, 0x102000u, 0x100080u)]
    [InlineData(0xFFFFFFFFu, 0u, 0x100400u, 0x102000u, 0x100080u)]
    // Ends before beginnings.
    [InlineData(0x100040u, 0x100000u, 0xFFFFFu, 0x102000u, 0x100080u)]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x1003FFu, 0x100080u)]
    // Entry points outside.
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x102000u, 0x102000u)]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x102000u, 0xFFFFFu)]
    // Nothing is loaded at all.
    [InlineData(0x100040u, 0x100000u, 0x100000u, 0u, 0x100000u)]
    public void Addresses_that_contradict_one_another_are_refused(uint header, uint load, uint loadEnd, uint bssEnd, uint entry) =>
        Refused<MalformedMultibootHeaderException>(MultibootBuilder.Flat(header, load, loadEnd, bssEnd, entry));

    [Fact]
    public void More_than_the_file_has_is_refused() => Refused<TruncatedImageException>(MultibootBuilder.Flat(loadEnd: 0x100401));

    [Theory]
    [InlineData(0xFFFFFF40u, 0xFFFFFF00u, 0u, 0u, 0xFFFFFF80u)]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0xFFFFFFFFu, 0x100080u)]
    [InlineData(0x2000040u, 0x2000000u, 0x2000400u, 0u, 0x2000080u)]
    public void What_lies_outside_ram_is_refused(uint header, uint load, uint loadEnd, uint bssEnd, uint entry) =>
        Refused<ImageOutsideMemoryException>(MultibootBuilder.Flat(header, load, loadEnd, bssEnd, entry));

    [Theory]
    [InlineData(0xFFFFFul)]
    [InlineData(0x103000ul)]
    [InlineData(0x1_0010_0010ul)]
    public void An_elf_entry_outside_the_image_is_refused(ulong entry) =>
        Refused<MalformedMultibootHeaderException>(MultibootBuilder.Elf(wide: true, entry: entry).Build());

    [Fact]
    public void A_file_with_a_header_but_neither_elf_nor_addresses_is_refused() =>
        Assert.Throws<UnrecognizedImageException>(() => KernelImage.Read((byte[])[.. MultibootBuilder.Header(0), .. new byte[100]]));

    [Fact]
    public void Modules_that_do_not_fit_are_refused()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(2 << 20);
        MultibootBootOptions options = new() { Modules = [new BootModule(new byte[1 << 20])] };
        Assert.Throws<BootLayoutException>(() => MultibootLoaderTests.Load(MultibootBuilder.Elf().Build(), memory, options));
        Assert.Empty(memory.Writes);
    }

    [Fact]
    public void A_nul_in_a_command_line_is_refused()
    {
        MultibootBootOptions options = new() { CommandLine = new byte[] { 65, 0, 66 } };
        Assert.Throws<BootLayoutException>(() => MultibootLoaderTests.Load(MultibootBuilder.Elf().Build(), SparseGuestMemory.OfSize(16 << 20), options));
    }

    private static void Refused<TException>(byte[] image)
        where TException : KernelImageException
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 << 20);
        Assert.Throws<TException>(() => MultibootLoaderTests.Load(image, memory));
        Assert.Empty(memory.Writes);
        Assert.Empty(memory.Zeroed);
    }
}
