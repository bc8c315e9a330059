using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// A guest with two address spaces under PCIDs 1 and 2. Each has a page of its own at one linear address, and both share a global page.
/// The tables can be changed behind the processor's back: what a read finds then tells whether the old translation was still there.
/// </summary>
internal sealed unsafe class TwoSpaces : IDisposable
{
    public const uint Own = Guest.Data, Shared = Guest.Data + 0x1000;
    public const ulong First = Guest.PageTables | 1, Second = SecondTables | 2, NoFlush = 1UL << 63;

    private const uint SecondTables = 0x180000;
    private const uint Frames = 0x300000;
    private const ulong Global = 0x100;

    public TwoSpaces(ulong cr4 = Cr4.Pae | Cr4.Pge | Cr4.Pcide)
    {
        Guest = Guest.Long();
        for (var at = 0u; at < 0x5000; at += 8)
            Guest.Write(SecondTables + at, Guest.Read<ulong>(Guest.PageTables + at));
        for (var at = 0u; at < 0x3000; at += 0x1000)
            Guest.Write(SecondTables + at, SecondTables + at + 0x1000 | 7UL);
        Guest.Write(SecondTables + 0x2008, SecondTables + 0x4000 | 7UL);
        for (var frame = 0u; frame < 6; frame++)
            Guest.Write(Frames + frame * 0x1000, frame + 1);
        Map(0);
        Guest.State->Cr3 = (cr4 & Cr4.Pcide) != 0 ? First : Guest.PageTables;
        Guest.State->Cr4 = cr4;
        Guest.Vcpu.StateChanged();
    }

    public Guest Guest { get; }

    /// <summary>Lets both address spaces' translations be used, then changes the tables.</summary>
    public void UseAndChange()
    {
        Guest.Assemble(a =>
        {
            Read(a, eax, ecx);
            Load(a, Second);
            Read(a, eax, ecx);
            Load(a, First | NoFlush);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, Guest.Run());
        Map(1);
    }

    /// <summary>Does something in the first space.</summary>
    public void Do(Action<Assembler> action)
    {
        Guest.Assemble(a =>
        {
            action(a);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, Guest.Run());
    }

    /// <summary>What both spaces read: true where it is what the tables said before they were changed.</summary>
    public (bool OwnOfFirst, bool SharedInFirst, bool OwnOfSecond, bool SharedInSecond) Stale()
    {
        Do(a =>
        {
            Read(a, r8d, r9d);
            Load(a, Second | NoFlush);
            Read(a, r10d, r11d);
        });
        var r = Guest.State->Registers;
        return (IsOld(r[8], 1), IsOld(r[9], 5), IsOld(r[10], 3), IsOld(r[11], 5));
    }

    public static void Load(Assembler a, ulong cr3)
    {
        a.mov(rax, cr3);
        a.mov(Iced.Intel.AssemblerRegisters.cr3, rax);
    }

    public void Dispose() => Guest.Dispose();

    private static bool IsOld(ulong value, ulong old)
    {
        Assert.InRange(value, old, old + 1);
        return value == old;
    }

    private static void Read(Assembler a, AssemblerRegister32 own, AssemblerRegister32 shared)
    {
        a.mov(own, __dword_ptr[Own]);
        a.mov(shared, __dword_ptr[Shared]);
    }

    private void Map(uint version)
    {
        var first = Guest.PageTables + 0x3000 + Own / 4096 * 8;
        var second = SecondTables + 0x3000 + Own / 4096 * 8;
        Guest.Write(first, Frames + version * 0x1000 | 7UL);
        Guest.Write(second, Frames + 0x2000 + version * 0x1000 | 7UL);
        Guest.Write(first + 8, Frames + 0x4000 + version * 0x1000 | 7UL | Global);
        Guest.Write(second + 8, Frames + 0x4000 + version * 0x1000 | 7UL | Global);
    }
}
