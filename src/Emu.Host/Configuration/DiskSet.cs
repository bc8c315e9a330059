using Emu.Machine;
using Emu.Xen.Store.Records;

namespace Emu.Host.Configuration;

/// <summary>The disks of a guest, whose names part them.</summary>
internal static class DiskSet
{
    /// <summary>Whether two disks would be one and the same in the guest: <c>xvda</c> and <c>d0</c> are.</summary>
    /// <param name="one">A disk.</param>
    /// <param name="other">A disk.</param>
    /// <returns>True where they would.</returns>
    public static bool IsSame(DiskOptions one, DiskOptions other) => Number(one.Device) == Number(other.Device);

    /// <summary>The first of xvda, xvdb and so on that no disk has.</summary>
    /// <param name="disks">The disks that there are.</param>
    /// <returns>The name.</returns>
    public static string NextDevice(IReadOnlyCollection<DiskOptions> disks)
    {
        HashSet<uint> taken = [.. disks.Select(static disk => Number(disk.Device))];
        for (char letter = 'a'; letter < 'z'; letter++)
        {
            string name = $"xvd{letter}";
            if (!taken.Contains(Number(name)))
                return name;
        }

        return "xvdz";
    }

    private static uint Number(string device) => BlockDeviceRecord.TryParseDevice(device, out uint number) ? number : uint.MaxValue;
}
