using System.Buffers.Binary;
using Emu.Machine.Power;
using Emu.Machine.Timers;

namespace Emu.Machine.Acpi;

/// <summary>
/// Builds the ACPI tables of the <c>pc</c> machine (ACPI 6.5, chapter 5): RSDP, XSDT, FADT, MADT, DSDT. Hardware-reduced ACPI, as
/// QEMU's microvm has it: no PM1 registers, no SCI; sleep and reset registers in memory, COM1 and the clock as devices.
/// </summary>
/// <remarks>
/// All tables lie in one block from <see cref="AddressMap.AcpiTables"/> on, the RSDP first and everything 16-byte aligned.
/// </remarks>
public static class AcpiTables
{
    private const int HeaderLength = AcpiTable.HeaderLength;
    private const int FadtLength = 276;
    private const byte SystemMemory = 0;
    private const byte SystemIo = 1;
    private const byte AllProcessors = 0xFF;

    private static readonly AcpiMaker Maker = new("EMU", "EMUPC", 1, "EMU", 1);

    /// <summary>Builds the tables.</summary>
    /// <param name="vcpus">Number of vCPUs; vCPU n has APIC id n.</param>
    /// <param name="hasPmTimer">Whether there is a PM timer to advertise.</param>
    /// <returns>The block that belongs at <see cref="AddressMap.AcpiTables"/>.</returns>
    public static byte[] Build(int vcpus, bool hasPmTimer = false)
    {
        var block = new List<byte>(new byte[AcpiTable.RsdpLength]);
        var dsdt = Append(block, Table("DSDT", 2, Dsdt()));
        var fadt = Append(block, Table("FACP", 6, Fadt(dsdt, hasPmTimer)));
        var madt = Append(block, Table("APIC", 5, Madt(vcpus)));
        var xsdt = Append(block, Table("XSDT", 1, AcpiTable.Addresses(fadt, madt)));
        byte[] bytes = [.. block];
        AcpiTable.Rsdp(Maker, xsdt).CopyTo(bytes, 0);
        return bytes;
    }

    private static ulong Append(List<byte> block, byte[] table)
    {
        while (block.Count % 16 != 0)
            block.Add(0);
        var address = AddressMap.AcpiTables + (ulong)block.Count;
        block.AddRange(table);
        return address;
    }

    private static byte[] Table(string signature, byte revision, byte[] body) => AcpiTable.Build(signature, revision, Maker, body);

    /// <summary>Fixed ACPI description table (section 5.2.9); offsets are those of the whole table.</summary>
    private static byte[] Fadt(ulong dsdt, bool hasPmTimer)
    {
        const ushort legacyDevices = 1 << 0;
        const ushort noVga = 1 << 2;
        const ushort noMsi = 1 << 3;
        const uint wbinvd = 1 << 0;
        const uint resetRegister = 1 << 10;
        const uint hardwareReduced = 1 << 20;

        var table = new byte[FadtLength];
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(40), (uint)dsdt);
        // No keyboard flag: nothing is plugged in, and a driver that does not look loses no time.
        BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(109), legacyDevices | noVga | noMsi);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(112), wbinvd | resetRegister | hardwareReduced);
        ByteRegister(AddressMap.SleepRegisters + 2).CopyTo(table, 116);
        table[128] = SleepRegisters.ResetValue;
        table[131] = 4; // Minor revision.
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(140), dsdt);
        ByteRegister(AddressMap.SleepRegisters).CopyTo(table, 244);
        ByteRegister(AddressMap.SleepRegisters + 1).CopyTo(table, 256);
        if (hasPmTimer)
        {
            // PM_TMR_BLK, PM_TMR_LEN, X_PM_TMR_BLK: in I/O space, 32 bits wide.
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(76), AddressMap.PmTimer);
            table[91] = PmTimer.Length;
            byte[] register = [SystemIo, 8 * PmTimer.Length, 0, 3];
            register.CopyTo(table, 208);
            BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(212), AddressMap.PmTimer);
        }

        return table[HeaderLength..];
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

    /// <summary>Multiple APIC description table (section 5.2.12): every vCPU, the I/O APIC, and the timer at its pin 2.</summary>
    private static byte[] Madt(int vcpus)
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
