using System.Buffers.Binary;
using System.Globalization;

namespace Emu.Machine.Acpi;

/// <summary>
/// Builds the ACPI tables of a Xen PVH domain as Xen's toolstack does (xen: tools/libacpi, tools/libs/light/libxl_x86_acpi.c): FACS, DSDT,
/// FADT, MADT, XSDT, RSDP. Processors are all that they describe.
/// </summary>
/// <remarks>
/// The FADT is not hardware-reduced and names fixed registers as on real Xen, though nothing answers at those ports there either.
/// </remarks>
public static class XenAcpiTables
{
    /// <summary>A page for what DSDT and toolstack tell one another; the tables begin after it.</summary>
    public const ulong InformationPage = 0xFC00_0000;

    /// <summary>The root pointer, in a page after the tables.</summary>
    public const ulong Rsdp = 0xFC00_8000;

    /// <summary>Where the root pointer goes for a kernel that looks for it below 1 MiB: the last 64 bytes there.</summary>
    public const ulong LowRsdp = 0xF_FFC0;

    /// <summary>Bytes from <see cref="InformationPage"/> to the end of what the memory map calls ACPI.</summary>
    public const ulong Length = 0x8040;

    private const ulong FirstTable = InformationPage + 0x1000;
    private const int FacsLength = 64;
    private const int FadtLength = 0x10C;
    private const ushort Pm1Event = 0xB000, Pm1Control = 0xB004, Gpe0 = 0xAFE0;
    private const byte SystemIo = 1;
    private const byte SciInterrupt = 9;
    private const byte ResetValue = 6;

    private static readonly AcpiMaker Maker = new("Xen", "HVM", 0, "HVML", 0);
    private static readonly AcpiMaker DsdtMaker = Maker with { Creator = "INTL", CreatorRevision = 0x2020_0925 };

    /// <summary>Builds the tables.</summary>
    /// <param name="vcpus">Number of vCPUs; vCPU n has APIC id 2n.</param>
    /// <returns>The bytes that belong at <see cref="InformationPage"/>, <see cref="Length"/> of them.</returns>
    public static byte[] Build(int vcpus)
    {
        var block = new byte[Length];
        var end = FirstTable;
        ulong Add(byte[] table)
        {
            var address = end;
            table.CopyTo(block, (int)(address - InformationPage));
            end = (end + (ulong)table.Length + 15) & ~15UL;
            return address;
        }

        var facs = Add(Facs());
        var dsdt = Add(AcpiTable.Build("DSDT", 5, DsdtMaker, Dsdt(vcpus)));
        var fadt = Add(AcpiTable.Build("FACP", 5, Maker, Fadt(facs, dsdt)));
        var madt = Add(AcpiTable.Build("APIC", 2, Maker, Madt(vcpus)));
        var xsdt = Add(AcpiTable.Build("XSDT", 1, Maker, AcpiTable.Addresses(fadt, madt)));
        AcpiTable.Rsdp(Maker with { Oem = "Xen" }, xsdt).CopyTo(block, (int)(Rsdp - InformationPage));
        return block;
    }

    /// <summary>Firmware ACPI control structure (ACPI 6.5, section 5.2.10), version 1.</summary>
    private static byte[] Facs()
    {
        var table = new byte[FacsLength];
        "FACS"u8.CopyTo(table);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4), FacsLength);
        table[32] = 1;
        return table;
    }

    /// <summary>Fixed ACPI description table (section 5.2.9); offsets are those of the whole table.</summary>
    private static byte[] Fadt(ulong facs, ulong dsdt)
    {
        const ushort noVga = 1 << 2;
        const ushort noRealTimeClock = 1 << 5;
        const uint wbinvd = 1 << 0, haltIsC1 = 1 << 2, clockNotFixed = 1 << 6, resetRegister = 1 << 10;

        var table = new byte[FadtLength];
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(36), (uint)facs);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(40), (uint)dsdt);
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(46), SciInterrupt);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(56), Pm1Event);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(64), Pm1Control);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(80), Gpe0);
        table[88] = 4; // PM1_EVT_LEN.
        table[89] = 2; // PM1_CNT_LEN.
        table[92] = 4; // GPE0_BLK_LEN.
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(96), 0xFFF); // P_LVL2_LAT: no C2.
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(98), 0xFFF); // P_LVL3_LAT: no C3.
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(109), noVga | noRealTimeClock);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(112), wbinvd | haltIsC1 | clockNotFixed | resetRegister);
        Port(AddressMap.ResetControl, 1).CopyTo(table, 116);
        table[128] = ResetValue;
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(132), facs);
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(140), dsdt);
        Port(Pm1Event, 4).CopyTo(table, 148);
        Port(Pm1Control, 2).CopyTo(table, 172);
        Port(Gpe0, 4).CopyTo(table, 220);
        return table[AcpiTable.HeaderLength..];
    }

    /// <summary>Generic address structure (section 5.2.3.2) of an I/O port.</summary>
    private static byte[] Port(ushort port, byte length)
    {
        var structure = new byte[12];
        structure[0] = SystemIo;
        structure[1] = (byte)(8 * length);
        BinaryPrimitives.WriteUInt64LittleEndian(structure.AsSpan(4), port);
        return structure;
    }

    /// <summary>Multiple APIC description table (section 5.2.12): the local APICs and nothing else.</summary>
    private static byte[] Madt(int vcpus)
    {
        const uint dual8259 = 1;
        var body = new byte[8 + (8 * vcpus)];
        BinaryPrimitives.WriteUInt32LittleEndian(body, (uint)AddressMap.LocalApic);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(4), dual8259);
        for (var i = 0; i < vcpus; i++)
        {
            byte[] entry = [0, 8, (byte)i, (byte)(2 * i), 1, 0, 0, 0];
            entry.CopyTo(body, 8 + (8 * i));
        }

        return body;
    }

    private static byte[] Dsdt(int vcpus)
    {
        var processors = new byte[vcpus][];
        for (var i = 0; i < vcpus; i++)
        {
            processors[i] = AmlWriter.Device(
                "PR" + i.ToString("X2", CultureInfo.InvariantCulture),
                AmlWriter.Name("_HID", AmlWriter.Text("ACPI0007")),
                AmlWriter.Name("_UID", AmlWriter.Integer((uint)i)),
                AmlWriter.Name("_STA", AmlWriter.Integer(0xF)));
        }

        return AmlWriter.RootScope("_SB", processors);
    }
}
