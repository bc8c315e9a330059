using System.Buffers.Binary;
using System.Text;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.Loading;

public sealed class PvhLoaderTests
{
    private const ulong MiB = 1 << 20;

    [Theory]
    [InlineData(true, 8)]
    [InlineData(true, 4)]
    [InlineData(false, 8)]
    [InlineData(false, 4)]
    public void Segments_and_bss_land_at_their_physical_addresses(bool wide, int descriptorSize)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        memory.Write(0x100200, [1, 2, 3]);
        PvhBootResult result = Load(ElfBuilder.Bootable(wide, descriptorSize), memory);

        Assert.Equal(ElfBuilder.Code(0x200), memory.Read(0x100000, 0x200));
        Assert.All(memory.Read(0x100200, 0x2E00), b => Assert.Equal(0, b));
        Assert.Equal(0x100010u, result.EntryPoint);
        Assert.Equal(new GuestRange(0x100000, 0x3000), result.Kernel.Range);
        Assert.Equal(0x1000ul, result.Kernel.Alignment);
    }

    [Fact]
    public void Boot_data_lies_behind_the_kernel_and_overlaps_nothing()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootOptions options = new PvhBootOptions
        {
            Modules = [new BootModule(new byte[5000]), BootModule.WithText(new byte[3], "second module"), new BootModule(Array.Empty<byte>())],
        }.WithCommandLine("console=ttyS0");
        PvhBootResult result = Load(ElfBuilder.Bootable(), memory, options);

        GuestRange[] all = [result.Kernel.Range, result.BootData, .. result.Modules.Select(module => module.Range)];
        for (int i = 0; i < all.Length; i++)
        {
            Assert.True(i == 0 || all[i].Start >= result.Kernel.Range.End);
            Assert.True(all[i].End <= 1UL << 32);
            for (int j = 0; j < i; j++)
                Assert.False(all[i].Overlaps(all[j]), $"{all[i]} overlaps {all[j]}");
        }

        Assert.All(result.Modules, module => Assert.Equal(0ul, module.Range.Start % 4096));
    }

    [Fact]
    public void Start_info_v1_has_the_bytes_of_the_abi()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootOptions options = new PvhBootOptions
        {
            Modules = [BootModule.WithText(new byte[] { 9, 8, 7 }, "m0")],
            RsdpAddress = 0xE0000,
            MemoryMap = [new MemoryMapEntry(0, 16 * MiB, MemoryMapType.Ram), new MemoryMapEntry(0xFEE00000, 0x1000, MemoryMapType.Reserved)],
        }.WithCommandLine("a  \"b\" ü");
        PvhBootResult result = Load(ElfBuilder.Bootable(), memory, options);

        byte[] info = memory.Read(result.StartInfoAddress, 56);
        Assert.Equal(0x336EC578u, U32(info, 0));
        Assert.Equal(1u, U32(info, 4));
        Assert.Equal(0u, U32(info, 8));
        Assert.Equal(1u, U32(info, 12));
        Assert.Equal(0xE0000ul, U64(info, 32));
        Assert.Equal(2u, U32(info, 48));
        byte[] expected = Encoding.UTF8.GetBytes("a  \"b\" ü\0");
        Assert.Equal(expected, memory.Read(U64(info, 24), expected.Length));
        byte[] module = memory.Read(U64(info, 16), 32);
        Assert.Equal(new byte[] { 9, 8, 7 }, memory.Read(U64(module, 0), (int)U64(module, 8)));
        Assert.Equal("m0\0"u8.ToArray(), memory.Read(U64(module, 16), 3));
        byte[] map = memory.Read(U64(info, 40), 48);
        Assert.Equal(0xFEE00000ul, U64(map, 24));
        Assert.Equal(2u, U32(map, 40));
    }

    [Fact]
    public void Entry_registers_follow_the_abi()
    {
        PvhBootResult result = Load(ElfBuilder.Bootable(), SparseGuestMemory.OfSize(16 * MiB));

        Assert.Equal(result.StartInfoAddress, result.Cpu.Ebx);
        Assert.Equal(0x100010u, result.Cpu.Eip);
        Assert.Equal(new SegmentState(0, 0, 0xFFFFFFFF, 0xC9B), result.Cpu.Cs);
    }

    [Fact]
    public void A_kernel_can_be_loaded_alone()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        LoadedKernel kernel = PvhLoader.LoadKernel(KernelImage.Read(ElfBuilder.Bootable().Build()), memory);
        Assert.Equal(new LoadedKernel(new GuestRange(0x100000, 0x3000), 0x1000, 0x100010, 0), kernel);
        Assert.Single(memory.Writes);
    }

    [Fact]
    public void A_module_can_be_loaded_alone()
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(MiB);
        Assert.Equal(new GuestRange(MiB - 3, 3), PvhLoader.LoadModule([1, 2, 3], memory, MiB - 3));
        Assert.Equal([1, 2, 3], memory.Read(MiB - 3, 3));
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(MiB - 2)]
    [InlineData(ulong.MaxValue - 1)]
    public void A_module_alone_needs_ram_and_an_address(ulong address) =>
        Assert.Throws<BootLayoutException>(() => PvhLoader.LoadModule([1, 2, 3], SparseGuestMemory.OfSize(MiB), address));

    private static PvhBootResult Load(ElfBuilder elf, SparseGuestMemory memory, PvhBootOptions? options = null) =>
        PvhLoader.Load(KernelImage.Read(elf.Build()), memory, options ?? new PvhBootOptions());

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
