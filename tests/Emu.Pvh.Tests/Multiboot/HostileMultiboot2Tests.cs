using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Multiboot;

/// <summary>Headers that lie: each one is refused with the error that names its cause, and nothing is written.</summary>
public sealed class HostileMultiboot2Tests
{
    [Fact]
    public void A_header_must_begin_in_the_first_32_kib()
    {
        byte[] header = Multiboot2Builder.Raw(0, null);
        Assert.NotNull(Multiboot2Header.Find([.. new byte[32768 - 16], .. header]));
        Assert.Null(Multiboot2Header.Find([.. new byte[32768 - 8], .. header]));
    }

    [Fact]
    public void A_header_must_be_aligned_and_its_checksum_fit()
    {
        Assert.Null(Multiboot2Header.Find([0, 0, 0, 0, .. Multiboot2Builder.Header()]));
        byte[] wrong = Multiboot2Builder.Header();
        wrong[12]++;
        Assert.Null(Multiboot2Header.Find(wrong));
        // What looks like one does not hide the one behind it.
        Assert.Equal(wrong.Length, Multiboot2Header.Find([.. wrong, .. Multiboot2Builder.Header()])!.FileOffset);
    }

    [Fact]
    public void An_image_without_a_header_is_refused()
    {
        Refused<MissingMultiboot2HeaderException>(ElfBuilder.Bootable().Build());
        Refused<MissingMultiboot2HeaderException>(MultibootBuilder.Elf().Build());
    }

    [Fact]
    public void A_header_for_another_architecture_is_refused() =>
        Refused<UnsupportedMultibootException>(Multiboot2Builder.With(Multiboot2Builder.Raw(4, null, Multiboot2Builder.End)).Build());

    [Theory]
    [InlineData(0u)]
    [InlineData(15u)]
    [InlineData(0x8000u)]
    [InlineData(uint.MaxValue)]
    public void A_length_that_cannot_be_is_refused(uint length) =>
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.With(Multiboot2Builder.Raw(0, length, Multiboot2Builder.End)).Build());

    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    [InlineData(17u)]
    [InlineData(uint.MaxValue)]
    public void A_tag_of_a_size_that_cannot_be_is_refused(uint size) => Refused<MalformedMultibootHeaderException>(
        Multiboot2Builder.With(Multiboot2Builder.Raw(0, null, ElfBuilder.Numbers(6, size), Multiboot2Builder.End)).Build());

    [Fact]
    public void Tags_without_an_end_are_refused()
    {
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.With(Multiboot2Builder.Raw(0, null)).Build());
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.With(Multiboot2Builder.Raw(0, null, Multiboot2Builder.Tag(6))).Build());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(10)]
    public void A_tag_that_is_too_short_for_its_type_is_refused(ushort type)
    {
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(type)).Build());
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Optional(type)).Build());
    }

    [Fact]
    public void A_requirement_that_nobody_defined_is_refused_unless_it_is_optional()
    {
        Refused<UnsupportedMultibootException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(11)).Build());
        Refused<UnsupportedMultibootException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(1, 4, 22)).Build());
        Refused<UnsupportedMultibootException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(4, 3)).Build());
        Accepted(Multiboot2Builder.Optional(11));
        Accepted(Multiboot2Builder.Optional(1, 4, 22));
        Accepted(Multiboot2Builder.Optional(4, 3));
    }

    [Fact]
    public void What_means_nothing_here_is_passed_over() => Accepted(
        Multiboot2Builder.Tag(1, 4, 6, 8, 21),
        Multiboot2Builder.Tag(4, 2),
        Multiboot2Builder.Tag(5, 1024, 768, 32),
        Multiboot2Builder.Tag(6),
        Multiboot2Builder.Tag(7),
        Multiboot2Builder.Tag(8, 0xFFFFFFFF),
        Multiboot2Builder.Tag(9, 0xFFFFFFFF));

    [Fact]
    public void Addresses_without_an_entry_point_are_refused() =>
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(2, 0x100000, 0x100000, 0, 0)).Build());

    [Theory]
    // The header before the image that it is in.
    [InlineData(0xFFFFCu, 0x100000u, 0x100400u, 0x102000u, 0x100020u)]
    // More wanted before the header than the file has.
    [InlineData(0x100044u, 0x100000u, 0x100400u, 0x102000u, 0x100020u)]
    // Ends before beginnings.
    [InlineData(0x100040u, 0x100000u, 0xFFFFFu, 0x102000u, 0x100020u)]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x1003FFu, 0x100020u)]
    // Entry points outside.
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x102000u, 0x102000u)]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0x102000u, 0xFFFFFu)]
    // From the file's beginning, which would lie below address 0.
    [InlineData(0x3Fu, 0xFFFFFFFFu, 0u, 0u, 0x10u)]
    public void Addresses_that_contradict_one_another_are_refused(uint header, uint load, uint loadEnd, uint bssEnd, uint entry) =>
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Flat(header, load, loadEnd, bssEnd, entry));

    [Fact]
    public void More_than_the_file_has_is_refused() => Refused<TruncatedImageException>(Multiboot2Builder.Flat(loadEnd: 0x100401));

    [Theory]
    [InlineData(0x100040u, 0x100000u, 0x100400u, 0xFFFFFFFFu, 0x100020u)]
    [InlineData(0x2000040u, 0x2000000u, 0x2000400u, 0u, 0x2000020u)]
    public void What_lies_outside_ram_is_refused(uint header, uint load, uint loadEnd, uint bssEnd, uint entry) =>
        Refused<ImageOutsideMemoryException>(Multiboot2Builder.Flat(header, load, loadEnd, bssEnd, entry));

    [Theory]
    [InlineData(0xFFFFFu)]
    [InlineData(0x103000u)]
    public void An_entry_tag_outside_an_elf_image_is_refused(uint entry) =>
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(3, entry)).Build());

    [Theory]
    [InlineData(0u)]
    [InlineData(0x3000u)]
    public void An_alignment_that_is_no_power_of_two_is_refused(uint alignment) =>
        Refused<MalformedMultibootHeaderException>(Multiboot2Builder.Elf(tags: Multiboot2Builder.Relocatable(0, uint.MaxValue, alignment, 2)).Build());

    [Theory]
    [InlineData(0x1000000u, 0xFFFFFFFFu, 0x1000u, 0u)]
    [InlineData(0x200000u, 0x1FFFFFu, 0x1000u, 1u)]
    [InlineData(0x200000u, 0x202FFEu, 0x1000u, 2u)]
    [InlineData(0u, 0xFFFFFFFFu, 0x80000000u, 2u)]
    [InlineData(0xFFFFFFFFu, 0u, 1u, 2u)]
    public void An_image_that_finds_no_place_is_refused(uint minimum, uint maximum, uint alignment, uint preference) => Refused<RelocationException>(
        Multiboot2Builder.Elf(tags: Multiboot2Builder.Relocatable(minimum, maximum, alignment, preference)).Build());

    [Fact]
    public void A_file_with_a_header_but_neither_elf_nor_addresses_is_refused() => Assert.Contains(
        "Multiboot 2",
        Assert.Throws<UnrecognizedImageException>(() => KernelImage.Read((byte[])[.. Multiboot2Builder.Header(), .. new byte[100]])).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Modules_that_do_not_fit_are_refused()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(2 << 20);
        Multiboot2BootOptions options = new() { Modules = [new BootModule(new byte[1 << 20])] };
        Assert.Throws<BootLayoutException>(() => Multiboot2LoaderTests.Load(Multiboot2Builder.Elf().Build(), memory, options));
        Assert.Empty(memory.Writes);
    }

    [Fact]
    public void An_inspection_of_a_broken_header_says_what_is_wrong()
    {
        byte[] image = Multiboot2Builder.Elf(tags: Multiboot2Builder.Tag(11)).Build();
        string text = InspectionRenderer.Render(KernelInspection.Inspect(KernelImage.Read(image), [new GuestRange(0, 16 << 20)]), "k");
        Assert.Contains("a tag of type 11", text, StringComparison.Ordinal);
    }

    private static void Accepted(params byte[][] tags) =>
        Multiboot2LoaderTests.Load(Multiboot2Builder.Elf(tags: tags).Build(), SparseGuestMemory.OfSize(16 << 20));

    private static void Refused<TException>(byte[] image)
        where TException : KernelImageException
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 << 20);
        Assert.Throws<TException>(() => Multiboot2LoaderTests.Load(image, memory));
        Assert.Empty(memory.Writes);
        Assert.Empty(memory.Zeroed);
    }
}
