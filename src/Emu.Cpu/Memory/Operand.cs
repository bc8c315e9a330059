using System.Runtime.CompilerServices;
using Emu.Cpu.Execution;
using Emu.Cpu.State;

namespace Emu.Cpu.Memory;

/// <summary>How a memory operand's linear address comes about. A type argument of handlers, so that each form is compiled on its own.</summary>
public unsafe interface IAddressing
{
    /// <summary>The linear address of the operand, checked as far as the TLB does not do it.</summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="s">Its state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="size">Bytes accessed.</param>
    /// <param name="write">Whether it will be written.</param>
    /// <returns>The address; after a segment fault, one that misses every TLB and lets the accessor report failure.</returns>
    static abstract ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write);

    /// <summary>It may record a fault, so that it must be asked once only.</summary>
    static virtual bool MayFault => false;
}

/// <summary>64-bit code, segment base zero.</summary>
public readonly unsafe struct LongAddress : IAddressing
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        Step.Get<ulong>(s, op->Base) + (Step.Get<ulong>(s, op->Index) << op->Scale) + (ulong)op->Displacement;
}

/// <summary>64-bit code with an FS or GS prefix.</summary>
public readonly unsafe struct LongSegmentAddress : IAddressing
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        LongAddress.Linear(vcpu, s, op, size, write) + s->Segments[op->Segment].Base;
}

/// <summary>32-bit code in flat segments: nothing can exceed a limit of 4 GiB but an operand that wraps, which misses the TLB and wraps in the slow path.</summary>
public readonly unsafe struct FlatAddress : IAddressing
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) => (uint)LongAddress.Linear(vcpu, s, op, size, write);
}

/// <summary>Everything else: 16-bit addresses, segments with bases and limits, address-size prefixes.</summary>
public readonly unsafe struct SegmentedAddress : IAddressing
{
    /// <inheritdoc/>
    public static bool MayFault => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Linear(Vcpu vcpu, CpuState* s, Op* op, int size, bool write) =>
        vcpu.Segment(op, (SegmentName)op->Segment, LongAddress.Linear(vcpu, s, op, size, write) & op->AddressMask, size, write);
}

/// <summary>Guest memory as handlers access it: the TLB hit inline, everything else in the vCPU's slow path.</summary>
/// <remarks>
/// A null pointer or false means that a fault (or a repetition) has been recorded: the handler returns at once. Pointers lead into
/// guest RAM or into <see cref="CpuState.Scratch"/>; they are good until the next access.
/// One comparison covers presence, permission and page crossing: the page of the operand's last byte must be that of the tag.
/// </remarks>
public static unsafe class Operand
{
    private const ulong PageMask = ~0xFFFUL;

    /// <summary>
    /// Whether an operand can be read without more than a look into the TLB: from <see cref="Place"/> then. Nothing happens where it cannot, and a
    /// handler goes on with <see cref="ReadAt{T}(Vcpu, CpuState*, Op*, ulong)"/>.
    /// </summary>
    /// <remarks>
    /// A handler whose only calls are tail calls needs no frame on the host's stack, which is much of its time: so it looks here first, and leaves
    /// everything else to another that it tail-calls.
    /// </remarks>
    /// <param name="entry">The slot of the address.</param>
    /// <param name="linear">The linear address, which had no fault (<see cref="IAddressing.MayFault"/>).</param>
    /// <param name="size">Bytes.</param>
    /// <param name="aligned">False as well where the address is no multiple of the size, a power of two.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsReadable(TlbEntry* entry, ulong linear, int size, bool aligned) => entry->ReadTag == Tag(linear, size, aligned);

    /// <summary>The same for a write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsWritable(TlbEntry* entry, ulong linear, int size, bool aligned) => entry->WriteTag == Tag(linear, size, aligned);

    /// <summary>Where an operand lies, by its slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Place(TlbEntry* entry, ulong linear) => (byte*)((nint)linear + entry->Addend);

    /// <summary>
    /// Ends a handler that <see cref="IsReadable"/> or <see cref="IsWritable"/> has said no to: finds the page and begins the instruction anew, or
    /// leaves it to a handler that can do everything. Nothing may have been changed, and nothing may follow this call. The instruction's only access
    /// is this one, and after it comes a step to the next instruction.
    /// </summary>
    /// <param name="vcpu">The CPU.</param>
    /// <param name="s">Its state.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="linear">The linear address, which had no fault.</param>
    /// <param name="access">Bytes, negative for a write.</param>
    /// <param name="slowly">The handler for page crossings, devices, translated code, and all else.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Miss(Vcpu vcpu, CpuState* s, Op* op, ulong linear, int access, delegate*<Vcpu, CpuState*, Op*, void> slowly)
    {
        var answered = vcpu.Answer(op, linear, access < 0 ? -access : access, access < 0);
        if (answered == Answered.Fault)
            return;
        if (answered == Answered.ByDevice)
        {
            if (vcpu.ExecuteAtDevice(op, slowly))
                Step.Next(vcpu, s, op);
            return;
        }
        // (RyuJIT makes no tail calls in a method that is marked NoInlining.)
        var next = answered == Answered.Now ? op->Handler : slowly;
        next(vcpu, s, op);
    }

    /// <summary>The same for a handler that ends its block: what a device answers, the run loop has repeated.</summary>
    /// <inheritdoc cref="Miss"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MissAtEnd(Vcpu vcpu, CpuState* s, Op* op, ulong linear, int access, delegate*<Vcpu, CpuState*, Op*, void> slowly)
    {
        var answered = vcpu.Answer(op, linear, access < 0 ? -access : access, access < 0);
        if (answered == Answered.Fault)
            return;
        var next = answered == Answered.Now ? op->Handler : slowly;
        next(vcpu, s, op);
    }

    // The page of the last byte; of an aligned operand that of the first, with the bits that are not to be set.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Tag(ulong linear, int size, bool aligned) =>
        aligned ? linear & (PageMask | (ulong)(size - 1)) : (linear + (ulong)(size - 1)) & PageMask;

    /// <summary>The operand's value, to be read at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Read<TAddress, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
        where T : unmanaged =>
        ReadAt<T>(vcpu, s, op, TAddress.Linear(vcpu, s, op, sizeof(T), false));

    /// <summary>Like <see cref="Read{TAddress, T}"/>, from a linear address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* ReadAt<T>(Vcpu vcpu, CpuState* s, Op* op, ulong linear) where T : unmanaged =>
        ReadAt<T>(vcpu, s, op, linear, (SegmentName)op->Segment);

    /// <summary>Like <see cref="Read{TAddress, T}"/>, from a linear address in a given segment, which decides between #GP and #SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* ReadAt<T>(Vcpu vcpu, CpuState* s, Op* op, ulong linear, SegmentName segment) where T : unmanaged
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        return entry->ReadTag == ((linear + (ulong)(sizeof(T) - 1)) & PageMask)
            ? (T*)((nint)linear + entry->Addend)
            : (T*)vcpu.ReadSlow(op, linear, sizeof(T), segment);
    }

    /// <summary>Writes the operand.</summary>
    /// <returns>False after a fault.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Write<TAddress, T>(Vcpu vcpu, CpuState* s, Op* op, T value)
        where TAddress : IAddressing
        where T : unmanaged =>
        WriteAt(vcpu, s, op, TAddress.Linear(vcpu, s, op, sizeof(T), true), value);

    /// <summary>Like <see cref="Write{TAddress, T}"/>, to a linear address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool WriteAt<T>(Vcpu vcpu, CpuState* s, Op* op, ulong linear, T value) where T : unmanaged =>
        WriteAt(vcpu, s, op, linear, value, (SegmentName)op->Segment);

    /// <summary>Like <see cref="Write{TAddress, T}"/>, to a linear address in a given segment, which decides between #GP and #SS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool WriteAt<T>(Vcpu vcpu, CpuState* s, Op* op, ulong linear, T value, SegmentName segment) where T : unmanaged
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        if (entry->WriteTag == ((linear + (ulong)(sizeof(T) - 1)) & PageMask))
        {
            *(T*)((nint)linear + entry->Addend) = value;
            return true;
        }
        *(T*)s->Scratch = value;
        return vcpu.WriteSlow(op, linear, sizeof(T), segment);
    }

    /// <summary>The operand's place for a read-modify-write: write permission has been checked. <see cref="Commit"/> must follow the store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Modify<TAddress, T>(Vcpu vcpu, CpuState* s, Op* op)
        where TAddress : IAddressing
        where T : unmanaged =>
        ModifyAt<T>(vcpu, s, op, TAddress.Linear(vcpu, s, op, sizeof(T), true));

    /// <summary>Like <see cref="Modify{TAddress, T}"/>, at a linear address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* ModifyAt<T>(Vcpu vcpu, CpuState* s, Op* op, ulong linear) where T : unmanaged
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        return entry->WriteTag == ((linear + (ulong)(sizeof(T) - 1)) & PageMask)
            ? (T*)((nint)linear + entry->Addend)
            : (T*)vcpu.ModifySlow(op, linear, sizeof(T), (SegmentName)op->Segment);
    }

    /// <summary>Like <see cref="ReadAt{T}(Vcpu, CpuState*, Op*, ulong)"/>, of so many bytes.</summary>
    public static byte* ReadAt(Vcpu vcpu, CpuState* s, Op* op, ulong linear, int size)
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        return entry->ReadTag == ((linear + (ulong)(size - 1)) & PageMask)
            ? (byte*)((nint)linear + entry->Addend)
            : vcpu.ReadSlow(op, linear, size, (SegmentName)op->Segment);
    }

    /// <summary>Like <see cref="ModifyAt{T}(Vcpu, CpuState*, Op*, ulong)"/>, of so many bytes.</summary>
    public static byte* ModifyAt(Vcpu vcpu, CpuState* s, Op* op, ulong linear, int size)
    {
        var entry = Tlb.Slot(s->DataTlb, linear);
        return entry->WriteTag == ((linear + (ulong)(size - 1)) & PageMask)
            ? (byte*)((nint)linear + entry->Addend)
            : vcpu.ModifySlow(op, linear, size, (SegmentName)op->Segment);
    }

    /// <summary>Ends a read-modify-write: carries the scratch copy to where it belongs, if there was one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit(Vcpu vcpu, CpuState* s, void* place)
    {
        if (place == s->Scratch)
            vcpu.CommitModify();
    }
}

/// <summary>What became of a look for a page that the TLB did not know.</summary>
internal enum Answered
{
    /// <summary>The TLB knows it now, and allows the access.</summary>
    Now,

    /// <summary>It was not looked for: the access is none that the TLB can answer.</summary>
    Otherwise,

    /// <summary>The instruction faulted.</summary>
    Fault,

    /// <summary>A device answers: no other page has been looked for.</summary>
    ByDevice,
}
