using System.Buffers.Binary;
using Emu.Fuzz.Cases;
using static Emu.Fuzz.Generation.Layout;

namespace Emu.Fuzz.Generation;

/// <summary>Entries of page tables that no sane kernel makes.</summary>
internal static class PageTables
{
    /// <summary>Any entry: to RAM, to tables (its own among them), to code, to devices, beyond RAM; with any bits set.</summary>
    public static ulong AnyEntry(Dice dice)
    {
        var address = dice.Below(8) switch
        {
            0 => (ulong)(Root + dice.Below(5) * 0x1000),
            1 => (ulong)(Code + dice.Below(16) * 0x1000),
            2 => dice.Pick(Outside) & ~0xFFFUL,
            3 => dice.Value() & 0xFF_FFFF_F000,
            4 => (ulong)(Gdt + dice.Below(8) * 0x1000),
            _ => (ulong)(dice.Below(512) << 12),
        };
        ulong flags = dice.Below(4) switch
        {
            0 => 7UL,
            1 => 0x87UL,
            2 => 7UL | (uint)dice.Below(0x200),
            _ => (ulong)dice.Below(0x1000),
        };
        // Reserved bits, execute-disable, protection keys.
        if (dice.OneIn(5))
            flags |= 1UL << (40 + dice.Below(24));
        return address | flags;
    }

    /// <summary>Any value for CR3.</summary>
    public static ulong AnyRoot(Dice dice) => dice.Below(4) switch
    {
        0 => (ulong)(Root + dice.Below(5) * 0x1000 + dice.Below(0x20)),
        1 => dice.Pick(Outside) & ~0xFFFUL,
        2 => (ulong)(dice.Below(512) << 12),
        _ => dice.Value(),
    };

    /// <summary>Spoils some entries of a case's tables.</summary>
    public static void Spoil(GuestCase guest, Dice dice)
    {
        var count = dice.Pick<int>([1, 4, 20, 100]);
        for (var i = 0; i < count; i++)
        {
            var table = dice.Pick<int>([Root, Pdpt, PageDirectory, Table, Table, Table, DeviceDirectory]);
            var index = table == Table ? dice.Pick<int>([dice.Below(512), 8 + dice.Below(8), 16 + dice.Below(16), 0x20 + dice.Below(5)])
                : dice.OneIn(3) ? dice.Below(512) : dice.Below(4);
            // What only handlers need stays whole more often, or most cases would end at once.
            if ((table != Table && !dice.OneIn(4)) || (table == Table && index < 16 && !dice.OneIn(4)))
                continue;
            var entry = AnyEntry(dice);
            if (guest.Mode == GuestMode.Paged32)
                BinaryPrimitives.WriteUInt32LittleEndian(guest.Ram.AsSpan(table + index * 4), (uint)entry);
            else
                BinaryPrimitives.WriteUInt64LittleEndian(guest.Ram.AsSpan(table + index * 8), entry);
        }
    }
}
