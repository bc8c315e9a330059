using System.Buffers.Binary;
using Emu.Machine.Power;
using Emu.Machine.Timers;

namespace Emu.Machine.Acpi;

/// <summary>
/// Builds the ACPI tables of the <c>pc</c> machine (ACPI 6.5, chapter 5): RSDP, XSDT, FADT, MADT, DSDT, and RSDT and FACS with fixed
/// hardware. COM1 and the clock are devices, and there is a reset register in memory.
/// </summary>
/// <remarks>
/// <para>
/// A kernel that boots through PVH is told of hardware-reduced ACPI, as QEMU's microvm has it: no PM1 registers, no SCI, sleep registers in
/// memory. One that boots as a BIOS boots it (Multiboot) is told of the fixed hardware of an ordinary PC. Xen needs that for its domain 0:
/// on hardware-reduced ACPI, Linux takes away the timer that it has from Xen.
/// </para>
/// All tables lie in one block from <see cref="AddressMap.AcpiTables"/> on, the RSDP first and everything 16-byte aligned.
/// </remarks>
public static class AcpiTables
{
    /// <summary>The bytes of the root pointer (RSDP), which comes first.</summary>
    public const int RootPointerLength = AcpiTable.RsdpLength;

    private const int HeaderLength = AcpiTable.HeaderLength;
    private const int FadtLength = 276;
    private const byte SystemMemory = 0;
    private const byte SystemIo = 1;
    private const byte WordAccess = 2;
    private const byte DoubleWordAccess = 3;
    private const byte AllProcessors = 0xFF;
    private const int TableAlignment = 16;
    private const int FacsAlignment = 64;

    private static readonly AcpiMaker Maker = new("EMU", "EMUPC", 1, "EMU", 1);

    /// <summary>Builds the tables.</summary>
    /// <param name="vcpus">Number of vCPUs; vCPU n has APIC id n.</param>
    /// <param name="hasPmTimer">Whether to tell of the PM timer, which is part of the fixed hardware, without that.</param>
    /// <param name="hasFixedHardware">Whether to tell of the fixed hardware, in place of hardware-reduced ACPI's registers.</param>
    /// <returns>The block that belongs at <see cref="AddressMap.AcpiTables"/>.</returns>
    public static byte[] Build(int vcpus, bool hasPmTimer = false, bool hasFixedHardware = false)
    {
        var block = new List<byte>(new byte[RootPointerLength]);
        var dsdt = Append(block, Table("DSDT", 2, Dsdt()));
        var fadt = hasFixedHardware
            ? Append(block, Table("FACP", 6, FadtOfFixedHardware(dsdt, facs: Append(block, Facs(), FacsAlignment))))
            : Append(block, Table("FACP", 6, ReducedFadt(dsdt, hasPmTimer)));
        var madt = Append(block, Table("APIC", 5, Madt(vcpus, hasFixedHardware)));
        var xsdt = Append(block, Table("XSDT", 1, AcpiTable.Addresses(fadt, madt)));
        var rsdt = hasFixedHardware ? Append(block, Table("RSDT", 1, ShortAddresses((uint)fadt, (uint)madt))) : 0;
        byte[] bytes = [.. block];
        AcpiTable.Rsdp(Maker, xsdt, rsdt).CopyTo(bytes, 0);
        return bytes;
    }

    private static ulong Append(List<byte> block, byte[] table, int alignment = TableAlignment)
    {
        while (block.Count % alignment != 0)
            block.Add(0);
        var address = AddressMap.AcpiTables + (ulong)block.Count;
        block.AddRange(table);
        return address;
    }

    private static byte[] Table(string signature, byte revision, byte[] body) => AcpiTable.Build(signature, revision, Maker, body);

    private static byte[] ShortAddresses(params uint[] tables)
    {
        var body = new byte[4 * tables.Length];
        for (var i = 0; i < tables.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(4 * i), tables[i]);
        return body;
    }

    /// <summary>Fixed ACPI description table (section 5.2.9) of hardware-reduced ACPI.</summary>
    private static byte[] ReducedFadt(ulong dsdt, bool hasPmTimer)
    {
        const uint hardwareReduced = 1 << 20;
        var table = Fadt(dsdt, hardwareReduced);
        ByteRegister(AddressMap.SleepRegisters).CopyTo(table, 244);
        ByteRegister(AddressMap.SleepRegisters + 1).CopyTo(table, 256);
        if (hasPmTimer)
            AddPmTimer(table);
        return table[HeaderLength..];
    }

    /// <summary>Fixed ACPI description table of a PC with fixed hardware, which is always in ACPI mode: SMI_CMD is 0.</summary>
    private static byte[] FadtOfFixedHardware(ulong dsdt, ulong facs)
    {
        const uint processorC1 = 1 << 2;
        const uint noFixedPowerButton = 1 << 4;
        const uint noFixedSleepButton = 1 << 5;
        const uint clockDoesNotWake = 1 << 6;
        const ushort noC2 = 101;
        const ushort noC3 = 1001;
        const ushort control = AddressMap.FixedHardware + FixedHardware.EventLength;

        var table = Fadt(dsdt, processorC1 | noFixedPowerButton | noFixedSleepButton | clockDoesNotWake);
        // X_FIRMWARE_CTRL alone, as FADTs that are newer than ACPI 1.0 may: FIRMWARE_CTRL tells older systems of waking, which there is not.
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(132), facs);
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(46), AddressMap.SystemControlIrq);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(56), AddressMap.FixedHardware);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(64), control);
        table[88] = FixedHardware.EventLength;
        table[89] = FixedHardware.ControlLength;
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(96), noC2);
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(98), noC3);
        PortRegister(AddressMap.FixedHardware, FixedHardware.EventLength, WordAccess).CopyTo(table, 148);
        PortRegister(control, FixedHardware.ControlLength, WordAccess).CopyTo(table, 172);
        AddPmTimer(table);
        return table[HeaderLength..];
    }

    /// <summary>What the description table says either way, header space included; offsets are those of the whole table.</summary>
    private static byte[] Fadt(ulong dsdt, uint flags)
    {
        const ushort legacyDevices = 1 << 0;
        const ushort noVga = 1 << 2;
        const ushort noMsi = 1 << 3;
        const uint wbinvd = 1 << 0;
        const uint resetRegister = 1 << 10;

        var table = new byte[FadtLength];
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(40), (uint)dsdt);
        // No keyboard flag: nothing is plugged in, and a driver that does not look loses no time.
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(109), legacyDevices | noVga | noMsi);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(112), wbinvd | resetRegister | flags);
        ByteRegister(AddressMap.SleepRegisters + 2).CopyTo(table, 116);
        table[128] = SleepRegisters.ResetValue;
        table[131] = 4; // Minor revision.
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(140), dsdt);
        return table;
    }

    /// <summary>PM_TMR_BLK, PM_TMR_LEN, X_PM_TMR_BLK.</summary>
    private static void AddPmTimer(byte[] fadt)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(fadt.AsSpan(76), AddressMap.PmTimer);
        fadt[91] = PmTimer.Length;
        PortRegister(AddressMap.PmTimer, PmTimer.Length, DoubleWordAccess).CopyTo(fadt, 208);
    }

    /// <summary>Firmware ACPI control structure (section 5.2.10): nothing wakes, and nobody holds the global lock.</summary>
    private static byte[] Facs()
    {
        const int length = 64;
        var table = new byte[length];
        "FACS"u8.CopyTo(table);
        table[4] = length;
        table[32] = 2; // Version.
        return table;
    }

    /// <summary>Generic address structure of a register in I/O space.</summary>
    private static byte[] PortRegister(ushort port, int length, byte access)
    {
        var structure = new byte[12];
        structure[0] = SystemIo;
        structure[1] = (byte)(8 * length);
        structure[3] = access;
        BinaryPrimitives.WriteUInt64LittleEndian(structure.AsSpan(4), port);
        return structure;
    }

    /// <summary>Generic address structure (section 5.2.3.2) of a register of one byte in memory.</summary>
    private static byte[] ByteRegister(ulong address)
    {
        var structure = new byte[12];
        structure[0] = SystemMemory;
        structure[1] = 8;
        structure[3] = 1;
        BinaryPrimitives.WriteUInt64LittleEndian(structure.AsSpan(4), address);
        return structure;
    }

    /// <summary>Multiple APIC description table (section 5.2.12): every vCPU, the I/O APIC, the timer at its pin 2, the SCI.</summary>
    private static byte[] Madt(int vcpus, bool hasFixedHardware)
    {
        const uint dual8259 = 1;
        var body = new List<byte>();
        Append32(body, (uint)AddressMap.LocalApic);
        Append32(body, dual8259);
        for (var i = 0; i < vcpus; i++)
        {
            body.AddRange([0, 8, (byte)i, (byte)i]);
            Append32(body, 1); // Enabled.
        }

        body.AddRange([1, 12, (byte)vcpus, 0]); // The I/O APIC's id follows the local APICs'.
        Append32(body, (uint)AddressMap.IoApic);
        Append32(body, 0);
        body.AddRange([2, 10, 0, (byte)AddressMap.TimerIrq]); // ISA bus, conforming polarity and trigger mode.
        Append32(body, (uint)AddressMap.TimerPin);
        body.AddRange([0, 0]);
        if (hasFixedHardware)
        {
            body.AddRange([2, 10, 0, AddressMap.SystemControlIrq]);
            Append32(body, AddressMap.SystemControlIrq);
            body.AddRange([0x0D, 0]); // Active high, level triggered.
        }

        body.AddRange([4, 6, AllProcessors, 0, 0, 1]); // NMI at LINT1.
        return [.. body];
    }

    private static byte[] Dsdt()
    {
        byte[] com1 = AmlWriter.Device(
            "COM1",
            AmlWriter.Name("_HID", AmlWriter.EisaId("PNP0501")),
            AmlWriter.Name("_UID", AmlWriter.Integer(1)),
            AmlWriter.Name("_STA", AmlWriter.Integer(0xF)),
            AmlWriter.Name("_CRS", AmlWriter.ResourceTemplate(AmlWriter.Ports(AddressMap.Com1, 8), AmlWriter.Irq(AddressMap.Com1Irq))));
        byte[] clock = AmlWriter.Device(
            "RTC",
            AmlWriter.Name("_HID", AmlWriter.EisaId("PNP0B00")),
            AmlWriter.Name("_CRS", AmlWriter.ResourceTemplate(
                AmlWriter.Ports(AddressMap.RealTimeClock, 2), AmlWriter.Irq(AddressMap.RealTimeClockIrq))));
        byte[] softOff = AmlWriter.Package(AmlWriter.Integer(SleepRegisters.SoftOff), AmlWriter.Integer(0), AmlWriter.Integer(0), AmlWriter.Integer(0));
        return [.. AmlWriter.RootScope("_SB", com1, clock), .. AmlWriter.RootName("_S5", softOff)];
    }

    private static void Append32(List<byte> body, uint value)
    {
        for (var i = 0; i < 4; i++)
            body.Add((byte)(value >> (8 * i)));
    }
}
