using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Emu.Machine.Tracing;

/// <summary>The hash of a sequence of elements, instructions and events, which can be put together from the hashes of its parts.</summary>
/// <remarks>
/// <code>
/// H(e₀ e₁ … eₙ₋₁) = Σ eᵢ · Bⁿ⁻¹⁻ⁱ   mod 2⁶¹ − 1          H(AB) = H(A) · B^|B| + H(B)
/// </code>
/// So it depends neither on how code was cut into blocks nor on how a run was cut into intervals. Two different sequences of n elements have
/// the same hash with a chance of about n / 2⁶¹; it is no protection against somebody who makes such sequences.
/// </remarks>
/// <param name="Value">The sum, below 2⁶¹ − 1.</param>
/// <param name="Length">How many elements.</param>
public readonly record struct TraceHash(ulong Value, ulong Length)
{
    /// <summary>2⁶¹ − 1.</summary>
    public const ulong Modulus = (1UL << 61) - 1;

    /// <summary>B.</summary>
    internal const ulong Base = 0x0B7E_1516_28AE_D2A6;

    // What each element's value is the greater by, for each number of its vCPU.
    private const ulong VcpuStep = 0x1324_3F6A_8885_A308;

    // The same for each further life of the guest.
    private const ulong LifeStep = 0x0D31_3198_A2E0_3707;

    private static readonly ulong[] SmallPowers = FirstPowers(256);

    /// <summary>What two sequences, one after the other, have.</summary>
    /// <param name="next">The second.</param>
    /// <returns>The hash of both.</returns>
    public TraceHash Then(TraceHash next) => new(Add(Multiply(Value, Power(next.Length)), next.Value), Length + next.Length);

    /// <summary>What is left of a sequence without its beginning.</summary>
    /// <param name="beginning">The hash of its first elements.</param>
    /// <returns>The hash of the others.</returns>
    public TraceHash Without(TraceHash beginning)
    {
        var left = Length - beginning.Length;
        return new TraceHash(Subtract(Value, Multiply(beginning.Value, Power(left))), left);
    }

    /// <summary>16 hexadecimal digits.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Bⁿ.</summary>
    internal static ulong Power(ulong exponent)
    {
        if (exponent < (ulong)SmallPowers.Length)
            return SmallPowers[exponent];
        var result = 1UL;
        for (var square = Base; exponent != 0; exponent >>= 1, square = Multiply(square, square))
        {
            if ((exponent & 1) != 0)
                result = Multiply(result, square);
        }

        return result;
    }

    private static ulong[] FirstPowers(int count)
    {
        var powers = new ulong[count];
        powers[0] = 1;
        for (var i = 1; i < count; i++)
            powers[i] = Multiply(powers[i - 1], Base);
        return powers;
    }

    /// <summary>What an instruction counts as, on vCPU 0.</summary>
    /// <param name="size">Code size: 16, 32 or 64.</param>
    /// <param name="cpl">Privilege level.</param>
    /// <param name="linear">Linear address.</param>
    /// <param name="bytes">Its bytes, 1–15.</param>
    internal static ulong Instruction(int size, int cpl, ulong linear, ReadOnlySpan<byte> bytes)
    {
        Span<byte> padded = stackalloc byte[16];
        padded.Clear();
        bytes.CopyTo(padded);
        var mixed = Mix(1UL | ((ulong)size << 8) | ((ulong)cpl << 16) | ((ulong)bytes.Length << 24));
        mixed = Mix(mixed ^ linear);
        mixed = Mix(mixed ^ BinaryPrimitives.ReadUInt64LittleEndian(padded));
        return Reduce(Mix(mixed ^ BinaryPrimitives.ReadUInt64LittleEndian(padded[8..])));
    }

    /// <summary>What an event counts as, on vCPU 0.</summary>
    internal static ulong Event(in TraceEvent delivered)
    {
        var mixed = Mix(2UL | ((ulong)delivered.Kind << 8) | ((ulong)delivered.Vector << 16) | (delivered.ErrorCode is null ? 0 : 1UL << 24)
            | ((ulong)delivered.ErrorCode.GetValueOrDefault() << 32));
        mixed = Mix(mixed ^ delivered.Rip);
        return Reduce(Mix(mixed ^ delivered.Address.GetValueOrDefault()));
    }

    /// <summary>What the element's value is the greater by that gave a register a value.</summary>
    internal static ulong Register(int number, ulong value) => Reduce(Mix(Mix(3UL | ((ulong)number << 8)) ^ value));

    /// <summary>What an access counts as.</summary>
    internal static ulong Access(in TraceAccess access)
    {
        var facts = 4UL | (access.IsWrite ? 1UL << 8 : 0) | (access.Value.IsEmpty ? 0 : 1UL << 9) | ((ulong)access.Size << 16);
        return Reduce(Checksum(Mix(Mix(facts) ^ access.Linear), access.Value.Span));
    }

    /// <summary>What an element's value is the greater by on a vCPU, in a life of the guest.</summary>
    internal static ulong OfPlace(int vcpu, int life) => Add(Multiply((ulong)vcpu, VcpuStep), Multiply((ulong)(life - 1), LifeStep));

    /// <summary>Sum of two values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Add(ulong a, ulong b)
    {
        var sum = a + b;
        return sum >= Modulus ? sum - Modulus : sum;
    }

    /// <summary>Difference of two values.</summary>
    internal static ulong Subtract(ulong a, ulong b) => a >= b ? a - b : a + Modulus - b;

    /// <summary>Product of two values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Multiply(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out ulong low);
        return Add(low & Modulus, (low >> 61) | (high << 3));
    }

    /// <summary>A permutation of the 64-bit numbers, whose every output bit depends on every input bit.</summary>
    internal static ulong Mix(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }

    /// <summary>Any number as a value.</summary>
    internal static ulong Reduce(ulong value)
    {
        value = (value & Modulus) + (value >> 61);
        return value >= Modulus ? value - Modulus : value;
    }

    /// <summary>A checksum of bytes.</summary>
    internal static ulong Checksum(ulong seed, ReadOnlySpan<byte> bytes)
    {
        var sum = Mix(seed ^ (ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..])
            sum = Mix(sum ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes)
            sum = Mix(sum ^ value);
        return sum;
    }
}
