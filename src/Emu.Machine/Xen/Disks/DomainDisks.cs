using Emu.Machine.Recording;
using Emu.Xen.Backends.Block;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Machine.Xen.Disks;

/// <summary>The disks of a domain: their images on the host, their records in the store, their back ends.</summary>
internal sealed class DomainDisks : IDisposable
{
    private readonly List<IBlockImage> _images = [];

    /// <summary>Opens all images, and offers the disks to the domain.</summary>
    /// <param name="domain">The domain; its own record is in the store.</param>
    /// <param name="store">The store.</param>
    /// <param name="disks">The disks.</param>
    /// <param name="log">Hears of trouble.</param>
    /// <param name="journal">What writes down, or plays back, how the host's files behave; null for neither.</param>
    /// <exception cref="MachineConfigurationException">An image cannot be used, or two disks have one name.</exception>
    public DomainDisks(Domain domain, ControlDomain store, IReadOnlyList<DiskOptions> disks, ControlDomainLog log, InputJournal? journal = null)
    {
        HashSet<uint> numbers = [];
        try
        {
            foreach (var disk in disks)
            {
                BlockDeviceRecord record = new()
                {
                    Domain = domain.Id,
                    Device = disk.Device,
                    IsReadOnly = disk.IsReadOnly,
                    IsCdrom = disk.IsCdrom,
                };
                if (!numbers.Add(record.Id))
                    throw new MachineConfigurationException($"The domain has two disks '{disk.Device}'.");
                var image = journal?.OpenImage(disk, Open) ?? Open(disk);
                _images.Add(image);
                record.WriteTo(store);
                log.Follow(new BlockBackend(domain, store, record, image));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var image in _images)
            image.Dispose();
        _images.Clear();
    }

    private static IBlockImage Open(DiskOptions disk)
    {
        var image = RawImage.Open(disk.Path, disk.IsReadOnly || disk.IsSnapshot, disk.IsRaw);
        return disk.IsSnapshot && !disk.IsReadOnly ? new SnapshotImage(image) : image;
    }
}
