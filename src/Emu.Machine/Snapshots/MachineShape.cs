using System.Globalization;
using System.Security.Cryptography;
using Emu.Cpu.Snapshots;

namespace Emu.Machine.Snapshots;

/// <summary>What a machine is made of, as far as the guest can tell and its devices do not say themselves: only between equals can state be moved.</summary>
internal static class MachineShape
{
    private const int LongestText = 1024;

    /// <summary>Compares the machine with that of the state.</summary>
    /// <param name="stream">The state.</param>
    /// <param name="present">What <see cref="Describe"/> said of this one.</param>
    /// <exception cref="SnapshotException">They differ.</exception>
    public static void Transfer(StateStream stream, string present)
    {
        stream.Section("machine");
        var saved = present;
        stream.Transfer(ref saved, LongestText);
        if (saved == present)
            return;
        // What differs, pair by pair.
        var mine = present.Split(", ");
        var theirs = saved.Split(", ");
        var wanted = theirs.Except(mine).ToArray();
        throw new SnapshotException(
            mine.Length == theirs.Length && wanted.Length != 0
                ? $"The snapshot is of another machine: {string.Join(", ", wanted)}; not {string.Join(", ", mine.Except(theirs))}."
                : "The snapshot is of another machine.");
    }

    /// <summary>Describes a machine.</summary>
    /// <param name="options">What it was made with.</param>
    /// <returns>Equal texts for equal machines.</returns>
    public static string Describe(MachineOptions options) => string.Create(
        CultureInfo.InvariantCulture,
        $"profile {options.Profile}, {options.MemorySize >> 10} KiB of memory, {options.Vcpus} vCPUs, a processor of {options.CpuVendor}, level {options.CpuLevel}, "
        + $"forced emulation {options.ForcedEmulation}, any hypercall instruction {options.AcceptsAnyHypercallInstruction}, test devices {options.TestDevices}, "
        + $"clock from {options.ClockStart.UtcTicks}, domain {options.DomainUuid?.ToString() ?? "of no UUID"}, "
        + $"disks {(options.Disks.Count == 0 ? "of none" : string.Join(" and ", options.Disks.Select(static disk => disk.Device + (disk.IsCdrom ? " (CD)" : "") + (disk.IsReadOnly ? " (read only)" : ""))))}, "
        + $"{options.Networks.Count} network cards, "
        + $"firmware {(options.Firmware is { } rom ? Convert.ToHexStringLower(SHA256.HashData(rom.Bytes.Span)) : "of none")}");
}
