using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// What an engine does for its own sake — translating code, watching pages that hold it, looking at every access — changes nothing that
/// the guest can see of the TLB (docs/determinism.md).
/// </summary>
public sealed unsafe class EngineIndependenceTests
{
    private const uint Entry = Guest.PageTables + 0x3000 + Guest.Data / 4096 * 8;

    [Fact]
    public void Page_that_begins_to_hold_code_is_not_walked_again()
    {
        using var guest = Guest.Long();
        Write(guest);
        ClearMarks(guest);
        // Translating code from the page takes the engine's right to write straight away, not the guest's translation.
        guest.Place(a => { a.nop(); a.hlt(); }, Guest.Data + 0x800);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data + 0x800); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(PagingCase.A, Marks(guest));
        ClearMarks(guest);
        Write(guest);
        Assert.Equal(0UL, Marks(guest));
    }

    [Fact]
    public void Access_that_is_looked_at_uses_the_same_translation()
    {
        using var guest = Guest.Long();
        Write(guest);
        ClearMarks(guest);
        guest.Assemble(a =>
        {
            // A breakpoint on other data: every access takes the slow way.
            a.mov(rax, (ulong)Guest.Data + 0x100);
            a.mov(dr0, rax);
            a.mov(eax, 0xD0002);
            a.mov(dr7, rax);
            a.mov(__dword_ptr[Guest.Data], ecx);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0UL, Marks(guest));
    }

    [Fact]
    public void Fetches_and_data_accesses_mark_their_pages_each_for_itself()
    {
        using var guest = Guest.Long();
        guest.Place(a => a.hlt(), Guest.Data);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(PagingCase.A, Marks(guest));
        ClearMarks(guest);
        guest.Assemble(a => { a.mov(eax, __dword_ptr[Guest.Data]); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(PagingCase.A, Marks(guest));
        ClearMarks(guest);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(0UL, Marks(guest));
    }

    [Fact]
    public void Code_is_walked_once_however_often_blocks_are_forgotten()
    {
        using var guest = Guest.Long();
        for (var round = 0; round < 2; round++)
        {
            // The store forgets the blocks of the page.
            guest.Place(a => { a.inc(__byte_ptr[Guest.Data + 0x40]); a.hlt(); }, Guest.Data);
            guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
            Assert.Equal(RunExit.Halted, guest.Run());
            Assert.Equal(round == 0 ? PagingCase.A | PagingCase.D : 0, Marks(guest));
            ClearMarks(guest);
        }
    }

    [Fact]
    public void Full_table_of_code_pages_is_emptied_as_a_whole()
    {
        // More pages of code than the table has room for, all the same physical one.
        using var guest = Guest.Long();
        const int pages = 3000;
        const uint table = 0x110000;
        for (var page = 0u; page < 3072; page++)
            guest.Write(table + page * 8, Guest.Data | 7UL);
        for (var directory = 0u; directory < 6; directory++)
            guest.Write(Guest.PageTables + 0x2010 + directory * 8, table + directory * 0x1000 | 7UL);
        guest.Place(a => a.jmp(rcx), Guest.Data);
        guest.Assemble(a =>
        {
            var loop = a.CreateLabel();
            var back = a.CreateLabel();
            a.mov(eax, 0x40_0000);
            a.lea(rcx, __[back]);
            a.Label(ref loop);
            a.jmp(rax);
            a.Label(ref back);
            a.add(eax, 4096);
            a.cmp(eax, 0x40_0000 + pages * 4096);
            a.jb(loop);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run(100_000));
        // The last is still known, and what the table no longer knows is found again through the tables.
        guest.Write(table, 0UL);
        guest.Assemble(a => { a.mov(eax, 0x40_0000); a.jmp(rax); });
        Assert.Equal(ExceptionVector.PageFault, guest.RunToHandler());
        guest.Write(table + (pages - 1) * 8, 0UL);
        guest.Assemble(a => { a.mov(eax, 0x40_0000 + (pages - 1) * 4096); a.lea(rcx, __[0x6000 + 4 * 6]); a.jmp(rax); });
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    private static void Write(Guest guest)
    {
        guest.Assemble(a => { a.mov(__dword_ptr[Guest.Data], ecx); a.hlt(); });
        Assert.Equal(RunExit.Halted, guest.Run());
    }

    private static ulong Marks(Guest guest) => guest.Read<ulong>(Entry) & (PagingCase.A | PagingCase.D);

    private static void ClearMarks(Guest guest) => guest.Write(Entry, guest.Read<ulong>(Entry) & ~(PagingCase.A | PagingCase.D));
}
