using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>
/// What the short ways of x87 instructions are made of: they are taken under a control word that masks everything and rounds to nearest and to 64 bits
/// (<see cref="X87Context.IsPlain"/>), with registers that are full where they are read and empty where they are pushed upon, and do what the
/// instruction does then. Any other case is left to the instruction itself, with nothing changed.
/// </summary>
internal static unsafe class PlainX87
{
    private const int StatusShift = 16;
    private const int TopShift = StatusShift + 11;
    private const uint Top = (uint)X87Context.TopMask << StatusShift;
    private const uint C1 = (uint)X87Context.C1 << StatusShift;

    /// <summary>Control and status word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Words(CpuState* s) => *(uint*)&s->X87.Context;

    // Both, though only the status changes: the next instruction reads both, and would wait for a narrower store to reach the host's cache.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetWords(CpuState* s, uint words) => *(uint*)&s->X87.Context = words;

    /// <summary>The FPU is open, and <see cref="X87Context.IsPlain"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOpen(CpuState* s, uint words) => X87Context.IsPlain(words) && (s->Unavailable & RegisterSets.Fpu) == 0;

    /// <summary>The physical register of ST(i).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Physical(uint words, int i) => ((words >> TopShift) + (uint)i) & 7;

    /// <summary>Where a physical register lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong* Place(CpuState* s, uint physical) => (ulong*)((byte*)&s->X87 + (physical << 4));

    /// <summary>The value of a physical register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Value(ulong* place) => new((ushort)place[1], place[0]);

    /// <summary>A physical register is not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsFull(CpuState* s, uint physical) => ((uint)s->X87.Valid >> (int)physical & 1) != 0;

    /// <summary>Neither of two physical registers is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreFull(CpuState* s, uint one, uint other)
    {
        uint valid = s->X87.Valid;
        return (valid >> (int)one & valid >> (int)other & 1) != 0;
    }

    /// <summary>Ends an instruction that leaves the stack as it is.</summary>
    /// <param name="s">The state.</param>
    /// <param name="words">Control and status before it.</param>
    /// <param name="bits">What it raised: C1 and exceptions.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Complete(CpuState* s, uint words, uint bits) => SetWords(s, (words & ~C1) | (bits << StatusShift));

    /// <summary>Ends an instruction that pops.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CompleteAndPop(CpuState* s, uint words, uint bits)
    {
        s->X87.Valid &= (byte)~(1u << (int)(words >> TopShift & 7));
        SetWords(s, (words & ~(C1 | Top)) | ((words + (1u << TopShift)) & Top) | (bits << StatusShift));
    }

    /// <summary>Pushes a value; false where the register is full.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryPush(CpuState* s, uint words, ulong significand, ulong signExponent)
    {
        var physical = Physical(words, 7);
        if (IsFull(s, physical))
            return false;
        var place = Place(s, physical);
        place[0] = significand;
        place[1] = signExponent;
        s->X87.Valid |= (byte)(1u << (int)physical);
        SetWords(s, (words & ~(C1 | Top)) | (physical << TopShift));
        return true;
    }
}
