namespace Emu.Host.Recording;

/// <summary>Where the files of a recorded run are now: where they were, or where the user says.</summary>
internal sealed class RecordedFiles
{
    private readonly IReadOnlyList<string> _places;

    /// <summary>Makes it.</summary>
    /// <param name="places">Files, found by what is in them, and folders, in which files have the names that they had.</param>
    /// <exception cref="UsageException">One is not there.</exception>
    public RecordedFiles(IReadOnlyList<string> places)
    {
        _places = places;
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
        foreach (string place in _places)
        {
            string path = Directory.Exists(place) ? Path.Combine(place, Path.GetFileName(file.Path)) : place;
            if (file.IsAt(path))
                return path;
        }

        if (file.IsAt(file.Path))
            return file.Path;
        throw new UsageException(
            !File.Exists(file.Path) ? $"The {what} '{file.Path}' of the recorded run is not there; --file says where it is now."
            : mayHaveChanged ? $"The {what} '{file.Path}' is not what it was when the recorded run began, perhaps because the guest wrote to it; --file takes a copy from before."
            : $"The {what} '{file.Path}' is not what it was when the recorded run began; --file says where one with the same bytes is.");
    }
}
