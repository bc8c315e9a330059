using System.Buffers.Binary;
using System.Text;
using Emu.Machine.Acpi;
using Xunit;

namespace Emu.Machine.Tests.Acpi;

public class AcpiTablesTests
{
    private byte[] _block = AcpiTables.Build(vcpus: 2);

    [Fact]
    public void Block_fits_its_reserved_area() =>
        Assert.InRange((ulong)_block.Length, 1UL, AddressMap.ExtendedMemory - AddressMap.AcpiTables);

    [Fact]
    public void Root_pointer_has_both_checksums()
    {
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(_block, 0, 8));
        Assert.Equal(0, Sum(_block.AsSpan(0, 20)));
        Assert.Equal(0, Sum(_block.AsSpan(0, 36)));
        Assert.Equal(2, _block[15]);
    }

    [Theory]
    [InlineData("XSDT")]
    [InlineData("FACP")]
    [InlineData("APIC")]
    [InlineData("DSDT")]
    public void Every_table_is_reachable_and_sums_to_zero(string signature) => Assert.Equal(0, Sum(Table(signature)));

    [Fact]
    public void Fixed_table_is_hardware_reduced_with_sleep_and_reset_registers()
    {
        var fadt = Table("FACP");
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(fadt[112..]);
        Assert.Equal((1U << 20) | (1U << 10), flags & ((1U << 20) | (1U << 10)));
        Assert.Equal([0, 8, 0, 1, 0x02, 0x02, 0xA0, 0xFE, 0, 0, 0, 0], fadt[116..128].ToArray());
        Assert.Equal(0x42, fadt[128]);
        Assert.Equal([0, 8, 0, 1, 0x00, 0x02, 0xA0, 0xFE, 0, 0, 0, 0], fadt[244..256].ToArray());
        Assert.Equal([0, 8, 0, 1, 0x01, 0x02, 0xA0, 0xFE, 0, 0, 0, 0], fadt[256..268].ToArray());
    }

    [Fact]
    public void Fixed_hardware_has_its_registers_and_no_reduced_ones()
    {
        _block = AcpiTables.Build(vcpus: 1, hasFixedHardware: true);
        var fadt = Table("FACP");
        Assert.Equal(0, Sum(fadt));
        // Not hardware-reduced, with a reset register; neither button is fixed hardware.
        Assert.Equal((1U << 10) | (1U << 5) | (1U << 4), BinaryPrimitives.ReadUInt32LittleEndian(fadt[112..]) & ((1U << 20) | (1U << 10) | (3U << 4)));
        Assert.Equal(9, BinaryPrimitives.ReadUInt16LittleEndian(fadt[46..]));
        // No SMI_CMD: always in ACPI mode.
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(fadt[48..]));
        Assert.Equal((0x600u, 4), (BinaryPrimitives.ReadUInt32LittleEndian(fadt[56..]), fadt[88]));
        Assert.Equal((0x604u, 2), (BinaryPrimitives.ReadUInt32LittleEndian(fadt[64..]), fadt[89]));
        Assert.Equal((0x608u, 4), (BinaryPrimitives.ReadUInt32LittleEndian(fadt[76..]), fadt[91]));
        Assert.Equal([1, 32, 0, 2, 0x00, 0x06, 0, 0, 0, 0, 0, 0], fadt[148..160].ToArray());
        Assert.Equal([1, 16, 0, 2, 0x04, 0x06, 0, 0, 0, 0, 0, 0], fadt[172..184].ToArray());
        Assert.Equal([1, 32, 0, 3, 0x08, 0x06, 0, 0, 0, 0, 0, 0], fadt[208..220].ToArray());
        Assert.All(fadt[244..268].ToArray(), b => Assert.Equal(0, b));
        var facs = BinaryPrimitives.ReadUInt64LittleEndian(fadt[132..]);
        Assert.Equal(0ul, facs % 64);
        Assert.True(At(facs)[..4].SequenceEqual("FACS"u8));
        Assert.Equal(64, At(facs).Length);
    }

    [Fact]
    public void Fixed_hardware_has_a_root_table_of_short_addresses_too()
    {
        _block = AcpiTables.Build(vcpus: 1, hasFixedHardware: true);
        Assert.Equal(0, Sum(_block.AsSpan(0, 20)));
        Assert.Equal(0, Sum(_block.AsSpan(0, 36)));
        var rsdt = At(BinaryPrimitives.ReadUInt32LittleEndian(_block.AsSpan(16)));
        Assert.Equal(0, Sum(rsdt));
        Assert.Equal("RSDT", Encoding.ASCII.GetString(rsdt[..4]));
        Assert.Equal(36 + (2 * 4), rsdt.Length);
        Assert.True(At(BinaryPrimitives.ReadUInt32LittleEndian(rsdt[36..]))[..4].SequenceEqual("FACP"u8));
        Assert.True(At(BinaryPrimitives.ReadUInt32LittleEndian(rsdt[40..]))[..4].SequenceEqual("APIC"u8));
    }

    [Fact]
    public void The_interrupt_of_fixed_hardware_is_level_triggered_and_active_high()
    {
        _block = AcpiTables.Build(vcpus: 1, hasFixedHardware: true);
        Assert.Equal(0, Sum(Table("APIC")));
        Assert.NotEqual(-1, Table("APIC").IndexOf((byte[])[2, 10, 0, 9, 9, 0, 0, 0, 0x0D, 0]));
    }

    [Fact]
    public void Interrupt_table_lists_processors_io_apic_and_the_timer_override()
    {
        var madt = Table("APIC");
        Assert.Equal(0xFEE0_0000U, BinaryPrimitives.ReadUInt32LittleEndian(madt[36..]));
        var structures = new List<byte[]>();
        for (var at = 44; at < madt.Length; at += madt[at + 1])
            structures.Add(madt.Slice(at, madt[at + 1]).ToArray());
        Assert.Equal([0, 8, 0, 0, 1, 0, 0, 0], structures[0]);
        Assert.Equal([0, 8, 1, 1, 1, 0, 0, 0], structures[1]);
        Assert.Equal([1, 12, 2, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0], structures[2]);
        Assert.Equal([2, 10, 0, 0, 2, 0, 0, 0, 0, 0], structures[3]);
        Assert.Equal([4, 6, 0xFF, 0, 0, 1], structures[4]);
    }

    [Fact]
    public void Definition_block_says_what_the_specification_says()
    {
        // Scope (\_SB) { Device (COM1) { … } Device (RTC) { … } } Name (\_S5, Package () {5, 0, 0, 0})
        byte[] expected =
        [
            0x10, 0x42, 0x06, 0x5C, (byte)'_', (byte)'S', (byte)'B', (byte)'_',
            0x5B, 0x82, 0x32, (byte)'C', (byte)'O', (byte)'M', (byte)'1',
            0x08, (byte)'_', (byte)'H', (byte)'I', (byte)'D', 0x0C, 0x41, 0xD0, 0x05, 0x01,
            0x08, (byte)'_', (byte)'U', (byte)'I', (byte)'D', 0x01,
            0x08, (byte)'_', (byte)'S', (byte)'T', (byte)'A', 0x0A, 0x0F,
            0x08, (byte)'_', (byte)'C', (byte)'R', (byte)'S', 0x11, 0x10, 0x0A, 0x0D,
            0x47, 0x01, 0xF8, 0x03, 0xF8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00, 0x79, 0x00,
            0x5B, 0x82, 0x25, (byte)'R', (byte)'T', (byte)'C', (byte)'_',
            0x08, (byte)'_', (byte)'H', (byte)'I', (byte)'D', 0x0C, 0x41, 0xD0, 0x0B, 0x00,
            0x08, (byte)'_', (byte)'C', (byte)'R', (byte)'S', 0x11, 0x10, 0x0A, 0x0D,
            0x47, 0x01, 0x70, 0x00, 0x70, 0x00, 0x01, 0x02, 0x22, 0x00, 0x01, 0x79, 0x00,
            0x08, 0x5C, (byte)'_', (byte)'S', (byte)'5', (byte)'_', 0x12, 0x07, 0x04, 0x0A, 0x05, 0x00, 0x00, 0x00,
        ];
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(Table("DSDT")[36..]));
    }

    private ReadOnlySpan<byte> Table(string signature)
    {
        var xsdt = At(BinaryPrimitives.ReadUInt64LittleEndian(_block.AsSpan(24)));
        if (signature == "XSDT")
            return xsdt;
        for (var i = 36; i < xsdt.Length; i += 8)
        {
            var table = At(BinaryPrimitives.ReadUInt64LittleEndian(xsdt[i..]));
            if (Encoding.ASCII.GetString(table[..4]) == signature)
                return table;
            if (signature == "DSDT" && table[..4].SequenceEqual("FACP"u8))
                return At(BinaryPrimitives.ReadUInt64LittleEndian(table[140..]));
        }

        throw new InvalidOperationException($"There is no {signature}.");
    }

    private ReadOnlySpan<byte> At(ulong address)
    {
        var table = _block.AsSpan((int)(address - AddressMap.AcpiTables));
        return table[..(int)BinaryPrimitives.ReadUInt32LittleEndian(table[4..])];
    }

    private static byte Sum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (var value in bytes)
            sum += value;
        return sum;
    }
}
