using System.Buffers.Binary;
using Emu.Cpu;
using Emu.Differential.Generation;
using Iced.Intel;

namespace Emu.Differential.Comparison;

/// <summary>What the architecture bounds instead of fixing, so that a right answer may differ from the host's: the only place that says so.</summary>
/// <remarks>Undefined flags and results are in <see cref="Comparison.UndefinedFlags"/>.</remarks>
public static unsafe class Latitude
{
    // SDM Vol. 2: |relative error| ≤ 1.5 · 2^-12. The host and we may stand on either side of the exact value.
    private const double EstimateError = 2 * 1.5 / 4096;

    // SDM Vol. 1, 8.3.10: less than 1 ulp in round-to-nearest mode; AMD: within a unit too. Either side of the exact value.
    private const long TranscendentalUlps = 2;

    private const ushort RoundedUp = 1 << 9;
    private const int ExtendedLength = 10, AlignedLength = 16;

    /// <summary>Reciprocal estimates.</summary>
    public static bool IsEstimate(Mnemonic mnemonic) => mnemonic is Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss
        or Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss;

    /// <summary>x87 functions whose last bits are the processor's own.</summary>
    public static bool IsTranscendental(Mnemonic mnemonic) => mnemonic is Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos or Mnemonic.Fptan
        or Mnemonic.Fpatan or Mnemonic.F2xm1 or Mnemonic.Fyl2x or Mnemonic.Fyl2xp1;

    /// <summary>True where results may differ: what follows could not be compared.</summary>
    public static bool HasLatitude(in Instruction instruction) => IsEstimate(instruction.Mnemonic) || IsTranscendental(instruction.Mnemonic);

    /// <summary>Takes the host's value wherever ours differs by no more than the architecture allows.</summary>
    public static void Reconcile(in Instruction instruction, ref MachineState ours, in MachineState native)
    {
        if (IsEstimate(instruction.Mnemonic))
        {
            ReconcileEstimates(ref ours, in native, XsaveImage.Xmm);
            ReconcileEstimates(ref ours, in native, XsaveImage.YmmHigh);
        }
        else if (IsTranscendental(instruction.Mnemonic))
        {
            ReconcileStack(ref ours, in native);
        }
    }

    /// <summary>AMD's processors show the x87 pointers and opcode while an unmasked exception is pending, and zeros otherwise.</summary>
    public static void ReconcilePointers(ref MachineState ours, in MachineState native)
    {
        fixed (byte* image = ours.Xsave, other = native.Xsave)
        {
            const ushort ErrorSummary = 0x80;
            if (((*(ushort*)(image + XsaveImage.StatusWord) | *(ushort*)(other + XsaveImage.StatusWord)) & ErrorSummary) != 0)
                return;
            if ((*(ushort*)(other + XsaveImage.Opcode) | *(ulong*)(other + XsaveImage.InstructionPointer) | *(ulong*)(other + XsaveImage.OperandPointer)) != 0)
                return;
            *(ushort*)(image + XsaveImage.Opcode) = 0;
            *(ulong*)(image + XsaveImage.InstructionPointer) = *(ulong*)(image + XsaveImage.OperandPointer) = 0;
        }
    }

    /// <summary>Instructions that access many fields do so in an order of the processor's: of two pages, which byte of the second faults is its own.</summary>
    public static void ReconcileAddress(ref MachineState ours, in MachineState native)
    {
        if (((ours.Cr2 ^ native.Cr2) >> 12) == 0)
            ours.Cr2 = native.Cr2;
    }

    /// <summary>
    /// An operand's alignment, its address, its segment's limit, and pages are checked in an order of the processor's where there are several to check:
    /// of two faults either is right. So are a call's target and its stack.
    /// </summary>
    public static void ReconcileOrder(GeneratedProgram generated, ref MachineState ours, in MachineState native)
    {
        foreach (var facts in generated.Facts)
        {
            if (facts.Instruction.IP != native.Rip || ours.Rip != native.Rip || !IsAccessFault(ours.Vector) || !IsAccessFault(native.Vector))
                continue;
            var segment = ours.Vector != ExceptionVector.PageFault && native.Vector != ExceptionVector.PageFault;
            var isCall = facts.Instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall;
            // Ten bytes are read or written as eight and two, bounds as two words.
            var isSplit = facts.Instruction.Mnemonic == Mnemonic.Bound || facts.Memory.Any(static reference => reference.Size == ExtendedLength);
            var isAligned = facts.Memory.Any(static reference => reference.Size >= AlignedLength);
            if (!facts.IsLarge && !isCall && !isSplit && !(segment && isAligned))
                continue;
            ours.Vector = native.Vector;
            ours.ErrorCode = native.ErrorCode;
            ours.Cr2 = native.Cr2;
        }
    }

    /// <summary>PUSHA, POPA and ENTER that fault half way: AMD's processors have moved what they could, though never the stack pointer.</summary>
    public static void ReconcileAll(
        GeneratedProgram generated, in MachineState before, ref MachineState ours, in MachineState native, Span<byte> ourData, ReadOnlySpan<byte> nativeData)
    {
        // ENTER pushes 32 frame pointers at most.
        const int Longest = 33 * 8;
        foreach (var facts in generated.Facts)
        {
            if (facts.Instruction.IP != native.Rip || facts.Instruction.Mnemonic is not (Mnemonic.Pusha or Mnemonic.Pushad or Mnemonic.Popa or Mnemonic.Popad or Mnemonic.Enter))
                continue;
            if (facts.Instruction.Mnemonic is Mnemonic.Popa or Mnemonic.Popad)
            {
                for (var i = 0; i < 8; i++)
                    ours.Registers[i] = i == 4 ? ours.Registers[i] : native.Registers[i];
                continue;
            }
            var stack = native.Registers[4] + StateGenerator.StackBase(in before, generated.Program.Size);
            var end = Math.Clamp((long)(stack - Layout.Data), 0, ourData.Length);
            var start = Math.Max(end - Longest, 0);
            nativeData[(int)start..(int)end].CopyTo(ourData[(int)start..]);
        }
    }

    /// <summary>
    /// XRSTOR reads of its area what XSTATE_BV says is there, and a processor may look at the rest (SDM Vol. 1, 13.8). AMD's hold the whole area to
    /// the segment's limit where XSTATE_BV has none of it, but not where it has some.
    /// </summary>
    /// <returns>True where the host refused for that reason what we did.</returns>
    public static bool RefusesWhatIsNotRead(GeneratedProgram generated, in MachineState before, in MachineState ours, in MachineState native)
    {
        var facts = generated.Facts[0];
        if (facts.Instruction.Mnemonic is not (Mnemonic.Xrstor or Mnemonic.Xrstor64) || generated.Program.Size == CodeSize.Bits64
            || ours.Vector != MachineState.NoVector || native.Vector is not (ExceptionVector.GeneralProtection or ExceptionVector.StackFault))
        {
            return false;
        }
        var area = facts.Memory[0];
        return area.Effective(in before) + (ulong)area.Size - 1 > Segments.Load(before.Selectors[(int)area.Segment]).Limit;
    }

    private static bool IsAccessFault(int vector) =>
        vector is ExceptionVector.StackFault or ExceptionVector.GeneralProtection or ExceptionVector.PageFault or ExceptionVector.AlignmentCheck;

    /// <summary>MXCSR_MASK in memory: AMD's processors have MXCSR.MM (misaligned SSE mode), which the emulated processor does not declare.</summary>
    public static void ReconcileArea(ulong linear, Span<byte> ours, ReadOnlySpan<byte> native)
    {
        const ulong MisalignedMode = 1 << 17;
        var at = (long)(linear - Layout.Data) + XsaveImage.MxcsrMask;
        if (at < 0 || at + 4 > ours.Length)
            return;
        var (a, b) = (BinaryPrimitives.ReadUInt32LittleEndian(ours[(int)at..]), BinaryPrimitives.ReadUInt32LittleEndian(native[(int)at..]));
        if ((a ^ b) == MisalignedMode)
            BinaryPrimitives.WriteUInt32LittleEndian(ours[(int)at..], b);
    }

    private static void ReconcileEstimates(ref MachineState ours, in MachineState native, int start)
    {
        for (var at = start; at < start + 256; at += 4)
        {
            fixed (byte* image = ours.Xsave, other = native.Xsave)
            {
                var (a, b) = (*(float*)(image + at), *(float*)(other + at));
                if (a == b || !float.IsFinite(a) || !float.IsFinite(b) || b == 0)
                    continue;
                if (Math.Abs((double)a - b) <= Math.Abs((double)b) * EstimateError)
                    *(float*)(image + at) = b;
            }
        }
    }

    private static void ReconcileStack(ref MachineState ours, in MachineState native)
    {
        fixed (byte* image = ours.Xsave, other = native.Xsave)
        {
            var changed = false;
            for (var at = XsaveImage.Stack; at < XsaveImage.Xmm; at += 16)
            {
                var (a, b) = (*(ulong*)(image + at), *(ulong*)(other + at));
                var (c, d) = (*(ushort*)(image + at + 8), *(ushort*)(other + at + 8));
                if (a == b && c == d)
                    continue;
                var distance = (Int128)(((UInt128)(uint)(c & 0x7FFF) << 63) + (a & long.MaxValue)) - (Int128)(((UInt128)(uint)(d & 0x7FFF) << 63) + (b & long.MaxValue));
                if ((c ^ d) >> 15 != 0 || distance > TranscendentalUlps || distance < -TranscendentalUlps)
                    continue;
                *(ulong*)(image + at) = b;
                *(ushort*)(image + at + 8) = d;
                changed = true;
            }
            // C1 tells how the last bit came about.
            var (status, otherStatus) = (*(ushort*)(image + XsaveImage.StatusWord), *(ushort*)(other + XsaveImage.StatusWord));
            if (changed || (status ^ otherStatus) == RoundedUp)
                *(ushort*)(image + XsaveImage.StatusWord) = (ushort)((status & ~RoundedUp) | (otherStatus & RoundedUp));
        }
    }
}
