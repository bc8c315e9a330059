using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Host.CommandLine;
using Emu.Host.Explaining;
using Emu.Host.Logging;
using Emu.Host.PostMortem;
using Emu.Host.Running;
using Emu.Host.Terminals;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu explain</c>: a run without input, whose milestones go to standard output and into a page.</summary>
public sealed class ExplainVerb : IDisposable
{
    /// <summary>The story ends where nothing new has happened for so much virtual time: 10 s.</summary>
    private const ulong Patience = 10_000_000_000;

    /// <summary>Instructions between two looks at whether the story is over.</summary>
    private const ulong Stretch = 10_000_000;

    private readonly ExplainOptions _options;
    private readonly StreamWriter _output = new(StandardStreams.OpenOutput(), new UTF8Encoding(false)) { NewLine = "\n" };
    private readonly StreamWriter _error = new(StandardStreams.OpenError(), new UTF8Encoding(false)) { AutoFlush = true };
    private readonly StopRequest _stop = new(static () => { });
    private readonly List<Milestone> _milestones = [];
    private readonly List<ConsoleLine> _lines = [];
    private FaultRecorder _faults = new();
    private readonly BootNarrator _narrator;
    private readonly CancellationTokenSource _heardEnough = new();
    private PvhMachine? _machine;
    private bool _isOver;

    private ExplainVerb(ExplainOptions options)
    {
        _options = options;
        _narrator = new BootNarrator(options.Guest.CpuVendor, Tell);
    }

    /// <summary>Explains a guest.</summary>
    /// <param name="options">What was asked for.</param>
    /// <returns>The process's exit code.</returns>
    /// <exception cref="UsageException">A file cannot be used.</exception>
    /// <exception cref="PvhBootException">The kernel cannot be used.</exception>
    /// <exception cref="MachineConfigurationException">The machine cannot be made.</exception>
    public static int Run(ExplainOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        using ExplainVerb verb = new(options);
        return verb.Run();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _machine?.Dispose();
        _stop.Dispose();
        _heardEnough.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    private int Run()
    {
        RunOptions guest = _options.Guest;
        FileClaims.Check(guest).Writes(_options.HtmlFile, "--html");
        using FileStream? page = _options.HtmlFile is { } path ? UserFile.Create(path, "--html") : null;
        using StreamWriter? logFile = guest.LogFile is { } log ? new StreamWriter(UserFile.Create(log, "--log-file"), new UTF8Encoding(false)) { NewLine = "\n" } : null;
        using TextLoggerFactory logs = new(logFile ?? _error, guest.LogLevel, colour: false);
        using NetworkCaptures captures = new(guest.NetworkCards);
        GuestSetup setup = GuestSetup.Read(guest, captures.Networks, logs);
        bool isXen = guest.Machine == MachineProfile.Xen;
        ConsoleListener console = new(_narrator, isXen ? "Xen's console" : "COM1", _lines) { Line = Hear };
        ConsoleListener? debugConsole = isXen ? null : new ConsoleListener(_narrator, "port 0xE9", _lines) { Line = Hear };
        _machine = MakeMachine(setup);
        _narrator.Begin(_machine, setup);
        if (guest.Timeout is { } timeout)
            _stop.RequestAfter(timeout);

        RunResult result;
        bool isTooOften;
        int restarts = 0;
        while (true)
        {
            result = Listen(_machine);
            console.End();
            debugConsole?.End();
            bool isOver = (guest.Restart & GuestLives.PolicyFor(result.Reason)) == RestartPolicy.Never || _isOver || _stop.Reason != HostStop.None;
            isTooOften = !isOver && restarts == guest.MaximumRestarts;
            if (isOver || isTooOften)
                break;
            // As xl does it: disks last, and so does the clock of the toolstack.
            setup = setup.After(_machine.Clock.Now);
            _narrator.EndLife();
            _machine.Dispose();
            _faults = new FaultRecorder();
            _machine = MakeMachine(setup);
            restarts++;
            _narrator.BeginAgain(_machine, setup, $"{How(result)}, and is to be started anew then (--restarts).", restarts + 1);
        }

        RunEnd end = isTooOften && result.Reason != StopReason.Crashed
            ? RunEnd.TooOften(guest.MaximumRestarts)
            : RunEnd.From(result, _stop.Reason, _stop.Signal, guest.MaximumInstructions);
        TellEnd(_machine, result, end);
        if (page is not null)
            ExplanationPage.Write(page, _milestones, _lines, Title(setup));
        foreach (string sentence in captures.Close())
            _error.Write($"emu: {sentence}\n");
        _output.Flush();
        return _isOver ? ExitCode.Success : end.ExitCode;

        PvhMachine MakeMachine(GuestSetup from) => from.CreateMachine(console, debugConsole, null, new Listeners(_narrator, _faults), logs);
    }

    private static string How(RunResult result) => result.Reason switch
    {
        StopReason.PoweredOff => "The guest has switched itself off",
        StopReason.Rebooted => "The guest has asked for a reboot",
        _ => $"The guest has crashed ({result.Detail})",
    };

    private RunResult Listen(PvhMachine machine)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _heardEnough.Token);
        // Both limits are for all lives together.
        ulong most = _options.Guest.MaximumInstructions is { } limit ? limit - Math.Min(limit, _narrator.CountBefore) : ulong.MaxValue;
        while (true)
        {
            ulong quiet = Math.Max(_narrator.LastNews, _lines.Count == 0 ? 0 : _lines[^1].Time) + Patience - _narrator.TimeBefore;
            RunResult result = machine.Run(
                new RunLimits { MaxInstructions = Math.Min(most, machine.InstructionsRetired + Stretch), MaxVirtualTime = quiet }, either.Token);
            if (result.Reason != StopReason.LimitReached || machine.InstructionsRetired >= most)
                return result;
            // A line that came with the last instructions postpones the end.
            _isOver |= _narrator.Time >= Math.Max(_narrator.LastNews, _lines.Count == 0 ? 0 : _lines[^1].Time) + Patience;
            if (_isOver)
                return result;
        }
    }

    private void Hear(ConsoleLine line)
    {
        if (_options.ShowsConsole)
            _output.Write($"     | {line.Text}\n");
        if (_options.Until is not { } text || !line.Text.Contains(text, StringComparison.Ordinal))
            return;
        // The machine looks at the token when its stretch ends: that is behind this instruction.
        _isOver = true;
        _heardEnough.Cancel();
        Vcpu vcpu = _machine!.CurrentVcpu;
        vcpu.LimitRun(vcpu.InstructionsRetired + 1);
    }

    private void Tell(Milestone milestone)
    {
        _milestones.Add(milestone);
        _output.Write(ExplanationText.Render(milestone));
        _output.Flush();
    }

    private void TellEnd(PvhMachine machine, RunResult result, RunEnd end)
    {
        (string title, string text) = result.Reason switch
        {
            _ when end.Reason == "restart-limit" => ("The guest is not started anew once more", end.Sentence ?? ""),
            StopReason.PoweredOff => ("The guest switches itself off", ""),
            StopReason.Rebooted => ("The guest asks for a reboot", "The story ends here."),
            StopReason.Halted => ("The guest halts for good", "Nothing is left that could wake it."),
            StopReason.Crashed => ($"The guest crashes: {result.Detail}", string.Join(' ', CrashCause.Explain(_faults.Chain, machine.CurrentVcpu))),
            StopReason.DebugExit => ("The guest ends the run", string.Create(CultureInfo.InvariantCulture, $"It has written to port 0xF4; the exit code is {end.ExitCode}.")),
            StopReason.Cancelled when _isOver => ("The story ends here", $"The console has said “{_options.Until}”."),
            StopReason.LimitReached when _isOver => ("Nothing new happens any more", "For 10 s of its time the guest has done nothing that was not told already."),
            _ => ("The story is cut here", end.Sentence ?? "It was stopped from outside."),
        };
        _narrator.TellEnd(title, text);
    }

    private string Title(GuestSetup setup)
    {
        string kernel = Path.GetFileName(_options.Guest.Kernel ?? _options.Guest.Firmware) ?? "the embedded tour";
        string entry = setup.Boot switch { PvhBootResult => "PVH", MultibootBootResult => "Multiboot", Multiboot2BootResult => "Multiboot 2", _ => "reset" };
        string machine = _options.Guest.Machine == MachineProfile.Xen ? "xen" : "pc";
        return $"{kernel} ({entry}, {machine}{(_options.Guest.VcpuCount == 1 ? "" : $", {_options.Guest.VcpuCount} vCPUs")})";
    }

    /// <summary>Lets the narrator and the recorder of faults both hear the processors.</summary>
    private sealed class Listeners(BootNarrator narrator, FaultRecorder faults) : IVcpuObserver
    {
        public void Unsupported(Vcpu vcpu, string what) => narrator.Unsupported(vcpu, what);

        public void Delivering(Vcpu vcpu, in EventInFlight delivered)
        {
            faults.Delivering(vcpu, delivered);
            narrator.Delivering(vcpu, delivered);
        }
    }
}
