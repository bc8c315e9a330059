using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Loading;

public sealed class BootLayoutTests
{
    private const ulong MiB = 1 << 20;
    private const ulong GiB = 1 << 30;

    [Fact]
    public void Modules_stay_below_4_gib_when_there_is_ram_above()
    {
        SparseGuestMemory memory = new(new GuestRange(0, 3 * GiB), new GuestRange(4 * GiB, 4 * GiB));
        PvhBootResult result = Load(ElfBuilder.Bootable(), memory, new PvhBootOptions { Modules = [new BootModule(new byte[1 << 20])] });
        Assert.True(result.Modules[0].Range.End <= 3 * GiB);
    }

    [Fact]
    public void Boot_data_goes_below_a_kernel_at_the_top_of_memory_but_not_to_page_0()
    {
        ElfBuilder top = new ElfBuilder().Load(16 * MiB - 0x3000, new byte[64], memorySize: 0x3000)
            .Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(16 * MiB - 0x3000, 4)));
        PvhBootResult result = Load(top, SparseGuestMemory.OfSize(16 * MiB), new PvhBootOptions { Modules = [new BootModule(new byte[100])] });

        Assert.Equal(1 * MiB, result.BootData.Start);
        Assert.Equal(1 * MiB + 0x1000, result.Modules[0].Range.Start);
    }

    [Fact]
    public void The_legacy_window_and_page_0_are_never_used()
    {
        // RAM ends at 1 MiB and the kernel lies low: what is left is page 0, low memory and the video window.
        ElfBuilder low = new ElfBuilder().Load(0x9E000, new byte[64], memorySize: 0x1000).Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x9E000, 4)));
        PvhBootResult result = Load(low, SparseGuestMemory.OfSize(1 * MiB), new PvhBootOptions { Modules = [new BootModule(new byte[0x80000])] });

        Assert.Equal(0x9F000ul, result.BootData.Start);
        Assert.Equal(0x1000ul, result.Modules[0].Range.Start);
    }

    [Fact]
    public void Reserved_ranges_are_avoided()
    {
        GuestRange tables = new(0x103000, 0x4000);
        PvhBootResult result = Load(ElfBuilder.Bootable(), SparseGuestMemory.OfSize(16 * MiB), new PvhBootOptions { ReservedRanges = [tables] });
        Assert.Equal(0x107000ul, result.StartInfoAddress);
    }

    [Fact]
    public void A_kernel_on_a_reserved_range_is_refused() => Assert.Throws<BootLayoutException>(
        () => Load(ElfBuilder.Bootable(), SparseGuestMemory.OfSize(16 * MiB), new PvhBootOptions { ReservedRanges = [new GuestRange(0x102000, 1)] }));

    [Fact]
    public void Page_0_is_ordinary_ram_for_a_kernel()
    {
        ElfBuilder zero = new ElfBuilder().Load(0, ElfBuilder.Code(64)).Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x10, 4)));
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        Assert.Equal(0x10u, Load(zero, memory, new PvhBootOptions()).EntryPoint);
        Assert.Equal(ElfBuilder.Code(64), memory.Read(0, 64));
    }

    [Fact]
    public void A_module_that_does_not_fit_is_named()
    {
        BootLayoutException error = Assert.Throws<BootLayoutException>(() => Load(
            ElfBuilder.Bootable(), SparseGuestMemory.OfSize(2 * MiB), new PvhBootOptions { Modules = [new BootModule(new byte[10]), new BootModule(new byte[2 << 20])] }));
        Assert.Contains("module 1 (2097152 bytes)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_nul_in_a_command_line_is_refused()
    {
        Assert.Throws<BootLayoutException>(() => Load(
            ElfBuilder.Bootable(), SparseGuestMemory.OfSize(2 * MiB), new PvhBootOptions { CommandLine = new byte[] { 65, 0, 66 } }));
        Assert.Throws<BootLayoutException>(() => Load(
            ElfBuilder.Bootable(), SparseGuestMemory.OfSize(2 * MiB), new PvhBootOptions { Modules = [new BootModule(new byte[1], new byte[] { 0 })] }));
    }

    [Fact]
    public void Regions_that_touch_count_as_one()
    {
        SparseGuestMemory memory = new(new GuestRange(0, 0x101000), new GuestRange(0x101000, 16 * MiB));
        PvhBootResult result = PvhLoader.Plan(KernelImage.Read(ElfBuilder.Bootable().Build()), memory.RamRegions, new PvhBootOptions());
        Assert.Equal(0x100000ul, result.Kernel.Range.Start);
    }

    [Fact]
    public void Zero_fill_of_a_huge_bss_commits_no_pages()
    {
        ElfBuilder bss = new ElfBuilder().Load(0x100000, new byte[64], memorySize: 2 * GiB).Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x100000, 4)));
        SparseGuestMemory memory = SparseGuestMemory.OfSize(3 * GiB);
        Load(bss, memory, new PvhBootOptions());
        Assert.InRange(memory.CommittedPages, 1, 8);
    }

    [Fact]
    public void Profile_tables_are_written_beside_the_boot_data()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootResult result = Load(ElfBuilder.Bootable(), memory, new PvhBootOptions { EntryProfile = EntryProfile.Firecracker });
        Assert.Equal(0x500ul, result.Cpu.Gdtr.Base);
        Assert.Equal([0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0], memory.Read(0x508, 8));
    }

    [Fact]
    public void Profile_tables_do_not_disturb_a_kernel_in_low_memory()
    {
        ElfBuilder low = new ElfBuilder().Load(0, ElfBuilder.Code(0x1000)).Notes(ElfBuilder.Note("Xen", 18, ElfBuilder.Number(0x10, 4)));
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootResult result = Load(low, memory, new PvhBootOptions { EntryProfile = EntryProfile.CloudHypervisor });
        Assert.Equal(ElfBuilder.Code(0x1000), memory.Read(0, 0x1000));
        Assert.Empty(result.Cpu.Tables);
    }

    private static PvhBootResult Load(ElfBuilder elf, SparseGuestMemory memory, PvhBootOptions options) =>
        PvhLoader.Load(KernelImage.Read(elf.Build()), memory, options);
}
