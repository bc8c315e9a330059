using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Differential.Native;

/// <summary>The machine code around a program: it loads a state, enters the program, and stores the state when it is left.</summary>
/// <remarks>
/// The program's landings come back to <see cref="Exit"/>. A fault comes through a signal: its handler, machine code too, keeps what the
/// kernel tells of it and returns to <see cref="FaultExit"/>. Nothing here needs the program's stack, and the flags are set aside before
/// anything can change them.
/// </remarks>
internal sealed unsafe class Trampoline
{
    public const ulong Code = Layout.Base;
    public const int CodeLength = 0x1000;
    public const ulong StateArea = Layout.Base + 0x1000;
    public const int StateLength = 0x1000;
    public const ulong Before = StateArea, After = StateArea + MachineState.Size;

    /// <summary>
    /// The kernel's registers at a fault: R8–R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, flags, CS/GS/FS/SS, error, vector, mask,
    /// CR2.
    /// </summary>
    public const ulong Faulted = StateArea + 0x800;

    /// <summary>Number of the landing that was reached.</summary>
    public const ulong Landing = StateArea + 0x900;

    /// <summary>A far pointer to the program, offset first.</summary>
    public const ulong Entry = StateArea + 0x910;

    public const ulong SignalStack = Layout.Base + 0x1_0000;
    public const int SignalStackLength = 0x1_0000;

    /// <summary>The handlers that other faults go to, by signal.</summary>
    public const ulong OldHandlers = StateArea + 0xA00;

    private const ulong SavedStack = StateArea + 0x920, SavedFs = StateArea + 0x928, IsInside = StateArea + 0x930, DefaultMxcsr = StateArea + 0x938;
    private const ulong RegistersAt = 0, FlagsAt = 128, FsBaseAt = 144, GsBaseAt = 152, SelectorsAt = 160, XsaveAt = 192;
    private const int ContextRegisters = 40, ContextRsp = 160, ContextRip = 168, ContextFlags = 176, ContextSegments = 184;
    private const int ContextWords = 23;
    private const int PlainFlags = 0x202;

    private static readonly AssemblerRegister64[] General = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];

    /// <summary>Writes the code. The area must be mapped.</summary>
    public Trampoline()
    {
        *(uint*)DefaultMxcsr = 0x1F80;
        Enter64 = Place(a => Prologue(a, isFar: false));
        EnterFar = Place(a => Prologue(a, isFar: true));
        FaultExit = Place(Common);
        Exit = Place(LeaveByLanding);
        Handler = Place(HandleSignal);
    }

    /// <summary>Function without arguments that runs a 64-bit program.</summary>
    public ulong Enter64 { get; }

    /// <summary>The same for 16- and 32-bit programs.</summary>
    public ulong EnterFar { get; }

    /// <summary>Where landings jump to.</summary>
    public ulong Exit { get; }

    /// <summary>The signal handler.</summary>
    public ulong Handler { get; }

    private ulong FaultExit { get; }

    private ulong _free = Code;

    /// <summary>Adds a 64-bit landing's code: notes its number and leaves.</summary>
    public ulong AddLanding(int number) => Place(a =>
    {
        a.mov(__dword_ptr[Landing], number);
        a.jmp(Exit);
    });

    private static void Prologue(Assembler a, bool isFar)
    {
        foreach (var saved in new[] { rbx, rbp, r12, r13, r14, r15 })
            a.push(saved);
        a.mov(__qword_ptr[SavedStack], rsp);
        a.rdfsbase(rax);
        a.mov(__qword_ptr[SavedFs], rax);
        a.mov(eax, 7);
        a.xor(edx, edx);
        a.xrstor64(__[Before + XsaveAt]);
        LoadSegment(a, es, 0);
        LoadSegment(a, ds, 3);
        LoadSegment(a, fs, 4);
        LoadSegment(a, gs, 5);
        LoadSegment(a, ss, 2);
        a.mov(rax, __qword_ptr[Before + FsBaseAt]);
        a.wrfsbase(rax);
        a.mov(rax, __qword_ptr[Before + GsBaseAt]);
        a.wrgsbase(rax);
        a.mov(__dword_ptr[IsInside], 1);
        a.push(__qword_ptr[Before + FlagsAt]);
        a.popfq();
        for (var i = 0; i < 16; i++)
            a.mov(General[i], __qword_ptr[Before + RegistersAt + (ulong)i * 8]);
        // jmp [Entry], near or far, by an absolute address.
        a.db(isFar ? [0xFF, 0x2C, 0x25] : new byte[] { 0xFF, 0x24, 0x25 });
        a.dd((uint)Entry);
    }

    private static void LoadSegment(Assembler a, AssemblerRegisterSegment segment, int index)
    {
        a.mov(ax, __word_ptr[Before + SelectorsAt + (ulong)index * 2]);
        a.mov(segment, ax);
    }

    private void LeaveByLanding(Assembler a)
    {
        a.mov(__qword_ptr[After + RegistersAt + 32], rsp);
        a.mov(rsp, __qword_ptr[SavedStack]);
        for (var i = 0; i < 16; i++)
        {
            if (i != 4)
                a.mov(__qword_ptr[After + RegistersAt + (ulong)i * 8], General[i]);
        }
        a.pushfq();
        a.pop(__qword_ptr[After + FlagsAt]);
        a.jmp(FaultExit);
    }

    private static void Common(Assembler a)
    {
        a.push(PlainFlags);
        a.popfq();
        a.mov(__dword_ptr[IsInside], 0);
        var order = new[] { es, cs, ss, ds, fs, gs };
        for (var i = 0; i < order.Length; i++)
        {
            a.mov(eax, order[i]);
            a.mov(__word_ptr[After + SelectorsAt + (ulong)i * 2], ax);
        }
        a.rdfsbase(rax);
        a.mov(__qword_ptr[After + FsBaseAt], rax);
        a.rdgsbase(rax);
        a.mov(__qword_ptr[After + GsBaseAt], rax);
        a.mov(eax, Segments.Data);
        a.mov(ss, ax);
        a.xor(eax, eax);
        foreach (var segment in new[] { es, ds, fs, gs })
            a.mov(segment, ax);
        a.mov(rax, __qword_ptr[SavedFs]);
        a.wrfsbase(rax);
        a.mov(eax, 7);
        a.xor(edx, edx);
        a.xsave64(__[After + XsaveAt]);
        a.fninit();
        a.ldmxcsr(__dword_ptr[DefaultMxcsr]);
        a.vzeroupper();
        foreach (var saved in new[] { r15, r14, r13, r12, rbp, rbx })
            a.pop(saved);
        a.ret();
    }

    // RDI signal, RSI information, RDX context.
    private void HandleSignal(Assembler a)
    {
        var other = a.CreateLabel();
        a.mov(rax, rsp);
        a.sub(rax, (int)SignalStack);
        a.cmp(rax, SignalStackLength);
        a.jae(other);
        a.cmp(__dword_ptr[IsInside], 0);
        a.je(other);
        a.mov(__dword_ptr[IsInside], 0);
        a.lea(rsi, __[rdx + ContextRegisters]);
        a.mov(edi, (uint)Faulted);
        a.mov(ecx, ContextWords);
        a.rep.movsq();
        a.mov(__word_ptr[rdx + ContextSegments], Segments.Code64);
        a.mov(__word_ptr[rdx + ContextSegments + 6], Segments.Data);
        a.mov(eax, (uint)FaultExit);
        a.mov(__qword_ptr[rdx + ContextRip], rax);
        a.mov(__qword_ptr[rdx + ContextFlags], PlainFlags);
        a.mov(rax, __qword_ptr[SavedStack]);
        a.mov(__qword_ptr[rdx + ContextRsp], rax);
        a.ret();
        a.Label(ref other);
        a.mov(eax, (uint)OldHandlers);
        a.jmp(__qword_ptr[rax + rdi * 8]);
    }

    private ulong Place(Action<Assembler> program)
    {
        var assembler = new Assembler(64);
        program(assembler);
        using var code = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(code), _free);
        var at = _free;
        if (at + (ulong)code.Length > Code + CodeLength)
            throw new InvalidOperationException("the trampoline's page is full");
        code.ToArray().CopyTo(new Span<byte>((void*)at, (int)code.Length));
        _free = (at + (ulong)code.Length + 15) & ~15UL;
        return at;
    }
}
