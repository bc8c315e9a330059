using System.Runtime.InteropServices;
using Xunit;

namespace Emu.Cpu.Tests.Vector;

/// <summary>The registers that one instruction works on, as FXSAVE64 and a few pushes lay them out.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct HostState
{
    public const int FxBytes = 512;

    public fixed byte Before[FxBytes];
    public fixed byte After[FxBytes];
    public fixed ulong GeneralBefore[8];
    public fixed ulong GeneralAfter[8];
    public uint DefaultMxcsr;
    public uint Padding;
    public ulong Trap;
    public fixed byte UpperBefore[256];
    public fixed byte UpperAfter[256];
}

/// <summary>Runs one instruction on the host's own processor: the reference that the emulator is held against.</summary>
/// <remarks>
/// The instruction stands in a page of machine code between loads and stores of its registers. Signal handlers, also machine code,
/// turn a fault of that instruction into an exit with its vector; any other fault goes to the handler that was there before.
/// RAX, RCX, RDX, RBX, RSI and RDI are the instruction's to use.
/// </remarks>
public sealed unsafe class HostProcessor : IDisposable
{
    private const int PageSize = 4096;
    private const int InstructionAt = 256;
    private const int HandlerAt = 1024;
    private const int OldHandlersAt = 2048;
    private const int StateAt = 4096;
    private const int OperandAt = 8192;
    private static readonly int[] Signals = [4, 7, 8, 11];

    private readonly byte* _page;
    private readonly byte[][] _old = new byte[Signals.Length][];

    public HostProcessor()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "needs an x64 host with Linux signals");
        _page = (byte*)mmap(0, PageSize * 4, 7, 0x22, -1, 0);
        State->DefaultMxcsr = 0x1F80;
        var prologue = new Code(_page);
        // push rbx, rbp, r12–r15; mov r15, rdi; fxrstor64 [r15]
        prologue.Bytes(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x49, 0x89, 0xFF, 0x49, 0x0F, 0xAE, 0x0F);
        if (HasAvx)
        {
            for (var i = 0; i < 16; i++)
            {
                // vinsertf128 ymm, ymm, [r15 + upper], 1
                var register = i & 7;
                prologue.Bytes(0xC4, (byte)(i < 8 ? 0xC3 : 0x43), (byte)(((~i & 15) << 3) | 5), 0x18, (byte)(0x87 | register << 3));
                prologue.Displacement(UpperBeforeOffset + i * 16);
                prologue.Bytes(1);
            }
        }
        LoadGeneral(prologue, 0x8B, GeneralBeforeOffset);
        prologue.Bytes(0x41, 0xFF, 0xB7);
        prologue.Displacement(GeneralBeforeOffset + 48);
        prologue.Bytes(0x9D);
        prologue.Jump(_page + InstructionAt * 2);

        var handler = new Code(_page + HandlerAt);
        // mov rax, [rdx + rip]; mov rcx, instruction; sub rax, rcx; cmp rax, 16; jae other
        handler.Bytes(0x48, 0x8B, 0x82, 0xA8, 0, 0, 0, 0x48, 0xB9);
        handler.Quad((ulong)(_page + InstructionAt * 2));
        handler.Bytes(0x48, 0x29, 0xC8, 0x48, 0x83, 0xF8, 16, 0x73, 36);
        // mov rcx, [rdx + r15]; mov rax, [rdx + trapno]; mov [rcx + Trap], rax; mov rax, recovery; mov [rdx + rip], rax; ret
        handler.Bytes(0x48, 0x8B, 0x4A, 0x60, 0x48, 0x8B, 0x82, 0xC8, 0, 0, 0, 0x48, 0x89, 0x81);
        handler.Displacement(TrapOffset);
        handler.Bytes(0x48, 0xB8);
        handler.Quad((ulong)(_page + InstructionAt * 2 + 32));
        handler.Bytes(0x48, 0x89, 0x82, 0xA8, 0, 0, 0, 0xC3);
        // mov rax, table; mov rax, [rax + rdi * 8]; jmp rax
        var other = handler.Position;
        Assert.Equal(36, (int)(other - (_page + HandlerAt)) - 26 + 0);
        handler.Bytes(0x48, 0xB8);
        handler.Quad((ulong)(_page + OldHandlersAt));
        handler.Bytes(0x48, 0x8B, 0x04, 0xF8, 0xFF, 0xE0);

        for (var i = 0; i < Signals.Length; i++)
        {
            var old = new byte[152];
            var action = new byte[152];
            BitConverter.TryWriteBytes(action, (ulong)(_page + HandlerAt));
            BitConverter.TryWriteBytes(action.AsSpan(136), 0x4000_0004);
            sigaction(Signals[i], action, old);
            _old[i] = old;
            *(ulong*)(_page + OldHandlersAt + Signals[i] * 8) = BitConverter.ToUInt64(old);
        }
    }

    /// <summary>Bytes that a memory operand may use, 64-byte aligned; RDI is expected to point into them.</summary>
    public byte* Operand => _page + OperandAt;

    public HostState* State => (HostState*)(_page + StateAt);

    public static bool HasAvx => System.Runtime.Intrinsics.X86.Avx.IsSupported;

    /// <summary>True on AMD's processors, whose choices the emulator follows where the architecture leaves one.</summary>
    public static bool IsAmd => System.Runtime.Intrinsics.X86.X86Base.IsSupported && System.Runtime.Intrinsics.X86.X86Base.CpuId(0, 0).Ebx == 0x6874_7541;

    /// <summary>Executes one instruction between the states; returns the vector of its fault, or −1.</summary>
    public int Execute(ReadOnlySpan<byte> instruction)
    {
        var code = new Code(_page + InstructionAt * 2);
        code.Bytes(instruction);
        while (code.Position < _page + InstructionAt * 2 + 32)
            code.Bytes(0x90);
        // pushfq; pop [r15 + flags]
        code.Bytes(0x9C, 0x41, 0x8F, 0x87);
        code.Displacement(GeneralAfterOffset + 48);
        LoadGeneral(code, 0x89, GeneralAfterOffset);
        if (HasAvx)
        {
            for (var i = 0; i < 16; i++)
            {
                // vextractf128 [r15 + upper], ymm, 1
                code.Bytes(0xC4, (byte)(i < 8 ? 0xC3 : 0x43), 0x7D, 0x19, (byte)(0x87 | (i & 7) << 3));
                code.Displacement(UpperAfterOffset + i * 16);
                code.Bytes(1);
            }
        }
        // fxsave64 [r15 + after]; fninit; ldmxcsr [r15 + default]; vzeroupper; pops; ret
        code.Bytes(0x49, 0x0F, 0xAE, 0x87);
        code.Displacement(HostState.FxBytes);
        code.Bytes(0xDB, 0xE3, 0x41, 0x0F, 0xAE, 0x97);
        code.Displacement(DefaultMxcsrOffset);
        if (HasAvx)
            code.Bytes(0xC5, 0xF8, 0x77);
        code.Bytes(0x41, 0x5F, 0x41, 0x5E, 0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3);
        State->Trap = ulong.MaxValue;
        ((delegate* unmanaged<HostState*, void>)_page)(State);
        return (int)(long)State->Trap;
    }

    public void Dispose()
    {
        for (var i = 0; i < Signals.Length; i++)
            sigaction(Signals[i], _old[i], null);
        munmap((nint)_page, PageSize * 4);
    }

    private static int GeneralBeforeOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.GeneralBefore));

    private static int GeneralAfterOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.GeneralAfter));

    private static int UpperBeforeOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.UpperBefore));

    private static int UpperAfterOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.UpperAfter));

    private static int TrapOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.Trap));

    private static int DefaultMxcsrOffset => (int)Marshal.OffsetOf<HostState>(nameof(HostState.DefaultMxcsr));

    // mov between RAX, RCX, RDX, RBX, RSI, RDI and [r15 + offset].
    private static void LoadGeneral(Code code, byte opcode, int offset)
    {
        ReadOnlySpan<byte> registers = [0, 1, 2, 3, 6, 7];
        for (var i = 0; i < registers.Length; i++)
        {
            code.Bytes(0x49, opcode, (byte)(0x87 | registers[i] << 3));
            code.Displacement(offset + i * 8);
        }
    }

    private sealed class Code(byte* position)
    {
        public byte* Position { get; private set; } = position;

        public void Bytes(params ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(new Span<byte>(Position, bytes.Length));
            Position += bytes.Length;
        }

        public void Displacement(int value)
        {
            *(int*)Position = value;
            Position += 4;
        }

        public void Quad(ulong value)
        {
            *(ulong*)Position = value;
            Position += 8;
        }

        public void Jump(byte* target)
        {
            Bytes(0xE9);
            Displacement((int)(target - (Position + 4)));
        }
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
