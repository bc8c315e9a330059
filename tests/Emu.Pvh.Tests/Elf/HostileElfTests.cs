using System.Buffers.Binary;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Elf;

/// <summary>Images that are broken in exactly one place, named for it.</summary>
public sealed class HostileElfTests
{
    public static TheoryData<bool> Widths => [true, false];

    [Fact]
    public void An_empty_file_is_not_a_kernel() => Refused<UnrecognizedImageException>([]);

    [Fact]
    public void Text_is_not_a_kernel() => Refused<UnrecognizedImageException>("#!/bin/sh\n"u8.ToArray());

    [Fact]
    public void A_bare_magic_is_truncated() => Refused<TruncatedImageException>("\u007fELF"u8.ToArray());

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_cut_before_the_last_note_is_refused(bool wide)
    {
        byte[] image = ElfBuilder.Bootable(wide).Build();
        const int padding = 16;
        for (int length = 0; length < image.Length - padding; length++)
        {
            byte[] cut = image[..length];
            Assert.ThrowsAny<KernelImageException>(() => Load(cut));
        }
    }

    [Fact]
    public void Class_3_is_refused() => Refused<UnsupportedElfException>(Patched(true, 4, 3));

    [Fact]
    public void Big_endian_is_refused() => Refused<UnsupportedElfException>(Patched(true, 5, 2));

    [Fact]
    public void An_object_file_is_refused() => Refused<UnsupportedElfException>(new ElfBuilder { Type = 1 }.Load(0x100000, [1]).Build());

    [Fact]
    public void Arm_is_refused() => Refused<UnsupportedElfException>(new ElfBuilder { Machine = 183 }.Load(0x100000, [1]).Build());

    [Theory]
    [MemberData(nameof(Widths))]
    public void No_program_headers(bool wide) => Refused<NoLoadableSegmentException>(new ElfBuilder { Wide = wide }.Build());

    [Theory]
    [MemberData(nameof(Widths))]
    public void Only_empty_segments(bool wide) => Refused<NoLoadableSegmentException>(new ElfBuilder { Wide = wide }.Load(0x100000, []).Build());

    [Theory]
    [InlineData(true, 54)]
    [InlineData(false, 42)]
    public void Program_headers_that_are_too_small(bool wide, int offset) => Refused<MalformedElfException>(Patched(wide, offset, 8));

    [Theory]
    [InlineData(true, 56)]
    [InlineData(false, 44)]
    public void More_program_headers_than_the_file_holds(bool wide, int offset) => Refused<TruncatedImageException>(Patched(wide, offset, 0xF0, 0xFF));

    [Theory]
    [InlineData(true, 56)]
    [InlineData(false, 44)]
    public void Extended_numbering_without_sections(bool wide, int offset) => Refused<TruncatedImageException>(Patched(wide, offset, 0xFF, 0xFF));

    [Theory]
    [MemberData(nameof(Widths))]
    public void Program_headers_at_the_end_of_the_address_space(bool wide) =>
        Refused<TruncatedImageException>(Patched(wide, wide ? 32 : 28, [.. Enumerable.Repeat((byte)0xFF, wide ? 8 : 4)]));

    [Theory]
    [MemberData(nameof(Widths))]
    public void File_size_above_memory_size(bool wide)
    {
        SegmentSizeException error = Refused<SegmentSizeException>(
            new ElfBuilder { Wide = wide }.Load(0x100000, new byte[32], memorySize: 16).Build());
        Assert.Equal(0, error.Segment);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Segment_contents_outside_the_file(bool wide) =>
        Refused<TruncatedImageException>(new ElfBuilder { Wide = wide }.Load(0x100000, [1], 0x7FFFFFFF, fileSize: 0x7FFFFFF0).Build());

    [Fact]
    public void Segment_offset_that_wraps_with_its_size() =>
        Refused<TruncatedImageException>(new ElfBuilder().Load(0x100000, [1], 0x2000, fileSize: 0x1000, offset: ulong.MaxValue - 0xFFF).Build());

    [Fact]
    public void Segment_address_that_wraps_with_its_size() =>
        Refused<SegmentWrapException>(new ElfBuilder().Load(ulong.MaxValue - 0xFFF, [1], memorySize: 0x2000).Build());

    [Fact]
    public void A_32_bit_segment_that_ends_at_4_gib_is_outside_memory() =>
        Refused<ImageOutsideMemoryException>(With(new ElfBuilder { Wide = false }.Load(0x100000, new byte[64]).Load(0xFFFFF000, [1], memorySize: 0x1000)));

    [Theory]
    [MemberData(nameof(Widths))]
    public void Overlapping_segments_are_named(bool wide)
    {
        SegmentOverlapException error = Refused<SegmentOverlapException>(
            new ElfBuilder { Wide = wide }.Load(0x102000, new byte[16]).Load(0x100000, [1], memorySize: 0x2001).Build());
        Assert.Equal((1, 0), (error.First, error.Second));
    }

    [Fact]
    public void Segments_that_touch_are_fine() => Load(With(new ElfBuilder().Load(0x100000, [1], memorySize: 0x1000).Load(0x101000, [2])));

    [Fact]
    public void Segments_in_descending_order_are_fine() => Load(With(new ElfBuilder().Load(0x101000, [2]).Load(0x100000, [1], memorySize: 0x1000)));

    [Fact]
    public void A_segment_above_the_guests_memory_names_both() => Assert.Contains(
        "0x4000000", Refused<ImageOutsideMemoryException>(With(new ElfBuilder().Load(0x100000, new byte[64]).Load(64 << 20, [1]))).Message, StringComparison.Ordinal);

    [Fact]
    public void Bss_of_terabytes_is_refused_without_allocation()
    {
        byte[] image = With(new ElfBuilder().Load(0x100000, new byte[64], memorySize: 1UL << 44));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused<ImageOutsideMemoryException>(image);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_refused_image_leaves_memory_untouched()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(32 << 20);
        KernelImage image = KernelImage.Read(With(new ElfBuilder().Load(0x100000, new byte[64]).Load(64 << 20, [1])));
        Assert.Throws<ImageOutsideMemoryException>(() => PvhLoader.Load(image, memory, new PvhBootOptions()));
        Assert.Empty(memory.Writes);
        Assert.Empty(memory.Zeroed);
    }

    [Theory]
    [InlineData(0x0FFFFFu)]
    [InlineData(0x103001u)]
    [InlineData(0u)]
    public void An_entry_outside_the_image_is_refused(uint entry)
    {
        byte[] image = new ElfBuilder().Load(0x100000, new byte[16], memorySize: 0x3000)
            .Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(entry, 4))).Build();
        Assert.Equal(entry, Refused<EntryOutsideImageException>(image).Entry);
    }

    [Fact]
    public void An_entry_at_the_end_of_the_image_is_inside_as_for_xen() => Load(
        new ElfBuilder().Load(0x100000, new byte[16], memorySize: 0x3000).Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x103000, 4))).Build());

    [Fact]
    public void Many_section_headers_claimed_in_section_0_are_ignored()
    {
        byte[] image = ElfBuilder.Bootable().NoteSection(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(1, 4))).Build();
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(60), 0);
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(40));
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan((int)table + 32), ulong.MaxValue);
        Assert.Empty(KernelImage.Read(image).Elf!.Sections);
        Load(image);
    }

    private static byte[] With(ElfBuilder builder) => builder.Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100000, 4))).Build();

    private static byte[] Patched(bool wide, int offset, params byte[] bytes)
    {
        byte[] image = ElfBuilder.Bootable(wide).Build();
        image[offset + 1] = offset < 16 ? image[offset + 1] : (byte)0;
        bytes.CopyTo(image, offset);
        return image;
    }

    private static T Refused<T>(byte[] image)
        where T : KernelImageException
    {
        T error = Assert.Throws<T>(() => Load(image));
        Assert.EndsWith(".", error.Message.TrimEnd(')', '"'), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }

    private static PvhBootResult Load(byte[] image) =>
        PvhLoader.Load(KernelImage.Read(image), SparseGuestMemory.OfSize(32 << 20), new PvhBootOptions());
}
