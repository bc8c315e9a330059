using System.Runtime.CompilerServices;
using Emu.Cpu.FloatingPoint;
using Emu.Cpu.State;

namespace Emu.Cpu.Instructions.X87;

/// <summary>The register stack: ST(i) is physical register (TOP + i) mod 8 (SDM Vol. 1, 8.1.2).</summary>
internal static unsafe class X87Stack
{
    private const int TopShift = 11;

    /// <summary>The physical register of ST(i).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Physical(CpuState* s, int i) => ((s->X87.Context.StatusWord >> TopShift) + i) & 7;

    /// <summary>True where ST(i) is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsEmpty(CpuState* s, int i) => (s->X87.Valid >> Physical(s, i) & 1) == 0;

    /// <summary>ST(i), empty or not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Float80 Read(CpuState* s, int i)
    {
        var register = s->X87.Registers + (Physical(s, i) << 1);
        return new Float80((ushort)register[1], register[0]);
    }

    /// <summary>Writes ST(i), which is not empty afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(CpuState* s, int i, Float80 value)
    {
        var physical = Physical(s, i);
        var register = s->X87.Registers + (physical << 1);
        register[0] = value.Significand;
        register[1] = value.SignExponent;
        s->X87.Valid |= (byte)(1 << physical);
    }

    /// <summary>Marks ST(i) as empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(CpuState* s, int i) => s->X87.Valid &= (byte)~(1 << Physical(s, i));

    /// <summary>TOP + <paramref name="by"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rotate(CpuState* s, int by)
    {
        var status = s->X87.Context.StatusWord;
        s->X87.Context.StatusWord = (ushort)((status & ~X87Context.TopMask) | ((status + (by << TopShift)) & X87Context.TopMask));
    }

    /// <summary>Pushes without a check.</summary>
    public static void Push(CpuState* s, Float80 value)
    {
        Rotate(s, -1);
        Write(s, 0, value);
    }

    /// <summary>Pops without a check.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pop(CpuState* s)
    {
        Free(s, 0);
        Rotate(s, 1);
    }

    /// <summary>A result for ST(i), unless an unmasked exception holds it back.</summary>
    /// <returns>False where it does.</returns>
    public static bool Commit(CpuState* s, int i, Float80 value)
    {
        if (s->X87.Context.IsResultSuppressed)
            return false;
        Write(s, i, value);
        return true;
    }

    /// <summary>Loads a value onto the stack, or what a masked stack overflow makes of it.</summary>
    public static void Load(CpuState* s, Float80 value)
    {
        if (!IsEmpty(s, 7))
        {
            s->X87.Context.RaiseStackFault(true);
            if (s->X87.Context.IsResultSuppressed)
                return;
            value = Float80.Indefinite;
        }
        Push(s, value);
    }

    /// <summary>ES and B follow from flags and masks: after either was loaded (SDM Vol. 1, 8.1.3.3).</summary>
    public static void Summarize(CpuState* s)
    {
        ref var context = ref s->X87.Context;
        const ushort summary = X87Context.ErrorSummary | X87Context.Busy;
        var pending = (context.StatusWord & ~context.ControlWord & (ushort)FloatFlags.All) != 0;
        context.StatusWord = (ushort)(pending ? context.StatusWord | summary : context.StatusWord & ~summary);
    }
}
