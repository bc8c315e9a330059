using System.Buffers.Binary;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Inspection;

public sealed class KernelInspectionTests
{
    private static readonly byte[] Multiboot1 = [.. ElfBuilder.Numbers(0x1BADB002, 0, unchecked(0u - 0x1BADB002)), .. new byte[100]];

    private static ElfBuilder Aligned => new ElfBuilder().Load(0x200000, ElfBuilder.Code(64), memorySize: 0x1000, alignment: 0x200000);

    private static byte[] EntryNote => ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, 4));

    private static byte[] HighEntryNote => ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x200010, 8));

    [Fact]
    public void A_well_made_kernel_boots_everywhere()
    {
        KernelInspection inspection = Inspect(Aligned.Notes(HighEntryNote).Build());
        Assert.All(inspection.Verdicts, verdict => Assert.Equal(VerdictOutcome.Boots, verdict.Outcome));
        Assert.Equal(Enum.GetValues<KernelLoader>(), inspection.Verdicts.Select(verdict => verdict.Loader));
        Assert.NotNull(inspection.Layout);
    }

    [Fact]
    public void Without_the_note_nobody_boots_through_pvh()
    {
        KernelInspection inspection = Inspect(Aligned.Build());
        Assert.IsType<MissingEntryNoteException>(inspection.Refusal);
        Assert.All(inspection.Verdicts, verdict => Assert.NotEqual(VerdictOutcome.Boots, verdict.Outcome));
        Assert.All(inspection.Verdicts, verdict => Assert.Contains(verdict.Findings, finding => finding.Fix is not null));
    }

    [Fact]
    public void Qemu_misses_the_note_behind_a_gnu_property_in_a_segment_aligned_to_8() => Only(
        KernelLoader.Qemu, VerdictOutcome.Refuses, "p_align",
        Aligned.NotesAligned(8, ElfBuilder.Note("GNU", 5, new byte[16], 8), HighEntryNote).Build());

    [Fact]
    public void Qemu_reads_beside_the_descriptor_in_a_segment_aligned_to_8() => Only(
        KernelLoader.Qemu, VerdictOutcome.Refuses, "misread",
        Aligned.NotesAligned(8, HighEntryNote, new byte[16]).Build());

    [Fact]
    public void Qemu_enters_at_what_stands_beside_the_descriptor() => Only(
        KernelLoader.Qemu, VerdictOutcome.Refuses, "0x4 instead of 0x200010",
        Aligned.NotesAligned(8, ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x200010, 4)), ElfBuilder.Note("Xen", 6, ElfBuilder.Text("x"))).Build());

    [Fact]
    public void Qemu_takes_a_note_of_type_18_with_another_name() => Only(
        KernelLoader.Qemu, VerdictOutcome.Refuses, "whatever its name",
        Aligned.Notes(ElfBuilder.Note("GNU", 18, ElfBuilder.Number(0x1234, 4)), HighEntryNote).Build());

    [Fact]
    public void Qemu_searches_no_sections() => Assert.Contains(
        "PT_NOTE", Verdict(Aligned.NoteSection(HighEntryNote).Build(), KernelLoader.Qemu, VerdictOutcome.Refuses).Findings[0].Rule, StringComparison.Ordinal);

    [Fact]
    public void Qemu_prefers_multiboot_and_then_refuses_elf64() => Only(
        KernelLoader.Qemu, VerdictOutcome.Refuses, "Multiboot",
        new ElfBuilder { Entry = 0x200000 }.Load(0x200000, Multiboot1, alignment: 0x200000).Notes(HighEntryNote).Build());

    [Fact]
    public void Qemu_boots_elf32_with_multiboot_otherwise() => Verdict(
        new ElfBuilder { Wide = false, Machine = 3 }.Load(0x100000, Multiboot1).Notes(EntryNote).Build(), KernelLoader.Qemu, VerdictOutcome.BootsOtherwise);

    [Fact]
    public void Qemu_refuses_some_flags()
    {
        byte[] image = Aligned.Notes(HighEntryNote).Build();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(48), 4);
        Only(KernelLoader.Qemu, VerdictOutcome.Refuses, "e_flags", image);
    }

    [Fact]
    public void Linux_loader_wants_segments_aligned_to_two_mebibytes() => Only(
        KernelLoader.LinuxLoader, VerdictOutcome.Refuses, "2 MiB", ElfBuilder.Bootable().Build());

    [Fact]
    public void Linux_loader_wants_elf64() => Only(
        KernelLoader.LinuxLoader, VerdictOutcome.Refuses, "ELF64", ElfBuilder.Bootable(wide: false).Build());

    [Fact]
    public void Linux_loader_wants_an_e_entry_in_high_memory() => Only(
        KernelLoader.LinuxLoader, VerdictOutcome.Refuses, "e_entry",
        new ElfBuilder { Entry = 0 }.Load(0x200000, ElfBuilder.Code(64), alignment: 0x200000).Notes(HighEntryNote).Build());

    [Fact]
    public void Linux_loader_lets_a_later_note_segment_hide_the_entry() => Only(
        KernelLoader.LinuxLoader, VerdictOutcome.BootsOtherwise, "hides",
        Aligned.Notes(HighEntryNote).Notes(ElfBuilder.Note("GNU", 3, new byte[4])).Build());

    [Fact]
    public void Linux_loader_reads_no_bzImage() => Assert.Contains(
        "bzImage", Verdict(BzImageBuilder.Build(Aligned.Notes(HighEntryNote).Build()), KernelLoader.LinuxLoader, VerdictOutcome.Refuses).Findings[0].Rule, StringComparison.Ordinal);

    [Fact]
    public void Xen_refuses_a_required_dom0_feature() => Only(
        KernelLoader.Xen, VerdictOutcome.Refuses, "dom0",
        Aligned.Notes(ElfBuilder.Note("Xen", 10, ElfBuilder.Text("!dom0")), HighEntryNote).Build());

    [Fact]
    public void Xen_refuses_an_unknown_required_feature() => Only(
        KernelLoader.Xen, VerdictOutcome.Refuses, "telepathy",
        Aligned.Notes(ElfBuilder.Note("Xen", 10, ElfBuilder.Text("dom0|!telepathy")), HighEntryNote).Build());

    [Fact]
    public void Xen_puts_the_rsdp_low_for_an_old_linux() => Assert.Contains(
        "0xFFFC0", Verdict(
            Aligned.Notes(ElfBuilder.Note("Xen", 6, ElfBuilder.Text("linux")), HighEntryNote).Build(), KernelLoader.Xen, VerdictOutcome.Boots).Findings[0].Rule, StringComparison.Ordinal);

    [Fact]
    public void The_report_says_what_a_user_wants_to_know()
    {
        string text = InspectionRenderer.Render(
            Inspect(BzImageBuilder.Build(BzImageBuilder.Gzip(Aligned.Notes(HighEntryNote).Build()))), "vmlinuz");
        Assert.Contains("vmlinuz, ", text, StringComparison.Ordinal);
        Assert.Contains("Linux bzImage, boot protocol 2.15, payload gzip, unpacks to", text, StringComparison.Ordinal);
        Assert.Contains("PHYS32_ENTRY = 0x200010 (8-byte descriptor)", text, StringComparison.Ordinal);
        Assert.Contains("kernel     0x200000-0x200fff, 4096 bytes", text, StringComparison.Ordinal);
        Assert.Contains("start_info at 0x201000", text, StringComparison.Ordinal);
        Assert.Contains("emu: boots through PVH", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
    }

    [Fact]
    public void The_report_of_a_refused_kernel_says_why()
    {
        string text = InspectionRenderer.Render(Inspect(Aligned.Build()), "x");
        Assert.Contains("emu: refuses", text, StringComparison.Ordinal);
        Assert.Contains("fix:", text, StringComparison.Ordinal);
    }

    /// <summary>All loaders but one boot the image through PVH, and that one says why.</summary>
    private static void Only(KernelLoader loader, VerdictOutcome outcome, string reason, byte[] image)
    {
        foreach (LoaderVerdict verdict in Inspect(image).Verdicts)
        {
            if (verdict.Loader != loader)
            {
                Assert.True(verdict.Outcome == VerdictOutcome.Boots || (loader == KernelLoader.Qemu && verdict.Loader == KernelLoader.LinuxLoader), verdict.ToString());
                continue;
            }

            Assert.Equal(outcome, verdict.Outcome);
            Assert.Contains(verdict.Findings, finding => finding.Rule.Contains(reason, StringComparison.Ordinal) && finding.Fix is not null);
        }
    }

    private static LoaderVerdict Verdict(byte[] image, KernelLoader loader, VerdictOutcome outcome)
    {
        LoaderVerdict verdict = Inspect(image).Verdicts.Single(verdict => verdict.Loader == loader);
        Assert.Equal(outcome, verdict.Outcome);
        return verdict;
    }

    private static KernelInspection Inspect(byte[] image) => KernelInspection.Inspect(KernelImage.Read(image), [new GuestRange(0, 64 << 20)]);
}
