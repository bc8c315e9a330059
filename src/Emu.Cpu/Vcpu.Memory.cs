using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What an access does when the TLB does not answer: page crossing, devices, pages that hold translated code.
public sealed unsafe partial class Vcpu
{
    // Where CommitModify carries the scratch copy: one or two pieces, each to RAM or, where its host address is null, to a device.
    private byte* _modifyFirst, _modifySecond;
    private ulong _modifyFirstPhysical, _modifySecondPhysical;
    private int _modifyFirstLength, _modifySize;

    /// <summary>A read that missed the TLB.</summary>
    /// <returns>Where the bytes are, or null after a fault or a request for repetition.</returns>
    internal byte* ReadSlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess;
        if (!BeginAccess(op, linear, size, segment, rights))
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
    internal bool WriteSlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights))
            return false;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (!TryTranslateData(op, linear, rights, out var host, out var physical))
            return false;
        if (first == size)
            return WritePiece(op, host, physical, size, State->Scratch);
        if (!TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out var host2, out var physical2))
            return false;
        // Both pages allow the write; a repetition is asked for before either is touched.
        if (!MayWriteNow(op, host, physical, first) || !MayWriteNow(op, host2, physical2, size - first))
            return false;
        return WritePiece(op, host, physical, first, State->Scratch) && WritePiece(op, host2, physical2, size - first, State->Scratch + first);
    }

    /// <summary>A read-modify-write that missed the TLB.</summary>
    /// <returns>Where to read and store, or null after a fault or a request for repetition.</returns>
    internal byte* ModifySlow(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights))
            return null;
        var first = (int)Math.Min((ulong)size, PhysicalMemory.PageSize - (linear & 0xFFF));
        if (!TryTranslateData(op, linear, rights, out var host, out var physical) || !MayWriteNow(op, host, physical, first))
            return null;
        if (first == size)
        {
            if (host != null)
            {
                _blocks.Invalidate(physical, size);
                return host;
            }
            _modifyFirst = null;
            _modifyFirstPhysical = physical;
            _modifyFirstLength = _modifySize = size;
            return ReadDevice(op, physical, size, State->Scratch) ? State->Scratch : null;
        }
        if (!TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out var host2, out var physical2)
            || !MayWriteNow(op, host2, physical2, size - first))
        {
            return null;
        }
        _modifyFirst = host;
        _modifySecond = host2;
        _modifyFirstPhysical = physical;
        _modifySecondPhysical = physical2;
        _modifyFirstLength = first;
        _modifySize = size;
        if (host != null)
            _blocks.Invalidate(physical, first);
        if (host2 != null)
            _blocks.Invalidate(physical2, size - first);
        return ReadPiece(op, host, physical, first, State->Scratch) && ReadPiece(op, host2, physical2, size - first, State->Scratch + first)
            ? State->Scratch : null;
    }

    /// <summary>Carries the scratch copy of <see cref="ModifySlow"/> to its place.</summary>
    internal void CommitModify()
    {
        CommitPiece(_modifyFirst, _modifyFirstPhysical, State->Scratch, _modifyFirstLength);
        if (_modifyFirstLength != _modifySize)
            CommitPiece(_modifySecond, _modifySecondPhysical, State->Scratch + _modifyFirstLength, _modifySize - _modifyFirstLength);
    }

    private void CommitPiece(byte* host, ulong physical, byte* from, int length)
    {
        if (host != null)
        {
            Buffer.MemoryCopy(from, host, length, length);
            return;
        }
        // The instruction runs alone: it is the one that has not been retired.
        _unretired = 1;
        WriteDevice(physical, length, from);
        LeavePlatform();
    }

    /// <summary>Checks that an operand may be written, as a probe before an instruction changes anything.</summary>
    internal bool ProbeWrite(Op* op, ulong linear, int size, SegmentName segment)
    {
        var rights = DataAccess | PageAccess.Write;
        if (!BeginAccess(op, linear, size, segment, rights))
            return false;
        var last = WrapLinear(linear + (ulong)size - 1);
        return TryTranslateData(op, linear, rights, out _, out _)
            && ((last ^ linear) >> 12 == 0 || TryTranslateData(op, last & ~0xFFFUL, rights, out _, out _));
    }

    /// <summary>
    /// Where bytes within one page, which the current privilege has just written to, may be written straight away although the TLB does
    /// not say so: the page holds translated code, but not there.
    /// </summary>
    /// <returns>The host address, or null where each write must be made by itself.</returns>
    internal byte* WritableRun(ulong linear, int length)
    {
        if (State->DataTlb == _tlb.Bank(TlbBank.Checked)
            || !_walker.TryTranslate(linear, DataAccess | PageAccess.Write, SmapOverride, out var page, out _))
        {
            return null;
        }
        var physical = page.Physical | (linear & 0xFFF);
        var host = _memory.HostAddress(physical);
        return host == null || (_memory.HoldsCode(host) && _blocks.Overlaps(physical, length)) ? null : host;
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
        if (State->Solo != 0)
            return true;
        if (host != null && (!_memory.HoldsCode(host) || !_blocks.Overlaps(physical, length)))
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
        if (_memory.HoldsCode(host))
            _blocks.Invalidate(physical, length);
        Buffer.MemoryCopy(from, host, length, length);
        return true;
    }

    private bool ReadDevice(Op* op, ulong physical, int size, byte* to)
    {
        if (State->Solo == 0)
            return AskForRepetition(op);
        EnterPlatform(op);
        for (var done = 0; done < size;)
        {
            var piece = DevicePiece(size - done);
            var value = _mmio.Read(physical + (ulong)done, piece);
            Buffer.MemoryCopy(&value, to + done, piece, piece);
            done += piece;
        }
        LeavePlatform();
        return true;
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

    private static int DevicePiece(int left) => left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
