using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Instrumentation;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What an access does when the TLB does not answer: page crossing, devices, pages that hold translated code.
public sealed unsafe partial class Vcpu
{
    // Where CommitModify carries the scratch copy: one or two pieces, each in RAM or in a device.
    private ModifiedPiece _modifyFirst, _modifySecond;

    private struct ModifiedPiece
    {
        // Null for a device.
        public byte* Host;
        public ulong Physical;
        public int Length;
    }

    /// <summary>Looks for the page of an access that missed the TLB, so that it need not miss again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal Answered Answer(Op* op, ulong linear, int size, bool isWrite)
    {
        var usual = TranslateQuickly(op, linear, size, isWrite);
        if (usual == Faulted)
            return Answered.Fault;
        if (usual == AtDevice)
            return State->Solo == Solitude.None ? Answered.ByDevice : Answered.Otherwise;
        if (usual == null)
            return AnswerUnusual(op, linear, size, isWrite);
        return isWrite && _memory.WatchesWrites(usual) ? Answered.Otherwise : Answered.Now;
    }

    // Devices that unusual tables lead to, or none. Pages of RAM are known to the TLB then.
    private Answered AnswerUnusual(Op* op, ulong linear, int size, bool isWrite)
    {
        var s = State;
        if (s->Solo != Solitude.None || _segmentFaulted || (linear & 0xFFF) + (ulong)size > PhysicalMemory.PageSize || !IsCanonical(linear)
            || s->DataTlb == _tlb.Bank(TlbBank.Checked) || Tlb.Slot(s->DataTlb, linear)->Allows(linear, isWrite ? TlbEntry.Writable : TlbEntry.Readable) || _tlb.IsWatched(linear))
        {
            return Answered.Otherwise;
        }
        if (!TryTranslateData(op, linear, DataAccess | (isWrite ? PageAccess.Write : 0), out var host, out _devicePhysical))
            return Answered.Fault;
        return host == null ? Answered.ByDevice : Answered.Otherwise;
    }

    /// <summary>Executes, alone and at its exact time, an instruction whose operand <see cref="Answer"/> has found to be a device's.</summary>
    /// <param name="op">The instruction. It ends with a step to the next one.</param>
    /// <param name="handler">A handler that can do everything.</param>
    /// <returns>Whether the next instruction of the block may follow; else RIP and budget are right for the run loop.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool ExecuteAtDevice(Op* op, delegate*<Vcpu, CpuState*, Op*, void> handler)
    {
        var s = State;
        var alone = _alone;
        *alone = *op;
        alone->Remaining = 1;
        var rest = op->Remaining - 1;
        var forgotten = _blocks.ForgottenCount;
        s->Budget += rest;
        s->Solo = Solitude.AtDevice;
        handler(this, s, alone);
        s->Solo = Solitude.None;
        if (s->Exit != EngineExit.NextBlock)
            return false;
        // What the device wants may be due at once; it may even have changed what comes next.
        if (s->Pending != 0 || s->Budget < rest || _blocks.ForgottenCount != forgotten)
        {
            Chain.Boundary(s, Step.RipAfter(s, alone));
            return false;
        }
        s->Budget -= rest;
        return true;
    }

    /// <summary>A read that missed the TLB.</summary>
    /// <returns>Where the bytes are, or null after a fault or a request for repetition.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal byte* ReadSlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        if (State->Solo == Solitude.AtDevice)
            return ReadFoundDevice(size);
        var usual = TranslateQuickly(op, linear, size, false);
        if (usual > AtDevice)
            return usual;
        if (usual == AtDevice)
            return ReadDevice(op, _devicePhysical, size, State->Scratch) ? State->Scratch : null;
        return usual == Faulted ? null : ReadUnusual(op, linear, size, segment);
    }

    private byte* ReadUnusual(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess;
        if (!BeginAccess(op, linear, size, segment, rights) || !PassesWatchpoints(op, linear, size, WatchedAccess.Read))
            return null;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (!TryTranslateData(op, linear, rights, out var host, out var physical))
            return null;
        if (first == size)
        {
            if (host != null)
                return host;
            return ReadDevice(op, physical, size, State->Scratch) ? State->Scratch : null;
        }
        if (!TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out var host2, out var physical2))
            return null;
        return ReadPiece(op, host, physical, first, State->Scratch) && ReadPiece(op, host2, physical2, size - first, State->Scratch + first)
            ? State->Scratch : null;
    }

    /// <summary>A write that missed the TLB: the bytes are at the start of <see cref="CpuState.Scratch"/>.</summary>
    /// <returns>False after a fault or a request for repetition, with nothing written.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool WriteSlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        if (State->Solo == Solitude.AtDevice)
            return WriteFoundDevice(size);
        var usual = TranslateQuickly(op, linear, size, true);
        if (usual == Faulted)
            return false;
        if (usual == AtDevice)
            return WritePiece(op, null, _devicePhysical, size, State->Scratch);
        if (usual == null || _memory.WatchesWrites(usual))
            return WriteUnusual(op, linear, size, segment);
        Copy(State->Scratch, usual, size);
        return true;
    }

    private bool WriteUnusual(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights) || !PassesWatchpoints(op, linear, size, WatchedAccess.Write))
            return false;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (first == size)
            return TryTranslateData(op, linear, rights, out var only, out var onlyPhysical)
                && WritePiece(op, only, onlyPhysical, size, State->Scratch);
        if (!MayCross(op, linear, rights)
            || !TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out var host2, out var physical2)
            || !TryTranslateData(op, linear, rights, out var host, out var physical))
        {
            return false;
        }
        // Both pages allow the write; a repetition is asked for before either is touched.
        if (!MayWriteNow(op, host, physical, first) || !MayWriteNow(op, host2, physical2, size - first))
            return false;
        return WritePiece(op, host, physical, first, State->Scratch) && WritePiece(op, host2, physical2, size - first, State->Scratch + first);
    }

    /// <summary>A read-modify-write that missed the TLB.</summary>
    /// <returns>Where to read and store, or null after a fault or a request for repetition.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal byte* ModifySlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        if (State->Solo == Solitude.AtDevice)
            return ModifyDevice(op, size);
        var usual = TranslateQuickly(op, linear, size, true);
        if (usual == Faulted)
            return null;
        if (usual == AtDevice)
            return ModifyDevice(op, size);
        return usual == null || _memory.WatchesWrites(usual) ? ModifyUnusual(op, linear, size, segment) : usual;
    }

    private byte* ModifyDevice(Op* op, int size)
    {
        _modifyFirst = new ModifiedPiece { Physical = _devicePhysical, Length = size };
        _modifySecond = default;
        return BeginModify(op, in _modifyFirst, State->Scratch) ? State->Scratch : null;
    }

    private byte* ModifyUnusual(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights) || !PassesWatchpoints(op, linear, size, WatchedAccess.Any))
            return null;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        // Of two pages the first is made dirty only once the second is known to allow the write.
        byte* second = null;
        ulong physicalSecond = 0;
        if (first != size
            && (!MayCross(op, linear, rights)
                || !TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out second, out physicalSecond)))
        {
            return null;
        }
        if (!TryTranslateData(op, linear, rights, out var host, out var physical) || !MayWriteNow(op, host, physical, first))
            return null;
        if (first == size && host != null)
        {
            _blocks.Invalidate(physical, size);
            return host;
        }
        if (first != size && !MayWriteNow(op, second, physicalSecond, size - first))
            return null;
        _modifyFirst = new ModifiedPiece { Host = host, Physical = physical, Length = first };
        _modifySecond = new ModifiedPiece { Host = second, Physical = physicalSecond, Length = size - first };
        return BeginModify(op, in _modifyFirst, State->Scratch) && BeginModify(op, in _modifySecond, State->Scratch + first) ? State->Scratch : null;
    }

    /// <summary>Carries the scratch copy of <see cref="ModifySlow"/> to its place.</summary>
    internal void CommitModify()
    {
        EndModify(in _modifyFirst, State->Scratch);
        EndModify(in _modifySecond, State->Scratch + _modifyFirst.Length);
    }

    /// <summary>Checks that an operand may be written, as a probe before an instruction changes anything.</summary>
    internal bool ProbeWrite(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights))
            return false;
        var last = WrapLinear(linear + (ulong)size - 1);
        return MayCross(op, linear, rights) && ((last ^ linear) >> 12 == 0 || MayCross(op, last & ~0xFFFUL, rights));
    }

    /// <summary>
    /// Where bytes within one page, which the current privilege has just written to, may be written straight away although the TLB does
    /// not say so: the page holds translated code, but not there.
    /// </summary>
    /// <returns>The host address, or null where each write must be made by itself.</returns>
    internal byte* WritableRun(ulong linear, int length)
    {
        if (State->DataTlb == _tlb.Bank(TlbBank.Checked) || _tlb.IsWatched(linear)
            || !TryTranslate(DataBank, linear, DataAccess | PageAccess.Write, out var host, out var physical, out _))
        {
            return null;
        }
        return host == null || (_memory.WatchesWrites(host) && _blocks.Overlaps(physical, length)) ? null : host;
    }

    // The access that Answer has looked at, of one piece in nearly all cases.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ReadFoundDevice(int size)
    {
        var s = State;
        EnterPlatformAlone();
        if (IsOnePiece(size))
            *(ulong*)s->Scratch = _mmio.Read(_devicePhysical, size);
        else
            ReadPieces(_devicePhysical, size, s->Scratch);
        LeavePlatform();
        return s->Scratch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool WriteFoundDevice(int size)
    {
        EnterPlatformAlone();
        if (IsOnePiece(size))
            _mmio.Write(_devicePhysical, size, Load(State->Scratch, size));
        else
            WriteDevice(_devicePhysical, size, State->Scratch);
        LeavePlatform();
        return true;
    }

    private bool BeginModify(Op* op, in ModifiedPiece piece, byte* to)
    {
        if (piece.Host != null)
            _blocks.Invalidate(piece.Physical, piece.Length);
        return ReadPiece(op, piece.Host, piece.Physical, piece.Length, to);
    }

    private void EndModify(in ModifiedPiece piece, byte* from)
    {
        if (piece.Host != null)
        {
            Buffer.MemoryCopy(from, piece.Host, piece.Length, piece.Length);
            return;
        }
        EnterPlatformAlone();
        WriteDevice(piece.Physical, piece.Length, from);
        LeavePlatform();
    }

    private bool BeginAccess(Op* op, ulong linear, int size, SegmentName segment, PageAccess rights)
    {
        if (_segmentFaulted)
        {
            _segmentFaulted = false;
            return false;
        }
        if (!IsCanonical(linear) || !IsCanonical(linear + (ulong)size - 1))
            return RaiseFault(op, segment == SegmentName.Ss ? ExceptionVector.StackFault : ExceptionVector.GeneralProtection, 0);
        if (State->DataTlb == _tlb.Bank(TlbBank.Checked) && !CheckedAccess(op, linear, size, rights))
            return false;
        return true;
    }

    // A write to bytes that have been translated waits for an instruction boundary: the current block may be the one that changes.
    private bool MayWriteNow(Op* op, byte* host, ulong physical, int length)
    {
        if (State->Solo != Solitude.None)
            return true;
        if (host != null && (!_memory.WatchesWrites(host) || !_blocks.Overlaps(physical, length)))
            return true;
        return AskForRepetition(op);
    }

    private bool ReadPiece(Op* op, byte* host, ulong physical, int length, byte* to)
    {
        if (host == null)
            return ReadDevice(op, physical, length, to);
        Buffer.MemoryCopy(host, to, length, length);
        return true;
    }

    private bool WritePiece(Op* op, byte* host, ulong physical, int length, byte* from)
    {
        if (!MayWriteNow(op, host, physical, length))
            return false;
        if (host == null)
        {
            EnterPlatform(op);
            WriteDevice(physical, length, from);
            LeavePlatform();
            return true;
        }
        if (_memory.WatchesWrites(host))
            _blocks.Invalidate(physical, length);
        Copy(from, host, length);
        return true;
    }

    private bool ReadDevice(Op* op, ulong physical, int size, byte* to)
    {
        if (State->Solo == Solitude.None)
            return AskForRepetition(op);
        EnterPlatform(op);
        ReadPieces(physical, size, to);
        LeavePlatform();
        return true;
    }

    private void ReadPieces(ulong physical, int size, byte* to)
    {
        for (var done = 0; done < size;)
        {
            var piece = DevicePiece(size - done);
            var value = _mmio.Read(physical + (ulong)done, piece);
            Buffer.MemoryCopy(&value, to + done, piece, piece);
            done += piece;
        }
    }

    private void WriteDevice(ulong physical, int size, byte* from)
    {
        for (var done = 0; done < size;)
        {
            var piece = DevicePiece(size - done);
            ulong value = 0;
            Buffer.MemoryCopy(from + done, &value, piece, piece);
            _mmio.Write(physical + (ulong)done, piece, value);
            done += piece;
        }
    }

    // Operands of one to eight bytes are by far the most.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(byte* from, byte* to, int size)
    {
        if (size == 8)
            *(ulong*)to = *(ulong*)from;
        else if (size == 4)
            *(uint*)to = *(uint*)from;
        else if (size == 1)
            *to = *from;
        else
            Unsafe.CopyBlockUnaligned(to, from, (uint)size);
    }

    // Whole, as it was stored: the host forwards it from there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(byte* from, int size) => size switch { 4 => *(uint*)from, 8 => *(ulong*)from, 1 => *from, _ => *(ushort*)from };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsOnePiece(int size) => size is 4 or 8 or 1 or 2;

    private static int DevicePiece(int left) => left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
