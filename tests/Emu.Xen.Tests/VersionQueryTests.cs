using System.Text;
using Emu.Xen.Tests.Support;
using Xunit;

namespace Emu.Xen.Tests;

public sealed class VersionQueryTests : IDisposable
{
    private const uint XenVersion = 17;
    private const ulong Buffer = 0x8000, Nowhere = 0xF000_0000;

    private readonly TestDomain _domain = new();

    public void Dispose() => _domain.Dispose();

    [Theory]
    [InlineData(1U, 16, ".7")]
    [InlineData(3U, 1024, "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ")]
    [InlineData(4U, 64, "unavailable")]
    [InlineData(9U, 9, "<denied>")]
    public void Texts_fill_their_buffers_and_no_more(uint command, int length, string expected)
    {
        _domain.Write(Buffer, [.. Enumerable.Repeat((byte)0xCC, length + 1)]);
        Assert.Equal(0, _domain.Try(XenVersion, command, Buffer));
        var bytes = _domain.Read(Buffer, length + 1);
        Assert.Equal(expected.PadRight(length, '\0'), Encoding.ASCII.GetString(bytes.AsSpan(0, length)));
        Assert.Equal(0xCC, bytes[length]);
    }

    [Theory]
    [InlineData(1U)]
    [InlineData(2U)]
    [InlineData(3U)]
    [InlineData(4U)]
    [InlineData(5U)]
    [InlineData(6U)]
    [InlineData(8U)]
    [InlineData(9U)]
    public void What_cannot_be_written_is_a_bad_address(uint command) => Assert.Equal(-14, _domain.Try(XenVersion, command, Nowhere));

    [Fact]
    public void Features_exist_in_the_first_submap_only()
    {
        _domain.Put(Buffer, 0, 0xCCCC_CCCC);
        Assert.Equal(0, _domain.Try(XenVersion, 6, Buffer));
        Assert.Equal(0x1_2305U, _domain.Read32(Buffer + 4));
        _domain.Put(Buffer, 1);
        Assert.Equal(-22, _domain.Try(XenVersion, 6, Buffer));
    }

    [Fact]
    public void Page_size_is_4096_and_has_no_argument()
    {
        Assert.Equal(4096, _domain.Try(XenVersion, 7));
        Assert.Equal(-22, _domain.Try(XenVersion, 7, Buffer));
    }

    [Fact]
    public void Handle_is_the_uuid_as_it_is_written()
    {
        Assert.Equal(0, _domain.Try(XenVersion, 8, Buffer));
        Assert.Equal(_domain.Domain.Options.Uuid.ToString("N"), Convert.ToHexStringLower(_domain.Read(Buffer, 16)));
    }

    [Fact]
    public void Platform_parameters_are_of_the_callers_width()
    {
        _domain.Put(Buffer, 0xCCCC_CCCC, 0xCCCC_CCCC, 0xCCCC_CCCC);
        Assert.Equal(0, _domain.Try(XenVersion, 5, Buffer));
        Assert.Equal(0xCCCC_CCCC_0000_0000, _domain.Read64(Buffer));
        _domain.Use64BitCode();
        Assert.Equal(0, _domain.Try(XenVersion, 5, Buffer));
        Assert.Equal(0xFFFF_8000_0000_0000, _domain.Read64(Buffer));
        Assert.Equal(0xCCCC_CCCC, _domain.Read32(Buffer + 8));
    }

    [Fact]
    public void Build_id_is_not_for_a_domain_without_privilege() => Assert.Equal(-1, _domain.Try(XenVersion, 10));

    [Theory]
    [InlineData(11U)]
    [InlineData(14U)]
    [InlineData(0xFFFF_FFFFU)]
    public void Other_queries_came_after_4_17(uint command) => Assert.Equal(-38, _domain.Try(XenVersion, command, Buffer));
}
