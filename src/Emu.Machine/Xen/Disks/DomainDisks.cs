using Emu.Cpu.Snapshots;
using Emu.Machine.Recording;
using Emu.Xen.Backends.Block;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Store.Records;

namespace Emu.Machine.Xen.Disks;

/// <summary>The disks of a domain: their images on the host, their records in the store, their back ends.</summary>
internal sealed class DomainDisks : IDisposable, IStateful
{
    private readonly List<IBlockImage> _images = [];
    private readonly List<BlockBackend> _backends = [];

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
                BlockBackend backend = new(domain, store, record, image);
                _backends.Add(backend);
                log.Follow(backend);
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

    /// <summary>Transfers the back ends, and what is on the disks: by a digest where the host keeps it.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Section("disks");
        stream.Require(stream.Count(_backends.Count, int.MaxValue) == _backends.Count, "it is of a machine with other disks");
        for (var i = 0; i < _backends.Count; i++)
        {
            _images[i].Transfer(stream);
            _backends[i].Transfer(stream);
        }
    }

    private static IBlockImage Open(DiskOptions disk)
    {
        var image = RawImage.Open(disk.Path, disk.IsReadOnly || disk.IsSnapshot, disk.IsRaw);
        return disk.IsSnapshot && !disk.IsReadOnly ? new SnapshotImage(image) : image;
    }
}
