using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// Accesses that no operand makes: descriptor tables, task-state segments, and the stack frames of far transfers and events.
// They happen within instructions and between them alike, so a failure is recorded here and raised (by an instruction) or combined
// (by the delivery of an event) by whoever knows which of the two it is.
public sealed unsafe partial class Vcpu
{
    private Failure _failure;

    // While an event is delivered, no block runs: devices and translated code may be touched at once.
    private bool _betweenInstructions;

    private enum FailureKind : byte
    {
        Fault,
        FaultWithErrorCode,
        NeedsExactBoundary,
    }

    private struct Failure
    {
        public FailureKind Kind;
        public byte Vector;
        public uint ErrorCode;
        public bool InNewTask;
    }

    /// <summary>Records a failure with an error code. The caller undoes nothing: it has changed nothing yet.</summary>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool Fail(byte vector, uint errorCode)
    {
        _failure = new Failure { Kind = FailureKind.FaultWithErrorCode, Vector = vector, ErrorCode = errorCode };
        return false;
    }

    /// <summary>Records a failure without an error code.</summary>
    /// <returns>False, always.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool Fail(byte vector)
    {
        _failure = new Failure { Kind = FailureKind.Fault, Vector = vector };
        return false;
    }

    /// <summary>Notes that the recorded failure happened after a task switch was made: RIP is that of the new task's first instruction.</summary>
    /// <returns>False, always.</returns>
    internal bool FailInNewTask()
    {
        _failure.InNewTask = true;
        return false;
    }

    /// <summary>Makes the recorded failure the fault of an instruction, whose handler must return at once.</summary>
    /// <returns>False, always.</returns>
    internal bool RaiseFailure(Op* op)
    {
        // A fault is reported, and the instruction rewound, at an offset from RIP that the new task's RIP does not have.
        if (_failure.InNewTask)
            State->Rip -= op->Offset;
        return _failure.Kind switch
        {
            FailureKind.NeedsExactBoundary => AskForRepetition(op),
            FailureKind.Fault => RaiseFault(op, _failure.Vector),
            _ => RaiseFault(op, _failure.Vector, _failure.ErrorCode),
        };
    }

    /// <summary>Reads a value at a linear address with a supervisor's implicit rights.</summary>
    /// <returns>False with the failure recorded: a page fault, or #GP(0) for an address that is not canonical.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryReadSystem<T>(ulong linear, out T value) where T : unmanaged
    {
        var slot = Tlb.Slot(SystemBank(PageAccess.Read), linear);
        if (slot->ReadTag == ((linear + (ulong)sizeof(T) - 1) & ~0xFFFUL))
        {
            value = *(T*)((nint)linear + slot->Addend);
            return true;
        }
        return TryReadSystemSlow(linear, out value);
    }

    /// <summary>Reads bytes at a linear address.</summary>
    /// <param name="linear">Address of the first.</param>
    /// <param name="to">Where they go.</param>
    /// <param name="size">How many, at most a page.</param>
    /// <param name="rights"><see cref="PageAccess.User"/> for a stack used at CPL 3, else none.</param>
    /// <param name="uncanonical">Vector of the fault, with <paramref name="errorCode"/>, for an address that is not canonical.</param>
    /// <param name="errorCode">Its error code.</param>
    internal bool TryReadSystem(ulong linear, void* to, int size, PageAccess rights, byte uncanonical, uint errorCode)
    {
        var slot = Tlb.Slot(SystemBank(rights), linear);
        if (slot->ReadTag == ((linear + (ulong)size - 1) & ~0xFFFUL))
        {
            Unsafe.CopyBlockUnaligned(to, (void*)((nint)linear + slot->Addend), (uint)size);
            return true;
        }
        return ReadSystemSlow(linear, (byte*)to, size, rights, uncanonical, errorCode);
    }

    /// <summary>Writes bytes at a linear address: all of them, or none and the failure is recorded.</summary>
    /// <inheritdoc cref="TryReadSystem(ulong, void*, int, PageAccess, byte, uint)"/>
    internal bool TryWriteSystem(ulong linear, void* from, int size, PageAccess rights, byte uncanonical, uint errorCode)
    {
        var slot = Tlb.Slot(SystemBank(rights), linear);
        if (slot->WriteTag == ((linear + (ulong)size - 1) & ~0xFFFUL))
        {
            Unsafe.CopyBlockUnaligned((void*)((nint)linear + slot->Addend), from, (uint)size);
            return true;
        }
        return WriteSystemSlow(linear, (byte*)from, size, rights, uncanonical, errorCode);
    }

    /// <summary>Where bytes may be read at once: in one page that the TLB answers for.</summary>
    /// <returns>The host address, or null where <see cref="TryReadSystem(ulong, void*, int, PageAccess, byte, uint)"/> has to be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* ReadableAtOnce(ulong linear, int size, PageAccess rights)
    {
        var slot = Tlb.Slot(SystemBank(rights), linear);
        return slot->ReadTag == ((linear + (ulong)size - 1) & ~0xFFFUL) ? (byte*)((nint)linear + slot->Addend) : null;
    }

    /// <summary>The same for writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal byte* WritableAtOnce(ulong linear, int size, PageAccess rights)
    {
        var slot = Tlb.Slot(SystemBank(rights), linear);
        return slot->WriteTag == ((linear + (ulong)size - 1) & ~0xFFFUL) ? (byte*)((nint)linear + slot->Addend) : null;
    }

    /// <summary>Writes a value at a linear address with a supervisor's implicit rights.</summary>
    internal bool TryWriteSystem<T>(ulong linear, T value) where T : unmanaged =>
        TryWriteSystem(linear, &value, sizeof(T), PageAccess.Write, ExceptionVector.GeneralProtection, 0);

    /// <summary>Checks that bytes may be written, without writing them.</summary>
    internal bool TryProbeSystemWrite(ulong linear, int size)
    {
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        return TryTranslateSystem(linear, PageAccess.Write, out _, out _)
            && (first == size || TryTranslateSystem(WrapSystem(linear + (ulong)first), PageAccess.Write, out _, out _));
    }

    // Implicit accesses are never excused from SMAP by EFLAGS.AC (SDM Vol. 3, 4.6.1).
    private TlbBank SystemBankOf(PageAccess rights) =>
        (rights & PageAccess.User) != 0 ? TlbBank.User
        : (State->Cr4 & Cr4.Smap) == 0 ? TlbBank.SupervisorOverride : TlbBank.Supervisor;

    // Where an access may go straight through: nowhere while every one is looked at.
    private TlbEntry* SystemBank(PageAccess rights) =>
        HasDataBreakpoints ? _tlb.Bank(TlbBank.Checked) : _banks + (int)SystemBankOf(rights) * Tlb.Entries;

    private ulong WrapSystem(ulong linear) => (State->Efer & Efer.Lma) != 0 ? linear : (uint)linear;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadSystemSlow<T>(ulong linear, out T value) where T : unmanaged
    {
        T read = default;
        var done = ReadSystemSlow(linear, (byte*)&read, sizeof(T), PageAccess.Read, ExceptionVector.GeneralProtection, 0);
        value = read;
        return done;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool ReadSystemSlow(ulong linear, byte* to, int size, PageAccess rights, byte uncanonical, uint errorCode)
    {
        linear = WrapSystem(linear);
        if (!IsCanonical(linear) || !IsCanonical(linear + (ulong)size - 1))
            return Fail(uncanonical, errorCode);
        NoteDataAccess(linear, size, rights);
        if (!SystemPassesWatchpoints(linear, size, WatchedAccess.Read))
            return false;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (!TryTranslateSystem(linear, rights, out var host, out var physical) || !ReadSystemPiece(host, physical, to, first))
            return false;
        return first == size
            || (TryTranslateSystem(WrapSystem(linear + (ulong)first), rights, out host, out physical)
                && ReadSystemPiece(host, physical, to + first, size - first));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool WriteSystemSlow(ulong linear, byte* from, int size, PageAccess rights, byte uncanonical, uint errorCode)
    {
        linear = WrapSystem(linear);
        if (!IsCanonical(linear) || !IsCanonical(linear + (ulong)size - 1))
            return Fail(uncanonical, errorCode);
        rights |= PageAccess.Write;
        NoteDataAccess(linear, size, rights);
        if (!SystemPassesWatchpoints(linear, size, WatchedAccess.Write))
            return false;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (first != size && !MayCrossSystem(linear, rights))
            return false;
        byte* host2 = null;
        ulong physical2 = 0;
        if (first != size
            && (!TryTranslateSystem(WrapSystem(linear + (ulong)first), rights, out host2, out physical2)
                || !MayWriteSystemNow(host2, physical2, size - first)))
        {
            return false;
        }
        if (!TryTranslateSystem(linear, rights, out var host, out var physical) || !MayWriteSystemNow(host, physical, first))
            return false;
        WriteSystemPiece(host, physical, from, first);
        if (first != size)
            WriteSystemPiece(host2, physical2, from + first, size - first);
        return true;
    }

    private bool TryTranslateSystem(ulong linear, PageAccess rights, out byte* host, out ulong physical) =>
        TryTranslate(SystemBankOf(rights), linear, rights, out host, out physical, out var errorCode)
        || Fail(ExceptionVector.PageFault, (uint)errorCode);

    private bool MayCrossSystem(ulong linear, PageAccess rights) =>
        MayTouch(SystemBankOf(rights), linear, rights, out var errorCode) || Fail(ExceptionVector.PageFault, (uint)errorCode);

    private bool MayWriteSystemNow(byte* host, ulong physical, int length) =>
        _betweenInstructions || State->Solo != Solitude.None
        || (host != null && (!_memory.WatchesWrites(host) || !_blocks.Overlaps(physical, length)))
        || NeedExactBoundary();

    private bool NeedExactBoundary()
    {
        _failure = new Failure { Kind = FailureKind.NeedsExactBoundary };
        return false;
    }

    private bool ReadSystemPiece(byte* host, ulong physical, byte* to, int length)
    {
        if (host != null)
        {
            Unsafe.CopyBlockUnaligned(to, host, (uint)length);
            return true;
        }
        if (!_betweenInstructions && State->Solo == Solitude.None)
            return NeedExactBoundary();
        EnterPlatformAlone();
        for (var done = 0; done < length;)
        {
            var piece = DevicePiece(length - done);
            var value = _mmio.Read(physical + (ulong)done, piece);
            Unsafe.CopyBlockUnaligned(to + done, &value, (uint)piece);
            done += piece;
        }
        LeavePlatform();
        return true;
    }

    private void WriteSystemPiece(byte* host, ulong physical, byte* from, int length)
    {
        if (host == null)
        {
            EnterPlatformAlone();
            WriteDevice(physical, length, from);
            LeavePlatform();
            return;
        }
        if (_memory.WatchesWrites(host))
            _blocks.Invalidate(physical, length);
        Unsafe.CopyBlockUnaligned(host, from, (uint)length);
    }
}
