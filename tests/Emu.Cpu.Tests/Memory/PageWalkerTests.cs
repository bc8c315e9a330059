using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Memory;

/// <summary>Every combination of permission bits, reserved bits, registers and accesses in every paging mode, against <see cref="PagingCase.Expect"/>.</summary>
public sealed unsafe class PageWalkerTests : IDisposable
{
    private static readonly PageAccess[] Accesses =
    [
        PageAccess.Read, PageAccess.Write, PageAccess.Fetch,
        PageAccess.User, PageAccess.User | PageAccess.Write, PageAccess.User | PageAccess.Fetch,
    ];

    private readonly WalkerBench _bench = new();

    public static TheoryData<PagingMode> Modes => [.. Enum.GetValues<PagingMode>()];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(Modes))]
    public void Permissions_are_those_of_the_manual(PagingMode mode)
    {
        // R/W and U/S at the leaf and at one level above it, XD at either, and each register bit that changes what they mean.
        var levels = PagingCase.Levels(mode);
        for (var permissions = 0; permissions < 64; permissions++)
        {
            for (var registers = 0; registers < 128; registers++)
            {
                var entries = Entries(mode);
                for (var i = 0; i < levels; i++)
                {
                    var bits = i == levels - 1 ? permissions & 7 : i == 0 ? permissions >> 3 : 6;
                    entries[i] |= (uint)(bits & 6) | ((bits & 1) != 0 && mode >= PagingMode.Pae4K ? PagingCase.Xd : 0);
                }
                foreach (var access in Accesses)
                    Check(Make(mode, entries, registers, access, 0, 0));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_bit_of_every_entry_counts_as_the_manual_says(PagingMode mode)
    {
        for (var level = 0; level < PagingCase.Levels(mode); level++)
        {
            for (var bit = 0; bit < (mode < PagingMode.Pae4K ? 32 : 64); bit++)
            {
                var entries = Entries(mode);
                for (var i = 0; i < entries.Length; i++)
                    entries[i] |= PagingCase.Rw | PagingCase.Us;
                var isLeaf = level == entries.Length - 1;
                // PS makes a leaf of another size, which another mode of the tests is for; so does an address bit of a table.
                if (bit == 7 && !IsReservedPs(mode, level))
                    continue;
                if (!isLeaf && bit >= 12 && bit < (mode < PagingMode.Pae4K ? 32 : PagingCase.PhysicalBits))
                    continue;
                entries[level] ^= 1UL << bit;
                for (var registers = 0; registers < 128; registers += 21)
                {
                    foreach (var access in Accesses)
                        Check(Make(mode, entries, registers, access, 0, 0));
                }
            }
        }
    }

    [Theory]
    [InlineData(PagingMode.Pae4K)]
    [InlineData(PagingMode.Long4K)]
    [InlineData(PagingMode.Long2M)]
    [InlineData(PagingMode.Long1G)]
    [InlineData(PagingMode.Deep4K)]
    public void Protection_keys_bind_user_and_supervisor_pages_each_by_its_own_register(PagingMode mode)
    {
        foreach (var key in (ulong[])[0, 1, 15])
        {
            for (var rights = 0u; rights < 16; rights++)
            {
                for (var permissions = 0; permissions < 8; permissions += 2)
                {
                    var entries = Entries(mode);
                    for (var i = 0; i < entries.Length; i++)
                        entries[i] |= (uint)(i == entries.Length - 1 ? permissions & 6 : 6);
                    // The key of an entry that is no leaf is ignored.
                    if (mode >= PagingMode.Long4K)
                    {
                        entries[0] |= 5UL << 59;
                        entries[^1] |= key << 59;
                    }
                    for (var registers = 0; registers < 128; registers++)
                    {
                        foreach (var access in Accesses)
                            Check(Make(mode, entries, registers, access, (rights & 3) << (int)(2 * key), (rights >> 2) << (int)(2 * key)));
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Accessed_and_dirty_bits_are_set_as_far_as_the_walk_uses_entries(PagingMode mode)
    {
        for (var present = 0; present < 1 << PagingCase.Levels(mode); present++)
        {
            for (var marked = 0; marked < 16; marked++)
            {
                var entries = Entries(mode);
                for (var i = 0; i < entries.Length; i++)
                {
                    entries[i] |= PagingCase.Rw | ((marked & 1) != 0 ? PagingCase.A : 0);
                    if (((present >> i) & 1) != 0)
                        entries[i] &= ~PagingCase.P;
                }
                entries[^1] |= ((marked & 2) != 0 ? PagingCase.D : 0) | ((marked & 4) != 0 ? PagingCase.Us : 0);
                if ((marked & 8) != 0)
                    entries[^1] &= ~PagingCase.Rw;
                foreach (var access in Accesses)
                    Check(Make(mode, entries, 1, access, 0, 0));
            }
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(36)]
    [InlineData(40)]
    [InlineData(46)]
    [InlineData(52)]
    public void Address_bits_that_the_processor_lacks_are_reserved(int width)
    {
        using var bench = new WalkerBench(width);
        foreach (var mode in (PagingMode[])[PagingMode.Pae4K, PagingMode.Long4K, PagingMode.Deep4K])
        {
            for (var bit = 32; bit < 52; bit++)
            {
                var entries = Entries(mode);
                entries[^1] |= 1UL << bit;
                var (errorCode, _) = bench.Walk(Make(mode, entries, 0, PageAccess.Read, 0, 0));
                Assert.Equal(bit >= width ? 9u : null, errorCode);
            }
        }
        for (var bit = 13; bit <= 21; bit++)
        {
            var entries = Entries(PagingMode.Legacy4M);
            entries[0] |= 1UL << bit;
            var (errorCode, _) = bench.Walk(Make(PagingMode.Legacy4M, entries, 0, PageAccess.Read, 0, 0));
            Assert.Equal(bit - 13 + 32 >= Math.Min(width, 40) ? 9u : null, errorCode);
        }
    }

    [Fact]
    public void Page_size_bit_of_a_pointer_table_is_reserved_without_giant_pages()
    {
        using var bench = new WalkerBench(hasGiantPages: false);
        var (errorCode, _) = bench.Walk(Make(PagingMode.Long1G, Entries(PagingMode.Long1G), 0, PageAccess.Read, 0, 0));
        Assert.Equal(9u, errorCode);
    }

    [Fact]
    public void Page_size_extension_puts_the_high_address_bits_into_the_low_part_of_the_entry()
    {
        var entries = Entries(PagingMode.Legacy4M);
        entries[0] |= 0x8040_0000 | 0x1_E000 | 1 << 20;
        _bench.Set(Make(PagingMode.Legacy4M, entries, 0, PageAccess.Read, 0, 0));
        Assert.True(_bench.Walker.TryTranslate(WalkerBench.Linear, PageAccess.Read, false, out var page, out _));
        Assert.Equal(0x8F_8070_2000UL, page.Physical);
        Assert.Equal(22, page.SizeShift);
    }

    [Theory]
    [InlineData(PagingMode.Pae2M, 0x12_3460_0000UL, 0x12_3470_2000UL)]
    [InlineData(PagingMode.Long2M, 0x12_3460_0000UL, 0x12_3470_2000UL)]
    [InlineData(PagingMode.Long1G, 0x12_4000_0000UL, 0x12_4030_2000UL)]
    [InlineData(PagingMode.Deep1G, 0x12_4000_0000UL, 0x12_4030_2000UL)]
    [InlineData(PagingMode.Deep4K, 0x12_3456_7000UL, 0x12_3456_7000UL)]
    public void Large_pages_take_the_offset_from_the_linear_address(PagingMode mode, ulong start, ulong expected)
    {
        var entries = Entries(mode);
        // Bit 12 of a large page is its PAT bit.
        entries[^1] = (entries[^1] & 0xFFF) | start | (start % 0x20_0000 == 0 ? 0x1000UL : 0);
        _bench.Set(Make(mode, entries, 0, PageAccess.Read, 0, 0));
        Assert.True(_bench.Walker.TryTranslate(WalkerBench.Linear, PageAccess.Read, false, out var page, out _));
        Assert.Equal(expected, page.Physical);
    }

    [Fact]
    public void Size_bit_means_nothing_under_32_bit_paging_without_pse()
    {
        var entries = Entries(PagingMode.Legacy4K);
        entries[0] |= PagingCase.Ps;
        var (errorCode, _) = _bench.Walk(Make(PagingMode.Legacy4K, entries, 0, PageAccess.Read, 0, 0));
        Assert.Null(errorCode);
    }

    [Fact]
    public void Tables_outside_ram_read_as_ones()
    {
        var entries = Entries(PagingMode.Long4K);
        entries[1] = 0xFF_0000_0000 | 7;
        _bench.Set(Make(PagingMode.Long4K, entries, 0, PageAccess.Read, 0, 0));
        Assert.False(_bench.Walker.TryTranslate(WalkerBench.Linear, PageAccess.Read, false, out _, out var errorCode));
        Assert.Equal(PageAccess.Present | PageAccess.Reserved, errorCode);
    }

    [Fact]
    public void A_probe_leaves_the_leaf_alone()
    {
        var c = Make(PagingMode.Long4K, Entries(PagingMode.Long4K), 0, PageAccess.Write, 0, 0);
        _bench.Set(c);
        Assert.True(_bench.Walker.TryProbe(WalkerBench.Linear, PageAccess.Write, false, out _));
        Assert.True(_bench.Walker.TryTranslate(WalkerBench.Linear, PageAccess.Read, false, out var page, out _));
        Assert.False(page.Dirty);
    }

    [Theory]
    [InlineData(0, 0x1E6UL)]
    [InlineData(3, 0x1E6UL)]
    [InlineData(2, 0xFFFF_FF00_0000_0000UL)]
    public void Pointers_of_pae_paging_are_checked_when_they_are_loaded(int index, ulong reserved)
    {
        for (var bit = 0; bit < 64; bit++)
        {
            var entry = 1UL | (1UL << bit);
            _bench.Set(Make(PagingMode.Pae4K, Entries(PagingMode.Pae4K), 0, PageAccess.Read, 0, 0));
            Poke(0x5000 + (ulong)index * 8, entry);
            var isReserved = ((reserved | 0xFFFF_FF00_0000_01E6) & (1UL << bit)) != 0;
            Assert.Equal(!isReserved, _bench.Walker.TryLoadPdptes(0x5000));
            // Without P nothing is reserved.
            Poke(0x5000 + (ulong)index * 8, entry & ~1UL);
            Assert.True(_bench.Walker.TryLoadPdptes(0x5000));
            Poke(0x5000 + (ulong)index * 8, 0);
        }
    }

    private void Poke(ulong address, ulong value) => _bench.Write(address, value);

    private static bool IsReservedPs(PagingMode mode, int level) =>
        mode is PagingMode.Long4K or PagingMode.Long2M or PagingMode.Long1G && level == 0
        || mode is PagingMode.Deep4K or PagingMode.Deep2M or PagingMode.Deep1G && level <= 1;

    // Present at every level, leading to one another and to a page of RAM.
    private static ulong[] Entries(PagingMode mode)
    {
        var entries = new ulong[PagingCase.Levels(mode)];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = (i == entries.Length - 1 ? 0 : WalkerBench.Table(i + 1)) | PagingCase.P;
        if (mode is PagingMode.Legacy4M or PagingMode.Pae2M or PagingMode.Long2M or PagingMode.Long1G or PagingMode.Deep2M or PagingMode.Deep1G)
            entries[^1] |= PagingCase.Ps;
        else
            entries[^1] |= 0xF000;
        return entries;
    }

    // Bits of registers: WP, SMEP, SMAP, AC, NXE, PKE, PKS.
    private static PagingCase Make(PagingMode mode, ulong[] entries, int registers, PageAccess access, uint pkru, uint pkrs)
    {
        var cr4 = mode switch
        {
            PagingMode.Legacy4K => 0UL,
            PagingMode.Legacy4M => Cr4.Pse,
            >= PagingMode.Deep4K => Cr4.Pae | Cr4.La57,
            _ => Cr4.Pae,
        };
        cr4 |= Bit(registers, 1, Cr4.Smep) | Bit(registers, 2, Cr4.Smap) | Bit(registers, 5, Cr4.Pke) | Bit(registers, 6, Cr4.Pks);
        return new PagingCase(mode, (ulong[])entries.Clone(), Cr0.Pe | Cr0.Pg | Bit(registers, 0, Cr0.Wp), cr4,
            (mode >= PagingMode.Long4K ? Efer.Lme | Efer.Lma : 0) | Bit(registers, 4, Efer.Nxe), (registers & 8) != 0, pkru, pkrs, access);
    }

    private static ulong Bit(int registers, int number, ulong bit) => ((registers >> number) & 1) != 0 ? bit : 0;

    private void Check(PagingCase c)
    {
        var expected = c.Expect();
        var (errorCode, after) = _bench.Walk(c);
        if (expected.ErrorCode != errorCode || !expected.After.AsSpan().SequenceEqual(after))
        {
            Assert.Fail($"{c}: expected {expected.ErrorCode:X} [{string.Join(' ', expected.After.Select(e => e.ToString("X")))}], "
                + $"got {errorCode:X} [{string.Join(' ', after.Select(e => e.ToString("X")))}]");
        }
    }
}
