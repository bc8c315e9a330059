using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Loading;

public sealed class RelocationTests
{
    private const ulong MiB = 1 << 20;

    [Fact]
    public void The_caller_chooses_the_address_where_the_note_allows_it()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(32 * MiB);
        PvhBootResult result = Load(Kernel(0x200000, 0x200000, 0xFFFFFF), memory, 0x800000);

        Assert.Equal(0x800000ul, result.Kernel.Range.Start);
        Assert.Equal(0x800010u, result.EntryPoint);
        Assert.Equal(0x200000ul, result.Kernel.Alignment);
        Assert.Equal(ElfBuilder.Code(64), memory.Read(0x800000, 64));
        Assert.Equal(ElfBuilder.Code(32), memory.Read(0x802000, 32));
        Assert.True(result.StartInfoAddress >= result.Kernel.Range.End);
    }

    [Theory]
    [InlineData(0x810000ul)]
    [InlineData(0x000000ul)]
    [InlineData(0xE00000ul)]
    [InlineData(0x1_0020_0000ul)]
    public void The_notes_bounds_are_kept(ulong address) =>
        Assert.Throws<RelocationException>(() => Load(Kernel(0x200000, 0x200000, 0xDFFFFF), SparseGuestMemory.OfSize(32 * MiB), address));

    [Fact]
    public void The_last_byte_may_lie_at_the_maximum() =>
        Load(Kernel(0x1000, 0, 0x802FFF), SparseGuestMemory.OfSize(32 * MiB), 0x800000);

    [Fact]
    public void One_byte_past_the_maximum_is_refused() => Assert.Throws<RelocationException>(
        () => Load(Kernel(0x1000, 0, 0x802FFE), SparseGuestMemory.OfSize(32 * MiB), 0x800000));

    [Fact]
    public void Without_the_note_another_address_is_refused()
    {
        RelocationException error = Assert.Throws<RelocationException>(
            () => Load(ElfBuilder.Bootable().Build(), SparseGuestMemory.OfSize(32 * MiB), 0x800000));
        Assert.Contains("PHYS32_RELOC", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_note_its_own_address_may_be_named() =>
        Assert.Equal(0ul, Load(ElfBuilder.Bootable().Build(), SparseGuestMemory.OfSize(32 * MiB), 0x100000).Kernel.Displacement);

    [Fact]
    public void A_kernel_that_does_not_fit_where_it_is_linked_is_moved()
    {
        SparseGuestMemory memory = new(new GuestRange(16 * MiB, 16 * MiB));
        PvhBootResult result = Load(Kernel(0x200000, 0, 0xFFFFFFFF), memory, null);
        Assert.Equal(16 * MiB, result.Kernel.Range.Start);
    }

    [Fact]
    public void The_defaults_are_two_mebibytes_or_the_segments_alignment()
    {
        Assert.Equal(new PhysicalRelocation(0x200000, 0, uint.MaxValue), Relocation([], 0x10));
        Assert.Equal(new PhysicalRelocation(0x4000, 0, uint.MaxValue), Relocation([], 0x4000));
        Assert.Equal(new PhysicalRelocation(0x1000, 0x5000, uint.MaxValue), Relocation(ElfBuilder.Numbers(0x1000, 0x5000), 0x4000));
    }

    [Theory]
    [InlineData(3u, 0u, 9u)]
    [InlineData(0x1000u, 9u, 8u)]
    public void A_note_that_contradicts_itself_is_refused(uint alignment, uint minimum, uint maximum) =>
        Assert.Throws<RelocationException>(() => Load(Kernel(alignment, minimum, maximum), SparseGuestMemory.OfSize(32 * MiB), null));

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    public void A_note_of_odd_size_is_refused(int size) => Assert.Throws<RelocationException>(() => Relocation(new byte[size], 0x1000));

    private static PhysicalRelocation? Relocation(byte[] descriptor, ulong alignment) => KernelImage.Read(
        new ElfBuilder().Load(0x100000, new byte[64]).Notes(ElfBuilder.Note("Xen", 19, descriptor)).Build()).Xen.Relocation(alignment);

    private static byte[] Kernel(params uint[] relocation) => new ElfBuilder()
        .Load(0x100000, ElfBuilder.Code(64), memorySize: 0x1000)
        .Load(0x102000, ElfBuilder.Code(32), memorySize: 0x1000)
        .Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100010, 4)), ElfBuilder.Note("Xen", 19, ElfBuilder.Numbers(relocation)))
        .Build();

    private static PvhBootResult Load(byte[] image, SparseGuestMemory memory, ulong? address) =>
        PvhLoader.Load(KernelImage.Read(image), memory, new PvhBootOptions { LoadAddress = address });
}
