using System.Text;
using Emu.Machine.Xen.Disks;
using Emu.Xen.Backends.Block;
using Xunit;

namespace Emu.Machine.Tests.Xen;

public sealed class RawImageTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Sectors_are_where_they_were_written_and_in_the_file_at_once()
    {
        File.WriteAllBytes(_path, new byte[10 * 512]);
        using var image = RawImage.Open(_path, isReadOnly: false);
        Assert.Equal(10UL, image.SectorCount);
        image.Write(3, Sectors(2, 0xAB));
        var read = new byte[4 * 512];
        image.Read(2, read);
        Assert.Equal([.. Sectors(1, 0), .. Sectors(2, 0xAB), .. Sectors(1, 0)], read);
        image.Flush();
        image.Dispose();
        Assert.Equal(Sectors(2, 0xAB), File.ReadAllBytes(_path)[(3 * 512)..(5 * 512)]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(1000)]
    public void Length_that_is_no_number_of_sectors_is_refused_in_one_sentence(int length)
    {
        File.WriteAllBytes(_path, new byte[length]);
        var error = Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly: true));
        Assert.Equal($"The disk image '{_path}' has {length} bytes, which is no whole number of sectors of 512 bytes.", error.Message);
        File.WriteAllBytes(_path, new byte[512]);
    }

    [Theory]
    [InlineData("QFI\u00FB", "qcow2")]
    [InlineData("vhdxfile", "vhdx")]
    [InlineData("KDMV", "vmdk")]
    [InlineData("conectix", "vhd")]
    public void Image_in_another_format_is_refused_unless_it_is_said_to_be_raw(string begin, string format)
    {
        byte[] contents = [.. Encoding.Latin1.GetBytes(begin), .. new byte[1024 - begin.Length]];
        File.WriteAllBytes(_path, contents);
        foreach (var isReadOnly in (bool[])[false, true])
        {
            var error = Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly));
            Assert.StartsWith($"The disk image '{_path}' looks like one in the format {format}, which is not read: ", error.Message, StringComparison.Ordinal);
            Assert.Contains("'qemu-img convert -O raw'", error.Message, StringComparison.Ordinal);
        }

        using (var image = RawImage.Open(_path, isReadOnly: false, isRaw: true))
            Assert.Equal(2UL, image.SectorCount);
        // Of no whole number of sectors, as such images can be: what is told is what helps.
        File.WriteAllBytes(_path, contents[..^1]);
        Assert.Contains(format, Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly: true)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("QFI\u00FA")]
    [InlineData("vhdxfilf")]
    [InlineData(" KDMV")]
    public void Image_that_only_resembles_another_format_is_raw(string begin)
    {
        File.WriteAllBytes(_path, [.. Encoding.Latin1.GetBytes(begin), .. new byte[512 - begin.Length]]);
        RawImage.Open(_path, isReadOnly: false).Dispose();
    }

    [SkippableTheory]
    [InlineData("/dev/zero")]
    [InlineData("/dev/null")]
    public void Device_is_refused_with_what_to_do(string path)
    {
        Skip.IfNot(File.Exists(path), $"There is no {path}.");
        var error = Assert.Throws<MachineConfigurationException>(() => RawImage.Open(path, isReadOnly: true));
        Assert.Equal(
            $"The disk image '{path}' is no regular file; what a device holds can be copied into one, as with 'dd if={path} of=disk.img bs=1M'.", error.Message);
    }

    [Fact]
    public void File_that_is_not_there_is_refused()
    {
        var error = Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly: false));
        Assert.StartsWith($"The disk image '{_path}' cannot be opened for writing: ", error.Message, StringComparison.Ordinal);
        Assert.Throws<MachineConfigurationException>(() => RawImage.Open(Path.GetTempPath(), isReadOnly: true));
        Assert.Throws<MachineConfigurationException>(() => RawImage.Open("", isReadOnly: true));
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void Only_readers_share_an_image(bool isFirstReadOnly, bool isSecondReadOnly, bool isShared)
    {
        File.WriteAllBytes(_path, new byte[512]);
        using var first = RawImage.Open(_path, isFirstReadOnly);
        if (isShared)
            RawImage.Open(_path, isSecondReadOnly).Dispose();
        else
            Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isSecondReadOnly));
    }

    [Fact]
    public void Sectors_that_the_file_does_not_have_are_an_error_of_input_and_output()
    {
        File.WriteAllBytes(_path, new byte[1024]);
        using var image = RawImage.Open(_path, isReadOnly: true);
        Assert.Throws<EndOfStreamException>(() => image.Read(1, new byte[1024]));
        Assert.Throws<UnauthorizedAccessException>(() => image.Write(0, new byte[512]));
    }

    [Fact]
    public void Snapshot_leaves_the_file_alone()
    {
        File.WriteAllBytes(_path, Sectors(20, 1));
        using (var image = new SnapshotImage(RawImage.Open(_path, isReadOnly: true)))
        {
            image.Write(5, Sectors(12, 7));
            image.Flush();
            var read = new byte[20 * 512];
            image.Read(0, read);
            Assert.Equal([.. Sectors(5, 1), .. Sectors(12, 7), .. Sectors(3, 1)], read);
        }

        Assert.Equal(Sectors(20, 1), File.ReadAllBytes(_path));
    }

    private static byte[] Sectors(int count, byte value)
    {
        var bytes = new byte[count * 512];
        Array.Fill(bytes, value);
        return bytes;
    }
}
