using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Emu.Cpu.Tests.Instructions.Native;

/// <summary>Executes instructions on a Linux x64 host: a trampoline in executable memory loads the registers, runs one and stores them.</summary>
internal sealed unsafe partial class LinuxExecutor : INativeExecutor
{
    private const ulong CodeAddress = 0x70_0000;
    private const ulong StateAddress = 0x71_0000;
    private const ulong SavedStackPointer = StateAddress + 0x800;
    private const int SlotLength = 64;

    private const int ReadWrite = 3, ReadWriteExecute = 7;
    private const int PrivateAnonymousFixedNoReplace = 0x10_0022;

    private readonly int _slot;
    private readonly ulong _epilogue;

    private LinuxExecutor()
    {
        var prologue = Assemble(Prologue, CodeAddress);
        _slot = prologue.Length;
        _epilogue = CodeAddress + (ulong)(_slot + SlotLength);
        prologue.CopyTo(new Span<byte>((void*)CodeAddress, 4096));
        Assemble(Epilogue, _epilogue).CopyTo(new Span<byte>((void*)_epilogue, 4096 - _slot - SlotLength));
    }

    /// <inheritdoc/>
    public Span<byte> Data => new((void*)MachineState.DataAddress, MachineState.DataLength);

    /// <summary>The executor, or null and why there is none.</summary>
    public static INativeExecutor? TryCreate(out string reason)
    {
        reason = "";
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            reason = "needs a Linux host with an x64 processor";
        else if (!TryMap(CodeAddress, 4096, ReadWriteExecute) || !TryMap(StateAddress, 4096, ReadWrite)
            || !TryMap(MachineState.DataAddress, MachineState.DataLength, ReadWrite))
            reason = "the host has no room at the addresses that the test uses";
        return reason.Length == 0 ? new LinuxExecutor() : null;
    }

    /// <inheritdoc/>
    public void Execute(ReadOnlySpan<byte> instruction, ref MachineState state)
    {
        var at = CodeAddress + (ulong)_slot;
        var slot = new Span<byte>((void*)at, SlotLength);
        instruction.CopyTo(slot);
        slot[instruction.Length] = 0xE9;
        MemoryMarshal.Write(slot[(instruction.Length + 1)..], (int)(_epilogue - at) - instruction.Length - 5);
        *(MachineState*)StateAddress = state;
        ((delegate* unmanaged<void>)CodeAddress)();
        state = *(MachineState*)StateAddress;
    }

    public void Dispose()
    {
        _ = Unmap((void*)CodeAddress, 4096);
        _ = Unmap((void*)StateAddress, 4096);
        _ = Unmap((void*)MachineState.DataAddress, MachineState.DataLength);
    }

    private static AssemblerMemoryOperand Place(int register) => __qword_ptr[StateAddress + (ulong)register * 8];

    private static readonly AssemblerRegister64[] Registers = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];

    private static void Prologue(Assembler a)
    {
        foreach (var saved in new[] { rbx, rbp, r12, r13, r14, r15 })
            a.push(saved);
        a.mov(__qword_ptr[SavedStackPointer], rsp);
        a.push(Place(16));
        a.popfq();
        for (var i = 0; i < 16; i++)
            a.mov(Registers[i], Place(i));
    }

    private static void Epilogue(Assembler a)
    {
        a.mov(Place(4), rsp);
        a.mov(rsp, __qword_ptr[SavedStackPointer]);
        for (var i = 0; i < 16; i++)
        {
            if (i != 4)
                a.mov(Place(i), Registers[i]);
        }
        a.pushfq();
        a.pop(Place(16));
        a.cld();
        foreach (var saved in new[] { r15, r14, r13, r12, rbp, rbx })
            a.pop(saved);
        a.ret();
    }

    private static byte[] Assemble(Action<Assembler> program, ulong address)
    {
        var assembler = new Assembler(64);
        program(assembler);
        using var code = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(code), address);
        return code.ToArray();
    }

    private static bool TryMap(ulong address, nuint length, int protection) =>
        (ulong)Map((void*)address, length, protection, PrivateAnonymousFixedNoReplace, -1, 0) == address;

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
