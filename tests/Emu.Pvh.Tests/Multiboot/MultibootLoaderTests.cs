using System.Buffers.Binary;
using System.Text;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Multiboot;

public sealed class MultibootLoaderTests
{
    private const ulong MiB = 1 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Elf_is_loaded_by_its_program_headers_and_entered_where_e_entry_says(bool wide)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        MultibootBootResult result = Load(MultibootBuilder.Elf(wide).Build(), memory);

        Assert.Equal(0x1BADB002u, U32(memory.Read(0x100000, 4), 0));
        Assert.All(memory.Read(0x100200, 0x2E00), b => Assert.Equal(0, b));
        Assert.Equal(0x100010u, result.EntryPoint);
        Assert.Equal(new GuestRange(0x100000, 0x3000), result.Kernel.Range);
    }

    [Fact]
    public void A_flat_image_is_loaded_by_the_addresses_in_its_header()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] image = MultibootBuilder.Flat();
        MultibootBootResult result = Load(image, memory);

        Assert.Equal(image, memory.Read(0x100000, image.Length));
        Assert.Equal(new GuestRange(0x101000 - 0xC00, 0x1C00), Assert.Single(memory.Zeroed));
        Assert.Equal(0x100080u, result.EntryPoint);
    }

    [Fact]
    public void Loading_may_begin_within_the_file_and_end_with_it()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] image = MultibootBuilder.Flat(header: 0x200000, load: 0x200000, loadEnd: 0, bssEnd: 0, entry: 0x200020);
        MultibootBootResult result = Load(image, memory);

        Assert.Equal(new GuestRange(0x200000, 0x3C0), result.Kernel.Range);
        Assert.Equal(image[0x40..], memory.Read(0x200000, 0x3C0));
        Assert.Empty(memory.Zeroed);
    }

    [Fact]
    public void Addresses_in_the_header_win_over_elf()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] header = MultibootBuilder.Header(0x300000, 0x300000, 0x300100, 0x300200, 0x300040);
        byte[] elf = new ElfBuilder().Load(0x100000, [.. header, .. ElfBuilder.Code(0x200)]).Build();
        MultibootBootResult result = Load(elf, memory);

        Assert.Equal(new GuestRange(0x300000, 0x200), result.Kernel.Range);
        Assert.Equal(header, memory.Read(0x300000, header.Length));
        Assert.Equal(0x300040u, result.EntryPoint);
    }

    [Fact]
    public void Entry_state_is_that_of_the_specification()
    {
        MultibootBootResult result = Load(MultibootBuilder.Elf().Build(), SparseGuestMemory.OfSize(16 * MiB));

        Assert.Equal(0x2BADB002u, result.Cpu.Eax);
        Assert.Equal(result.BootData.Start, result.Cpu.Ebx);
        Assert.Equal(0x11u, result.Cpu.Cr0);
        Assert.Equal(0u, result.Cpu.Eflags & 0x20200);
        Assert.Equal(SegmentState.FlatCode, result.Cpu.Cs.Attributes);
        SegmentState[] data = [result.Cpu.Ds, result.Cpu.Es, result.Cpu.Fs, result.Cpu.Gs, result.Cpu.Ss];
        Assert.All(data, segment => Assert.Equal((0ul, uint.MaxValue, SegmentState.FlatData), (segment.Base, segment.Limit, segment.Attributes)));
    }

    [Theory]
    [InlineData(EntryProfile.Xen)]
    [InlineData(EntryProfile.Qemu)]
    [InlineData(EntryProfile.Firecracker)]
    [InlineData(EntryProfile.CloudHypervisor)]
    [InlineData(EntryProfile.Poison)]
    public void Every_profile_keeps_to_the_specification(EntryProfile profile)
    {
        InitialCpuState cpu = Load(
            MultibootBuilder.Elf().Build(), SparseGuestMemory.OfSize(16 * MiB), new MultibootBootOptions { EntryProfile = profile }).Cpu;

        Assert.Equal(0x2BADB002u, cpu.Eax);
        Assert.False(cpu.Fs.IsUnusable);
        Assert.False(cpu.Gs.IsUnusable);
        Assert.Equal(1u, cpu.Cr0 & 0x80000001);
    }

    [Fact]
    public void Boot_information_tells_sizes_and_map()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        MultibootBootOptions options = new()
        {
            MemoryMap =
            [
                new MemoryMapEntry(0, 0x9FC00, MemoryMapType.Ram),
                new MemoryMapEntry(0xE0000, 0x20000, MemoryMapType.Reserved),
                new MemoryMapEntry(1 * MiB, 7 * MiB, MemoryMapType.Ram),
                new MemoryMapEntry(8 * MiB, 8 * MiB, MemoryMapType.Ram),
                new MemoryMapEntry(1UL << 32, MiB, MemoryMapType.Ram),
            ],
        };
        byte[] info = Information(Load(MultibootBuilder.Elf().Build(), memory, options), memory);

        Assert.Equal(0x249u, U32(info, 0) & 0x249u);
        Assert.Equal(639u, U32(info, 4));
        // Two entries that touch are one stretch of memory.
        Assert.Equal(15u * 1024, U32(info, 8));
        Assert.Equal(5u * 24, U32(info, 44));
        byte[] map = memory.Read(U32(info, 48), 5 * 24);
        Assert.Equal(20u, U32(map, 24));
        Assert.Equal(0xE0000u, U32(map, 28));
        Assert.Equal(2u, U32(map, 44));
        Assert.Equal(1u, U32(map, (4 * 24) + 8));
    }

    [Theory]
    [InlineData("kernel", "a  \"b\" ü", "kernel a  \"b\" ü")]
    [InlineData("kernel", null, "kernel")]
    [InlineData(null, "a b", "a b")]
    [InlineData(null, null, "")]
    public void The_command_line_follows_the_image_name(string? name, string? text, string expected)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        MultibootBootOptions options = new() { ImageName = name, CommandLine = text is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(text) };
        byte[] info = Information(Load(MultibootBuilder.Elf().Build(), memory, options), memory);

        Assert.Equal(expected, Text(memory, U32(info, 16)));
        Assert.Equal("emu", Text(memory, U32(info, 64)));
    }

    [Fact]
    public void Modules_are_page_aligned_in_order_and_named()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        MultibootBootOptions options = new()
        {
            Modules =
            [
                new BootModule(new byte[] { 1, 2, 3 }) { Name = "first" },
                BootModule.WithText(new byte[5000], "with text") with { Name = "second" },
                new BootModule(Array.Empty<byte>()),
            ],
        };
        MultibootBootResult result = Load(MultibootBuilder.Elf().Build(), memory, options);
        byte[] info = Information(result, memory);

        Assert.Equal(3u, U32(info, 20));
        byte[] list = memory.Read(U32(info, 24), 3 * 16);
        string[] texts = ["first", "second with text", ""];
        int[] lengths = [3, 5000, 0];
        uint last = (uint)result.Kernel.Range.End;
        for (int i = 0; i < 3; i++)
        {
            uint start = U32(list, i * 16);
            Assert.Equal(0u, start % 4096);
            Assert.InRange(start, last, uint.MaxValue);
            last = U32(list, (i * 16) + 4);
            Assert.Equal(lengths[i], (int)(last - start));
            Assert.Equal(texts[i], Text(memory, U32(list, (i * 16) + 8)));
            Assert.Equal(0u, U32(list, (i * 16) + 12));
        }

        Assert.Equal([1, 2, 3], memory.Read(U32(list, 0), 3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Section_headers_and_symbol_tables_are_in_memory(bool wide)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        byte[] names = [0, .. "names"u8, 0];
        MultibootBootResult result = Load(MultibootBuilder.Elf(wide).Section(3, names).Section(1, new byte[8]).Build(), memory);
        byte[] info = Information(result, memory);

        Assert.Equal(0x20u, U32(info, 0) & 0x20);
        Assert.Equal(3u, U32(info, 28));
        Assert.Equal(wide ? 64u : 40u, U32(info, 32));
        byte[] headers = memory.Read(U32(info, 36), (int)(3 * U32(info, 32)));
        int size = (int)U32(info, 32);
        int addressAt = wide ? 16 : 12;
        uint address = U32(headers, size + addressAt);
        Assert.Equal(names, memory.Read(address, names.Length));
        Assert.InRange(address, (uint)result.Kernel.Range.End, uint.MaxValue);
        // What is neither symbols nor names stays where it is: in the file.
        Assert.Equal(0u, U32(headers, (2 * size) + addressAt));
    }

    [Fact]
    public void A_flat_image_has_no_section_headers()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Assert.Equal(0u, U32(Information(Load(MultibootBuilder.Flat(), memory), memory), 0) & 0x30);
    }

    [Fact]
    public void Nothing_overlaps()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        MultibootBootOptions options = new() { Modules = [new BootModule(new byte[9000]), new BootModule(new byte[1])] };
        Load(MultibootBuilder.Elf().Section(3, new byte[100]).Build(), memory, options);

        GuestRange[] written = [.. memory.Writes.Where(range => !range.IsEmpty), .. memory.Zeroed];
        for (int i = 0; i < written.Length; i++)
        {
            for (int j = 0; j < i; j++)
                Assert.False(written[i].Overlaps(written[j]), $"{written[i]} overlaps {written[j]}");
        }
    }

    [Fact]
    public void The_pvh_note_is_preferred_where_there_is_one()
    {
        byte[] both = MultibootBuilder.Elf().Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, 4))).Build();

        Assert.Equal(BootProtocol.Pvh, KernelImage.Read(both).PreferredProtocol);
        Assert.Equal(BootProtocol.Multiboot, KernelImage.Read(MultibootBuilder.Elf().Build()).PreferredProtocol);
        Assert.Equal(BootProtocol.Multiboot, KernelImage.Read(MultibootBuilder.Flat()).PreferredProtocol);
        Assert.Equal(BootProtocol.Pvh, KernelImage.Read(ElfBuilder.Bootable().Build()).PreferredProtocol);
    }

    [Fact]
    public void An_inspection_says_how_the_image_is_entered()
    {
        KernelInspection inspection = KernelInspection.Inspect(KernelImage.Read(MultibootBuilder.Flat()), [new GuestRange(0, 16 * MiB)]);
        string text = InspectionRenderer.Render(inspection, "k");

        Assert.Null(inspection.Refusal);
        Assert.Contains("flat binary", text, StringComparison.Ordinal);
        Assert.Contains("header at offset 0x40, flags 0x10000", text, StringComparison.Ordinal);
        Assert.Contains("loaded from 0x100000 to 0x100400, zeros to 0x102000, entry 0x100080", text, StringComparison.Ordinal);
        Assert.Contains("emu: boots, but not through PVH", text, StringComparison.Ordinal);
    }

    internal static MultibootBootResult Load(byte[] image, SparseGuestMemory memory, MultibootBootOptions? options = null) =>
        MultibootLoader.Load(KernelImage.Read(image), memory, options ?? new MultibootBootOptions());

    private static byte[] Information(MultibootBootResult result, SparseGuestMemory memory) => memory.Read(result.InformationAddress, 116);

    private static string Text(SparseGuestMemory memory, ulong address)
    {
        byte[] bytes = memory.Read(address, 200);
        return Encoding.UTF8.GetString(bytes, 0, Array.IndexOf(bytes, (byte)0));
    }

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
