using Emu.Cpu.State;
using Xunit;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>What RDRAND and RDSEED draw from.</summary>
public sealed unsafe class RandomNumberTests
{
    [Fact]
    public void Equal_seeds_give_equal_numbers() => Assert.Equal(Numbers(7, 0), Numbers(7, 0));

    [Fact]
    public void Seeds_and_processors_have_sequences_of_their_own()
    {
        var all = new[] { Numbers(0, 0), Numbers(1, 0), Numbers(0, 1), Numbers(1, 1), Numbers(ulong.MaxValue, 0) }.SelectMany(static n => n).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public void Every_bit_is_drawn_about_as_often_as_not()
    {
        var counts = new int[64];
        foreach (var number in Numbers(3, 0, 10_000))
        {
            for (var bit = 0; bit < 64; bit++)
                counts[bit] += (int)(number >> bit & 1);
        }
        Assert.All(counts, static count => Assert.InRange(count, 4_700, 5_300));
    }

    private static List<ulong> Numbers(ulong seed, uint apicId, int count = 16)
    {
        CpuState state = default;
        RandomGenerator.Start(&state, seed, apicId);
        var numbers = new List<ulong>();
        for (var i = 0; i < count; i++)
            numbers.Add(RandomGenerator.Next(&state));
        return numbers;
    }
}
