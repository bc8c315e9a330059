using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Cpu.State;

/// <summary>CF, PF, AF, ZF, SF and OF, worked out only when something reads them.</summary>
/// <remarks>
/// Implementation note. An instruction leaves its result, sign-extended to 64 bits, and the vector of its carries, shifted so that
/// the carry out of the operand's top bit lies at bit 63 whatever its width. No record of the operation is needed:
/// <code>
///   Result  63........................0     ZF: Result = 0     SF: bit 63 ^ Aux.SD     PF: even parity of (low byte ^ Aux.PDB)
///   Aux     63  62   ...  15..8   3   0
///           CF  CIN       PDB     AF  SD    CF: carry out      OF: CF ^ CIN (the carry into the top bit)
/// </code>
/// SD and PDB (sign and parity deltas) exist so that POPF and SAHF can set combinations that no result has, such as ZF with SF.
/// </remarks>
public struct ArithmeticFlags
{
    private const ulong CarryBit = 1UL << 63;
    private const ulong CarryInBit = 1UL << 62;
    private const ulong AdjustBit = 1UL << 3;

    /// <summary>The last result, sign-extended.</summary>
    public ulong Result;

    /// <summary>Carries and deltas, as in the remarks.</summary>
    public ulong Aux;

    /// <summary>CF.</summary>
    public readonly bool Carry => (long)Aux < 0;

    /// <summary>CF as 0 or 1.</summary>
    public readonly ulong CarryValue => Aux >> 63;

    /// <summary>OF.</summary>
    public readonly bool Overflow => (long)(Aux ^ (Aux << 1)) < 0;

    /// <summary>ZF.</summary>
    public readonly bool Zero => Result == 0;

    /// <summary>SF.</summary>
    public readonly bool Sign => (long)(Result ^ (Aux << 63)) < 0;

    /// <summary>PF.</summary>
    public readonly bool Parity => (BitOperations.PopCount((Result ^ (Aux >> 8)) & 0xFF) & 1) == 0;

    /// <summary>AF.</summary>
    public readonly bool Adjust => (Aux & AdjustBit) != 0;

    /// <summary>SF ≠ OF: "less" of a signed comparison.</summary>
    public readonly bool Less => (long)(Result ^ (Aux << 63) ^ Aux ^ (Aux << 1)) < 0;

    /// <summary>After <paramref name="result"/> = a + b (+ carry).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetAdd<T>(T a, T b, T result) where T : unmanaged, IBinaryInteger<T>
    {
        var carries = Width.ZeroExtend((a & b) | ((a | b) & ~result));
        Result = Width.SignExtend(result);
        Aux = ((carries << Width.ShiftToTop<T>()) & (CarryBit | CarryInBit)) | (carries & AdjustBit);
    }

    /// <summary>After <paramref name="result"/> = a − b (− borrow).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetSubtract<T>(T a, T b, T result) where T : unmanaged, IBinaryInteger<T>
    {
        var borrows = Width.ZeroExtend((~a & b) | ((~a | b) & result));
        Result = Width.SignExtend(result);
        Aux = ((borrows << Width.ShiftToTop<T>()) & (CarryBit | CarryInBit)) | (borrows & AdjustBit);
    }

    /// <summary>After a logical operation: CF, OF and AF are clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetLogic<T>(T result) where T : unmanaged, IBinaryInteger<T>
    {
        Result = Width.SignExtend(result);
        Aux = 0;
    }

    /// <summary>SF, ZF and PF from a result; CF and OF as given; AF clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetResult<T>(T result, bool carry, bool overflow) where T : unmanaged, IBinaryInteger<T>
    {
        Result = Width.SignExtend(result);
        Aux = CarryAndOverflow(carry, overflow);
    }

    /// <summary>SF, ZF and PF from a result; CF and OF as given, each 0 or 1; AF clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetResult<T>(T result, ulong carry, ulong overflow) where T : unmanaged, IBinaryInteger<T>
    {
        Result = Width.SignExtend(result);
        Aux = (carry << 63) | ((carry ^ overflow) << 62);
    }

    /// <summary>Replaces CF alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetCarry(bool carry) => KeepCarry(carry ? CarryBit : 0);

    /// <summary>Replaces CF alone, by the CF of an earlier <see cref="Aux"/>: OF stays because both bits that it compares change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void KeepCarry(ulong earlierAux)
    {
        var change = (Aux ^ earlierAux) & CarryBit;
        Aux ^= change | (change >> 1);
    }

    /// <summary>Replaces OF alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetOverflow(bool overflow) => Aux = (Aux & ~CarryInBit) | ((CarryValue ^ (overflow ? 1UL : 0)) << 62);

    /// <summary>Replaces CF and OF alone, each 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetCarryAndOverflow(ulong carry, ulong overflow) =>
        Aux = (Aux & ~(CarryBit | CarryInBit)) | (carry << 63) | ((carry ^ overflow) << 62);

    /// <summary>Replaces ZF alone.</summary>
    public void SetZero(bool zero) => SetFrom((ToRflags() & ~Rflags.Zero) | (zero ? Rflags.Zero : 0));

    /// <summary>Sets ZF and clears the other five.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetZeroOnly(bool zero)
    {
        // PF is clear after either: 1 has odd parity by itself, 0 with the parity delta.
        Result = zero ? 0UL : 1;
        Aux = zero ? 0x100UL : 0;
    }

    /// <summary>How two numbers compare: CF for less, ZF for equal; the other four are clear.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetOrder(bool less, bool equal)
    {
        Result = equal ? 0UL : 0x100;
        Aux = 0x100 | (less ? CarryBit | CarryInBit : 0);
    }

    /// <summary>The six flags at their places in RFLAGS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong ToRflags() =>
        // Without branches: system calls and events know nothing of what the flags were.
        (Aux >> 63)
        | (((ulong)BitOperations.PopCount((Result ^ (Aux >> 8)) & 0xFF) & 1 ^ 1) << 2)
        | ((Aux & AdjustBit) << 1)
        | ((Result == 0 ? 1UL : 0) << 6)
        | (((Result >> 63) ^ (Aux & 1)) << 7)
        | (((Aux ^ (Aux << 1)) >> 63) << 11);

    /// <summary>Takes the six flags from an RFLAGS value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetFrom(ulong rflags)
    {
        var carry = rflags & Rflags.Carry;
        Result = ((rflags >> 6) & 1 ^ 1) << 8;
        Aux = (carry << 63)
            | ((carry ^ ((rflags >> 11) & 1)) << 62)
            | ((rflags >> 1) & AdjustBit)
            | (((rflags >> 2) & 1 ^ 1) << 8)
            | ((rflags >> 7) & 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong CarryAndOverflow(bool carry, bool overflow)
    {
        ulong c = carry ? 1UL : 0, o = overflow ? 1UL : 0;
        return (c << 63) | ((c ^ o) << 62);
    }
}
