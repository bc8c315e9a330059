using System.Numerics;
using System.Runtime.CompilerServices;

namespace Emu.Differential;

/// <summary>xoshiro256**: fast, seedable, the same on every host.</summary>
public sealed class Randomness
{
    private ulong _a, _b, _c, _d;

    /// <summary>Starts a sequence.</summary>
    public Randomness(ulong seed) => Restart(seed);

    /// <summary>Starts another sequence.</summary>
    public void Restart(ulong seed)
    {
        _a = Mix(ref seed);
        _b = Mix(ref seed);
        _c = Mix(ref seed);
        _d = Mix(ref seed);
    }

    /// <summary>64 random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>A number from 0 to <paramref name="bound"/> − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    /// <summary>A number in a range, its end excluded.</summary>
    public int Between(int from, int to) => from + Below(to - from);

    /// <summary>True once in so many times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool OneIn(int times) => Below(times) == 0;

    /// <summary>One of several.</summary>
    public T Pick<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    private static ulong Mix(ref ulong seed)
    {
        seed += 0x9E37_79B9_7F4A_7C15;
        var z = seed;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
