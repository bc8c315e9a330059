using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>#AC at CPL 3: which boundary each kind of access must keep, as a Zen 4 has it where the manual leaves a choice.</summary>
public sealed unsafe class AlignmentCheckTests
{
    /// <summary>Instructions on [RDI], the boundary that they must keep, and that below which the fault is #AC and not #GP (0: always).</summary>
    public static TheoryData<string, int, int> Rules => new()
    {
        { "mov16", 2, 0 }, { "mov32", 4, 0 }, { "mov64", 8, 0 }, { "movq", 8, 0 }, { "movd", 4, 0 }, { "movdqu", 16, 0 }, { "movdqu store", 16, 0 },
        { "vmovdqu256", 16, 0 }, { "vpaddd256", 16, 0 }, { "movaps", 16, -1 }, { "fld80", 8, 0 }, { "fstp80", 8, 0 }, { "fbld", 8, 0 },
        { "fld64", 8, 0 }, { "fld32", 4, 0 }, { "fnsave", 4, 0 }, { "fnstenv", 4, 0 }, { "fnstenv16", 2, 0 }, { "frstor", 4, 0 }, { "fnstcw", 2, 0 },
        { "fxsave", 16, 4 }, { "fxrstor", 16, 4 }, { "cmpxchg8b", 8, 0 }, { "cmpxchg16b", 16, -1 }, { "lgs32", 4, 0 }, { "lgs16", 2, 0 }, { "lgs64", 4, 0 },
        { "movsq", 8, 0 }, { "rep movsq", 8, 0 }, { "rep movsb", 1, 0 }, { "rep stosd", 4, 0 }, { "lodsd", 4, 0 }, { "xchg", 4, 0 }, { "lock xadd", 4, 0 },
        { "bt", 4, 0 }, { "stmxcsr", 4, 0 }, { "movhps", 8, 0 }, { "vmaskmovps", 1, 0 }, { "vpgatherdd", 1, 0 }, { "vpbroadcastd", 4, 0 },
        { "vbroadcastf128", 16, 0 }, { "pmovzxbw", 8, 0 }, { "pmovzxbq", 2, 0 }, { "pinsrw", 2, 0 }, { "push", 8, 0 }, { "popfq", 8, 0 }, { "enter", 8, 0 },
        { "leave", 8, 0 }, { "call", 8, 0 }, { "clflush", 1, 0 }, { "movnti", 4, 0 }, { "movbe", 4, 0 }, { "sgdt", 4, 0 }, { "fisttp64", 8, 0 },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Misaligned_accesses_fault_at_cpl_3(string name, int boundary, int below)
    {
        foreach (var offset in (int[])[1, 2, 4, 8, 16])
        {
            var expected = offset % boundary == 0 ? ExceptionVector.InvalidOpcode
                : below == 0 || offset % 4 != 0 && below == 4 ? ExceptionVector.AlignmentCheck : ExceptionVector.GeneralProtection;
            Assert.Equal((offset, expected), (offset, Run(name, offset, Cr0.Am, Rflags.AlignmentCheck, user: true)));
        }
    }

    [Theory]
    [InlineData(0UL, Rflags.AlignmentCheck, true)]
    [InlineData(Cr0.Am, 0UL, true)]
    [InlineData(Cr0.Am, Rflags.AlignmentCheck, false)]
    public void Nothing_is_checked_without_am_and_ac_and_cpl_3(ulong am, ulong ac, bool user) =>
        Assert.Equal(ExceptionVector.InvalidOpcode, Run("mov64", 1, am, ac, user));

    [Fact]
    public void Descriptors_that_user_code_loads_are_not_checked()
    {
        using var guest = Guest.Long();
        guest.State->Cr0 |= Cr0.Am;
        guest.State->Gdtr.Base += 1;
        for (var at = 0xFFu; at > 0; at--)
            guest.Write(Guest.Gdt + at, guest.Read<byte>(Guest.Gdt + at - 1));
        guest.EnterRing3(Rflags.AlwaysSet | Rflags.AlignmentCheck);
        guest.Assemble(a => { a.mov(eax, (int)Guest.UserData); a.mov(ds, eax); a.ud2(); }, Guest.UserCode);
        Assert.Equal(ExceptionVector.InvalidOpcode, guest.RunToHandler());
    }

    private static int Run(string name, int offset, ulong am, ulong ac, bool user)
    {
        using var guest = Guest.Long();
        var s = guest.State;
        s->Cr0 |= am;
        s->Cr4 |= Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        s->Xcr0 = 7;
        s->X87.Control = 0x37F;
        s->Registers[6] = Guest.Data + 0x2000;
        s->Registers[7] = Guest.Data + 0x1000 + (ulong)offset;
        s->Registers[1] = 1;
        guest.Write(Guest.Data + 0x1000 + (uint)offset, 0x202L);
        s->Registers[0] = s->Registers[2] = s->Registers[3] = 0;
        if (user)
            guest.EnterRing3(Rflags.AlwaysSet | ac);
        else
            s->SystemFlags |= ac;
        s->Registers[1] = 1;
        guest.Assemble(a =>
        {
            Emit(a, name);
            a.ud2();
        }, user ? Guest.UserCode : Guest.Code);
        // The stack may be misaligned now; the kernel's is not.
        return guest.RunToHandler();
    }

    private static void Emit(Assembler a, string name)
    {
        switch (name)
        {
            case "mov16": a.mov(ax, __word_ptr[rdi]); break;
            case "mov32": a.mov(eax, __dword_ptr[rdi]); break;
            case "mov64": a.mov(rax, __qword_ptr[rdi]); break;
            case "movq": a.movq(xmm0, __qword_ptr[rdi]); break;
            case "movd": a.movd(xmm0, __dword_ptr[rdi]); break;
            case "movdqu": a.movdqu(xmm0, __xmmword_ptr[rdi]); break;
            case "movdqu store": a.movdqu(__xmmword_ptr[rdi], xmm0); break;
            case "vmovdqu256": a.vmovdqu(ymm0, __ymmword_ptr[rdi]); break;
            case "vpaddd256": a.vpaddd(ymm1, ymm0, __ymmword_ptr[rdi]); break;
            case "movaps": a.movaps(xmm0, __xmmword_ptr[rdi]); break;
            case "fld80": a.fld(__tword_ptr[rdi]); break;
            case "fstp80": a.fldz(); a.fstp(__tword_ptr[rdi]); break;
            case "fbld": a.fbld(__tword_ptr[rdi]); break;
            case "fld64": a.fld(__qword_ptr[rdi]); break;
            case "fld32": a.fld(__dword_ptr[rdi]); break;
            case "fnsave": a.db(0xDD, 0x37); break;
            case "fnstenv": a.db(0xD9, 0x37); break;
            case "fnstenv16": a.db(0x66, 0xD9, 0x37); break;
            case "frstor": a.db(0xDD, 0x27); break;
            case "fnstcw": a.fnstcw(__word_ptr[rdi]); break;
            case "fxsave": a.fxsave(__[rdi]); break;
            case "fxrstor": a.mov(__dword_ptr[rsi], 0); a.db(0x0F, 0xAE, 0x0F); break;
            case "cmpxchg8b": a.cmpxchg8b(__qword_ptr[rdi]); break;
            case "cmpxchg16b": a.cmpxchg16b(__xmmword_ptr[rdi]); break;
            case "lgs32": Zero(a); a.db(0x0F, 0xB5, 0x07); break;
            case "lgs16": Zero(a); a.db(0x66, 0x0F, 0xB5, 0x07); break;
            case "lgs64": Zero(a); a.db(0x48, 0x0F, 0xB5, 0x07); break;
            case "movsq": a.movsq(); break;
            case "rep movsq": a.rep.movsq(); break;
            case "rep movsb": a.rep.movsb(); break;
            case "rep stosd": a.rep.stosd(); break;
            case "lodsd": a.mov(rsi, rdi); a.lodsd(); break;
            case "xchg": a.xchg(__dword_ptr[rdi], eax); break;
            case "lock xadd": a.@lock.xadd(__dword_ptr[rdi], eax); break;
            case "bt": a.bt(__dword_ptr[rdi], edx); break;
            case "stmxcsr": a.stmxcsr(__dword_ptr[rdi]); break;
            case "movhps": a.movhps(xmm0, __qword_ptr[rdi]); break;
            case "vmaskmovps": a.vpcmpeqd(xmm1, xmm1, xmm1); a.vmaskmovps(xmm0, xmm1, __xmmword_ptr[rdi]); break;
            case "vpgatherdd": a.vpcmpeqd(xmm1, xmm1, xmm1); a.vpxor(xmm2, xmm2, xmm2); a.vpgatherdd(xmm0, __[rdi + xmm2], xmm1); break;
            case "vpbroadcastd": a.vpbroadcastd(xmm0, __dword_ptr[rdi]); break;
            case "vbroadcastf128": a.vbroadcastf128(ymm0, __xmmword_ptr[rdi]); break;
            case "pmovzxbw": a.pmovzxbw(xmm0, __qword_ptr[rdi]); break;
            case "pmovzxbq": a.pmovzxbq(xmm0, __word_ptr[rdi]); break;
            case "pinsrw": a.pinsrw(xmm0, __word_ptr[rdi], 0); break;
            case "push": a.mov(rsp, rdi); a.push(rax); break;
            case "popfq": a.mov(rsp, rdi); a.popfq(); break;
            case "enter": a.mov(rsp, rdi); a.enter(0, 0); break;
            case "leave": a.mov(rbp, rdi); a.leave(); break;
            case "call":
                var next = a.CreateLabel();
                a.mov(rsp, rdi);
                a.call(next);
                a.Label(ref next);
                break;
            case "clflush": a.clflush(__byte_ptr[rdi]); break;
            case "movnti": a.movnti(__dword_ptr[rdi], eax); break;
            case "movbe": a.movbe(eax, __dword_ptr[rdi]); break;
            case "sgdt": a.sgdt(__[rdi]); break;
            case "fisttp64": a.fldz(); a.fisttp(__qword_ptr[rdi]); break;
            default: throw new ArgumentOutOfRangeException(nameof(name), name, null);
        }
    }

    // A null selector, byte by byte, for LGS to load.
    private static void Zero(Assembler a)
    {
        for (var i = 0; i < 10; i++)
            a.mov(__byte_ptr[rdi + i], 0);
    }
}
