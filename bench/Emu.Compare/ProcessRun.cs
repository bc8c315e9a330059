using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Compare;

/// <summary>One process from start to end: its lines with their times, how long it took, how it ended.</summary>
internal sealed partial class ProcessRun
{
    private const int OfChildren = -1;

    private readonly List<(TimeSpan At, string Line)> _lines = [];

    /// <summary>The lines of standard output, without CR and LF, and when each was complete, from the process's start.</summary>
    public IReadOnlyList<(TimeSpan At, string Line)> Lines => _lines;

    public TimeSpan Elapsed { get; private set; }

    /// <summary>User and system time of the process and of those that it waited for.</summary>
    public TimeSpan Processor { get; private set; }

    /// <summary>Null where the process was ended because of the limit.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Why a run that has no result has none, for a message.</summary>
    public string Describe()
    {
        string how = ExitCode is { } code
            ? string.Create(CultureInfo.InvariantCulture, $"exit {code}")
            : string.Create(CultureInfo.InvariantCulture, $"no end within {Elapsed.TotalSeconds:F0} s");
        return _lines.Count > 0 ? $"{how}, last line: {_lines[^1].Line}" : how;
    }

    /// <summary>Runs a command without input to its end, or until the limit.</summary>
    public static ProcessRun Start(IReadOnlyList<string> command, TimeSpan limit)
    {
        var run = new ProcessRun();
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in command.Skip(1))
            start.ArgumentList.Add(argument);

        TimeSpan before = ProcessorOfChildren();
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
        process.StandardInput.Close();
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        using (var timer = new Timer(_ => run.End(process), null, limit, Timeout.InfiniteTimeSpan))
        {
            run.Read(process.StandardOutput.BaseStream, begin);
            process.WaitForExit();
        }

        run.Elapsed = Stopwatch.GetElapsedTime(begin);
        run.Processor = OperatingSystem.IsWindows() ? process.TotalProcessorTime : ProcessorOfChildren() - before;
        run.ExitCode = run._ended ? null : process.ExitCode;
        return run;
    }

    private volatile bool _ended;

    private void End(Process process)
    {
        try
        {
            _ended = true;
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            _ended = false; // it had ended by itself
        }
    }

    // Takes whole lines as they arrive: a reader that waits for its buffer to fill would see START late.
    private void Read(Stream output, long begin)
    {
        Span<byte> buffer = stackalloc byte[4096];
        var line = new List<byte>();
        int count;
        while ((count = output.Read(buffer)) > 0)
        {
            TimeSpan now = Stopwatch.GetElapsedTime(begin);
            foreach (byte b in buffer[..count])
            {
                if (b == '\n')
                {
                    _lines.Add((now, Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(line)).TrimEnd('\r')));
                    line.Clear();
                }
                else
                {
                    line.Add(b);
                }
            }
        }
    }

    private static TimeSpan ProcessorOfChildren()
    {
        if (OperatingSystem.IsWindows() || GetResourceUsage(OfChildren, out ResourceUsage usage) != 0)
            return TimeSpan.Zero;
        return TimeSpan.FromSeconds(usage.UserSeconds + usage.SystemSeconds)
            + TimeSpan.FromMicroseconds(usage.UserMicroseconds + usage.SystemMicroseconds);
    }

    // struct rusage of 64-bit Linux and macOS, of which the two times are read; the rest is room.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct ResourceUsage
    {
        [FieldOffset(0)]
        public long UserSeconds;

        [FieldOffset(8)]
        public int UserMicroseconds;

        [FieldOffset(16)]
        public long SystemSeconds;

        [FieldOffset(24)]
        public int SystemMicroseconds;
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetResourceUsage(int who, out ResourceUsage usage);
}
