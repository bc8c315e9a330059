using System.Text;
using Emu.Cpu.Snapshots;
using Emu.Host;
using Emu.Host.CommandLine;
using Emu.Host.Terminals;
using Emu.Host.Verbs;
using Emu.Machine;
using Emu.Machine.Recording;
using Emu.Pvh;

try
{
    return EmuCommand.Invoke(args, new EmuVerbs
    {
        Run = RunVerb.Run,
        Replay = ReplayVerb.Run,
        Inspect = InspectVerb.Inspect,
        Explain = ExplainVerb.Run,
        Symbols = SymbolsVerb.Write,
        Trace = new TraceVerbs(TraceDiffVerb.Compare, TraceShowVerb.Show, TraceStatsVerb.Tell, TraceMergeVerb.Merge, TraceExportVerb.Export),
    });
}
catch (Exception e) when (e is UsageException or PvhBootException or MachineConfigurationException or RecordingException or SnapshotException)
{
    WriteError($"emu: {e.Message}");
    return ExitCode.Usage;
}
catch (OutputClosedException)
{
    return ExitCode.OutputClosed;
}
catch (Exception e)
{
    WriteError($"emu: This is a defect of the emulator, not of your kernel; please report it together with what follows.\n{e}");
    return ExitCode.Defect;
}

static void WriteError(string text)
{
    try
    {
        using Stream error = StandardStreams.OpenError();
        error.Write(Encoding.UTF8.GetBytes(text + "\n"));
    }
    catch (IOException)
    {
        // Nobody listens; the exit code still tells.
    }
}
