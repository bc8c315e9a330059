using System.Globalization;

namespace Emu.Xen.Store.Records;

/// <summary>
/// What xl puts into the store for a device: a directory of the front end's, one of the back end's, and a copy for itself
/// (tools/libs/light/libxl_device.c, libxl__device_generic_add). The back end is in domain 0.
/// </summary>
public abstract record DeviceRecord
{
    /// <summary>XenbusStateInitialising, in which both ends begin.</summary>
    private protected const string Initialising = "1";

    /// <summary>The domain with the front end; not 0.</summary>
    public uint Domain { get; init; } = 1;

    /// <summary>The device's number among those of its kind in the domain.</summary>
    public abstract uint Id { get; }

    /// <summary>The kind's name in paths, for instance <c>vbd</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The front end's directory.</summary>
    public virtual string FrontendPath => $"{StorePath.OfDomain(Domain)}/device/{Kind}/{Number(Id)}";

    /// <summary>The back end's directory.</summary>
    public string BackendPath => $"/local/domain/0/backend/{Kind}/{Number(Domain)}/{Number(Id)}";

    /// <summary>The toolstack's directory.</summary>
    public string ToolstackPath => $"/libxl/{Number(Domain)}/device/{Kind}/{Number(Id)}";

    private protected StorePermissions GuestsOwn => StorePermissions.Parse("n" + Number(Domain), "r0");

    private protected StorePermissions GuestReads => StorePermissions.Parse("n0", "r" + Number(Domain));

    /// <summary>The permissions of the front end's directory itself.</summary>
    private protected virtual StorePermissions FrontendPermissions => GuestsOwn;

    /// <summary>Writes the record; what was there of the device before is removed.</summary>
    /// <param name="control">The store. It has the domain's own record already.</param>
    public void WriteTo(ControlDomain control)
    {
        ArgumentNullException.ThrowIfNull(control);
        RemoveFrom(control);
        control.Write(ToolstackPath + "/frontend", FrontendPath);
        control.Write(ToolstackPath + "/backend", BackendPath);

        MakeDirectory(control, FrontendPath, FrontendPermissions);
        control.Write(FrontendPath + "/backend", BackendPath);
        WriteAll(control, FrontendPath, OwnedByGuest(), GuestsOwn);
        WriteAll(control, FrontendPath, ReadByGuest(), GuestReads);

        MakeDirectory(control, BackendPath, GuestReads);
        control.Write(BackendPath + "/frontend", FrontendPath);
        WriteAll(control, BackendPath, OfBackend(), permissions: null);
        WriteAll(control, ToolstackPath, OfBackend(), permissions: null);
    }

    /// <summary>Removes the device from the store.</summary>
    /// <param name="control">The store.</param>
    public void RemoveFrom(ControlDomain control)
    {
        ArgumentNullException.ThrowIfNull(control);
        control.Remove(ToolstackPath);
        control.Remove(FrontendPath);
        control.Remove(BackendPath);
    }

    private protected static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private protected static string Flag(bool value) => value ? "1" : "0";

    /// <summary>The front end's nodes that the guest owns.</summary>
    private protected abstract IEnumerable<(string Name, string Value)> OwnedByGuest();

    /// <summary>The front end's nodes that the guest only reads.</summary>
    private protected virtual IEnumerable<(string Name, string Value)> ReadByGuest() => [];

    /// <summary>The back end's nodes.</summary>
    private protected abstract IEnumerable<(string Name, string Value)> OfBackend();

    private static void MakeDirectory(ControlDomain control, string path, StorePermissions permissions)
    {
        control.MakeDirectory(path);
        control.SetPermissions(path, permissions);
    }

    private static void WriteAll(
        ControlDomain control, string path, IEnumerable<(string Name, string Value)> nodes, StorePermissions? permissions)
    {
        foreach (var (name, value) in nodes)
        {
            control.Write($"{path}/{name}", value);
            if (permissions != null)
                control.SetPermissions($"{path}/{name}", permissions);
        }
    }
}
