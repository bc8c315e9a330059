using System.Runtime.InteropServices;
using Emu.Cpu.State;
using Emu.Differential.Native;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Supervisor;

/// <summary>Where the traps of TF land, held against the host's processor: the same code runs natively under a SIGTRAP handler.</summary>
[Collection("Host processor")]
public sealed unsafe class NativeSingleStepTests
{
    private const int Scratch = 0x800;

    public static TheoryData<string> Cases => new(Bodies.Keys);

    // RBX holds the address of memory to work on; RCX is compared at every trap.
    private static Dictionary<string, Action<Assembler>> Bodies { get; } = new()
    {
        ["nop"] = a => { a.nop(); a.nop(); },
        ["rep stosb"] = a => { a.mov(rdi, rbx); a.mov(ecx, 5); a.rep.stosb(); a.nop(); },
        ["rep stosb, none"] = a => { a.xor(ecx, ecx); a.rep.stosb(); a.nop(); },
        ["rep movsq"] = a => { a.mov(rsi, rbx); a.lea(rdi, __[rbx + 64]); a.mov(ecx, 3); a.rep.movsq(); a.nop(); },
        ["repe cmpsb, equal"] = a => { a.mov(rsi, rbx); a.mov(rdi, rbx); a.mov(ecx, 4); a.repe.cmpsb(); a.nop(); },
        ["repne scasb"] = a => { a.mov(rdi, rbx); a.mov(al, __[rbx + 2]); a.mov(ecx, 6); a.repne.scasb(); a.nop(); },
        ["popf"] = a => { a.pushfq(); a.popfq(); a.nop(); },
        ["mov ss"] = a => { a.mov(eax, ss); a.mov(ss, eax); a.nop(); a.nop(); },
        ["mov ss, popf"] = a => { a.mov(eax, ss); a.pushfq(); a.mov(ss, eax); a.popfq(); a.nop(); },
        ["mov ss, rep stosb"] = a => { a.mov(rdi, rbx); a.mov(eax, ss); a.mov(ecx, 3); a.mov(ss, eax); a.rep.stosb(); a.nop(); },
        ["mov ss, int3"] = a => { a.mov(eax, ss); a.mov(ss, eax); a.int3(); a.nop(); a.nop(); },
        ["mov ss twice"] = a => { a.mov(eax, ss); a.mov(ss, eax); a.mov(ss, eax); a.nop(); a.nop(); },
        ["mov ss thrice"] = a => { a.mov(eax, ss); a.mov(ss, eax); a.mov(ss, eax); a.mov(ss, eax); a.nop(); a.nop(); },
        ["mov ds"] = a => { a.mov(eax, ss); a.mov(ds, eax); a.nop(); },
        ["lss"] = a => { a.mov(eax, ss); a.mov(__dword_ptr[rbx], ecx); a.mov(__word_ptr[rbx + 4], ax); a.lss(edx, __dword_ptr[rbx]); a.nop(); a.nop(); },
        ["int3"] = a => { a.nop(); a.int3(); a.nop(); a.nop(); },
        ["cpuid"] = a => { a.mov(r8, rbx); a.xor(eax, eax); a.cpuid(); a.xor(ecx, ecx); a.mov(rbx, r8); a.nop(); },
        ["call and ret"] = a => { var over = a.CreateLabel(); a.call(over); a.Label(ref over); a.pop(rax); a.nop(); },
        ["iret"] = a => Return(a, Rflags.Trap),
        ["iret, rf"] = a => Return(a, Rflags.Trap | Rflags.Resume),
        ["iret, tf cleared"] = a => Return(a, 0),
        ["rdtsc"] = a => { a.rdtsc(); a.nop(); },
        ["xadd"] = a => { a.@lock.xadd(__qword_ptr[rbx], rax); a.nop(); },
    };

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Traps_land_where_the_hosts_processor_has_them(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Skip.IfNot(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "needs an x64 host with Linux signals");
        Skip.If(NativeExecutor.Vendor != CpuVendor.Amd && name is "mov ss twice" or "mov ss thrice",
            "Intel leaves open what a second MOV SS holds back; AMD's processors show it");
        Assert.Equal(Native(Bodies[name]), Emulated(Bodies[name]));
    }

    // Offsets from the body's start, and RCX.
    private static List<(long Offset, ulong Rcx)> Native(Action<Assembler> body)
    {
        const int Page = 4096, Handler = 0x400, Record = 0x1000, Capacity = 200;
        var page = (byte*)mmap(0, 2 * Page, 7, 0x22, -1, 0);
        try
        {
            var start = Place(page, a =>
            {
                a.push(rbx);
                a.mov(rbx, (ulong)page + Scratch);
            }, body, a =>
            {
                a.pop(rbx);
                a.ret();
            });

            // void handler(int, siginfo_t*, ucontext_t* rdx): append RIP and RCX.
            var handler = new Assembler(64);
            var full = handler.CreateLabel();
            handler.mov(rax, (ulong)page + Record);
            handler.mov(rcx, __qword_ptr[rax]);
            handler.cmp(rcx, Capacity);
            handler.jae(full);
            handler.inc(__qword_ptr[rax]);
            handler.shl(rcx, 4);
            handler.mov(rsi, __qword_ptr[rdx + 0xA8]);
            handler.mov(__qword_ptr[rax + rcx + 16], rsi);
            handler.mov(rsi, __qword_ptr[rdx + 0x98]);
            handler.mov(__qword_ptr[rax + rcx + 24], rsi);
            handler.Label(ref full);
            handler.ret();
            Write(page + Handler, handler);

            const int SigTrap = 5, SigInfo = 4;
            var old = new byte[152];
            var action = new byte[152];
            BitConverter.TryWriteBytes(action, (ulong)(page + Handler));
            BitConverter.TryWriteBytes(action.AsSpan(136), SigInfo);
            sigaction(SigTrap, action, old);
            ((delegate* unmanaged<void>)page)();
            sigaction(SigTrap, old, null);

            var record = (ulong*)(page + Record);
            return [.. Enumerable.Range(0, (int)record[0]).Select(i => ((long)(record[2 + i * 2] - start), record[3 + i * 2]))];
        }
        finally
        {
            munmap((nint)page, 2 * Page);
        }
    }

    private static List<(long Offset, ulong Rcx)> Emulated(Action<Assembler> body)
    {
        using var guest = Guest.Long(NativeExecutor.Vendor);
        guest.SetGate(ExceptionVector.Breakpoint, Guest.Handlers + ExceptionVector.Breakpoint * 4, access: 0xEE);
        guest.EnterRing3();
        var buffer = stackalloc byte[1024];
        var end = Place(buffer, a => a.mov(rbx, (ulong)Guest.Data), body, a => a.ud2(), out var length, Guest.UserCode);
        guest.Vcpu.Memory.TryWrite(Guest.UserCode, new ReadOnlySpan<byte>(buffer, length));
        guest.State->Rip = Guest.UserCode;
        List<(long Offset, ulong Rcx)> traps = [];
        for (var vector = guest.RunToHandler(); vector is ExceptionVector.Debug or ExceptionVector.Breakpoint; vector = guest.ReturnToNextHandler())
            traps.Add(((long)(guest.OnStack(0) - end), guest.Rcx));
        return traps;
    }

    private static ulong Place(byte* to, Action<Assembler> before, Action<Assembler> body, Action<Assembler> after) =>
        Place(to, before, body, after, out _, (ulong)to);

    // The body between the code that sets TF and the code that clears it. Returns the body's address; RCX is zero there.
    private static ulong Place(byte* to, Action<Assembler> before, Action<Assembler> body, Action<Assembler> after, out int length, ulong address)
    {
        var code = new Assembler(64);
        before(code);
        code.xor(ecx, ecx);
        code.pushfq();
        code.or(__qword_ptr[rsp], (int)Rflags.Trap);
        code.popfq();
        var start = code.CreateLabel();
        code.Label(ref start);
        body(code);
        code.pushfq();
        code.and(__qword_ptr[rsp], ~(int)Rflags.Trap);
        code.popfq();
        after(code);
        using var stream = new MemoryStream();
        var result = code.Assemble(new StreamCodeWriter(stream), address, BlockEncoderOptions.ReturnNewInstructionOffsets);
        stream.ToArray().CopyTo(new Span<byte>(to, (int)stream.Length));
        length = (int)stream.Length;
        return result.GetLabelRIP(start);
    }

    private static void Write(byte* to, Assembler code)
    {
        using var stream = new MemoryStream();
        code.Assemble(new StreamCodeWriter(stream), (ulong)to);
        stream.ToArray().CopyTo(new Span<byte>(to, (int)stream.Length));
    }

    private static void Return(Assembler a, ulong flags)
    {
        var after = a.CreateLabel();
        a.mov(rdx, rsp);
        a.mov(eax, ss);
        a.push(rax);
        a.push(rdx);
        a.pushfq();
        a.and(__qword_ptr[rsp], ~(int)Rflags.Trap);
        a.or(__qword_ptr[rsp], (int)flags);
        a.mov(eax, cs);
        a.push(rax);
        a.lea(rax, __[after]);
        a.push(rax);
        a.iretq();
        a.Label(ref after);
        a.nop();
        a.nop();
    }

#pragma warning disable SYSLIB1054, CA5392, IDE1006
    [DllImport("libc")]
    private static extern nint mmap(nint address, nint length, int protection, int flags, int file, nint offset);

    [DllImport("libc")]
    private static extern int munmap(nint address, nint length);

    [DllImport("libc")]
    private static extern int sigaction(int signal, byte[]? action, byte[]? old);
#pragma warning restore SYSLIB1054, CA5392, IDE1006
}
