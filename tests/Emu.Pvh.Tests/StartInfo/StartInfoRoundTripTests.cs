using System.Buffers.Binary;
using Emu.Pvh.Tests.Support;
using Xunit;

namespace Emu.Pvh.Tests.StartInfo;

public sealed class StartInfoRoundTripTests
{
    private const ulong MiB = 1 << 20;

    [Theory]
    [InlineData(StartInfoVersion.V1)]
    [InlineData(StartInfoVersion.V0)]
    [InlineData(StartInfoVersion.Draft)]
    public void What_the_loader_writes_the_reader_finds_without_complaint(StartInfoVersion version)
    {
        PvhBootOptions options = new PvhBootOptions
        {
            StartInfoVersion = version,
            Flags = StartInfoFlags.Privileged | StartInfoFlags.InitialDomain,
            RsdpAddress = 0xE0000,
            Modules = [BootModule.WithText(new byte[] { 1, 2, 3 }, "first"), new BootModule(new byte[5000]), BootModule.WithText(new byte[1], "")],
            MemoryMap = [new MemoryMapEntry(0x100000, 15 * MiB, MemoryMapType.Ram), new MemoryMapEntry(0, 0xA0000, MemoryMapType.Ram)],
        }.WithCommandLine(" exactly  \"as\" given\t\n");
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootResult result = PvhLoader.Load(KernelImage.Read(ElfBuilder.Bootable().Build()), memory, options);
        StartInfoReading reading = HvmStartInfoReader.Read(memory, result.StartInfoAddress, draft: version == StartInfoVersion.Draft);

        Assert.Empty(reading.Violations);
        Assert.Equal(version, reading.Info.Version);
        Assert.Equal(options.Flags, reading.Info.Flags);
        Assert.Equal(options.CommandLine!.Value.ToArray(), reading.CommandLine!.Value.ToArray());
        Assert.Equal(result.StartInfo.Modules, reading.Info.Modules);
        Assert.Equal(version == StartInfoVersion.V1 ? options.MemoryMap : [], reading.Info.MemoryMap);
        Assert.Equal(version == StartInfoVersion.Draft ? 0ul : 0xE0000ul, reading.Info.RsdpAddress);
        if (version == StartInfoVersion.Draft)
            Assert.All(reading.ModuleCommandLines, Assert.Null);
        else
            Assert.Equal(["first", null, ""], reading.ModuleCommandLines.Select(text => text is { } t ? System.Text.Encoding.UTF8.GetString(t.Span) : null));
    }

    [Fact]
    public void Without_modules_command_line_and_map_all_addresses_are_0()
    {
        PvhBootOptions options = new() { MemoryMap = [] };
        (SparseGuestMemory memory, ulong address) = Write(options);
        byte[] info = memory.Read(address, 56);
        Assert.Equal(new byte[44], info[12..]);
    }

    [Fact]
    public void Version_0_leaves_56_readable_bytes_with_zeros_behind_40()
    {
        (SparseGuestMemory memory, ulong address) = Write(new PvhBootOptions { StartInfoVersion = StartInfoVersion.V0 });
        Assert.Equal(new byte[16], memory.Read(address + 40, 16));
    }

    [Fact]
    public void The_draft_has_20_bytes_and_8_byte_module_entries()
    {
        PvhBootOptions options = new PvhBootOptions { StartInfoVersion = StartInfoVersion.Draft, Modules = [new BootModule(new byte[7])] }.WithCommandLine("x");
        (SparseGuestMemory memory, ulong address) = Write(options);
        byte[] info = memory.Read(address, 56);
        Assert.Equal(0x336EC578u, U32(info, 0));
        Assert.Equal(0u, U32(info, 4));
        Assert.Equal("x\0"u8.ToArray(), memory.Read(U32(info, 8), 2));
        Assert.Equal(1u, U32(info, 12));
        Assert.Equal(7u, U32(memory.Read(U32(info, 16), 8), 4));
        Assert.Equal(new byte[36], info[20..]);
    }

    [Fact]
    public void The_default_map_is_the_ram()
    {
        SparseGuestMemory memory = new(new GuestRange(0, 3ul << 30), new GuestRange(4ul << 30, 1ul << 30));
        PvhBootResult result = PvhLoader.Load(KernelImage.Read(ElfBuilder.Bootable().Build()), memory, new PvhBootOptions());
        Assert.Equal(
            [new MemoryMapEntry(0, 3ul << 30, MemoryMapType.Ram), new MemoryMapEntry(4ul << 30, 1ul << 30, MemoryMapType.Ram)], result.StartInfo.MemoryMap);
    }

    [Fact]
    public void A_wrong_magic_is_refused() => Unreadable(memory => Patch(memory, 0, 0x2BADB002));

    [Fact]
    public void Address_0_is_refused() => Assert.Throws<StartInfoException>(() => HvmStartInfoReader.Read(SparseGuestMemory.OfSize(MiB), 0));

    [Fact]
    public void A_structure_that_leaves_ram_is_refused() =>
        Assert.Throws<StartInfoException>(() => HvmStartInfoReader.Read(SparseGuestMemory.OfSize(MiB), MiB - 8));

    [Theory]
    [InlineData(12, 0xFFFFFFFFu)]
    [InlineData(48, 0xFFFFFFFFu)]
    [InlineData(12, 5000u)]
    public void An_impossible_count_is_refused(int field, uint count) => Unreadable(memory => Patch(memory, field, count));

    [Theory]
    [InlineData(16)]
    [InlineData(40)]
    public void A_list_outside_ram_is_refused(int field) => Unreadable(memory => Patch(memory, field, 0xFFFFFFF0));

    [Theory]
    [InlineData(16)]
    [InlineData(40)]
    public void A_list_at_0_is_refused(int field) => Unreadable(memory => Patch(memory, field, 0));

    [Fact]
    public void A_module_list_without_modules_is_a_violation() =>
        Assert.Contains("must be 0", Assert.Single(Violations(memory => Patch(memory, 12, 0))), StringComparison.Ordinal);

    [Fact]
    public void A_newer_version_is_read_and_remarked() =>
        Assert.Contains("version is 2", Assert.Single(Violations(memory => Patch(memory, 4, 2))), StringComparison.Ordinal);

    [Fact]
    public void A_reserved_field_that_is_not_0_is_a_violation() => Assert.Single(Violations(memory => Patch(memory, 52, 1)));

    [Fact]
    public void A_module_outside_ram_is_a_violation() => Assert.Contains("module 0", Assert.Single(Violations(memory =>
        memory.Write(U32(memory.Read(Address, 56), 16), [0, 0, 0, 0xF0, 0, 0, 0, 0]))), StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void A_module_on_top_of_start_info_is_a_violation() => Assert.Contains("overlaps", string.Join('\n', Violations(memory =>
        memory.Write(U32(memory.Read(Address, 56), 16), BitConverter.GetBytes(Address)))), StringComparison.Ordinal);

    [Fact]
    public void A_command_line_without_nul_is_a_violation() => Assert.Contains("NUL", Assert.Single(Violations(memory =>
    {
        memory.Write(MiB * 15, Enumerable.Repeat((byte)'x', (int)MiB).ToArray());
        Patch(memory, 24, (uint)MiB * 15);
    })), StringComparison.Ordinal);

    [Fact]
    public void A_command_line_that_leaves_ram_is_a_violation() =>
        Assert.Contains("does not lie in RAM", Assert.Single(Violations(memory => Patch(memory, 24, 0xF0000000))), StringComparison.Ordinal);

    [Fact]
    public void Random_blocks_are_read_or_refused_with_the_typed_exception()
    {
        Random random = new(1);
        for (int i = 0; i < 5000; i++)
        {
            (SparseGuestMemory memory, ulong address) = Write(Options);
            byte[] junk = new byte[random.Next(1, 40)];
            random.NextBytes(junk);
            memory.Write(address + 4 + (ulong)random.Next(0, 90), junk);
            try
            {
                HvmStartInfoReader.Read(memory, address, draft: i % 3 == 0);
            }
            catch (StartInfoException)
            {
            }
        }
    }

    private const ulong Address = 0x103000;

    private static PvhBootOptions Options => new PvhBootOptions { Modules = [BootModule.WithText(new byte[3], "m")] }.WithCommandLine("c");

    private static void Unreadable(Action<SparseGuestMemory> damage)
    {
        (SparseGuestMemory memory, ulong address) = Write(Options);
        damage(memory);
        Assert.Throws<StartInfoException>(() => HvmStartInfoReader.Read(memory, address));
    }

    private static IReadOnlyList<string> Violations(Action<SparseGuestMemory> damage)
    {
        (SparseGuestMemory memory, ulong address) = Write(Options);
        damage(memory);
        return HvmStartInfoReader.Read(memory, address).Violations;
    }

    private static (SparseGuestMemory Memory, ulong Address) Write(PvhBootOptions options)
    {
        SparseGuestMemory memory = SparseGuestMemory.OfSize(16 * MiB);
        PvhBootResult result = PvhLoader.Load(KernelImage.Read(ElfBuilder.Bootable().Build()), memory, options);
        Assert.Equal(Address, result.StartInfoAddress);
        return (memory, result.StartInfoAddress);
    }

    private static void Patch(SparseGuestMemory memory, int offset, uint value) => memory.Write(Address + (ulong)offset, BitConverter.GetBytes(value));

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
