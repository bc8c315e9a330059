using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Emu.Cpu;
using Emu.Cpu.State;

namespace Emu.Differential.Native;

/// <summary>The host's own processor, on Linux for x64. One at a time in a process; it belongs to the thread that made it.</summary>
public sealed unsafe class NativeExecutor : IExecutor
{
    private const int MaxLandings = 4;
    private const int HardwareCapabilities2 = 26, FsgsbaseCapability = 2;
    private const int StackDescriptionLength = 24, SignalSetLength = 128;
    private const int Block = 0, SetMask = 2;

    private static readonly int[] Signals = [Libc.SigIll, Libc.SigTrap, Libc.SigBus, Libc.SigFpe, Libc.SigSegv];

    private static readonly (ulong Address, int Length, int Protection)[] Areas =
    [
        (Trampoline.Code, Trampoline.CodeLength, Libc.ReadWriteExecute),
        (Trampoline.StateArea, Trampoline.StateLength, Libc.ReadWrite),
        (Trampoline.SignalStack, Trampoline.SignalStackLength, Libc.ReadWrite),
        (Layout.Code, Layout.CodeLength, Libc.ReadWriteExecute),
        (Layout.Data, Layout.DataLength, Libc.ReadWrite),
        (Layout.ReadOnly, Layout.ReadOnlyLength, Libc.ReadWrite),
    ];

    // The kernel's order of registers in a signal's context, by number.
    private static readonly int[] ContextOrder = [13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7];

    private readonly Trampoline _trampoline = new();
    private readonly ulong[] _landingCode = new ulong[MaxLandings];
    private readonly byte[][] _oldActions = new byte[Signals.Length][];
    private readonly byte[] _oldStack = new byte[StackDescriptionLength];
    private readonly byte[] _oldMask = new byte[SignalSetLength];
    private TestProgram? _program;

    private NativeExecutor()
    {
        for (var i = 0; i < MaxLandings; i++)
            _landingCode[i] = _trampoline.AddLanding(i);
        new Span<byte>((void*)Layout.Code, Layout.CodeLength).Fill(0xCC);
        new Span<byte>((void*)Trampoline.SignalStack, Trampoline.SignalStackLength).Fill(0);
        TakeSignals();
    }

    /// <inheritdoc/>
    public string Name => "native";

    /// <inheritdoc/>
    public Span<byte> Data => new((void*)Layout.Data, Layout.DataLength);

    /// <summary>True where the kernel has made the segments of 16-bit code.</summary>
    public bool HasLocalSegments { get; private init; }

    /// <summary>The host processor's vendor.</summary>
    public static CpuVendor Vendor => X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == 0x6874_7541 ? CpuVendor.Amd : CpuVendor.Intel;

    /// <summary>What stands in the way of native execution, or null.</summary>
    public static string? Obstacle()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return "needs a Linux host with an x64 processor";
        if (!Avx2.IsSupported || !Fma.IsSupported)
            return "needs a host with AVX2 and FMA";
        return (Libc.AuxiliaryValue(HardwareCapabilities2) & FsgsbaseCapability) == 0 ? "needs a kernel that grants FSGSBASE" : null;
    }

    /// <summary>The executor, or null and why there is none.</summary>
    public static NativeExecutor? TryCreate(out string reason)
    {
        reason = Obstacle() ?? "";
        if (reason.Length > 0)
            return null;
        for (var i = 0; i < Areas.Length; i++)
        {
            if (Libc.TryMap(Areas[i].Address, (nuint)Areas[i].Length, Areas[i].Protection))
                continue;
            while (--i >= 0)
                _ = Libc.Unmap((void*)Areas[i].Address, (nuint)Areas[i].Length);
            reason = "the host has no room at the addresses that native execution uses";
            return null;
        }
        var hasSegments = true;
        for (var i = 0; i < Segments.Local.Length; i++)
            hasSegments &= Libc.TrySetLocalSegment(i, in Segments.Local[i]);
        return new NativeExecutor { HasLocalSegments = hasSegments };
    }

    /// <inheritdoc/>
    public void FillReadOnly(ReadOnlySpan<byte> content)
    {
        _ = Libc.Protect((void*)Layout.ReadOnly, Layout.ReadOnlyLength, Libc.ReadWrite);
        content.CopyTo(new Span<byte>((void*)Layout.ReadOnly, Layout.ReadOnlyLength));
        _ = Libc.Protect((void*)Layout.ReadOnly, Layout.ReadOnlyLength, Libc.Read);
    }

    /// <inheritdoc/>
    public void Load(TestProgram program)
    {
        _program = program;
        program.Bytes.CopyTo(new Span<byte>((void*)program.Start, program.Bytes.Length));
        for (var i = 0; i < program.Landings.Length; i++)
            WriteLanding(program.Size, program.Landings[i], _landingCode[i]);
        *(uint*)Trampoline.Entry = (uint)(program.Start - program.SegmentBase);
        *(uint*)(Trampoline.Entry + 4) = program.Size switch { CodeSize.Bits16 => Segments.Code16, CodeSize.Bits32 => Segments.Code32, _ => 0 };
    }

    /// <inheritdoc/>
    public void Execute(ref MachineState state)
    {
        var program = _program!;
        *(MachineState*)Trampoline.Before = state;
        // XSTATE_BV says that the area holds all three components.
        *(ulong*)(Trampoline.Before + 192 + XsaveImage.Header) = 7;
        *(ulong*)(Trampoline.Before + 192 + XsaveImage.Header + 8) = 0;
        *(int*)Trampoline.Landing = -1;
        ((delegate* unmanaged<void>)(program.Size == CodeSize.Bits64 ? _trampoline.Enter64 : _trampoline.EnterFar))();
        state = *(MachineState*)Trampoline.After;
        var landing = *(int*)Trampoline.Landing;
        state.ErrorCode = 0;
        state.Cr2 = 0;
        TakeOutcome(ref state, program, landing);
        if (program.Size == CodeSize.Bits64)
            return;
        // What lies above 32 bits is not architectural there, and an interrupt may change it.
        for (var i = 0; i < 8; i++)
            state.Registers[i] = (uint)state.Registers[i];
    }

    private static void TakeOutcome(ref MachineState state, TestProgram program, int landing)
    {
        if (landing >= 0)
        {
            state.Vector = MachineState.NoVector;
            state.Rip = program.Landings[landing] - program.SegmentBase;
            state.Selectors[(int)SegmentName.Cs] = CodeSelector(program.Size);
            return;
        }
        var context = (ulong*)Trampoline.Faulted;
        for (var i = 0; i < 16; i++)
            state.Registers[i] = context[ContextOrder[i]];
        state.Rip = context[16];
        // RF is set in what a fault pushes; the program cannot see it.
        state.Flags = context[17] & ~Rflags.Resume;
        state.Selectors[(int)SegmentName.Cs] = (ushort)context[18];
        state.Selectors[(int)SegmentName.Ss] = (ushort)(context[18] >> 48);
        state.ErrorCode = (uint)context[19];
        state.Vector = (int)context[20];
        if (state.Vector == ExceptionVector.PageFault)
            state.Cr2 = context[22];
    }

    public void Dispose()
    {
        for (var i = 0; i < Signals.Length; i++)
        {
            fixed (byte* old = _oldActions[i])
                _ = Libc.Sigaction(Signals[i], old, null);
        }
        fixed (byte* stack = _oldStack, mask = _oldMask)
        {
            _ = Libc.SignalStack(stack, null);
            _ = Libc.SignalMask(SetMask, mask, null);
        }
        foreach (var area in Areas)
            _ = Libc.Unmap((void*)area.Address, (nuint)area.Length);
    }

    /// <summary>The selector of code of a width.</summary>
    public static ushort CodeSelector(CodeSize size) => size switch
    {
        CodeSize.Bits16 => Segments.Code16,
        CodeSize.Bits32 => Segments.Code32,
        _ => Segments.Code64,
    };

    // jmp rel32 in 64-bit code, a far jump elsewhere.
    private static void WriteLanding(CodeSize size, ulong at, ulong target)
    {
        var code = new Span<byte>((void*)at, TestProgram.LandingLength);
        if (size == CodeSize.Bits64)
        {
            code[0] = 0xE9;
            BinaryPrimitives.WriteInt32LittleEndian(code[1..], (int)(target - at) - 5);
            return;
        }
        if (size == CodeSize.Bits16)
        {
            code[0] = 0x66;
            code = code[1..];
        }
        code[0] = 0xEA;
        BinaryPrimitives.WriteUInt32LittleEndian(code[1..], (uint)target);
        BinaryPrimitives.WriteUInt16LittleEndian(code[5..], Segments.Code64);
    }

    // Signals that arrive from elsewhere would find no stack: this thread takes none but those of its own faults.
    private void TakeSignals()
    {
        var mask = stackalloc byte[SignalSetLength];
        new Span<byte>(mask, SignalSetLength).Fill(0xFF);
        foreach (var signal in Signals)
            mask[(signal - 1) / 8] &= (byte)~(1 << ((signal - 1) % 8));
        var stack = stackalloc ulong[3];
        stack[0] = Trampoline.SignalStack;
        stack[1] = 0;
        stack[2] = Trampoline.SignalStackLength;
        fixed (byte* oldStack = _oldStack, oldMask = _oldMask)
        {
            _ = Libc.SignalMask(Block, mask, oldMask);
            _ = Libc.SignalStack(stack, oldStack);
        }
        var action = stackalloc byte[Libc.SigactionLength];
        new Span<byte>(action, Libc.SigactionLength).Clear();
        *(ulong*)action = _trampoline.Handler;
        *(int*)(action + Libc.SigactionFlagsAt) = Libc.NoDefer | Libc.OnStack | Libc.WithInformation;
        for (var i = 0; i < Signals.Length; i++)
        {
            _oldActions[i] = new byte[Libc.SigactionLength];
            fixed (byte* old = _oldActions[i])
            {
                _ = Libc.Sigaction(Signals[i], null, old);
                *(ulong*)(Trampoline.OldHandlers + (ulong)Signals[i] * 8) = *(ulong*)old;
                _ = Libc.Sigaction(Signals[i], action, null);
            }
        }
    }
}
