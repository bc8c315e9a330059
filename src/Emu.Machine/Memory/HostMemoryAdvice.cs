using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Emu.Machine.Memory;

/// <summary>Hints to the host's memory management. They change how fast memory is, never what it holds; without them all works.</summary>
internal static unsafe partial class HostMemoryAdvice
{
    private const int MadvHugePage = 14;

    /// <summary>Asks for large pages: Linux gives them on request; Windows and macOS have no such request for ordinary memory.</summary>
    /// <param name="start">Start, page aligned.</param>
    /// <param name="length">Bytes.</param>
    public static void PreferLargePages(byte* start, nuint length)
    {
        if (OperatingSystem.IsLinux())
            _ = AdviseLinux(start, length, MadvHugePage);
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseLinux(byte* start, nuint length, int advice);
}
