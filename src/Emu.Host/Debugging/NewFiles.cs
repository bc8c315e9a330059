using Emu.Host.CommandLine;
using Emu.Host.Recording;
using Emu.Host.Snapshots;
using Emu.Machine.Snapshots;

namespace Emu.Host.Debugging;

/// <summary>The files that gdb's user can have written: new ones, in the folder that <c>emu</c> was started in.</summary>
/// <remarks>
/// Who reaches the port may be somebody else than who has started <c>emu</c>. So names have no folder in them, end in what they are, and replace nothing
/// but what was written in the same run.
/// </remarks>
internal sealed class NewFiles
{
    private readonly string _folder = Directory.GetCurrentDirectory();
    private readonly HashSet<string> _written = [];
    private readonly TextWriter _error;
    private readonly RunOptions _options;
    private readonly Task<RecordedGuest> _guest;

    /// <summary>Looks at what the guest is made of, before anything can change.</summary>
    /// <param name="options">What the user asked for.</param>
    /// <param name="error">Hears of each file.</param>
    public NewFiles(RunOptions options, TextWriter error)
    {
        _error = error;
        _options = options;
        // Not the disks: their images are in use, and stay as they are.
        _guest = Task.Run(() => options.Resumed?.Guest ?? RecordedGuest.Of(options with { Disks = [] }, "monitor snapshot"));
    }

    /// <summary>Creates a file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="suffix">What it has to end in.</param>
    /// <returns>It.</returns>
    /// <exception cref="UsageException">The name cannot be had, or the file not be made.</exception>
    public FileStream Create(string name, string suffix)
    {
        string path = PathOf(name, suffix);
        try
        {
            FileStream file = new(path, _written.Contains(name) ? FileMode.Create : FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
            _written.Add(name);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UsageException(Refusal(name, e), e);
        }
    }

    /// <summary>Writes a snapshot with which <c>emu run --resume</c> goes on.</summary>
    /// <param name="control">The guest, which stands.</param>
    /// <param name="name">The file's name.</param>
    /// <returns>A sentence about it.</returns>
    /// <exception cref="UsageException">It cannot be written.</exception>
    public string WriteSnapshot(GuestControl control, string name)
    {
        string path = PathOf(name, ".snapshot");
        if (File.Exists(path) && !_written.Contains(name))
            throw new UsageException($"'{name}' is there already, and was not written in this run: name another.");
        if (_options is { Replay: null, Debugger.WritesDisks: true } && _options.Disks.FirstOrDefault(static disk => !disk.IsReadOnly && !disk.IsSnapshot) is { } written)
            throw new UsageException($"The guest writes to '{written.Path}' itself (write-disks): a snapshot would not go with what is there later.");
        try
        {
            MachineSnapshot snapshot = control.Machine.TakeSnapshot();
            byte[] description = new SnapshotDescription { Guest = Describe(), Displacement = control.Setup.Displacement }.ToBytes();
            SnapshotFile.Write(path, snapshot, RecordedGuest.ThisProgram, description).Dispose();
            _written.Add(name);
            string sentence = FormattableString.Invariant($"Snapshot after {snapshot.InstructionsRetired} instructions written to '{path}' ({new FileInfo(path).Length >> 10} KiB): emu run --resume {name}");
            _error.Write($"emu: {sentence}\n");
            return sentence;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Cpu.Snapshots.SnapshotException)
        {
            throw new UsageException(Refusal(name, e), e);
        }
    }

    // What the guest writes to disks is kept in memory, and will be in the snapshot.
    private RecordedGuest Describe()
    {
        RecordedGuest guest = _guest.GetAwaiter().GetResult();
        IEnumerable<RecordedDisk> disks = _options.Resumed is null ? _options.Disks.Select(static disk => RecordedDisk.Of(disk, "monitor snapshot")) : guest.Disks;
        return guest with { Disks = [.. disks.Select(static disk => disk with { IsSnapshot = !disk.IsReadOnly })] };
    }

    private static string Refusal(string name, Exception e) => $"'{name}' cannot be written: {e.Message}";

    private string PathOf(string name, string suffix)
    {
        bool isPlain = name.Length is > 0 and <= 200 && name[0] is not ('.' or '-') && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_' or '+' or '=');
        return isPlain && name.EndsWith(suffix, StringComparison.Ordinal)
            ? Path.Combine(_folder, name)
            : throw new UsageException($"A name of letters, digits, '.', '-', '_', '+' and '=' that ends in {suffix} is wanted; the file is made in the folder that emu was started in.");
    }
}
