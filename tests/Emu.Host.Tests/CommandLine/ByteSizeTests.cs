using Emu.Host.CommandLine;

namespace Emu.Host.Tests.CommandLine;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("512M", 512UL << 20)]
    [InlineData("512m", 512UL << 20)]
    [InlineData("512MiB", 512UL << 20)]
    [InlineData("512", 512UL << 20)]
    [InlineData("2G", 2UL << 30)]
    [InlineData("4096B", 4096UL)]
    [InlineData("64K", 64UL << 10)]
    [InlineData("1T", 1UL << 40)]
    public void Units_are_powers_of_1024_and_a_plain_number_counts_MiB(string text, ulong expected)
    {
        Assert.True(ByteSize.TryParse(text, out ulong bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("1.5G")]
    [InlineData("12X")]
    [InlineData(" 12M")]
    [InlineData("99999999999999999999")]
    [InlineData("9223372036854775807G")]
    public void What_is_not_a_size_is_refused(string text)
    {
        Assert.False(ByteSize.TryParse(text, out _));
    }

    [Fact]
    public void Sizes_are_written_with_the_largest_whole_unit()
    {
        Assert.Equal("512 MiB", ByteSize.Format(512UL << 20));
        Assert.Equal("1 GiB", ByteSize.Format(1UL << 30));
        Assert.Equal("1025 bytes", ByteSize.Format(1025));
    }
}
