using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// Accesses one after another, each as instructions make it: whatever the TLB holds by then, each is allowed or refused as the tables say,
/// and marks them as <see cref="PagingCase.Expect"/> says.
/// </summary>
public sealed unsafe class TranslationConsistencyTests
{
    private const uint Page = Guest.Data;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_an_earlier_access_left_behind_never_decides_a_later_one(int seed)
    {
        var random = new Random(seed);
        using var guest = Guest.Long();
        // Only user code and the page in question are open to users: SMEP and SMAP are to bind nothing else.
        for (var page = 0u; page < Guest.RamBytes; page += 4096)
            guest.SetPage(page, page is Guest.UserCode or (Guest.UserStack - 4096) ? 7u : 3u);
        for (var trial = 0; trial < 400; trial++)
        {
            Prepare(guest, random);
            for (var step = 0; step < 8; step++)
                Step(guest, random);
        }
    }

    private static void Prepare(Guest guest, Random random)
    {
        var s = guest.State;
        var key = random.Next(4);
        guest.SetPage(Page, (uint)(random.Next(8) | 1) | (random.Next(4) == 0 ? PagingCase.Xd : 0) | ((ulong)key << 59)
            | (random.Next(2) == 0 ? 0 : PagingCase.A) | (random.Next(2) == 0 ? 0 : PagingCase.D) | (random.Next(2) == 0 ? 0 : 0x100u));
        guest.Write(Page, (ushort)0x0B0F);
        s->Cr0 = (s->Cr0 & ~Cr0.Wp) | (random.Next(2) == 0 ? 0 : Cr0.Wp);
        s->Cr4 = Cr4.Pae;
        foreach (var bit in (ulong[])[Cr4.Smep, Cr4.Smap, Cr4.Pke, Cr4.Pks, Cr4.Pge])
            s->Cr4 |= random.Next(2) == 0 ? 0 : bit;
        // Key 0 is everything else's.
        s->Pkru = (uint)random.Next(256) & ~3u;
        s->Pkrs = (uint)random.Next(256) & ~3u;
        s->Cpl = 0;
        guest.Vcpu.StateChanged();
    }

    private static void Step(Guest guest, Random random)
    {
        var s = guest.State;
        var user = random.Next(2) == 0;
        var ac = random.Next(2) == 0;
        var kind = random.Next(5);
        if (random.Next(4) == 0)
            ChangeKeys(guest, random);
        guest.Place(
            a =>
            {
                if (kind == 4)
                    a.jmp(rbx);
                else if (kind == 3)
                    a.xchg(__dword_ptr[rbx + 16], ecx);
                else if (kind == 2)
                    a.mov(__dword_ptr[rbx + 16], ecx);
                else
                    a.mov(ecx, __dword_ptr[rbx + 16]);
                a.ud2();
            },
            user ? Guest.UserCode : Guest.Code + 0x100);
        guest.Assemble(a =>
        {
            a.mov(ebx, (int)Page);
            a.push((int)(user ? Guest.UserData : Guest.KernelData));
            a.push((int)(user ? Guest.UserStack : Guest.Stack));
            a.push((int)(Rflags.AlwaysSet | (ac ? Rflags.AlignmentCheck : 0)));
            a.push((int)(user ? Guest.UserCode64 : Guest.KernelCode));
            a.push((int)(user ? Guest.UserCode : Guest.Code + 0x100));
            a.iretq();
        });
        s->Registers[4] = Guest.SpareStack;

        var access = (user ? PageAccess.User : 0) | (kind == 4 ? PageAccess.Fetch : kind >= 2 ? PageAccess.Write : 0);
        var entry = Guest.PageTables + 0x3000 + Page / 4096 * 8;
        ulong[] entries = [.. new[] { 0u, 0x1000u, 0x2008u }.Select(at => guest.Read<ulong>(Guest.PageTables + at)), guest.Read<ulong>(entry)];
        var c = new PagingCase(PagingMode.Long4K, entries, s->Cr0, s->Cr4, s->Efer, ac, s->Pkru, s->Pkrs, access);
        var (errorCode, after) = c.Expect();
        var vector = guest.RunToHandler();
        Assert.True(vector == (errorCode is null ? ExceptionVector.InvalidOpcode : ExceptionVector.PageFault), $"{c}: vector {vector}, expected {errorCode:X}");
        if (errorCode is { } code)
        {
            Assert.True(guest.OnStack(0) == code, $"{c}: error code {guest.OnStack(0):X}, expected {code:X}");
            Assert.Equal(kind == 4 ? Page : Page + 16, s->Cr2);
        }
        Assert.True(guest.Read<ulong>(entry) == after[3], $"{c}: entry {guest.Read<ulong>(entry):X}, expected {after[3]:X}");
    }

    // As the guest would: what the TLB knows under the old rights must not stay.
    private static void ChangeKeys(Guest guest, Random random)
    {
        var isUser = (guest.State->Cr4 & Cr4.Pke) != 0 && random.Next(2) == 0;
        guest.Assemble(a =>
        {
            a.mov(eax, random.Next(256) & ~3);
            a.xor(edx, edx);
            a.mov(ecx, isUser ? 0 : 0x6E1);
            if (isUser)
                a.wrpkru();
            else
                a.wrmsr();
            a.hlt();
        });
        Assert.Equal(RunExit.Halted, guest.Run());
    }
}
