using System.Buffers.Binary;
using System.Text;

namespace Emu.Machine.Acpi;

/// <summary>Who has made ACPI tables, as their headers say (ACPI 6.5, section 5.2.6).</summary>
/// <param name="Oem">OEM id, 6 characters.</param>
/// <param name="Table">OEM table id, 8 characters.</param>
/// <param name="TableRevision">OEM revision.</param>
/// <param name="Creator">Creator id, 4 characters.</param>
/// <param name="CreatorRevision">Creator revision.</param>
internal readonly record struct AcpiMaker(string Oem, string Table, uint TableRevision, string Creator, uint CreatorRevision);

/// <summary>What all ACPI tables have in common: header and checksum, and the pointer to their root.</summary>
internal static class AcpiTable
{
    /// <summary>Bytes in a table's header.</summary>
    public const int HeaderLength = 36;

    /// <summary>Bytes in the root pointer.</summary>
    public const int RsdpLength = 36;

    /// <summary>Makes a table.</summary>
    public static byte[] Build(string signature, byte revision, AcpiMaker maker, byte[] body)
    {
        var table = new byte[HeaderLength + body.Length];
        Encoding.ASCII.GetBytes(signature).CopyTo(table, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(4), (uint)table.Length);
        table[8] = revision;
        Encoding.ASCII.GetBytes(maker.Oem.PadRight(6)).CopyTo(table, 10);
        Encoding.ASCII.GetBytes(maker.Table.PadRight(8)).CopyTo(table, 16);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(24), maker.TableRevision);
        Encoding.ASCII.GetBytes(maker.Creator.PadRight(4)).CopyTo(table, 28);
        BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(32), maker.CreatorRevision);
        body.CopyTo(table, HeaderLength);
        table[9] = Checksum(table);
        return table;
    }

    /// <summary>Root system description pointer, revision 2: signature, checksum of 20 bytes, RSDT or 0, XSDT, checksum of all (section 5.2.5.3).</summary>
    public static byte[] Rsdp(AcpiMaker maker, ulong xsdt, ulong rsdt = 0)
    {
        var rsdp = new byte[RsdpLength];
        Encoding.ASCII.GetBytes("RSD PTR ").CopyTo(rsdp, 0);
        Encoding.ASCII.GetBytes(maker.Oem.PadRight(6)).CopyTo(rsdp, 9);
        rsdp[15] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(rsdp.AsSpan(16), (uint)rsdt);
        BinaryPrimitives.WriteUInt32LittleEndian(rsdp.AsSpan(20), RsdpLength);
        BinaryPrimitives.WriteUInt64LittleEndian(rsdp.AsSpan(24), xsdt);
        rsdp[8] = Checksum(rsdp.AsSpan(0, 20));
        rsdp[32] = Checksum(rsdp);
        return rsdp;
    }

    /// <summary>The addresses of an XSDT's tables.</summary>
    public static byte[] Addresses(params ulong[] tables)
    {
        var body = new byte[8 * tables.Length];
        for (var i = 0; i < tables.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(8 * i), tables[i]);
        return body;
    }

    /// <summary>What makes the sum of all bytes zero.</summary>
    public static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (var value in bytes)
            sum += value;
        return (byte)-sum;
    }
}
