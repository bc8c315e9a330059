using System.Runtime.Intrinsics;

namespace Emu.Cpu.Tests.FloatingPoint;

/// <summary>Seeded operands that dwell on the edges: zeros, denormals, powers of two, the ends of the range, NaNs.</summary>
internal sealed class FloatSamples(int seed)
{
    private readonly Random _random = new(seed);

    public ulong Next64()
    {
        ulong random = (ulong)_random.NextInt64() ^ ((ulong)_random.NextInt64() << 1);
        ulong sign = random & (1UL << 63);
        ulong fraction = random & ((1UL << 52) - 1);
        ulong Number(int low, int count) => sign | ((ulong)_random.Next(low, low + count) << 52) | fraction;
        return _random.Next(14) switch
        {
            0 => sign,
            1 => sign | (0x7FFUL << 52),
            2 => sign | (0x7FFUL << 52) | fraction,
            3 => sign | fraction,
            4 => Number(0, 3),
            5 => Number(0x7FC, 3),
            6 => Number(0x3FF - 2, 4),
            7 => Number(0x3FF - 2, 70),
            8 => sign | ((ulong)_random.Next(0x7FF) << 52) | (1UL << _random.Next(52)),
            9 => BitConverter.DoubleToUInt64Bits(_random.Next(-1000, 1000) * 0.25),
            10 => BitConverter.DoubleToUInt64Bits((float)(_random.NextDouble() - 0.5)),
            11 => Number((0x3FF / 2) - 2, 5),
            12 => Number(0x3FF - 130, 260) & ~((1UL << _random.Next(53)) - 1),
            _ => random,
        };
    }

    public uint Next32()
    {
        uint random = (uint)_random.NextInt64();
        uint sign = random & (1U << 31);
        uint fraction = random & ((1U << 23) - 1);
        uint Number(int low, int count) => sign | ((uint)_random.Next(low, low + count) << 23) | fraction;
        return _random.Next(13) switch
        {
            0 => sign,
            1 => sign | (0xFFU << 23),
            2 => sign | (0xFFU << 23) | fraction,
            3 => sign | fraction,
            4 => Number(0, 3),
            5 => Number(0xFC, 3),
            6 => Number(0x7F - 2, 4),
            7 => Number(0x7F - 2, 70),
            8 => sign | ((uint)_random.Next(0xFF) << 23) | (1U << _random.Next(23)),
            9 => BitConverter.SingleToUInt32Bits(_random.Next(-1000, 1000) * 0.25f),
            10 => Number((0x7F / 2) - 2, 5),
            11 => Number(0x7F - 30, 60) & ~((1U << _random.Next(24)) - 1),
            _ => random,
        };
    }

    public Vector128<double> NextDoubles()
        => _random.Next(2) == 0
            ? Vector128.Create(_random.NextDouble() - 0.5, _random.NextDouble() * 100)
            : Vector128.Create(Next64(), Next64()).AsDouble();

    public Vector128<float> NextSingles()
        => _random.Next(2) == 0
            ? Vector128.Create(_random.NextSingle(), _random.NextSingle() - 0.5f, _random.NextSingle() * 9, 0)
            : Vector128.Create(Next32(), Next32(), Next32(), Next32()).AsSingle();

    /// <summary>All masked. Mostly to nearest and PE set, since that is where the fast paths are; also RC, DAZ and FTZ.</summary>
    public uint NextMxcsr()
    {
        uint mxcsr = 0x1F80;
        if (_random.Next(3) != 0) mxcsr |= 0x20;
        if (_random.Next(4) == 0) mxcsr |= (uint)_random.Next(4) << 13;
        if (_random.Next(8) == 0) mxcsr |= 0x40;
        if (_random.Next(8) == 0) mxcsr |= 0x8000;
        return mxcsr;
    }
}
