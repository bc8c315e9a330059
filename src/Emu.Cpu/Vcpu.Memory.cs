using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu;

// What an access does when the TLB does not answer: translation, faults, page crossing, devices, code pages.
public sealed unsafe partial class Vcpu
{
    // Where CommitModify carries the scratch copy: one or two pieces.
    private byte* _modifyFirst, _modifySecond;
    private int _modifyFirstLength, _modifySize;
    private ulong _modifyDevice;
    private bool _modifyIsDevice;

    /// <summary>Reads linear memory for the platform (hypercall buffers, debuggers) as the current privilege would, without any effect on failure.</summary>
    /// <returns>False where any byte is not readable RAM.</returns>
    public bool TryReadVirtual(ulong linear, Span<byte> destination) => TryCopyVirtual(linear, destination, PageAccess.Read, (physical, part) => _memory.TryRead(physical, part));

    /// <summary>Writes linear memory for the platform as the current privilege would; bytes before an unwritable page are written.</summary>
    /// <returns>False where any byte is not writable RAM.</returns>
    public bool TryWriteVirtual(ulong linear, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var run = (int)Math.Min((ulong)source.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if (!TryTranslateQuietly(linear, PageAccess.Write, out var physical) || !_memory.TryWrite(physical, source[..run]))
                return false;
            source = source[run..];
            linear += (ulong)run;
        }
        return true;
    }

    private delegate bool PageCopy(ulong physical, Span<byte> part);

    private bool TryCopyVirtual(ulong linear, Span<byte> bytes, PageAccess access, PageCopy copy)
    {
        while (!bytes.IsEmpty)
        {
            var run = (int)Math.Min((ulong)bytes.Length, PhysicalMemory.PageSize - linear % PhysicalMemory.PageSize);
            if (!TryTranslateQuietly(linear, access, out var physical) || !copy(physical, bytes[..run]))
                return false;
            bytes = bytes[run..];
            linear += (ulong)run;
        }
        return true;
    }

    /// <summary>Translates for the platform: no fault is raised.</summary>
    public bool TryTranslateQuietly(ulong linear, PageAccess access, out ulong physical)
    {
        var user = State->Cpl == 3 ? PageAccess.User : 0;
        physical = 0;
        if (!IsCanonical(linear) || !_walker.TryTranslate(linear, access | user, true, out var page, out _))
            return false;
        physical = page.Physical | (linear & 0xFFF);
        return true;
    }

    /// <summary>A read that missed the TLB.</summary>
    /// <returns>Where the bytes are, or null after a fault or a request for repetition.</returns>
    internal byte* ReadSlow(Op* op, ulong linear, int size, SegmentName segment) => ReadSlow(op, linear, size, segment, DataAccess);

    /// <summary>A read with given rights: implicit accesses to system structures are a supervisor's whatever the CPL.</summary>
    internal byte* ReadSlow(Op* op, ulong linear, int size, SegmentName segment, PageAccess rights)
    {
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
    internal bool WriteSlow(Op* op, ulong linear, int size, SegmentName segment) => WriteSlow(op, linear, size, segment, DataAccess);

    /// <summary>A write with given rights.</summary>
    internal bool WriteSlow(Op* op, ulong linear, int size, SegmentName segment, PageAccess rights)
    {
        rights |= PageAccess.Write;
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
            _modifyIsDevice = true;
            _modifyDevice = physical;
            _modifySize = size;
            return ReadDevice(op, physical, size, State->Scratch) ? State->Scratch : null;
        }
        if (!TryTranslateData(op, WrapLinear(linear + (ulong)first), rights, out var host2, out var physical2)
            || !MayWriteNow(op, host2, physical2, size - first))
        {
            return null;
        }
        _modifyIsDevice = false;
        _modifyFirst = host;
        _modifySecond = host2;
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
        var scratch = State->Scratch;
        if (_modifyIsDevice)
        {
            WriteDevice(_modifyDevice, _modifySize, scratch);
            return;
        }
        if (_modifyFirst != null)
            Buffer.MemoryCopy(scratch, _modifyFirst, _modifyFirstLength, _modifyFirstLength);
        if (_modifySecond != null)
            Buffer.MemoryCopy(scratch + _modifyFirstLength, _modifySecond, _modifySize - _modifyFirstLength, _modifySize - _modifyFirstLength);
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

    /// <summary>True for a canonical address (SDM Vol. 1, 3.3.7.1).</summary>
    public static bool IsCanonical(ulong linear) => (ulong)((long)(linear << 16) >> 16) == linear;

    private PageAccess DataAccess => State->Cpl == 3 ? PageAccess.User : PageAccess.Read;

    // Implicit accesses to system structures from CPL 3 are never excused by EFLAGS.AC (SDM Vol. 3, 4.6.1).
    private bool SmapOverride => State->Cpl != 3 && (State->SystemFlags & Rflags.AlignmentCheck) != 0;

    // Linear addresses wrap at 4 GiB outside 64-bit mode.
    private ulong WrapLinear(ulong linear) => Is64BitCode ? linear : (uint)linear;

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

    // host is null where the page is not RAM: a device answers at the physical address.
    private bool TryTranslateData(Op* op, ulong linear, PageAccess rights, out byte* host, out ulong physical)
    {
        // Page-crossing operands come here although the TLB knows both pages.
        var known = Tlb.Slot(State->DataTlb, linear);
        if (rights == DataAccess ? known->ReadTag == (linear & ~0xFFFUL) : rights == (DataAccess | PageAccess.Write) && known->WriteTag == (linear & ~0xFFFUL))
        {
            host = (byte*)((nint)linear + known->Addend);
            physical = _memory.PhysicalAddress(host);
            return true;
        }
        if (!_walker.TryTranslate(linear, rights, SmapOverride, out var page, out var errorCode))
        {
            host = null;
            physical = 0;
            State->Cr2 = linear;
            return RaiseFault(op, ExceptionVector.PageFault, (uint)errorCode);
        }
        physical = page.Physical | (linear & 0xFFF);
        host = _memory.HostAddress(physical);
        if (host != null)
            Enter(linear & ~0xFFFUL, page, host - (linear & 0xFFF), (rights & PageAccess.User) != 0, (rights & PageAccess.Write) != 0);
        return true;
    }

    private void Enter(ulong linearPage, in PageTranslation page, byte* hostPage, bool user, bool written)
    {
        // D is set by the first write, and only then may later writes go straight through.
        var dirty = page.Dirty || written;
        var code = _memory.HoldsCode(hostPage);
        if (user)
        {
            var allowed = page.User && KeyAllows(page, false);
            var writable = allowed && page.Writable && dirty && !code && KeyAllows(page, true);
            _tlb.Insert(TlbBank.User, linearPage, allowed, writable, page.User && !page.NoExecute, page.Global, page.SizeShift, hostPage);
            return;
        }
        EnterSupervisor((State->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor,
            linearPage, page, hostPage, dirty && !code);
    }

    private void EnterSupervisor(TlbBank bank, ulong linearPage, in PageTranslation page, byte* hostPage, bool writesNeedNoCheck)
    {
        var hidden = bank == TlbBank.Supervisor && page.User;
        var supervisorWritable = (page.Writable || (State->Cr0 & Cr0.Wp) == 0) && writesNeedNoCheck && KeyAllows(page, true);
        var fetch = !page.NoExecute && !(page.User && (State->Cr4 & Cr4.Smep) != 0);
        _tlb.Insert(bank, linearPage, !hidden && KeyAllows(page, false), !hidden && supervisorWritable, fetch, page.Global, page.SizeShift, hostPage);
    }

    private bool KeyAllows(in PageTranslation page, bool write) =>
        !page.User || (State->Cr4 & Cr4.Pke) == 0 || ((State->Pkru >> (page.ProtectionKey * 2)) & (write ? 3u : 1u)) == 0;

    private bool TryTranslateFetch(ulong linear, out byte* host, out ulong physical)
    {
        var user = State->Cpl == 3;
        var bank = user ? TlbBank.User : (State->Cr4 & Cr4.Smap) == 0 || SmapOverride ? TlbBank.SupervisorOverride : TlbBank.Supervisor;
        var slot = Tlb.Slot(_tlb.Bank(bank), linear);
        if (slot->FetchTag == (linear & ~0xFFFUL))
        {
            host = (byte*)((nint)linear + slot->Addend);
            physical = _memory.PhysicalAddress(host);
            return true;
        }
        host = null;
        physical = 0;
        if (!IsCanonical(linear))
            return RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
        var rights = PageAccess.Fetch | (user ? PageAccess.User : 0);
        if (!_walker.TryTranslate(linear, rights, true, out var page, out var errorCode))
        {
            State->Cr2 = linear;
            return RaiseFetchFault(ExceptionVector.PageFault, (uint)errorCode);
        }
        physical = page.Physical | (linear & 0xFFF);
        host = _memory.HostAddress(physical);
        if (host != null)
            Enter(linear & ~0xFFFUL, page, host - (linear & 0xFFF), user, false);
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

    private Block* Decode(ulong linear, byte* host, ulong physical)
    {
        if (host == null)
            return DecodeOutsideRam(linear, physical);
        var block = _blocks.Reserve(BlockDecoder.RoomFor(Block.MaxInstructions));
        block->PhysicalAddress = physical;
        block->LastPage = physical & ~0xFFFUL;
        var length = (int)(PhysicalMemory.PageSize - (physical & 0xFFF));
        if (_decoder.Decode(block, _codeMode, host, length, null, Block.MaxInstructions, _blocks.NoBlock, out var ops)
            == BlockDecoder.Result.NeedsNextPage)
        {
            if (!TryTranslateFetch(WrapLinear(NextPage(linear)), out var next, out var nextPhysical))
                return null;
            if (next == null)
                return DecodeOutsideRam(linear, physical);
            _decoder.Decode(block, _codeMode, host, length, next, Block.MaxInstructions, _blocks.NoBlock, out ops);
            if (block->ByteLength > (uint)length)
                block->LastPage = nextPhysical & ~0xFFFUL;
        }
        _blocks.Add(block, ops);
        return block;
    }

    // Code in a ROM or a device: fetched byte by byte, one instruction at a time, and not kept.
    private Block* DecodeOutsideRam(ulong linear, ulong physical)
    {
        if (!TryDecodeBytes(linear, physical, MaxInstructionLength, out var complete))
            return null;
        // Fifteen bytes always decide; an instruction that goes on is reported as too long by its handler.
        _ = complete;
        return _uncached;
    }

    // The last instruction before the code segment's limit: it must end there too.
    private Block* DecodeWithinLimit(ulong linear, ulong physical, uint left)
    {
        if (!TryDecodeBytes(linear, physical, (int)Math.Min(left, MaxInstructionLength), out var complete))
            return null;
        if (complete)
            return _uncached;
        RaiseFetchFault(ExceptionVector.GeneralProtection, 0);
        return null;
    }

    private const int MaxInstructionLength = 15;

    private bool TryDecodeBytes(ulong linear, ulong physical, int count, out bool complete)
    {
        complete = false;
        var bytes = stackalloc byte[16];
        for (var i = 0; i < count; i++)
        {
            if (!TryTranslateFetch(WrapLinear(linear + (ulong)i), out var host, out var at))
                return false;
            bytes[i] = host != null ? *host : (byte)_mmio.Read(at, 1);
        }
        _uncached->PhysicalAddress = physical;
        _uncached->LastPage = physical & ~0xFFFUL;
        complete = _decoder.Decode(_uncached, _codeMode, bytes, count, null, 1, _blocks.NoBlock, out _) == BlockDecoder.Result.Complete;
        return true;
    }
}
