using System.Buffers.Binary;
using Emu.Machine.Tests.Support;
using Emu.Pvh;
using Xunit;

namespace Emu.Machine.Tests.Firmware;

public sealed class BiosHandoverTests
{
    private const uint Load = 0x100000;

    // in al, 21h; out F4h, al
    private static readonly byte[] ReportMask = [0xE4, 0x21, 0xE6, 0xF4];

    [Fact]
    public void A_multiboot_kernel_finds_the_interrupt_controllers_as_a_bios_leaves_them()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        machine.Load(Multiboot(ReportMask), [], null);

        // Tick and cascade open: 0xFA.
        Assert.Equal(((0xFA << 1) | 1) & 0xFF, machine.Run(RunLimits.None).Code);
    }

    [Fact]
    public void Only_the_interrupt_of_acpi_is_level_triggered_there()
    {
        // mov dx, 4D1h; in al, dx; out F4h, al
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        machine.Load(Multiboot([0x66, 0xBA, 0xD1, 0x04, 0xEC, 0xE6, 0xF4]), [], null);

        Assert.Equal((0x02 << 1) | 1, machine.Run(RunLimits.None).Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_multiboot_kernel_is_told_of_acpis_fixed_hardware_and_a_pvh_kernel_is_not(bool isMultiboot)
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        machine.Load(isMultiboot ? Multiboot(ReportMask) : CodeKernel.Of(ReportMask), [], null);

        var tables = new byte[0x1000];
        machine.Ram.Read(AddressMap.AcpiTables, tables);
        Assert.Equal(isMultiboot, tables.AsSpan().IndexOf("FACS"u8) >= 0);
    }

    [Fact]
    public void Its_vectors_lead_to_code_that_returns()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        machine.Load(Multiboot(ReportMask), [], null);

        var vectors = new byte[1024];
        machine.Ram.Read(0, vectors);
        for (var i = 0; i < 256; i++)
        {
            var address = ((ulong)BinaryPrimitives.ReadUInt16LittleEndian(vectors.AsSpan((i * 4) + 2)) << 4)
                + BinaryPrimitives.ReadUInt16LittleEndian(vectors.AsSpan(i * 4));
            var code = new byte[32];
            machine.Ram.Read(address, code);
            Assert.Contains((byte)0xCF, code);
        }
    }

    [Fact]
    public void A_pvh_kernel_finds_nothing_of_a_bios()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        machine.Load(CodeKernel.Of(ReportMask), [], null);

        var page = new byte[1024];
        machine.Ram.Read(0, page);
        Assert.All(page, b => Assert.Equal(0, b));
    }

    [Fact]
    public void What_a_kernel_loads_at_address_0_is_its_own()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 16 << 20 });
        var image = Image([.. Enumerable.Repeat((byte)0x90, 0x600)], load: 0);
        machine.Load(KernelImage.Read(image), [], null);

        var start = new byte[image.Length];
        machine.Ram.Read(0, start);
        Assert.Equal(image, start);
    }

    private static KernelImage Multiboot(byte[] code) => KernelImage.Read(Image(code, Load));

    /// <summary>A flat image: header, then code.</summary>
    private static byte[] Image(byte[] code, uint load)
    {
        const uint magic = 0x1BADB002;
        const uint flags = 0x10000;
        uint[] header = [magic, flags, unchecked(0u - magic - flags), load, load, 0, 0, load + 32];
        var bytes = new byte[32 + code.Length];
        for (var i = 0; i < header.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), header[i]);
        code.CopyTo(bytes, 32);
        return bytes;
    }
}
