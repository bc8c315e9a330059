using System.Globalization;
using System.Text;
using Emu.Cpu.State;
using Emu.Host.CommandLine;
using Emu.Host.Debugging;
using Emu.Host.Logging;
using Emu.Host.PostMortem;
using Emu.Host.Recording;
using Emu.Host.Running;
using Emu.Host.Snapshots;
using Emu.Host.Terminals;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Recording;
using Emu.Pvh;
using Microsoft.Extensions.Logging;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu run</c>: files in, a machine, the console between guest and user, and what is said at the end.</summary>
public sealed class RunVerb : IDisposable
{
    /// <summary>A crash after a longer run is reported without its last instructions: nobody wants to wait for the second run.</summary>
    private static readonly TimeSpan LongestRunToRepeat = TimeSpan.FromSeconds(20);

    private readonly RunOptions _options;
    private readonly ITerminal _terminal = Terminal.Open();
    private readonly GuestOutput _output = new(StandardStreams.OpenOutput());
    private readonly StreamWriter _error = new(StandardStreams.OpenError(), new UTF8Encoding(false)) { AutoFlush = true };
    private readonly GuestInput _input;
    private readonly StopRequest _stop;
    private StreamWriter? _logFile;
    private GuestOutput? _debugOutput;
    private FileStream? _debugFile;

    private RunVerb(RunOptions options)
    {
        _options = options;
        _input = new GuestInput(_terminal);
        _stop = new StopRequest(_terminal.Restore) { Requested = _input.Wake };
        _output.Broken = () => _stop.Request(HostStop.OutputClosed);
        _input.Escaped = Obey;
        AppDomain.CurrentDomain.ProcessExit += RestoreTerminal;
    }

    /// <summary>Runs a guest.</summary>
    /// <param name="options">What was asked for.</param>
    /// <returns>The process's exit code.</returns>
    /// <exception cref="UsageException">A file cannot be used.</exception>
    /// <exception cref="PvhBootException">The kernel cannot be used.</exception>
    /// <exception cref="MachineConfigurationException">The machine cannot be made.</exception>
    public static int Run(RunOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options = Begin(options);
        using Resumption? resumed = options.Resumed;
        using RunVerb verb = new(options);
        return verb.Run();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _terminal.Dispose();
        _stop.Dispose();
        _input.Dispose();
        _output.Dispose();
        _debugOutput?.Dispose();
        _debugFile?.Dispose();
        _logFile?.Dispose();
        _error.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= RestoreTerminal;
    }

    private int Run()
    {
        FileClaims.Check(_options);
        using ReplacedFile? statistics = _options.StatisticsFile is { } path ? UserFile.Prepare(path, "--stats") : null;
        using ReplacedFile? traceFile = _options.TraceFile is { } text ? UserFile.Prepare(text, "--trace") : null;
        using InstructionTrace? trace = MakeTrace(traceFile);
        using BinaryTrace? binaryTrace = BinaryTrace.Open(_options);
        using XenTraceFile? xenTrace = XenTraceFile.Open(_options);
        using ILoggerFactory logs = CreateLogs();
        using NetworkCaptures captures = new(_options.NetworkCards);
        GuestSetup setup = GuestSetup.Read(_options, captures.Networks, logs);
        RunSnapshots? snapshots = _options.Snapshots is { } request
            ? new RunSnapshots(_options, request, _error, _options.BootCache is null ? null : BootCache.Objection)
            : null;
        ReplayInterval? interval = _options.Replay?.Interval;
        IConsoleSink console = snapshots?.Watch(_output) ?? _output;
        console = binaryTrace?.Watch(console) ?? console;
        console = interval?.Watch(console) ?? console;
        IConsoleSink? debugConsole = OpenDebugConsole(console);
        if (debugConsole is not null && debugConsole != console)
            debugConsole = interval?.Watch(debugConsole) ?? debugConsole;
        using GdbServer? debugger = _options.Debugger is { } endpoint ? GdbServer.Listen(endpoint, _error, _options) : null;
        using InputRecorder? recorder = OpenRecording(logs);
        InputJournal? journal = _options.Replay?.Input ?? (InputJournal?)recorder ?? (debugger is null ? null : HistoryForDebugger());
        RunInstruments instruments = new() { Trace = trace, BinaryTrace = binaryTrace, Debugger = debugger, Journal = journal, Snapshots = snapshots, Interval = interval };
        using GuestLives lives = new(setup, MakeMachine, _options, instruments, _error, logs);

        if (_options.Replay is null)
        {
            _terminal.EnterRawMode();
            _input.Start();
        }

        if (_options.Resumed is { } resumed)
        {
            // Where the snapshot was taken, input may have come to its end.
            lives.Machine.ReopenConsoleInput();
            if (interval is null)
                ShowLine(resumed);
        }

        interval?.Begin(lives.Machine);
        snapshots?.Attach(lives.Machine, setup.Displacement);
        binaryTrace?.Check(setup.Symbols.Table);

        // Nothing is refused any more: what the files held may go.
        statistics?.Replace();
        traceFile?.Replace();
        xenTrace?.Begin();
        binaryTrace?.Begin();

        if (_options.Timeout is { } timeout)
            _stop.RequestAfter(timeout);
        RunEnd end;
        try
        {
            RunResult result = lives.Run(_stop.Token);
            recorder?.EndRun((ulong)(result.Reason == StopReason.Paused ? HostStop.Snapshot : _stop.Reason), (ulong)_stop.Signal);
            end = EndOf(result, lives);
        }
        catch (ReplayException divergence) when (_options.Replay is { } replay)
        {
            end = replay.Diverged(divergence);
        }

        _output.Flush();
        _debugOutput?.Flush();
        _terminal.Restore();

        debugger?.End(end.ExitCode);
        string? emptiness = binaryTrace?.End(lives.Machine, lives.Setup) ?? trace?.WhyEmpty(_options.TraceFile!, lives.InstructionsRetired);
        if (statistics is not null)
            WriteStatistics(statistics, lives, end);
        Report(end, lives);
        if (emptiness is not null)
            _error.Write($"emu: {emptiness}\n");
        if (_options.Replay is { } replayed && end.Reason != "diverged")
            _error.Write($"emu: {replayed.Verdict(lives.InstructionsRetired)}\n");
        if (recorder?.Failure is { } failure)
            _error.Write($"emu: The recording '{_options.RecordFile}' is not whole: {failure.Message}\n");
        foreach (string sentence in captures.Close())
            _error.Write($"emu: {sentence}\n");
        snapshots?.Finish();
        if (end.Reason == "diverged")
            _options.Replay?.Cuts?.Discard();
        return end.ExitCode;

        PvhMachine MakeMachine(GuestSetup guest, RunObserver observer)
        {
            PvhMachine machine = guest.CreateMachine(console, debugConsole, _options.Replay is null ? _input : null, observer, logs, journal);
            xenTrace?.Attach(machine, guest);
            if (trace is not null)
                trace.Symbols = guest.Symbols;
            return machine;
        }
    }

    /// <summary>Finds the snapshot that the run begins with, if it is to begin with one.</summary>
    private static RunOptions Begin(RunOptions options)
    {
        if (options.BootCache is { } cache)
        {
            using StreamWriter error = new(StandardStreams.OpenError(), new UTF8Encoding(false));
            return BootCache.Apply(options, cache, error);
        }

        if (options.ResumedFile is not { } path)
            return options;
        Resumption resumed = Resumption.Open(path);
        try
        {
            return resumed.ToOptions(options);
        }
        catch
        {
            resumed.Dispose();
            throw;
        }
    }

    /// <summary>A prompt that was there before the snapshot is there again. What is not a person's screen holds only what the guest writes from now on.</summary>
    private void ShowLine(Resumption resumed)
    {
        if (Terminal.OutputIsTerminal)
            _output.Write(UnfinishedLine.ForTerminal(resumed.Line));
        else if (UnfinishedLine.ForMessage(resumed.Line) is { Length: > 0 } text)
            _error.Write($"emu: Going on where the console stands behind '{text}'.\n");
    }

    private RunEnd EndOf(RunResult result, GuestLives lives)
    {
        if (lives.ReachedLimit && result.Reason != StopReason.Crashed && _options.Replay is not { IsInParts: true })
            return RunEnd.TooOften(_options.MaximumRestarts);
        // Who ends a replay ends it as any run; else it ends as the recorded one did.
        return _options.Replay is { } replay && _stop.Reason == HostStop.None
            ? replay.EndOf(result, _options.MaximumInstructions)
            : RunEnd.From(result, _stop.Reason, _stop.Signal, _options.MaximumInstructions);
    }

    // What the run depends on is looked at before a disk is opened, and before the file is created that the user may have named by mistake.
    private InputRecorder? OpenRecording(ILoggerFactory logs)
    {
        if (_options.RecordFile is not { } path)
            return null;
        RecordedGuest guest = _options.Resumed?.Describe(_options, "--record") ?? RecordedGuest.Of(_options, "--record");
        if (_options.Disks.FirstOrDefault(static disk => !disk.IsReadOnly && !disk.IsSnapshot) is { } disk)
            RunLog.RecordedDiskChanges(logs.CreateLogger<RunVerb>(), disk.Path);
        return new InputRecorder(UserFile.Create(path, "--record"), guest.ToBytes()) { BeginsWithSnapshot = guest.Snapshot is not null };
    }

    // Who goes back takes back what was written to disks; and what a debugger makes of a guest had better not be found on them afterwards.
    private InputHistory HistoryForDebugger()
    {
        InputHistory history = new() { WritesDisks = _options.Debugger is { WritesDisks: true } };
        string[] disks = [.. _options.Disks.Where(static disk => !disk.IsReadOnly && !disk.IsSnapshot).Select(static disk => $"'{disk.Path}'")];
        if (disks.Length != 0)
        {
            _error.Write(history.WritesDisks
                ? $"emu: The guest writes to {string.Join(", ", disks)}: gdb cannot go back over what it has written.\n"
                : $"emu: Nothing is written to {string.Join(", ", disks)}: what the guest writes is kept in memory and forgotten at the end (--gdb {_options.Debugger!.Port},write-disks writes it).\n");
        }

        return history;
    }

    private InstructionTrace? MakeTrace(ReplacedFile? file) => file is null
        ? null
        : new InstructionTrace(new StreamWriter(file, new UTF8Encoding(false)) { NewLine = "\n" }, _options.TraceFrom, _options.TraceCount);

    // A kernel often says the same on COM1 and on port 0xE9: only one of them is the console on stdout.
    private IConsoleSink? OpenDebugConsole(IConsoleSink console)
    {
        switch (_options.DebugConsole ?? (_options.Machine == MachineProfile.Xen ? "none" : "stderr"))
        {
            case "stdout":
                return console;
            case "none":
                return null;
            case "stderr":
                return _debugOutput = new GuestOutput(StandardStreams.OpenError());
            case var path:
                return _debugOutput = new GuestOutput(_debugFile = UserFile.Create(path, "--debug-console"));
        }
    }

    private TextLoggerFactory CreateLogs()
    {
        if (_options.LogFile is { } path)
        {
            _logFile = new StreamWriter(UserFile.Create(path, "--log-file"), new UTF8Encoding(false)) { NewLine = "\n" };
            return new TextLoggerFactory(_logFile, _options.LogLevel, colour: false);
        }

        return new TextLoggerFactory(_error, _options.LogLevel, Terminal.ErrorTakesColour, _output.Flush);
    }

    private void Obey(EscapeCommand command)
    {
        if (command == EscapeCommand.Quit)
            _stop.Request(HostStop.Quit);
        else
            _error.Write(EscapeFilter.HelpText);
    }

    private static void WriteStatistics(Stream stream, GuestLives lives, RunEnd end)
    {
        ulong instructions = lives.InstructionsRetired, compiled = lives.InstructionsCompiled;
        new RunStatistics
        {
            Instructions = instructions,
            VirtualNanoseconds = lives.VirtualTime,
            WallTime = lives.WallTime,
            Restarts = lives.Restarts,
            StateHash = Convert.ToHexStringLower(lives.Machine.StateHash()),
            ExitReason = end.Reason,
            ExitCode = end.ExitCode,
            Tiers = new Dictionary<string, ulong>
            {
                ["interpreter"] = instructions - compiled,
                ["compiled"] = compiled,
            },
            Vcpus = lives.VcpuInstructions,
        }.Write(stream);
    }

    private void Report(RunEnd end, GuestLives lives)
    {
        if (end.Reason == "crashed")
        {
            IReadOnlyList<ExecutedInstruction> last = lives.Current.WallTime <= LongestRunToRepeat && _options.Replay is null && !_input.HasDelivered && !lives.Setup.TouchesHost
                ? LastInstructions.Find(lives.Setup.WithoutCaptures(), lives.Machine.InstructionsRetired)
                : [];
            _error.Write(PostMortemReport.Render($"emu: {end.Sentence}", lives.Machine, IsShutDown(lives.Machine) ? lives.Observer.Faults.Chain : [], last, lives.Setup.Symbols));
        }
        else if (end.Sentence is { } sentence)
        {
            _error.Write(string.Create(CultureInfo.InvariantCulture, $"emu: {sentence}\n"));
        }
    }

    /// <summary>A triple fault, as opposed to a guest that declared itself crashed.</summary>
    private static unsafe bool IsShutDown(PvhMachine machine) => (machine.CurrentVcpu.State->Pending & PendingEvents.Shutdown) != 0;

    private void RestoreTerminal(object? sender, EventArgs e) => _terminal.Restore();
}
