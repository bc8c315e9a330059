using Emu.Machine.Xen.Disks;
using Xunit;

namespace Emu.Machine.Tests.Xen;

public sealed class ImageDigestTests : IDisposable
{
    private const int Length = (2 << 20) + 1536;

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public ImageDigestTests() => File.WriteAllBytes(_path, new byte[Length]);

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2047, 2)]
    [InlineData(4096, 3)]
    public void Digest_follows_what_is_written_and_comes_back_with_it(int sector, int sectors)
    {
        using var image = RawImage.Open(_path, isReadOnly: false);
        var before = image.Digest();
        Assert.Equal(before, image.Digest());
        var data = new byte[sectors * 512];
        data[^1] = 1;
        image.Write((ulong)sector, data);
        var after = image.Digest();
        Assert.NotEqual(before, after);
        image.Write((ulong)sector, new byte[data.Length]);
        Assert.Equal(before, image.Digest());
    }

    [Fact]
    public void Digest_is_that_of_the_contents_and_of_nothing_else()
    {
        using var image = RawImage.Open(_path, isReadOnly: false);
        var empty = image.Digest();
        image.Write(1, [.. Enumerable.Repeat((byte)7, 512)]);
        var written = image.Digest();
        image.Dispose();
        using var again = RawImage.Open(_path, isReadOnly: true);
        Assert.Equal(written, again.Digest());
        again.Dispose();
        File.WriteAllBytes(_path, new byte[Length + 512]);
        using var longer = RawImage.Open(_path, isReadOnly: true);
        Assert.NotEqual(empty, longer.Digest());
    }
}
