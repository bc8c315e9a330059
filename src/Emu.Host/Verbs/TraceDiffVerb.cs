using System.Text;
using Emu.Host.Running;
using Emu.Host.Terminals;
using Emu.Host.Tracing.Comparison;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu trace diff</c>.</summary>
public static class TraceDiffVerb
{
    /// <summary>Compares two logs, and tells on standard output where they differ first.</summary>
    /// <param name="options">Which, and how.</param>
    /// <returns><see cref="ExitCode.Success"/> where they are equal, else <see cref="ExitCode.Different"/>.</returns>
    /// <exception cref="UsageException">A log cannot be read, or has no hypercalls.</exception>
    public static int Compare(TraceDiffOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        bool areEqual = TraceComparison.AreEqual(Read(options.First), Read(options.Second), options, out string report);
        using (Stream output = StandardStreams.OpenOutput())
            output.Write(Encoding.UTF8.GetBytes(report));
        return areEqual ? ExitCode.Success : ExitCode.Different;
    }

    private static List<TracedCall> Read(string path)
    {
        List<TracedCall> calls = XenLog.Read(Encoding.UTF8.GetString(UserFile.Read(path, "log")));
        return calls.Count != 0 ? calls : throw new UsageException($"'{path}' has no line of a hypercall; 'emu run --trace-xen FILE' writes such logs.");
    }
}
