using System.Buffers.Binary;
using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.State;
using Emu.Host.PostMortem;
using Emu.Host.Symbols;
using Emu.Host.Tracing;

namespace Emu.Host.Explaining;

/// <summary>GDT, IDT and TSS as a processor finds them in memory, decoded into tables.</summary>
/// <remarks>
/// <code>
///  segment  63:56 base  55 G  54 D/B  53 L  52 AVL  51:48 limit  47 P  46:45 DPL  44 S  43:40 type  39:16 base  15:0 limit
///  gate     63:48 offset  47 P  46:45 DPL  43:40 type  34:32 IST  31:16 selector  15:0 offset
///  long mode: system descriptors and gates have 16 bytes, the third four of which are bits 63:32 of base or offset
///  TSS32    4 ESP0  8 SS0  12 ESP1  16 SS1  20 ESP2  24 SS2  28 CR3  102 I/O map
///  TSS64    4 RSP0  12 RSP1  20 RSP2  36 IST1 … 84 IST7  102 I/O map
/// </code>
/// </remarks>
internal static unsafe class DescriptorTables
{
    /// <summary>The most entries that a table of a milestone shows.</summary>
    private const int MostEntries = 40;

    /// <summary>How much of a table is read: all that a limit can reach.</summary>
    private const int LargestTable = 1 << 16;

    /// <summary>The segment descriptors that are there.</summary>
    public static Detail Global(Vcpu vcpu)
    {
        DescriptorTableRegister gdtr = vcpu.State->Gdtr;
        byte[] bytes = Read(vcpu, gdtr.Base, gdtr.Limit);
        bool isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        List<IReadOnlyList<string>> rows = [];
        int present = 0;
        for (int at = 8; at + 8 <= bytes.Length; at += 8)
        {
            ulong entry = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            if (entry == 0)
                continue;
            // While long mode is being prepared, a TSS of 64 bits may lie there already: its second half is no descriptor.
            bool isSystem = (entry & (1UL << 44)) == 0;
            bool isWide = isSystem && at + 16 <= bytes.Length && (isLong || (BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at + 8)) >> 32 == 0 && (entry >> 40 & 15) is 2 or 9 or 11));
            ulong start = (entry >> 16 & 0xFF_FFFF) | (entry >> 32 & 0xFF00_0000)
                | (isWide ? (ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)) << 32 : 0);
            if (present++ < MostEntries)
                rows.Add([Hex(at), Describe(entry), Hex(start), Hex(Limit(entry)), string.Create(CultureInfo.InvariantCulture, $"{entry:x16}")]);
            if (isWide)
                at += 8;
        }

        return new Detail($"GDT at {Hex(gdtr.Base)}, limit {Hex(gdtr.Limit)}", ["selector", "what", "base", "limit", "raw"], rows, present - rows.Count);
    }

    /// <summary>The gates that are there.</summary>
    public static Detail Interrupts(Vcpu vcpu, KernelSymbols symbols, out int present)
    {
        DescriptorTableRegister idtr = vcpu.State->Idtr;
        bool isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        int size = isLong ? 16 : 8;
        byte[] bytes = Read(vcpu, idtr.Base, idtr.Limit);
        List<IReadOnlyList<string>> rows = [];
        present = 0;
        if ((vcpu.State->Cr0 & Cr0.Pe) == 0)
            return RealModeVectors(vcpu, idtr, bytes, out present);
        for (int vector = 0; vector < 256 && (vector + 1) * size <= bytes.Length; vector++)
        {
            ReadOnlySpan<byte> entry = bytes.AsSpan(vector * size, size);
            ulong low = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            if ((low & (1UL << 47)) == 0)
                continue;
            if (present++ >= MostEntries)
                continue;
            ulong offset = (low & 0xFFFF) | (low >> 32 & 0xFFFF_0000) | (isLong ? (ulong)BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) << 32 : 0);
            ushort selector = (ushort)(low >> 16);
            string handler = $"0x{selector:x}:{Hex(offset)}";
            int stack = isLong ? (int)(low >> 32 & 7) : 0;
            rows.Add(
            [
                Vector((byte)vector), Gate((int)(low >> 40 & 15)), symbols.Describe(offset) is { } name ? $"{handler} {name}" : handler,
                (low >> 45 & 3).ToString(CultureInfo.InvariantCulture), stack == 0 ? "" : $"IST{stack}",
            ]);
        }

        return new Detail(
            $"IDT at {Hex(idtr.Base)}, limit {Hex(idtr.Limit)}", ["vector", "gate", "handler", "DPL", "stack"], rows, present - rows.Count);
    }

    /// <summary>Stacks and I/O map of the task state.</summary>
    public static Detail Task(Vcpu vcpu, KernelSymbols symbols)
    {
        ref SegmentRegister tr = ref vcpu.State->Segments[(int)SegmentName.Tr];
        bool isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        byte[] bytes = new byte[104];
        int read = GuestMemoryView.ReadLinear(vcpu, tr.Base, bytes);
        List<IReadOnlyList<string>> rows = [];
        if (read == bytes.Length)
        {
            if (isLong)
            {
                for (int i = 0; i < 3; i++)
                    AddStack($"RSP{i}", BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(4 + (i * 8))), $"stack on entry to ring {i}");
                for (int i = 0; i < 7; i++)
                    AddStack($"IST{i + 1}", BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(36 + (i * 8))), "stack of gates that name it");
            }
            else
            {
                for (int i = 0; i < 3; i++)
                {
                    uint pointer = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4 + (i * 8)));
                    ushort selector = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8 + (i * 8)));
                    if (pointer != 0 || selector != 0)
                        rows.Add([$"SS{i}:ESP{i}", $"0x{selector:x}:{Hex(pointer)}", $"stack on entry to ring {i}"]);
                }
            }

            ushort map = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(102));
            rows.Add(["I/O map", Hex(map), map > tr.Limit ? "beyond the limit: ring 3 may use no port" : "offset of a bit for each port"]);
        }

        return new Detail($"TSS at {Hex(tr.Base)}, limit {Hex(tr.Limit)}", ["field", "value", "what for"], rows);

        void AddStack(string name, ulong value, string meaning)
        {
            if (value != 0)
                rows.Add([name, symbols.Describe(value) is { } symbol ? $"{Hex(value)} {symbol}" : Hex(value), meaning]);
        }
    }

    /// <summary>The entries that translate an address, down to the page.</summary>
    public static Detail Walk(Vcpu vcpu, ulong linear)
    {
        List<IReadOnlyList<string>> rows = [];
        foreach (PageWalkStep step in GuestMemoryView.Walk(vcpu, linear))
        {
            rows.Add(
            [
                step.Table, Hex(step.Address), step.IsReadable ? string.Create(CultureInfo.InvariantCulture, $"{step.Entry:x16}") : "no RAM",
                !step.IsPresent ? "not present"
                : (step.IsLeaf ? "page" : "table") + $" at {Hex(step.Entry & 0x000F_FFFF_FFFF_F000)}, {(step.AllowsWrites ? "writable" : "read-only")}, "
                + (step.AllowsUsers ? "ring 3 too" : "kernel only") + (step.Entry >> 63 != 0 ? ", no execution" : ""),
            ]);
        }

        return new Detail($"Page walk of {Hex(linear)}", ["table", "entry at", "raw", "what it says"], rows);
    }

    /// <summary>The gate that an event goes through.</summary>
    public static string? Handler(Vcpu vcpu, byte vector, KernelSymbols symbols)
    {
        bool isLong = (vcpu.State->Efer & Efer.Lma) != 0;
        int size = isLong ? 16 : 8;
        if ((vcpu.State->Cr0 & Cr0.Pe) == 0 || ((vector + 1) * size) - 1 > vcpu.State->Idtr.Limit)
            return null;
        byte[] entry = new byte[16];
        if (GuestMemoryView.ReadLinear(vcpu, vcpu.State->Idtr.Base + (ulong)(vector * size), entry.AsSpan(0, size)) != size)
            return null;
        ulong low = BinaryPrimitives.ReadUInt64LittleEndian(entry);
        if ((low & (1UL << 47)) == 0)
            return null;
        ulong offset = (low & 0xFFFF) | (low >> 32 & 0xFFFF_0000) | (isLong ? (ulong)BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(8)) << 32 : 0);
        string place = symbols.Describe(offset) is { } name ? $"{Hex(offset)} {name}" : Hex(offset);
        int stack = isLong ? (int)(low >> 32 & 7) : 0;
        return $"{Gate((int)(low >> 40 & 15))} to 0x{(ushort)(low >> 16):x}:{place}{(stack == 0 ? "" : $", on the stack IST{stack}")}";
    }

    /// <summary>A vector's number and, of exceptions, name.</summary>
    public static string Vector(byte vector) =>
        vector < 32 && ExceptionText.Name(vector) is var name && !name.StartsWith("vector", StringComparison.Ordinal)
            ? $"0x{vector:x2} {name}"
            : $"0x{vector:x2}";

    public static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");

    private static string Hex(int value) => Hex((ulong)value);

    private static Detail RealModeVectors(Vcpu vcpu, DescriptorTableRegister idtr, byte[] bytes, out int present)
    {
        List<IReadOnlyList<string>> rows = [];
        present = 0;
        for (int vector = 0; vector < 256 && (vector + 1) * 4 <= bytes.Length; vector++)
        {
            uint entry = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(vector * 4));
            if (entry == 0 || present++ >= MostEntries)
                continue;
            rows.Add([Vector((byte)vector), $"{entry >> 16:x4}:{entry & 0xFFFF:x4}"]);
        }

        return new Detail($"Real-mode vectors at {Hex(idtr.Base)}, limit {Hex(idtr.Limit)}", ["vector", "handler"], rows, present - rows.Count);
    }

    private static byte[] Read(Vcpu vcpu, ulong start, uint limit)
    {
        byte[] bytes = new byte[Math.Min(limit + 1, LargestTable)];
        return bytes[..GuestMemoryView.ReadLinear(vcpu, start, bytes)];
    }

    private static uint Limit(ulong entry)
    {
        uint limit = (uint)(entry & 0xFFFF) | (uint)(entry >> 32 & 0xF_0000);
        return (entry & (1UL << 55)) != 0 ? (limit << 12) | 0xFFF : limit;
    }

    /// <summary>What a segment register holds, in words.</summary>
    public static string Describe(SegmentAttributes attributes) =>
        Describe((((ulong)attributes & 0xFF) << 40) | (((ulong)attributes & 0xF00) << 44));

    private static string Describe(ulong entry)
    {
        int type = (int)(entry >> 40 & 15);
        string privilege = $"ring {entry >> 45 & 3}{((entry & (1UL << 47)) == 0 ? ", not present" : "")}";
        if ((entry & (1UL << 44)) == 0)
        {
            string name = type switch
            {
                1 or 3 => "16-bit TSS",
                2 => "LDT",
                4 => "16-bit call gate",
                5 => "task gate",
                9 or 11 => "TSS",
                12 => "call gate",
                _ => Gate(type),
            };
            return $"{name}{(type is 3 or 11 ? " (busy)" : "")}, {privilege}";
        }

        bool isCode = (type & 8) != 0;
        string width = (entry & (1UL << 53)) != 0 ? "64-bit" : (entry & (1UL << 54)) != 0 ? "32-bit" : "16-bit";
        string access = isCode
            ? ((type & 4) != 0 ? ", conforming" : "") + ((type & 2) != 0 ? "" : ", execute only")
            : ((type & 4) != 0 ? ", expands down" : "") + ((type & 2) != 0 ? "" : ", read-only");
        return $"{(isCode ? width + " code" : "data")}{access}, {privilege}";
    }

    private static string Gate(int type) => type switch
    {
        5 => "task gate",
        6 => "16-bit interrupt gate",
        7 => "16-bit trap gate",
        14 => "interrupt gate",
        15 => "trap gate",
        _ => $"type {type}",
    };
}
