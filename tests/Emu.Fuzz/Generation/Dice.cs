namespace Emu.Fuzz.Generation;

/// <summary>The source of all chance in a case: SplitMix64, so that a seed means the same case on every host and runtime.</summary>
public sealed class Dice
{
    private ulong _state;

    /// <summary>Starts a sequence.</summary>
    public Dice(ulong seed) => _state = seed;

    /// <summary>The seed of one case of a run.</summary>
    public static ulong SeedOf(ulong run, ulong index) => Mix(Mix(run) + index * 0x9E37_79B9_7F4A_7C15);

    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        return Mix(_state);
    }

    /// <summary>A number below <paramref name="bound"/>.</summary>
    public int Below(int bound) => (int)(Next() >> 33) % bound;

    /// <summary>True once in <paramref name="bound"/> times.</summary>
    public bool OneIn(int bound) => Below(bound) == 0;

    public byte Byte() => (byte)Next();

    public uint UInt32() => (uint)Next();

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var value in bytes)
            value = Byte();
    }

    public T Pick<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    public T Pick<T>(T[] choices) => choices[Below(choices.Length)];

    /// <summary>A value that is often at an edge: small, all ones, one bit, near a power of two, or anything.</summary>
    public ulong Value()
    {
        switch (Below(8))
        {
            case 0:
                return (ulong)Below(16);
            case 1:
                return (ulong)Below(0x10000);
            case 2:
                return 1UL << Below(64);
            case 3:
                return (1UL << Below(64)) - 1;
            case 4:
                return ulong.MaxValue << Below(64);
            case 5:
                return (uint)Next();
            case 6:
                return 0 - (ulong)Below(0x1000);
            default:
                return Next();
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
