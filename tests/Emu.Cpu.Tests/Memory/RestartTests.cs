using Emu.Cpu.State;
using Emu.Cpu.Tests.Supervisor;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Memory;

/// <summary>
/// Nothing is committed before everything that can fault has been looked at: an instruction whose operand straddles a missing page changes
/// nothing, and comes to the same end as one that never faulted once the page is there.
/// </summary>
public sealed unsafe class RestartTests
{
    private const uint Plain = RestartGuest.Plain;

    /// <summary>An instruction, and how it uses the operand at RDI or, where it is on the stack, at RSP.</summary>
    /// <param name="Emit">The instruction.</param>
    /// <param name="Size">Bytes of the operand; negative: below the address, as pushes have it.</param>
    /// <param name="Writes">It writes the operand.</param>
    /// <param name="Prepare">What must be set up before.</param>
    /// <param name="Alignment">Offsets must be multiples of it.</param>
    /// <param name="OnStack">RSP is the operand's address too.</param>
    private sealed record Rule(Action<Assembler> Emit, int Size, bool Writes, Action<Guest>? Prepare = null, int Alignment = 1, bool OnStack = false);

    private static readonly Dictionary<string, Rule> LongRules = new()
    {
        ["mov load"] = new(a => a.mov(rax, __qword_ptr[rdi]), 8, false),
        ["mov store"] = new(a => a.mov(__qword_ptr[rdi], rcx), 8, true),
        ["add"] = new(a => a.add(__qword_ptr[rdi], rcx), 8, true),
        ["lock xadd"] = new(a => a.@lock.xadd(__qword_ptr[rdi], rcx), 8, true),
        ["xchg"] = new(a => a.xchg(__dword_ptr[rdi], ecx), 4, true),
        ["cmpxchg unequal"] = new(a => a.@lock.cmpxchg(__dword_ptr[rdi], ecx), 4, true),
        ["cmpxchg8b"] = new(a => a.cmpxchg8b(__qword_ptr[rdi]), 8, true),
        ["rcl"] = new(a => a.rcl(__dword_ptr[rdi], 3), 4, true),
        ["shld"] = new(a => a.shld(__dword_ptr[rdi], ecx, 3), 4, true),
        ["neg"] = new(a => a.neg(__qword_ptr[rdi]), 8, true),
        ["bts"] = new(a => a.@lock.bts(__dword_ptr[rdi], 5), 4, true),
        ["mul"] = new(a => a.mul(__qword_ptr[rdi]), 8, false),
        ["movbe store"] = new(a => a.movbe(__qword_ptr[rdi], rcx), 8, true),
        ["push"] = new(a => a.push(rcx), -8, true, OnStack: true),
        ["push memory"] = new(a => a.push(__qword_ptr[rdi]), 8, false),
        ["pop"] = new(a => a.pop(rcx), 8, false, OnStack: true),
        ["pop memory"] = new(a => a.pop(__qword_ptr[rdi]), 8, true),
        ["pop memory from there"] = new(a => a.pop(__qword_ptr[rsi]), 8, false, guest => guest.State->Registers[6] = Plain, OnStack: true),
        ["pushfq"] = new(a => a.pushfq(), -8, true, OnStack: true),
        ["popfq"] = new(a => a.popfq(), 8, false, OnStack: true),
        ["enter"] = new(a => a.enter(0x20, 0), -8, true, OnStack: true),
        ["enter nested"] = new(a => a.enter(0x20, 4), -40, true, guest => guest.State->Registers[5] = Plain + 0x100, OnStack: true),
        ["enter from frames"] = new(a => { a.mov(rbp, rdi); a.enter(0x20, 3); }, -16, false),
        ["leave"] = new(a => { a.mov(rbp, rdi); a.leave(); }, 8, false),
        ["call"] = new(a => { var l = a.CreateLabel(); a.call(l); a.Label(ref l); a.nop(); }, -8, true, OnStack: true),
        ["call memory"] = new(a => a.call(__qword_ptr[rdi]), 8, false, guest => Fill(guest, Guest.UserCode + 2)),
        ["ret"] = new(a => a.ret(), 8, false, guest => Fill(guest, Guest.UserCode + 1), OnStack: true),
        ["call far"] = new(a => a.db(0x48, 0xFF, 0x1E), -16, true, guest =>
        {
            guest.State->Registers[6] = Plain;
            guest.Write(Plain, (ulong)Guest.UserCode + 3);
            guest.Write(Plain + 8, Guest.UserCode64);
        }, OnStack: true),
        ["lgs"] = new(a => a.db(0x48, 0x0F, 0xB5, 0x07), 10, false, guest => Fill(guest, 0)),
        ["movsq load"] = new(a => { a.mov(rsi, rdi); a.mov(edi, (int)Plain); a.movsq(); }, 8, false),
        ["movsq store"] = new(a => { a.mov(esi, (int)Plain); a.movsq(); }, 8, true),
        ["cmpsq"] = new(a => { a.mov(esi, (int)Plain); a.cmpsq(); }, 8, false),
        ["stosd"] = new(a => a.stosd(), 4, true),
        ["movups load"] = new(a => a.movups(xmm1, __xmmword_ptr[rdi]), 16, false),
        ["movups store"] = new(a => a.movups(__xmmword_ptr[rdi], xmm1), 16, true),
        ["vmovups store"] = new(a => a.vmovups(__ymmword_ptr[rdi], ymm1), 32, true),
        ["vpaddd"] = new(a => a.vpaddd(ymm1, ymm2, __ymmword_ptr[rdi]), 32, false),
        ["vmaskmovps store"] = new(a => { a.vpcmpeqd(ymm1, ymm1, ymm1); a.vmaskmovps(__ymmword_ptr[rdi], ymm1, ymm2); }, 32, true),
        ["vmaskmovps load"] = new(a => { a.vpcmpeqd(ymm1, ymm1, ymm1); a.vmaskmovps(ymm3, ymm1, __ymmword_ptr[rdi]); }, 32, false),
        ["maskmovdqu"] = new(a => { a.pcmpeqd(xmm1, xmm1); a.maskmovdqu(xmm2, xmm1); }, 16, true),
        ["fstp"] = new(a => a.fstp(__tword_ptr[rdi]), 10, true, Load),
        ["fld"] = new(a => a.fld(__tword_ptr[rdi]), 10, false),
        ["fbstp"] = new(a => a.fbstp(__tword_ptr[rdi]), 10, true, Load),
        ["fistp"] = new(a => a.fistp(__qword_ptr[rdi]), 8, true, Load),
        ["fst single inexact"] = new(a => { a.fldpi(); a.fstp(__dword_ptr[rdi]); }, 4, true),
        ["fnsave"] = new(a => a.db(0xDD, 0x37), 108, true, Load),
        ["fnstenv"] = new(a => a.db(0xD9, 0x37), 28, true, Load),
        ["frstor"] = new(a => a.db(0xDD, 0x27), 108, false, guest => Fill(guest, 0)),
        ["fldenv"] = new(a => a.db(0xD9, 0x27), 28, false, guest => Fill(guest, 0)),
        ["fxsave"] = new(a => a.fxsave(__[rdi]), 512, true, Load, 16),
        ["fxrstor"] = new(a => a.fxrstor(__[rdi]), 512, false, guest => Fill(guest, 0), 16),
        ["xsave"] = new(a => { a.or(eax, -1); a.or(edx, -1); a.xsave(__[rdi]); }, 832, true, Load, 64),
        ["xsavec"] = new(a => { a.or(eax, -1); a.or(edx, -1); a.xsavec(__[rdi]); }, 832, true, Load, 64),
        ["xrstor"] = new(a => { a.or(eax, -1); a.or(edx, -1); a.xrstor(__[rdi]); }, 576, false, guest => Fill(guest, 0), 64),
        ["sgdt"] = new(a => a.sgdt(__[rdi]), 10, true),
        ["stmxcsr"] = new(a => a.stmxcsr(__dword_ptr[rdi]), 4, true),
        ["pextrd"] = new(a => a.pextrd(__dword_ptr[rdi], xmm1, 2), 4, true),
        ["movdir64b"] = new(a => a.movdir64b(rsi, __[rdi]), 64, false, guest => guest.State->Registers[6] = Plain),
        ["movdiri"] = new(a => a.movdiri(__qword_ptr[rdi], rcx), 8, true),
    };

    private static readonly Dictionary<string, Rule> LegacyRules = new()
    {
        ["pushad"] = new(a => a.pushad(), -32, true, OnStack: true),
        ["popad"] = new(a => a.popad(), 32, false, OnStack: true),
        ["pushaw"] = new(a => a.pusha(), -16, true, OnStack: true),
        ["popaw"] = new(a => a.popa(), 16, false, OnStack: true),
        ["enter nested"] = new(a => a.enter(0x20, 4), -20, true, guest => guest.State->Registers[5] = Plain + 0x100, OnStack: true),
        ["call far"] = new(a => a.call(Guest.UserCode32, Guest.UserCode + 7), -8, true, OnStack: true),
        ["retf"] = new(a => a.retf(), 8, false, guest => Fill(guest, Guest.UserCode + 1, Guest.UserCode32), 4, OnStack: true),
        ["iretd"] = new(a => a.iretd(), 12, false, guest => Fill(guest, Guest.UserCode + 1, Guest.UserCode32, 0x202), 4, OnStack: true),
        ["push segment"] = new(a => a.push(ds), -4, true, OnStack: true),
        ["pop segment"] = new(a => a.pop(es), 4, false, guest => Fill(guest, Guest.UserData), 4, OnStack: true),
        ["les"] = new(a => a.db(0xC4, 0x07), 6, false, guest => Fill(guest, 0)),
        ["bound"] = new(a => a.db(0x62, 0x0F), 8, false, guest => Fill(guest, 0, 0x7FFF_FFFF)),
        ["cmpxchg8b"] = new(a => a.cmpxchg8b(__qword_ptr[edi]), 8, true),
        ["fnsave"] = new(a => a.db(0xDD, 0x37), 108, true, Load),
        ["pop memory by esp"] = new(a => a.pop(__dword_ptr[esp - 4]), 4, true, null, 4, OnStack: true),
    };

    public static TheoryData<bool, string> Instructions
    {
        get
        {
            var data = new TheoryData<bool, string>();
            foreach (var name in LongRules.Keys)
                data.Add(true, name);
            foreach (var name in LegacyRules.Keys)
                data.Add(false, name);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Instructions))]
    public void Operand_on_a_missing_page_changes_nothing_and_is_restarted(bool is64, string name)
    {
        var rule = (is64 ? LongRules : LegacyRules)[name];
        var size = Math.Abs(rule.Size);
        for (var before = rule.Alignment; before < size; before += (size / 6 + rule.Alignment) & -rule.Alignment)
        {
            foreach (var (missing, flags) in rule.Writes ? [(0, 0u), (1, 0u), (0, 5u), (1, 5u)] : new (int, uint)[] { (0, 0), (1, 0) })
                Check(is64, rule, before, missing, flags);
        }
    }

    private static void Check(bool is64, Rule rule, int before, int missing, uint flags)
    {
        var what = $"{before} bytes before the border, page {missing} {(flags == 0 ? "absent" : "read-only")}";
        using var whole = Make(is64, rule, before);
        Assert.True(whole.Run(rule.Emit) == ExceptionVector.InvalidOpcode, $"{what}: the undisturbed run ends with {whole.Guest.Delivered[^1]}");

        using var faulting = Make(is64, rule, before);
        faulting.Map(missing, flags);
        var vector = faulting.Run(rule.Emit);
        Assert.True(vector == ExceptionVector.PageFault, $"{what}: vector {vector}");
        Assert.True(faulting.State->Cr2 / 4096 == RestartGuest.Border / 4096 - 1 + (uint)missing, $"{what}: CR2 {faulting.State->Cr2:X}");
        if (rule.Writes && missing == 1)
            Assert.True((faulting.Entry(0) & PagingCase.D) == 0, $"{what}: the first page is dirty");
        Assert.Equal(Undisturbed(is64, rule, before, faulting), faulting.Snapshot());

        faulting.Map(missing, 7);
        Assert.Equal(ExceptionVector.InvalidOpcode, faulting.Resume());
        Assert.Equal(whole.Snapshot(), faulting.Snapshot());
    }

    // What the faulting guest must look like: the instructions before the one that faults have been executed.
    private static string Undisturbed(bool is64, Rule rule, int before, RestartGuest faulting)
    {
        var rip = faulting.Guest.OnStack(1);
        using var stopped = Make(is64, rule, before);
        stopped.Guest.Assemble(a => rule.Emit(a), Guest.UserCode);
        // UD2 over the instruction that faults.
        stopped.Guest.Vcpu.Memory.TryWrite(rip, [0x0F, 0x0B]);
        Assert.Equal(ExceptionVector.InvalidOpcode, stopped.Guest.RunToHandler());
        return stopped.Snapshot();
    }

    private static RestartGuest Make(bool is64, Rule rule, int before)
    {
        var guest = new RestartGuest(is64);
        var at = rule.Size < 0 ? RestartGuest.Border + (ulong)(-rule.Size - before) : RestartGuest.Border - (ulong)before;
        guest.State->Registers[7] = at;
        _operand = (uint)(rule.Size < 0 ? at - (ulong)-rule.Size : at);
        rule.Prepare?.Invoke(guest.Guest);
        if (rule.OnStack)
            guest.State->Registers[4] = at;
        guest.Guest.Vcpu.StateChanged();
        return guest;
    }

    [ThreadStatic]
    private static uint _operand;

    // Elements of the operand of four bytes, zeros behind them.
    private static void Fill(Guest guest, params uint[] values)
    {
        for (var i = 0u; i < 0x400; i += 4)
            guest.Write(_operand + i, i / 4 < values.Length ? values[i / 4] : 0);
    }

    // Something on the x87 stack.
    private static void Load(Guest guest)
    {
        guest.State->X87.Status = 0x3800;
        guest.State->X87.Valid = 0x80;
        guest.State->X87.Registers[14] = 0xC000_0000_0000_0000;
        guest.State->X87.Registers[15] = 0x4000;
    }
}
