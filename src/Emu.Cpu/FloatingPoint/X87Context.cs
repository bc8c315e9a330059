using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emu.Cpu.FloatingPoint;

/// <summary>
/// What x87 arithmetic reads and writes besides its operands: the control and status words (SDM Vol. 1, 8.1.3 and 8.1.5).
/// Eight bytes without references, so that it can lie in a CPU's unmanaged state and be passed by reference from there.
/// </summary>
/// <remarks>
/// Every operation clears C1 or sets it for a result rounded away from zero, ORs its exceptions into the status word, and sets
/// ES and B where one of them is unmasked. TOP is never touched: the register stack is the caller's.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct X87Context
{
    /// <summary>The control word after FNINIT.</summary>
    public const ushort InitialControl = 0x037F;

    /// <summary>SF: the invalid operation was a stack fault.</summary>
    public const ushort StackFault = 1 << 6;

    /// <summary>ES: an unmasked exception is pending.</summary>
    public const ushort ErrorSummary = 1 << 7;

    /// <summary>C0.</summary>
    public const ushort C0 = 1 << 8;

    /// <summary>C1.</summary>
    public const ushort C1 = 1 << 9;

    /// <summary>C2.</summary>
    public const ushort C2 = 1 << 10;

    /// <summary>TOP's three bits.</summary>
    public const ushort TopMask = 7 << 11;

    /// <summary>C3.</summary>
    public const ushort C3 = 1 << 14;

    /// <summary>B: mirrors ES.</summary>
    public const ushort Busy = 1 << 15;

    /// <summary>All four condition-code bits.</summary>
    public const ushort ConditionMask = C0 | C1 | C2 | C3;

    /// <summary>Creates a context.</summary>
    /// <param name="control">The control word.</param>
    /// <param name="status">The status word.</param>
    public X87Context(ushort control, ushort status = 0)
    {
        ControlWord = control;
        StatusWord = status;
        Raised = 0;
    }

    /// <summary>FCW. Read only here.</summary>
    public ushort ControlWord;

    /// <summary>FSW.</summary>
    public ushort StatusWord;

    /// <summary>The exceptions of the last operation alone, as <see cref="FloatFlags"/>.</summary>
    public uint Raised;

    /// <summary>RC.</summary>
    public readonly RoundingMode Rounding => (RoundingMode)((ControlWord >> 10) & 3);

    /// <summary>
    /// Control and status, read at once (<see cref="ControlWord"/> in the lower half), let an instruction take the common case: to nearest, to 64
    /// bits, everything masked, nothing pending. Only PE and C1 can come of it.
    /// </summary>
    /// <param name="words">Both words.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsPlain(uint words) =>
        (words & ((uint)ErrorSummary << 16 | 0x0F00 | FloatFlags.All)) == (0x0300 | FloatFlags.All);

    /// <summary>
    /// The last operation met an unmasked IE, DE or ZE: its result is not to be written, its operands stay where they are, and
    /// nothing is pushed or popped (SDM Vol. 1, 8.5).
    /// </summary>
    public readonly bool IsResultSuppressed => (Raised & ~(uint)ControlWord & FloatFlags.PreComputation) != 0;

    /// <summary>
    /// As <see cref="IsResultSuppressed"/>, and for an unmasked OE or UE too: the rule for results that go to memory
    /// (SDM Vol. 1, 8.5.4 and 8.5.5).
    /// </summary>
    public readonly bool IsStoreSuppressed
        => (Raised & ~(uint)ControlWord & (FloatFlags.PreComputation | FloatFlags.Overflow | FloatFlags.Underflow)) != 0;

    /// <summary>
    /// FLD m32fp or m64fp met an unmasked IE and pushes nothing. An unmasked DE is reported, but the value is pushed.
    /// </summary>
    public readonly bool IsLoadSuppressed => (Raised & ~(uint)ControlWord & FloatFlags.Invalid) != 0;

    internal readonly int PrecisionControl => (ControlWord >> 8) & 3;

    internal readonly bool IsUnderflowMasked => (ControlWord & FloatFlags.Underflow) != 0;

    internal readonly bool IsOverflowMasked => (ControlWord & FloatFlags.Overflow) != 0;

    /// <summary>
    /// Records a stack fault: IE and SF, C1 tells the direction (SDM Vol. 1, 8.5.1.1). Where <see cref="IsResultSuppressed"/> is
    /// false afterwards, the instruction goes on with <see cref="Float80.Indefinite"/>.
    /// </summary>
    /// <param name="overflow">A push on a full register; else an empty register was read.</param>
    public void RaiseStackFault(bool overflow)
    {
        Complete(FloatFlags.Invalid, false);
        StatusWord |= (ushort)(StackFault | (overflow ? C1 : 0));
    }

    /// <summary>Ends an operation.</summary>
    /// <param name="flags">The exceptions that it met.</param>
    /// <param name="roundedUp">The result's magnitude was rounded up.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Complete(uint flags, bool roundedUp)
    {
        uint status = StatusWord & ~(uint)C1;
        uint unmasked = flags & ~(uint)ControlWord & FloatFlags.All;
        if (unmasked != 0)
        {
            if ((unmasked & FloatFlags.PreComputation) != 0)
            {
                flags &= FloatFlags.PreComputation;
                roundedUp = false;
            }

            status |= ErrorSummary | Busy;
        }

        Raised = flags;
        StatusWord = (ushort)(status | flags | (roundedUp ? C1 : 0u));
    }

    /// <summary>
    /// Ends a store to memory: where an unmasked OE or UE keeps the result back, there is nothing inexact to report either.
    /// </summary>
    internal void CompleteStore(uint flags, bool roundedUp)
    {
        bool suppressed = (flags & ~(uint)ControlWord & (FloatFlags.Overflow | FloatFlags.Underflow)) != 0;
        Complete(suppressed ? flags & ~FloatFlags.Precision : flags, roundedUp && !suppressed);
    }

    /// <summary>Ends an operation that met nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Complete()
    {
        Raised = 0;
        StatusWord = (ushort)(StatusWord & ~(uint)C1);
    }

    /// <summary>Clears C2, where C0 and C3 are undefined: they stay.</summary>
    internal void ClearCondition2() => StatusWord &= unchecked((ushort)~C2);

    /// <summary>Replaces C0, C2 and C3; <see cref="Complete(uint, bool)"/> deals with C1.</summary>
    internal void SetConditions(uint conditions)
        => StatusWord = (ushort)((StatusWord & ~(uint)(C0 | C2 | C3)) | conditions);
}
