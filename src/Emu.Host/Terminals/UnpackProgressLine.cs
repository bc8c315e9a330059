using System.Diagnostics;
using System.Globalization;
using Emu.Pvh;
using Emu.Pvh.Compression;

namespace Emu.Host.Terminals;

/// <summary>One line on a terminal's stderr that grows while a kernel is unpacked, and is wiped afterwards. Fast work shows none.</summary>
public sealed class UnpackProgressLine : IDisposable
{
    /// <summary>Nobody misses progress before this many milliseconds.</summary>
    private const long QuietMilliseconds = 200;

    private const long RefreshMilliseconds = 100;

    private readonly TextWriter _writer;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _nextRefresh = QuietMilliseconds;
    private int _shown;

    /// <summary>Creates the line; it shows nothing yet.</summary>
    /// <param name="writer">A terminal.</param>
    public UnpackProgressLine(TextWriter writer)
    {
        _writer = writer;
    }

    /// <summary>Takes news.</summary>
    /// <param name="progress">How far unpacking has come.</param>
    public void Report(UnpackProgress progress)
    {
        if (_clock.ElapsedMilliseconds < _nextRefresh)
            return;
        _nextRefresh = _clock.ElapsedMilliseconds + RefreshMilliseconds;
        Show(string.Create(
            CultureInfo.InvariantCulture,
            $"Unpacking the kernel ({progress.Format.Name()}): {100 * progress.BytesRead / Math.Max(progress.BytesTotal, 1)} %, {progress.BytesWritten >> 20} MiB"));
    }

    /// <summary>Wipes the line.</summary>
    public void Dispose()
    {
        if (_shown == 0)
            return;
        Show("");
        _writer.Write('\r');
        _writer.Flush();
    }

    private void Show(string text)
    {
        _writer.Write('\r');
        _writer.Write(text.PadRight(_shown));
        _writer.Flush();
        _shown = text.Length;
    }
}
