using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Elf;

public sealed class NoteTests
{
    private static byte[] Entry(uint value = 0x100010, int size = 4) => ElfBuilder.Note("Xen", 18, ElfBuilder.Number(value, size));

    private static ElfBuilder Elf => new ElfBuilder().Load(0x100000, new byte[64], memorySize: 0x4000);

    [Fact]
    public void Later_note_segment_keeps_the_earlier_entry() =>
        Assert.Equal(0x100010u, Read(Elf.Notes(Entry()).Notes(ElfBuilder.Note("GNU", 3, new byte[20]))));

    [Fact]
    public void The_last_entry_note_counts() => Assert.Equal(0x100020u, Read(Elf.Notes(Entry(), Entry(0x100020))));

    [Fact]
    public void The_last_entry_note_counts_across_segments() => Assert.Equal(0x100020u, Read(Elf.Notes(Entry()).Notes(Entry(0x100020))));

    [Fact]
    public void Only_the_low_half_of_an_eight_byte_descriptor_counts() =>
        Assert.Equal(0x100010u, Read(Elf.Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0xFFFFFFFF_00100010, 8)))));

    [Theory]
    [InlineData("XEN")]
    [InlineData("Xenon")]
    [InlineData("GNU")]
    [InlineData("")]
    public void A_note_of_type_18_with_another_name_is_not_the_entry(string name) =>
        Assert.Throws<MissingEntryNoteException>(() => Load(Elf.Notes(ElfBuilder.Note(name, 18, ElfBuilder.Number(0x100010, 4)))));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(12)]
    public void An_entry_descriptor_of_odd_size_is_refused(int size) =>
        Assert.Throws<MalformedNoteException>(() => Load(Elf.Notes(ElfBuilder.Note("Xen", 18, new byte[size]))));

    [Fact]
    public void Padding_is_four_even_when_the_segment_is_aligned_to_eight() =>
        Assert.Equal(0x100010u, Read(Elf.NotesAligned(8, ElfBuilder.Note("Xen", 6, ElfBuilder.Text("other")), Entry())));

    [Fact]
    public void A_gnu_property_before_the_entry_does_not_hide_it() =>
        Assert.Equal(0x100010u, Read(Elf.NotesAligned(8, ElfBuilder.Note("GNU", 5, new byte[16], 8), Entry())));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_a_xen_note_in_a_segment_the_sections_are_searched(bool otherSegment)
    {
        ElfBuilder elf = Elf.NoteSection(Entry());
        KernelImage image = KernelImage.Read((otherSegment ? elf.Notes(ElfBuilder.Note("GNU", 3, new byte[4])) : elf).Build());
        Assert.Equal(0x100010u, image.Xen.Entry);
        Assert.True(image.Notes.FromSections);
    }

    [Fact]
    public void With_a_xen_note_in_a_segment_the_sections_are_not_searched() =>
        Assert.Throws<MissingEntryNoteException>(() => Load(Elf.Notes(ElfBuilder.Note("Xen", 6, ElfBuilder.Text("x"))).NoteSection(Entry())));

    [Fact]
    public void A_note_segment_at_offset_0_is_skipped() =>
        Assert.Throws<MissingEntryNoteException>(() => Load(Elf.NoteSegmentAt(0, 64)));

    [Fact]
    public void A_note_segment_outside_the_file_is_named()
    {
        MalformedNoteException error = Assert.Throws<MalformedNoteException>(() => Load(Elf.NoteSegmentAt(0x1000000, 64)));
        Assert.Contains("outside the file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_note_segment_that_wraps_is_named() =>
        Assert.Throws<MalformedNoteException>(() => Load(Elf.NoteSegmentAt(ulong.MaxValue - 15, 32)));

    [Theory]
    [InlineData(0, 0xFFFFFFFFu)]
    [InlineData(0, 0xFFFFFFFDu)]
    [InlineData(4, 0xFFFFFFFFu)]
    [InlineData(4, 0x10u)]
    public void A_note_that_runs_past_its_segment_is_named(int field, uint value)
    {
        byte[] note = Entry();
        ElfBuilder.Numbers(value).CopyTo(note, field);
        Assert.Throws<MalformedNoteException>(() => Load(Elf.Notes(note)));
    }

    [Fact]
    public void Damage_behind_the_entry_does_not_matter()
    {
        byte[] broken = ElfBuilder.Note("Xen", 6, ElfBuilder.Text("x"));
        ElfBuilder.Numbers(0xFFFFFFF0).CopyTo(broken, 0);
        KernelImage image = KernelImage.Read(Elf.Notes(Entry(), broken).Build());
        Assert.Equal(0x100010u, image.Xen.Entry);
        Assert.Single(image.Notes.Defects);
    }

    [Fact]
    public void Too_many_notes_end_the_search()
    {
        byte[] many = new byte[12 * (ElfNotes.MaximumCount + 10)];
        KernelImage image = KernelImage.Read(Elf.Notes(many).Build());
        Assert.Equal(ElfNotes.MaximumCount, image.Notes.Notes.Count);
        Assert.Contains("more than", image.Notes.Defects[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_xen_note_is_decoded()
    {
        XenNotes notes = KernelImage.Read(Elf.Notes(
            ElfBuilder.Note("Xen", 6, ElfBuilder.Text("linux")),
            ElfBuilder.Note("Xen", 10, ElfBuilder.Text("!writable_page_tables|dom0")),
            ElfBuilder.Note("Xen", 11, ElfBuilder.Text("yes")),
            ElfBuilder.Note("Xen", 17, ElfBuilder.Number(0x8801, 4)),
            ElfBuilder.Note("Xen", 3, ElfBuilder.Number(0xFFFFFFFF80000000, 8)),
            ElfBuilder.Note("Xen", 0x1000001, [1, 2, 3]),
            Entry()).Build()).Xen;

        Assert.Equal("linux", notes.GuestOs);
        Assert.True(notes.WantsBsdSymbols);
        Assert.Equal(
            [
                "GUEST_OS = \"linux\"",
                "FEATURES = \"!writable_page_tables|dom0\"",
                "BSD_SYMTAB = \"yes\"",
                "SUPPORTED_FEATURES = 0x8801 (writable_page_tables, dom0, linux_rsdp_unrestricted)",
                "VIRT_BASE = 0xffffffff80000000 (PV only)",
                "type 0x1000001 = bytes 010203",
                "PHYS32_ENTRY = 0x100010 (4-byte descriptor)",
            ],
            notes.All.Select(XenNoteText.Describe));
    }

    [Fact]
    public void Every_named_type_has_its_name_from_the_header() =>
        Assert.All(Enum.GetValues<XenNoteType>(), type => Assert.DoesNotContain("type", XenNoteText.Name(type), StringComparison.Ordinal));

    private static uint? Read(ElfBuilder elf)
    {
        PvhBootResult result = Load(elf);
        return result.EntryPoint;
    }

    private static PvhBootResult Load(ElfBuilder elf) =>
        PvhLoader.Load(KernelImage.Read(elf.Build()), SparseGuestMemory.OfSize(32 << 20), new PvhBootOptions());
}
