using Emu.Machine.Tracing;
using Xunit;

namespace Emu.Machine.Tests.Tracing;

/// <summary>The hash of a whole follows from those of its parts, wherever it is cut.</summary>
public sealed class TraceHashTests
{
    [Fact]
    public void The_hash_of_a_block_is_that_of_its_instructions_one_after_the_other()
    {
        TraceBlock block = new(0x1000, 64, true, 0, [1, 3, 2], [0x90, 0x48, 0x89, 0xC3, 0xEB, 0xFE]);
        TraceBlock[] single = [new(0x1000, 64, true, 0, [1], [0x90]), new(0x1001, 64, true, 0, [3], [0x48, 0x89, 0xC3]), new(0x1004, 64, true, 0, [2], [0xEB, 0xFE])];

        Assert.Equal(block.Hash, single.Aggregate(default(TraceHash), static (sum, one) => sum.Then(new TraceHash(one.Hash, 1))).Value);
    }

    [Fact]
    public void A_beginning_can_be_taken_away()
    {
        TraceHash first = new(0x123_4567_89AB, 70), second = new(0x0FED_CBA9_8765_4321, 1234);

        Assert.Equal(second, first.Then(second).Without(first));
    }

    [Fact]
    public void Order_counts()
    {
        TraceHash first = new(1, 1), second = new(2, 1);

        Assert.NotEqual(first.Then(second), second.Then(first));
    }

    [Theory]
    [InlineData(0x1000, 32, true, 0, 0x90)]
    [InlineData(0x1001, 64, true, 0, 0x90)]
    [InlineData(0x1000, 64, false, 0, 0x90)]
    [InlineData(0x1000, 64, true, 3, 0x90)]
    [InlineData(0x1000, 64, true, 0, 0x91)]
    public void Address_mode_privilege_and_bytes_count(ulong linear, int size, bool isProtected, int cpl, byte code)
    {
        TraceBlock block = new(0x1000, 64, true, 0, [1], [0x90]);

        Assert.NotEqual(block.Hash, new TraceBlock(linear, size, isProtected, cpl, [1], [code]).Hash);
    }

    [Fact]
    public void Products_are_right_at_the_largest_values()
    {
        var largest = TraceHash.Modulus - 1;

        // (−1)² = 1
        Assert.Equal(1UL, TraceHash.Multiply(largest, largest));
        Assert.Equal(largest, TraceHash.Multiply(largest, 1));
        Assert.Equal(0UL, TraceHash.Add(largest, 1));
    }
}
