using Emu.Machine;
using Microsoft.Extensions.Logging;

namespace Emu.Host.Running;

/// <summary>What is said to the log about a guest's setting up.</summary>
internal static partial class RunLog
{
    [LoggerMessage(100, LogLevel.Warning, "{Configuration}: ignored: {Keys}.")]
    public static partial void Ignored(ILogger logger, string configuration, string keys);

    [LoggerMessage(101, LogLevel.Information, "The kernel is Linux and has no command line; it gets '{CommandLine}', so that its console is seen.")]
    public static partial void StandardCommandLine(ILogger logger, string commandLine);

    [LoggerMessage(102, LogLevel.Information, "The guest has ended ({Reason}) and is started anew: restart {Number} of {Most}.")]
    public static partial void Restart(ILogger logger, StopReason reason, int number, int most);

    [LoggerMessage(104, LogLevel.Warning, "The kernel '{Path}' is not there any more, or not what it was when the snapshot was taken: addresses have no names of its; --symbols takes a file with them.")]
    public static partial void KernelIsGone(ILogger logger, string path);

    [LoggerMessage(103, LogLevel.Warning, "The guest may write to the disk image '{Path}': a replay needs a copy of it as it is now, or the disk as a ',snapshot'.")]
    public static partial void RecordedDiskChanges(ILogger logger, string path);
}
