using System.Text.Json;
using Emu.Cpu.Snapshots;
using Emu.Host.Recording;
using Emu.Machine.Snapshots;

namespace Emu.Host.Snapshots;

/// <summary>What a snapshot's file says of the machine that it is of: enough to make one like it.</summary>
internal sealed record SnapshotDescription
{
    /// <summary>The guest, as recordings describe it.</summary>
    public required RecordedGuest Guest { get; init; }

    /// <summary>How far from the addresses in its file the kernel lies: so that its symbols are found.</summary>
    public ulong Displacement { get; init; }

    /// <summary>The console's last line, where it has no end yet: <see cref="UnfinishedLine.Longest"/> bytes at most.</summary>
    public byte[] Line { get; init; } = [];

    /// <summary>SHA-256 of the recording in whose replay it was taken, in lower-case hexadecimal; null for any other.</summary>
    public string? Recording { get; init; }

    /// <summary>Reads the description of a snapshot.</summary>
    /// <param name="file">The snapshot.</param>
    /// <returns>The description.</returns>
    /// <exception cref="SnapshotException">It describes no machine.</exception>
    public static SnapshotDescription Read(SnapshotFile file)
    {
        try
        {
            SnapshotDescription description = JsonSerializer.Deserialize(file.Description.Span, DescriptionJson.Default.SnapshotDescription)
                ?? throw new JsonException("it is empty");
            return description.Guest.IsPossible && description.Line.Length <= UnfinishedLine.Longest ? description : throw new JsonException("a value is none that it can be");
        }
        catch (JsonException e)
        {
            throw new SnapshotException($"The snapshot '{file.FilePath}' describes no machine that this program knows ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>As a snapshot's file has it.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, DescriptionJson.Default.SnapshotDescription);
}
