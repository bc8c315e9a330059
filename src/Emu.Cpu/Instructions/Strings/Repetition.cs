using System.Numerics;
using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.Strings;

/// <summary>REP, REPE and REPNE (SDM Vol. 2B).</summary>
/// <remarks>
/// Implementation note. A repeated string instruction is executed in pieces, each of which counts as one retired instruction and after
/// each of which interrupts are taken with RIP still at the instruction. A piece ends where rCX is exhausted, where a comparison ends
/// it, or where the next element would leave the 4 KiB page of the source or the destination (an element that crosses pages is a piece
/// by itself; under TF every element is). Nothing but the guest's state decides: neither the TLB nor the host's memory does, so that
/// virtual time is the same on every engine.
/// Registers move with every piece or element, so that a fault or a device access finds them consistent.
/// </remarks>
internal static unsafe class Repetition<TOperation, T, TString>
    where TOperation : IStringOperation
    where T : unmanaged, IBinaryInteger<T>
    where TString : IStringAddressing
{
    private const ulong PageOffset = PhysicalMemory.PageSize - 1;

    private enum Outcome
    {
        // More elements remain.
        More,

        // The instruction is complete.
        Complete,

        // A fault or a request for repetition has been recorded.
        Interrupted,
    }

    /// <summary>Executes pieces until the instruction is complete or the run loop must look at something.</summary>
    /// <returns>True where the next instruction follows.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryFinish(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (TString.Get(s, op, StringRegister.Count) == 0)
            return true;
        while (true)
        {
            var outcome = Piece(vcpu, s, op);
            if (outcome != Outcome.More)
                return outcome == Outcome.Complete;
            // The next piece is an instruction of its own: it is charged here where nothing forbids it, else by the run loop.
            if (s->Budget <= 0 || s->Pending != 0)
            {
                Pause(s, op, vcpu.RetiredAfter(op));
                return false;
            }
            vcpu.Tracer?.NoteRepetition(vcpu.RetiredAfter(op));
            s->Budget--;
        }
    }

    private static Outcome Piece(Vcpu vcpu, CpuState* s, Op* op)
    {
        var step = StringRegister.Step(s);
        var left = Length(s, op, step);
        for (var attempt = 0; TString.IsLinear && left > 0 && attempt < 2; attempt++)
        {
            if (TryRam(vcpu, s, op, left, step, attempt > 0, out var source, out var destination))
                return Finish(s, op, TOperation.Many(s, source, destination, left, step, op->Immediate != 0), step);
            // The first element brings the pages into the TLB, or faults.
            if (attempt == 0)
            {
                if (!OneElement(vcpu, s, op))
                    return Outcome.Interrupted;
                left--;
                if (Ends(s, op))
                    return Outcome.Complete;
                if (MustPause(s))
                    return Outcome.More;
            }
        }
        for (; left > 0; left--)
        {
            if (!OneElement(vcpu, s, op))
                return Outcome.Interrupted;
            if (Ends(s, op))
                return Outcome.Complete;
            if (MustPause(s))
                break;
        }
        return Outcome.More;
    }

    // A data breakpoint traps after the element that met it.
    private static bool MustPause(CpuState* s) => (s->Pending & PendingEvents.DebugTrap) != 0;

    // RF is set between the pieces: events push it so, and no instruction breakpoint stops the instruction twice (SDM Vol. 3, 17.3.1.1).
    private static void Pause(CpuState* s, Op* op, ulong retired)
    {
        s->SystemFlags |= Rflags.Resume;
        s->ResumeAt = retired;
        s->Budget += op->Remaining - 1;
        Chain.Boundary(s, Step.RipOf(s, op));
    }

    // Elements in the piece, at least one.
    private static int Length(CpuState* s, Op* op, int step)
    {
        if ((s->SystemFlags & Rflags.Trap) != 0)
            return 1;
        var length = Math.Min(TString.Get(s, op, StringRegister.Count), PhysicalMemory.PageSize);
        if (TOperation.UsesSource)
            length = Math.Min(length, InPage(SourceOffset(s, op), step));
        if (TOperation.UsesDestination)
            length = Math.Min(length, InPage(TString.Get(s, op, StringRegister.Destination), step));
        return (int)length;
    }

    private static ulong SourceOffset(CpuState* s, Op* op)
    {
        var offset = TString.Get(s, op, StringRegister.Source);
        return op->Segment >= (byte)SegmentName.Fs ? offset + s->Segments[op->Segment].Base : offset;
    }

    private static ulong InPage(ulong address, int step)
    {
        var size = (ulong)sizeof(T);
        var within = address & PageOffset;
        if (within + size > PhysicalMemory.PageSize)
            return 1;
        return step > 0 ? (PhysicalMemory.PageSize - within) / size : within / size + 1;
    }

    private static bool TryRam(Vcpu vcpu, CpuState* s, Op* op, int count, int step, bool askFurther, out T* source, out T* destination)
    {
        source = destination = null;
        if (TOperation.UsesSource)
        {
            source = (T*)Readable(s, TString.Source(vcpu, s, op, sizeof(T)));
            if (source == null)
                return false;
        }
        if (!TOperation.UsesDestination)
            return true;
        var linear = TString.Destination(vcpu, s, op, sizeof(T), TOperation.WritesDestination);
        if (!TOperation.WritesDestination)
        {
            destination = (T*)Readable(s, linear);
            return destination != null;
        }
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (entry->WriteTag == ((linear + (ulong)sizeof(T) - 1) & ~PageOffset))
        {
            destination = (T*)((nint)linear + entry->Addend);
        }
        else if (askFurther)
        {
            // A page that also holds translated code has no tag for writes.
            var lowest = step > 0 ? 0 : (count - 1) * sizeof(T);
            var run = vcpu.WritableRun(linear - (ulong)lowest, count * sizeof(T));
            destination = run == null ? null : (T*)(run + lowest);
        }
        return destination != null;
    }

    private static byte* Readable(CpuState* s, ulong linear)
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        return entry->ReadTag == ((linear + (ulong)sizeof(T) - 1) & ~PageOffset) ? (byte*)((nint)linear + entry->Addend) : null;
    }

    private static bool OneElement(Vcpu vcpu, CpuState* s, Op* op)
    {
        if (!TOperation.One<T, TString>(vcpu, s, op))
            return false;
        TString.Add(s, op, StringRegister.Count, ulong.MaxValue);
        return true;
    }

    private static Outcome Finish(CpuState* s, Op* op, int done, int step)
    {
        var distance = (ulong)((long)done * step * sizeof(T));
        if (TOperation.UsesSource)
            TString.Add(s, op, StringRegister.Source, distance);
        if (TOperation.UsesDestination)
            TString.Add(s, op, StringRegister.Destination, distance);
        TString.Add(s, op, StringRegister.Count, 0 - (ulong)done);
        return Ends(s, op) ? Outcome.Complete : Outcome.More;
    }

    private static bool Ends(CpuState* s, Op* op) =>
        TString.Get(s, op, StringRegister.Count) == 0 || (TOperation.Compares && s->Flags.Zero != (op->Immediate != 0));
}
