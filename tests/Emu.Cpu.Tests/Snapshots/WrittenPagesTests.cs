using Emu.Cpu.Tests.Memory;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Snapshots;

/// <summary>No write escapes notice, whoever makes it and whatever the TLB knew: else a snapshot would hold old pages.</summary>
public sealed unsafe class WrittenPagesTests
{
    private const uint LeafTable = Guest.PageTables + 0x3000;
    private const int DataFrame = (int)(Guest.Data / 4096);

    [Fact]
    public void Store_through_a_translation_that_was_known_is_noticed()
    {
        using var guest = Guest.Long();
        Store(guest);
        Store(guest);
        guest.Vcpu.Memory.KeepAll();
        Assert.Empty(Written(guest));
        Store(guest);
        Assert.Contains(DataFrame, Written(guest));
        guest.Vcpu.Memory.KeepAll();
        Store(guest);
        Assert.Contains(DataFrame, Written(guest));
    }

    [Fact]
    public void Load_is_no_write()
    {
        using var guest = Guest.Long();
        Do(guest, a => a.mov(eax, __dword_ptr[Guest.Data]));
        guest.Vcpu.Memory.KeepAll();
        Do(guest, a => a.mov(eax, __dword_ptr[Guest.Data]));
        Assert.DoesNotContain(DataFrame, Written(guest));
    }

    [Fact]
    public void Every_kind_of_store_is_noticed()
    {
        (string Name, Action<Assembler> Store)[] stores =
        [
            ("mov", a => a.mov(__dword_ptr[Guest.Data], eax)),
            ("add", a => a.add(__dword_ptr[Guest.Data], eax)),
            ("xchg", a => a.xchg(__dword_ptr[Guest.Data], eax)),
            ("cmpxchg16b", a => a.cmpxchg16b(__xmmword_ptr[Guest.Data])),
            ("fnstcw", a => a.fnstcw(__word_ptr[Guest.Data])),
            ("fxsave", a => a.fxsave(__[Guest.Data])),
            ("movups", a => a.movups(__xmmword_ptr[Guest.Data], xmm0)),
            ("sgdt", a => a.sgdt(__[Guest.Data])),
            ("insb", a => { a.mov(edi, Guest.Data); a.mov(edx, 0x80); a.insb(); }),
            ("rep stosb", a => { a.mov(edi, Guest.Data); a.mov(ecx, 0x40); a.rep.stosb(); }),
            ("rep movsb", a => { a.mov(esi, Guest.Data + 0x2000); a.mov(edi, Guest.Data); a.mov(ecx, 0x40); a.rep.movsb(); }),
            ("push", a => { a.mov(rbx, rsp); a.mov(esp, Guest.Data + 0x800); a.push(rax); a.mov(rsp, rbx); }),
            ("call", a => { a.mov(rbx, rsp); a.mov(esp, Guest.Data + 0x800); a.call(a.F); a.AnonymousLabel(); a.mov(rsp, rbx); }),
        ];
        foreach (var (name, store) in stores)
        {
            using var guest = Guest.Long();
            guest.State->Cr4 |= State.Cr4.Osfxsr;
            for (var round = 0; round < 2; round++)
            {
                guest.Vcpu.Memory.KeepAll();
                Do(guest, store);
                Assert.True(Written(guest).Contains(DataFrame), $"{name}, round {round}");
            }
        }
    }

    [Fact]
    public void Store_across_two_pages_writes_both()
    {
        using var guest = Guest.Long();
        Do(guest, a => a.mov(__dword_ptr[Guest.Data + 0xFFE], eax));
        guest.Vcpu.Memory.KeepAll();
        Do(guest, a => a.mov(__dword_ptr[Guest.Data + 0xFFE], eax));
        Assert.Contains(DataFrame, Written(guest));
        Assert.Contains(DataFrame + 1, Written(guest));
    }

    [Fact]
    public void Accessed_and_dirty_bits_are_writes_to_their_table()
    {
        using var guest = Guest.Long();
        foreach (var marks in new[] { PagingCase.A, PagingCase.A | PagingCase.D })
        {
            guest.Write(LeafTable + DataFrame * 8, Guest.Data | 7UL | (marks & PagingCase.D) >> 1);
            guest.Vcpu.ForgetTranslations();
            guest.Vcpu.Memory.KeepAll();
            Do(guest, a =>
            {
                if ((marks & PagingCase.D) != 0)
                    a.mov(__dword_ptr[Guest.Data], eax);
                else
                    a.mov(eax, __dword_ptr[Guest.Data]);
            });
            Assert.Contains((int)((LeafTable + DataFrame * 8) / 4096), Written(guest));
        }
    }

    [Fact]
    public void Devices_writes_are_noticed()
    {
        using var guest = Guest.Long();
        var memory = guest.Vcpu.Memory;
        memory.KeepAll();
        Assert.True(memory.TryWrite(Guest.Data + 0xFFF, [1, 2]));
        memory.WritableFrame(9, 100, 1)[0] = 1;
        Assert.Equal([9, DataFrame, DataFrame + 1], Written(guest));
    }

    [Fact]
    public void Page_that_holds_code_is_watched_for_both_reasons()
    {
        using var guest = Guest.Long();
        guest.Place(a => { a.nop(); a.hlt(); }, Guest.Data);
        guest.Assemble(a => { a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        guest.Vcpu.Memory.KeepAll();
        // Beside the code, then the code itself: what is executed next is the new one.
        Do(guest, a => a.mov(__dword_ptr[Guest.Data + 0x800], eax));
        Assert.Contains(DataFrame, Written(guest));
        guest.Vcpu.Memory.KeepAll();
        guest.Assemble(a => { a.mov(__byte_ptr[Guest.Data], 0xF4); a.mov(rax, (ulong)Guest.Data); a.jmp(rax); });
        Assert.Equal(RunExit.Halted, guest.Run());
        Assert.Equal(Guest.Data + 1, guest.State->Rip);
        Assert.Contains(DataFrame, Written(guest));
    }

    private static void Store(Guest guest) => Do(guest, a => a.mov(__dword_ptr[Guest.Data], ecx));

    private static void Do(Guest guest, Action<Assembler> action)
    {
        guest.Assemble(a =>
        {
            action(a);
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
    }

    private static List<int> Written(Guest guest)
    {
        List<int> frames = [];
        for (var frame = guest.Vcpu.Memory.NextWritten(0); frame >= 0; frame = guest.Vcpu.Memory.NextWritten(frame + 1))
            frames.Add(frame);
        return frames;
    }
}
