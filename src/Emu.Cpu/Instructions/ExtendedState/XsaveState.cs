using System.Runtime.CompilerServices;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.Instructions.Vector;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Instructions.ExtendedState;

/// <summary>XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR, XRSTORS for the components x87, SSE, AVX and PKRU (SDM Vol. 1, chapter 13).</summary>
/// <remarks>
/// XINUSE is worked out from contents: a component is in use where it differs from its initial configuration. XSAVEOPT uses the init
/// optimisation alone; the modified optimisation would make what is written depend on history that no register shows.
/// IA32_XSS has no writable bit, so that XSAVES and XRSTORS differ from XSAVEC and XRSTOR in their privilege, and in the compacted format
/// being the only one that XRSTORS takes.
/// </remarks>
internal static unsafe class XsaveState
{
    private const int HeaderAt = 512;
    private const int CompactionAt = 520;
    private const int ReservedAt = 528;
    private const int StandardEnd = 536;
    private const int HeaderEnd = 576;
    private const ulong Alignment = 63;

    private enum Kind : byte
    {
        Plain,
        Optimized,
        Compacting,
        Supervisor,
    }

    /// <summary>XSAVE.</summary>
    public static void BindXsave(ref Operands operands) => BindSave(ref operands, Kind.Plain);

    /// <summary>XSAVEOPT.</summary>
    public static void BindXsaveopt(ref Operands operands) => BindSave(ref operands, Kind.Optimized);

    /// <summary>XSAVEC.</summary>
    public static void BindXsavec(ref Operands operands) => BindSave(ref operands, Kind.Compacting);

    /// <summary>XSAVES: #GP(0) outside CPL 0.</summary>
    public static void BindXsaves(ref Operands operands) => BindSave(ref operands, Kind.Supervisor);

    /// <summary>XRSTOR.</summary>
    public static void BindXrstor(ref Operands operands) => BindRestore(ref operands, Kind.Plain);

    /// <summary>XRSTORS: #GP(0) outside CPL 0.</summary>
    public static void BindXrstors(ref Operands operands) => BindRestore(ref operands, Kind.Supervisor);

    /// <summary>XINUSE as XGETBV, XSAVEC and XSAVES see it: MXCSR counts as SSE state (SDM Vol. 1, 13.2 and 13.10).</summary>
    /// <param name="s">The state.</param>
    /// <param name="registers">XMM registers that the mode can name.</param>
    public static ulong InUseWithMxcsr(CpuState* s, int registers = 16) => InUse(s, registers) | (s->Mxcsr != SseContext.ResetValue ? StateArea.Sse : 0);

    private static void BindRestore(ref Operands operands, Kind kind)
    {
        Take(ref operands);
        operands.Op->Immediate = (long)kind;
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Xrstor<LongAddress>,
            AddressingKind.LongSegment => &Xrstor<LongSegmentAddress>,
            AddressingKind.Flat => &Xrstor<FlatAddress>,
            _ => &Xrstor<SegmentedAddress>,
        };
    }

    private static void BindSave(ref Operands operands, Kind kind)
    {
        Take(ref operands);
        operands.Op->Immediate = (long)kind;
        operands.Op->Handler = operands.Addressing switch
        {
            AddressingKind.Long => &Xsave<LongAddress>,
            AddressingKind.LongSegment => &Xsave<LongSegmentAddress>,
            AddressingKind.Flat => &Xsave<FlatAddress>,
            _ => &Xsave<SegmentedAddress>,
        };
    }

    // Source: 64-bit pointers; Destination: vector registers that the mode can name.
    private static void Take(ref Operands operands)
    {
        operands.Op->Source = operands.Instruction.Code is Code.Xsave64_mem or Code.Xsaveopt64_mem or Code.Xsavec64_mem or Code.Xrstor64_mem
            or Code.Xsaves64_mem or Code.Xrstors64_mem
            ? (byte)1 : (byte)0;
        operands.Op->Destination = operands.Is64 ? (byte)16 : (byte)8;
    }

    private static bool IsAvailable(Vcpu vcpu, CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4.Osxsave) == 0)
            return vcpu.RaiseFault(op, ExceptionVector.InvalidOpcode);
        if ((Kind)op->Immediate == Kind.Supervisor && s->Cpl != 0)
            return vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
        return (s->Cr0 & Cr0.Ts) == 0 || vcpu.RaiseFault(op, ExceptionVector.DeviceNotAvailable);
    }

    // EDX:EAX AND XCR0: the requested-feature bitmap.
    private static ulong Requested(CpuState* s) => s->Xcr0 & EdxEax(s);

    private static ulong EdxEax(CpuState* s) => (uint)s->Registers[0] | (s->Registers[2] << 32);

    private static ulong InUse(CpuState* s, int count) =>
        (StateArea.IsInitialX87(s) ? 0 : StateArea.X87)
        | (StateArea.AreClear(s, 0, count) ? 0 : StateArea.Sse)
        | (StateArea.AreClear(s, 2, count) ? 0 : StateArea.Avx)
        | (s->Pkru == 0 ? 0 : StateArea.UserKeys);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Xsave<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!IsAvailable(vcpu, s, op))
            return;
        var size = (int)StateArea.Size(Requested(s), (Kind)op->Immediate >= Kind.Compacting);
        var linear = TAddress.Linear(vcpu, s, op, size, true);
        if ((linear & Alignment) != 0)
        {
            vcpu.RaiseMisaligned(op);
            return;
        }
        var area = Operand.ModifyAt(vcpu, s, op, linear, size);
        if (area == null)
            return;
        Save(s, op, area, vcpu.Model.Vendor);
        Operand.Commit(vcpu, s, area);
        Step.Next(vcpu, s, op);
    }

    private static void Save(CpuState* s, Op* op, byte* area, CpuVendor vendor)
    {
        var kind = (Kind)op->Immediate;
        var requested = Requested(s);
        var isCompact = kind >= Kind.Compacting;
        var inUse = isCompact ? InUseWithMxcsr(s, op->Destination) : InUse(s, op->Destination);
        var written = kind == Kind.Plain ? requested : requested & inUse;
        if ((written & StateArea.X87) != 0)
            StateArea.StoreX87(s, area, op->Source != 0, vendor);
        var mxcsr = isCompact ? written & StateArea.Sse : requested & (StateArea.Sse | StateArea.Avx);
        if (mxcsr != 0)
            StateArea.StoreMxcsr(s, area);
        if ((written & StateArea.Sse) != 0)
            StateArea.StoreXmm(s, area, op->Destination);
        if ((written & StateArea.Avx) != 0)
            StateArea.StoreAvx(s, area, op->Destination);
        if ((written & StateArea.UserKeys) != 0)
            *(ulong*)(area + StateArea.UserKeysAt(isCompact ? requested : StateArea.Avx)) = s->Pkru;
        var header = (ulong*)(area + HeaderAt);
        if (isCompact)
        {
            header[0] = requested & inUse;
            header[1] = requested | StateArea.Compacted;
        }
        else
        {
            header[0] = (header[0] & ~requested) | (requested & inUse);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Xrstor<TAddress>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
    {
        if (!IsAvailable(vcpu, s, op))
            return;
        // The header says what else is read.
        const int start = (int)StateArea.AvxAt;
        var linear = TAddress.Linear(vcpu, s, op, start, false);
        if ((linear & Alignment) != 0)
        {
            vcpu.RaiseMisaligned(op);
            return;
        }
        var area = Operand.ReadAt(vcpu, s, op, linear, start);
        if (area == null)
            return;
        var size = (int)SizeToRestore(s, area);
        if (size != start)
        {
            area = Operand.ReadAt(vcpu, s, op, TAddress.Linear(vcpu, s, op, size, false), size);
            if (area == null)
                return;
        }
        if (!Restore(vcpu, s, op, area))
        {
            vcpu.RaiseFault(op, ExceptionVector.GeneralProtection, 0);
            return;
        }
        Step.Next(vcpu, s, op);
    }

    private static uint SizeToRestore(CpuState* s, byte* area)
    {
        var compaction = *(ulong*)(area + CompactionAt);
        var loaded = Requested(s) & *(ulong*)(area + HeaderAt);
        var isCompact = (compaction & StateArea.Compacted) != 0;
        if (isCompact)
            loaded &= compaction;
        // What lies between the components that are loaded belongs to the area too, but for AVX state that has no room in it.
        return (loaded & StateArea.UserKeys) != 0
            ? StateArea.UserKeysAt(isCompact ? compaction : StateArea.Avx) + StateArea.UserKeysSize
            : StateArea.Size(loaded, isCompact);
    }

    // The standard format reserves 16 bytes after XSTATE_BV, the compacted one all that follows XCOMP_BV.
    // False, with nothing changed, where the header or MXCSR is malformed (SDM Vol. 1, 13.8).
    private static bool Restore(Vcpu vcpu, CpuState* s, Op* op, byte* area)
    {
        var present = *(ulong*)(area + HeaderAt);
        var compaction = *(ulong*)(area + CompactionAt);
        var isCompact = (compaction & StateArea.Compacted) != 0;
        if (!isCompact && (Kind)op->Immediate == Kind.Supervisor)
            return false;
        if (!(isCompact ? IsZero(area + ReservedAt, area + HeaderEnd) : IsZero(area + CompactionAt, area + StandardEnd)))
            return false;
        if (isCompact ? (compaction & ~StateArea.Compacted & ~s->Xcr0) != 0 || (present & ~(compaction & ~StateArea.Compacted)) != 0 : (present & ~s->Xcr0) != 0)
            return false;

        var requested = Requested(s);
        var loaded = requested & present;
        var mxcsr = isCompact ? requested & StateArea.Sse : requested & (StateArea.Sse | StateArea.Avx);
        var takesMxcsr = mxcsr != 0 && (!isCompact || (loaded & StateArea.Sse) != 0);
        if (takesMxcsr && (StateArea.Mxcsr(area) & ~SseContext.WritableBits) != 0)
            return false;

        if ((loaded & StateArea.X87) != 0)
            StateArea.LoadX87(s, area, op->Source != 0);
        else if ((requested & StateArea.X87) != 0)
            StateArea.InitializeX87(s);
        if (takesMxcsr)
            s->Mxcsr = StateArea.Mxcsr(area);
        else if (mxcsr != 0)
            s->Mxcsr = SseContext.ResetValue;
        if ((loaded & StateArea.Sse) != 0)
            StateArea.LoadXmm(s, area, op->Destination);
        else if ((requested & StateArea.Sse) != 0)
            StateArea.ClearHalves(s, 0, op->Destination);
        if ((loaded & StateArea.Avx) != 0)
            StateArea.LoadAvx(s, area, op->Destination);
        else if ((requested & StateArea.Avx) != 0)
            StateArea.ClearHalves(s, 2, op->Destination);
        if ((requested & StateArea.UserKeys) != 0)
        {
            var at = StateArea.UserKeysAt(isCompact ? compaction : StateArea.Avx);
            vcpu.SetUserKeys((loaded & StateArea.UserKeys) != 0 ? *(uint*)(area + at) : 0);
        }
        return true;
    }

    private static bool IsZero(byte* from, byte* to) => !new ReadOnlySpan<byte>(from, (int)(to - from)).ContainsAnyExcept((byte)0);
}
