using System.Text;
using Emu.Host.CommandLine;
using Emu.Host.Recording;

namespace Emu.Host.Snapshots;

/// <summary>When a snapshot is to be taken: one of the three is set.</summary>
/// <param name="Words">As the user said it.</param>
/// <param name="Instructions">After so many instructions.</param>
/// <param name="Time">At a virtual time, in nanoseconds.</param>
/// <param name="Text">When it has appeared on the console.</param>
public sealed record SnapshotMoment(string Words, ulong? Instructions = null, ulong? Time = null, ReadOnlyMemory<byte>? Text = null)
{
    private const string OnText = "on:";

    /// <summary>Reads a moment.</summary>
    /// <param name="option">The option, for refusals.</param>
    /// <param name="text">The text.</param>
    /// <returns>The moment.</returns>
    /// <exception cref="UsageException">It is none.</exception>
    public static SnapshotMoment Parse(string option, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.StartsWith(OnText, StringComparison.Ordinal) && text.Length > OnText.Length)
            return new SnapshotMoment(text, Text: Encoding.UTF8.GetBytes(text[OnText.Length..]));
        if (OptionText.TryParseTime(text, out ulong time))
            return new SnapshotMoment(text, Time: time);
        if (text is [>= '0' and <= '9', ..] && text.All(static c => char.IsAsciiDigit(c) || c is '_' or ','))
            return new SnapshotMoment(text, Instructions: OptionText.Count(option, text));
        throw new UsageException($"{option} takes a count of instructions, a virtual time such as 2s or 1500ms, or on:TEXT for a text on the console, not '{text}'.");
    }
}

/// <summary>The snapshots that were asked for.</summary>
/// <param name="Moments">When.</param>
/// <param name="File">Where the first one goes.</param>
/// <param name="EndsRun">Whether the run ends with the last one.</param>
public sealed record SnapshotRequest(IReadOnlyList<SnapshotMoment> Moments, string File, bool EndsRun)
{
    /// <summary>Where each one goes, where their names do not follow from the first one's; null where they do.</summary>
    public IReadOnlyList<string>? Files { get; init; }

    /// <summary>The option that asked for them, for what is said about them; null where that is none of their moments' business.</summary>
    public string? Option { get; init; } = "--snapshot-at";

    /// <summary>The guest, where somebody has looked at its files already; null for it to be looked at.</summary>
    internal RecordedGuest? Guest { get; init; }

    /// <summary>SHA-256 of the recording in whose replay they are taken, in lower-case hexadecimal; null where that means nothing.</summary>
    public string? Recording { get; init; }

    /// <summary>Where a snapshot goes.</summary>
    /// <param name="number">Which one, from 1 on.</param>
    /// <returns>The file.</returns>
    public string FileOf(int number) => Files is { } files ? files[number - 1] : number == 1 ? File : Path.ChangeExtension(File, null) + $".{number}" + Path.GetExtension(File);
}

/// <summary>A folder with snapshots of boots.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Moment">How far the boot goes that is not to be repeated.</param>
public sealed record BootCacheRequest(string Folder, SnapshotMoment Moment)
{
    private const string At = ",at=";

    /// <summary>Reads it.</summary>
    /// <param name="option">The option, for refusals.</param>
    /// <param name="text">The text.</param>
    /// <returns>It.</returns>
    /// <exception cref="UsageException">It is none.</exception>
    public static BootCacheRequest Parse(string option, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int at = text.IndexOf(At, StringComparison.Ordinal);
        if (at <= 0)
            throw new UsageException($"{option} takes a folder and how far the boot goes that is kept there, such as 'cache{At}on:login:', not '{text}'.");
        return new BootCacheRequest(text[..at], SnapshotMoment.Parse(option, text[(at + At.Length)..]));
    }
}
