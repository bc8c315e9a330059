namespace Emu.Host.Recording;

/// <summary>Where the files of a recorded run are now: where they were, or where the user says.</summary>
internal sealed class RecordedFiles
{
    private readonly IReadOnlyList<string> _places;
    private readonly bool _isOfSnapshot;

    /// <summary>Makes it.</summary>
    /// <param name="places">Files, found by what is in them, and folders, in which files have the names that they had.</param>
    /// <param name="isOfSnapshot">Whether it is a snapshot that needs them, not a recording.</param>
    /// <exception cref="UsageException">One is not there.</exception>
    public RecordedFiles(IReadOnlyList<string> places, bool isOfSnapshot = false)
    {
        _places = places;
        _isOfSnapshot = isOfSnapshot;
        foreach (string place in places)
        {
            if (!File.Exists(place) && !Directory.Exists(place))
                throw new UsageException($"--file: there is no file or folder '{place}'.");
        }
    }

    /// <summary>Finds a file.</summary>
    /// <param name="file">As it was.</param>
    /// <param name="what">What it is, for refusals.</param>
    /// <param name="mayHaveChanged">Whether the recorded run itself could write to it.</param>
    /// <returns>Where a file with the same bytes is.</returns>
    /// <exception cref="UsageException">There is none.</exception>
    public string Find(RecordedFile file, string what, bool mayHaveChanged = false)
    {
        if (TryFind(file) is { } found)
            return found;
        throw new UsageException(
            _isOfSnapshot ? $"The {what} '{file.Path}' is not there any more, or not what it was when the snapshot was taken, and is needed."
            : !File.Exists(file.Path) ? $"The {what} '{file.Path}' of the recorded run is not there; --file says where it is now."
            : mayHaveChanged ? $"The {what} '{file.Path}' is not what it was when the recorded run began, perhaps because the guest wrote to it; --file takes a copy from before."
            : $"The {what} '{file.Path}' is not what it was when the recorded run began; --file says where one with the same bytes is.");
    }

    /// <summary>Finds a file, if it is there.</summary>
    /// <param name="file">As it was.</param>
    /// <returns>Where a file with the same bytes is; null for nowhere.</returns>
    public string? TryFind(RecordedFile file)
    {
        foreach (string place in _places)
        {
            string path = Directory.Exists(place) ? Path.Combine(place, Path.GetFileName(file.Path)) : place;
            if (file.IsAt(path))
                return path;
        }

        return file.IsAt(file.Path) ? file.Path : null;
    }
}
