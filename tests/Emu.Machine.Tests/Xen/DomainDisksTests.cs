using Emu.Machine.Xen.Disks;
using Xunit;

namespace Emu.Machine.Tests.Xen;

public sealed class DomainDisksTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public DomainDisksTests() => File.WriteAllBytes(_path, new byte[4096]);

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Image_belongs_to_its_machine_until_that_is_gone()
    {
        using (Make(new DiskOptions { Path = _path }))
            Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly: true));
        RawImage.Open(_path, isReadOnly: false).Dispose();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Machines_that_leave_an_image_alone_share_it(bool isReadOnly, bool isSnapshot)
    {
        DiskOptions disk = new() { Path = _path, IsReadOnly = isReadOnly, IsSnapshot = isSnapshot };
        using var first = Make(disk);
        using var second = Make(disk);
        Assert.Throws<MachineConfigurationException>(() => RawImage.Open(_path, isReadOnly: false));
    }

    [Fact]
    public void Two_disks_of_one_name_are_refused_and_no_image_stays_open()
    {
        var error = Assert.Throws<MachineConfigurationException>(
            () => Make(new DiskOptions { Path = _path }, new DiskOptions { Path = _path, Device = "51712" }));
        Assert.Equal("The domain has two disks '51712'.", error.Message);
        RawImage.Open(_path, isReadOnly: false).Dispose();
    }

    private static PvhMachine Make(params DiskOptions[] disks) =>
        new(new MachineOptions { Profile = MachineProfile.Xen, MemorySize = 16 << 20, Disks = disks });
}
