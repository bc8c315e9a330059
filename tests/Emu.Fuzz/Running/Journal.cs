using System.IO.MemoryMappedFiles;

namespace Emu.Fuzz.Running;

/// <summary>What a worker process is doing, in a file that outlives it: whoever started it can tell which case it died of.</summary>
internal sealed class Journal : IDisposable
{
    private const int Size = 4096;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public Journal(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Size);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>The case that runs.</summary>
    public ulong Case { get => _view.ReadUInt64(0); set => _view.Write(0, value); }

    /// <summary>Cases done by all workers so far.</summary>
    public ulong Done { get => _view.ReadUInt64(8); set => _view.Write(8, value); }

    /// <summary>Instructions retired by them.</summary>
    public ulong Instructions { get => _view.ReadUInt64(16); set => _view.Write(16, value); }

    /// <summary>Findings reported by them.</summary>
    public ulong Findings { get => _view.ReadUInt64(24); set => _view.Write(24, value); }

    /// <summary>The longest time of one run, in microseconds, and its case.</summary>
    public ulong Slowest { get => _view.ReadUInt64(32); set => _view.Write(32, value); }

    public ulong SlowestCase { get => _view.ReadUInt64(40); set => _view.Write(40, value); }

    /// <summary>Non-zero while a finding is shrunk: that takes its time.</summary>
    public ulong Shrinking { get => _view.ReadUInt64(48); set => _view.Write(48, value); }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
