using System.Buffers.Binary;
using System.Text;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Multiboot;

public sealed class Multiboot2LoaderTests
{
    private const ulong MiB = 1 << 20;
    private const uint EndTag = 0, CommandLineTag = 1, LoaderTag = 2, ModuleTag = 3, MemoryTag = 4, MapTag = 6, SectionsTag = 9;
    private const uint OldRootPointerTag = 14, NewRootPointerTag = 15, LoadBaseTag = 21;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Elf_is_loaded_by_its_program_headers_and_entered_where_e_entry_says(bool wide)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf(wide).Build(), memory);

        Assert.Equal(0xE85250D6u, U32(memory.Read(0x100000, 4), 0));
        Assert.Equal(0x100010u, result.EntryPoint);
        Assert.Equal(new GuestRange(0x100000, 0x3000), result.Kernel.Range);
    }

    [Fact]
    public void An_entry_tag_wins_over_the_elf_header()
    {
        byte[] image = Multiboot2Builder.Elf(entry: 0, tags: Multiboot2Builder.Tag(3, 0x100040)).Build();
        Assert.Equal(0x100040u, Load(image, SparseGuestMemory.OfSize(16 * MiB)).EntryPoint);
    }

    [Fact]
    public void A_flat_image_is_loaded_by_the_addresses_in_its_header()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] image = Multiboot2Builder.Flat();
        Multiboot2BootResult result = Load(image, memory);

        Assert.Equal(image, memory.Read(0x100000, image.Length));
        Assert.Equal(new GuestRange(0x100400, 0x1C00), Assert.Single(memory.Zeroed));
        Assert.Equal(0x100020u, result.EntryPoint);
    }

    [Fact]
    public void A_load_address_of_all_ones_means_the_beginning_of_the_file()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] image = Multiboot2Builder.Flat(header: 0x300040, load: uint.MaxValue, loadEnd: 0, bssEnd: 0, entry: 0x300000);

        Assert.Equal(new GuestRange(0x300000, 0x400), Load(image, memory).Kernel.Range);
        Assert.Equal(image, memory.Read(0x300000, image.Length));
    }

    [Theory]
    // Where it is linked, as nothing else is preferred.
    [InlineData(0u, 0x200000u, 0xFFFFFFFFu, 0x1000u, 0u, 0x200000u)]
    [InlineData(0x100000u, 0u, 0xFFFFFFFFu, 0x1000u, 0u, 0x100000u)]
    // Not where it is linked, as that is not allowed.
    [InlineData(0x100000u, 0x180000u, 0xFFFFFFFFu, 0x200000u, 0u, 0x200000u)]
    [InlineData(0x100000u, 0u, 0xFFFFFu, 0x1000u, 0u, 0x1000u)]
    // The lowest and the highest.
    [InlineData(0x100000u, 0u, 0xFFFFFFFFu, 0x1000u, 1u, 0x1000u)]
    [InlineData(0x100000u, 0x100001u, 0xFFFFFFFFu, 0x10000u, 1u, 0x110000u)]
    [InlineData(0x100000u, 0u, 0xFFFFFFFFu, 0x1000u, 2u, 0xFFD000u)]
    [InlineData(0x100000u, 0u, 0xFFFFFFFFu, 0x200000u, 2u, 0xE00000u)]
    [InlineData(0x100000u, 0u, 0x7FFFFFu, 0x1000u, 2u, 0x7FD000u)]
    [InlineData(0x100000u, 0u, 0x7FFFFEu, 0x1000u, 2u, 0x7FC000u)]
    // A preference that nobody defined is none.
    [InlineData(0x100000u, 0u, 0xFFFFFFFFu, 0x1000u, 77u, 0x100000u)]
    public void A_relocatable_image_goes_where_its_tag_wants_it(
        uint linked, uint minimum, uint maximum, uint alignment, uint preference, uint expected)
    {
        linked = linked == 0 ? 0x200000 : linked;
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] header = Multiboot2Builder.Header(Multiboot2Builder.Relocatable(minimum, maximum, alignment, preference));
        byte[] image = new ElfBuilder { Wide = false, Machine = 3, Entry = linked + 0x20 }.Load(linked, header, memorySize: 0x3000).Build();
        Multiboot2BootResult result = Load(image, memory);

        Assert.Equal(new GuestRange(expected, 0x3000), result.Kernel.Range);
        Assert.Equal(expected + 0x20, result.EntryPoint);
        Assert.Equal(unchecked((ulong)expected - linked), result.Kernel.Displacement);
        Assert.Equal(header, memory.Read(expected, header.Length));
        Assert.Equal(expected, U32(Single(result, memory, LoadBaseTag), 0));
    }

    [Fact]
    public void Every_part_and_a_named_entry_move_with_a_relocatable_image()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] header = Multiboot2Builder.Header(Multiboot2Builder.Relocatable(0, uint.MaxValue, 0x1000, 2), Multiboot2Builder.Tag(3, 0x102004));
        byte[] image = new ElfBuilder { Wide = false, Machine = 3 }.Load(0x100000, header).Load(0x102000, ElfBuilder.Code(0x1000)).Build();
        Multiboot2BootResult result = Load(image, memory);

        Assert.Equal(0xFFD000ul, result.Kernel.Range.Start);
        Assert.Equal(ElfBuilder.Code(0x1000), memory.Read(0xFFF000, 0x1000));
        Assert.Equal(0xFFF004u, result.EntryPoint);
    }

    [Fact]
    public void A_flat_image_can_be_moved()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] image = Multiboot2Builder.Flat(more: Multiboot2Builder.Relocatable(0x400000, uint.MaxValue, 0x1000, 1));

        Assert.Equal(0x400020u, Load(image, memory).EntryPoint);
        Assert.Equal(image, memory.Read(0x400000, image.Length));
    }

    [Fact]
    public void What_the_machine_keeps_is_no_place_for_a_relocatable_image()
    {
        byte[] image = Multiboot2Builder.Elf(tags: Multiboot2Builder.Relocatable(0x100000, uint.MaxValue, 0x1000, 2)).Build();
        Multiboot2BootOptions options = new() { ReservedRanges = [new GuestRange(0xFFE000, 0x1000)] };

        Assert.Equal(0xFFB000ul, Load(image, SparseGuestMemory.OfSize(16 * MiB), options).Kernel.Range.Start);
    }

    [Theory]
    [InlineData(EntryProfile.Xen)]
    [InlineData(EntryProfile.Qemu)]
    [InlineData(EntryProfile.Firecracker)]
    [InlineData(EntryProfile.CloudHypervisor)]
    [InlineData(EntryProfile.Poison)]
    public void Entry_state_is_that_of_the_specification(EntryProfile profile)
    {
        Multiboot2BootResult result = Load(
            Multiboot2Builder.Elf().Build(), SparseGuestMemory.OfSize(16 * MiB), new Multiboot2BootOptions { EntryProfile = profile });

        Assert.Equal(0x36D76289u, result.Cpu.Eax);
        Assert.Equal(result.BootData.Start, result.Cpu.Ebx);
        Assert.Equal(1u, result.Cpu.Cr0 & 0x80000001);
        Assert.Equal(0u, result.Cpu.Eflags & 0x20200);
        SegmentState[] data = [result.Cpu.Ds, result.Cpu.Es, result.Cpu.Fs, result.Cpu.Gs, result.Cpu.Ss];
        Assert.All(data, segment => Assert.Equal((0ul, uint.MaxValue, SegmentState.FlatData), (segment.Base, segment.Limit, segment.Attributes)));
    }

    [Fact]
    public void Boot_information_is_a_list_of_tags_with_an_end()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf().Build(), memory, new Multiboot2BootOptions().WithCommandLine("a  \"b\" ü"));

        Assert.Equal(0u, result.InformationAddress % 8);
        Assert.Equal(0u, U32(memory.Read(result.InformationAddress, 8), 4));
        Assert.Equal(result.BootData.Length, U32(memory.Read(result.InformationAddress, 4), 0));
        IReadOnlyList<(uint Type, byte[] Body)> tags = Multiboot2Builder.Information(memory, result.InformationAddress);
        Assert.Equal((EndTag, 0), (tags[^1].Type, tags[^1].Body.Length));
        Assert.Single(tags, tag => tag.Type == EndTag);
        Assert.Equal("a  \"b\" ü\0", Encoding.UTF8.GetString(Single(result, memory, CommandLineTag)));
        Assert.Contains("GRUB 2", Encoding.UTF8.GetString(Single(result, memory, LoaderTag)), StringComparison.Ordinal);
        // Nothing was relocated, and no ACPI was given.
        Assert.DoesNotContain(tags, tag => tag.Type is LoadBaseTag or OldRootPointerTag or NewRootPointerTag or ModuleTag);
    }

    [Fact]
    public void Boot_information_tells_sizes_and_map()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootOptions options = new()
        {
            MemoryMap =
            [
                new MemoryMapEntry(0, 0x9FC00, MemoryMapType.Ram),
                new MemoryMapEntry(0xE0000, 0x20000, MemoryMapType.Reserved),
                new MemoryMapEntry(1 * MiB, 15 * MiB, MemoryMapType.Ram),
                new MemoryMapEntry(1UL << 32, MiB, MemoryMapType.Ram),
            ],
        };
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf().Build(), memory, options);

        Assert.Equal(ElfBuilder.Numbers(639, 15 * 1024), Single(result, memory, MemoryTag));
        Assert.Equal(
            ElfBuilder.Numbers(
                24, 0,
                0, 0, 0x9FC00, 0, 1, 0,
                0xE0000, 0, 0x20000, 0, 2, 0,
                0x100000, 0, 0xF00000, 0, 1, 0,
                0, 1, 0x100000, 0, 1, 0),
            Single(result, memory, MapTag));
    }

    [Fact]
    public void Modules_are_page_aligned_in_order_with_their_texts()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootOptions options = new()
        {
            Modules =
            [
                new BootModule(new byte[] { 1, 2, 3 }) { Name = "first" },
                BootModule.WithText(new byte[5000], "with text") with { Name = "second" },
                new BootModule(Array.Empty<byte>()),
            ],
        };
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf().Build(), memory, options);
        byte[][] tags = [.. Multiboot2Builder.Information(memory, result.InformationAddress).Where(tag => tag.Type == ModuleTag).Select(tag => tag.Body)];

        string[] texts = ["", "with text", ""];
        int[] lengths = [3, 5000, 0];
        Assert.Equal(3, tags.Length);
        uint last = (uint)result.Kernel.Range.End;
        for (int i = 0; i < 3; i++)
        {
            uint start = U32(tags[i], 0);
            Assert.Equal(0u, start % 4096);
            Assert.InRange(start, last, uint.MaxValue);
            last = U32(tags[i], 4);
            Assert.Equal(lengths[i], (int)(last - start));
            Assert.Equal(texts[i] + "\0", Encoding.UTF8.GetString(tags[i][8..]));
            Assert.Equal(result.Modules[i].Range, GuestRange.FromEnds(start, last));
            Assert.Equal(texts[i] + "\0", Encoding.UTF8.GetString(memory.Read(result.Modules[i].CommandLineAddress, texts[i].Length + 1)));
        }

        Assert.Equal([1, 2, 3], memory.Read(U32(tags[0], 0), 3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Section_headers_are_told_and_symbol_tables_are_in_memory(bool wide)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] names = [0, .. "names"u8, 0];
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf(wide).Section(3, names).Section(1, new byte[8]).Build(), memory);
        byte[] tag = Single(result, memory, SectionsTag);

        int size = wide ? 64 : 40;
        Assert.Equal((3u, (uint)size), (U32(tag, 0), U32(tag, 4)));
        Assert.Equal(12 + (3 * size), tag.Length);
        int addressAt = 12 + (wide ? 16 : 12);
        uint address = U32(tag, size + addressAt);
        Assert.Equal(names, memory.Read(address, names.Length));
        Assert.InRange(address, (uint)result.Kernel.Range.End, uint.MaxValue);
        // What is neither symbols nor names stays where it is: in the file.
        Assert.Equal(0u, U32(tag, (2 * size) + addressAt));
    }

    [Fact]
    public void The_root_pointer_of_acpi_is_copied_in_the_forms_that_it_has()
    {
        byte[] pointer = [.. "RSD PTR "u8, 0, .. "EMU   "u8, 2, .. ElfBuilder.Numbers(0xE1000, 36, 0xE2000, 0, 0)];
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootResult result = Load(Multiboot2Builder.Elf().Build(), memory, new Multiboot2BootOptions { RootPointer = pointer });
        Assert.Equal(pointer[..20], Single(result, memory, OldRootPointerTag));
        Assert.Equal(pointer, Single(result, memory, NewRootPointerTag));

        // Without an RSDT there is none of ACPI 1.0.
        pointer.AsSpan(16, 4).Clear();
        result = Load(Multiboot2Builder.Elf().Build(), memory, new Multiboot2BootOptions { RootPointer = pointer });
        Assert.DoesNotContain(Multiboot2Builder.Information(memory, result.InformationAddress), tag => tag.Type == OldRootPointerTag);
        Assert.Equal(pointer, Single(result, memory, NewRootPointerTag));
    }

    [Fact]
    public void Nothing_overlaps()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Multiboot2BootOptions options = new() { Modules = [new BootModule(new byte[9000]), new BootModule(new byte[1])] };
        Load(Multiboot2Builder.Elf(tags: Multiboot2Builder.Relocatable(0, uint.MaxValue, 0x1000, 1)).Section(3, new byte[100]).Build(), memory, options);

        GuestRange[] written = [.. memory.Writes.Where(range => !range.IsEmpty), .. memory.Zeroed];
        for (int i = 0; i < written.Length; i++)
        {
            for (int j = 0; j < i; j++)
                Assert.False(written[i].Overlaps(written[j]), $"{written[i]} overlaps {written[j]}");
        }
    }

    [Fact]
    public void A_multiboot_2_header_comes_after_the_pvh_note_and_before_multiboot_1()
    {
        byte[] note = ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, 4));
        byte[] one = MultibootBuilder.Header(3);
        byte[] both = [.. one, 0, 0, 0, 0, .. Multiboot2Builder.Header()];

        Assert.Equal(BootProtocol.Pvh, KernelImage.Read(Multiboot2Builder.Elf().Notes(note).Build()).PreferredProtocol);
        Assert.Equal(BootProtocol.Multiboot2, KernelImage.Read(new ElfBuilder().Load(0x100000, Padded(both)).Build()).PreferredProtocol);
        Assert.Equal(BootProtocol.Multiboot2, KernelImage.Read(Multiboot2Builder.Flat()).PreferredProtocol);
        // A flat image whose Multiboot 2 header says nothing about addresses is loaded by the other one.
        byte[] flat = MultibootBuilder.Flat();
        Multiboot2Builder.Header().CopyTo(flat, 0x80);
        Assert.Equal(BootProtocol.Multiboot, KernelImage.Read(flat).PreferredProtocol);
    }

    [Fact]
    public void An_inspection_says_what_the_header_wants()
    {
        byte[] image = Multiboot2Builder.Elf(
            tags: [Multiboot2Builder.Relocatable(0x200000, uint.MaxValue, 0x200000, 2), Multiboot2Builder.Optional(5, 0, 0, 0)]).Build();
        KernelInspection inspection = KernelInspection.Inspect(KernelImage.Read(image), [new GuestRange(0, 16 * MiB)]);
        string text = InspectionRenderer.Render(inspection, "k");

        Assert.Null(inspection.Refusal);
        Assert.Contains("relocatable in 0x200000-0xffffffff at multiples of 0x200000, the highest place preferred", text, StringComparison.Ordinal);
        Assert.Contains("wants a video mode", text, StringComparison.Ordinal);
        Assert.Contains("the Multiboot 2 header is what the kernel is entered by", text, StringComparison.Ordinal);
        Assert.Contains("The image is moved to 0xe00000, as its header allows", text, StringComparison.Ordinal);
    }

    internal static Multiboot2BootResult Load(byte[] image, SparseGuestMemory memory, Multiboot2BootOptions? options = null) =>
        Multiboot2Loader.Load(KernelImage.Read(image), memory, options ?? new Multiboot2BootOptions());

    private static byte[] Single(Multiboot2BootResult result, SparseGuestMemory memory, uint type) =>
        Assert.Single(Multiboot2Builder.Information(memory, result.InformationAddress), tag => tag.Type == type).Body;

    private static byte[] Padded(byte[] header) => [.. header, .. new byte[0x100]];

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
