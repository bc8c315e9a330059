using System.CommandLine;
using Emu.Host.Recording;

namespace Emu.Host.CommandLine;

/// <summary>What <c>emu replay</c> was asked to do.</summary>
/// <param name="File">The recording.</param>
/// <param name="Files">Where files of the recorded run are now: files and folders.</param>
/// <param name="Host">What is around the guest; the guest itself is the recording's.</param>
public sealed record ReplayOptions(string File, IReadOnlyList<string> Files, RunOptions Host)
{
    /// <summary>The part that is to be replayed alone; null for all.</summary>
    public ReplayPart? Interval { get; init; }

    /// <summary>How many parts snapshots are to be taken between; null for none.</summary>
    public ulong? Cut { get; init; }

    /// <summary>Where these snapshots are; null for beside the recording.</summary>
    public string? CutFolder { get; init; }
}

/// <summary><c>emu replay FILE</c>: the options of <c>emu run</c> that the guest cannot tell.</summary>
internal sealed partial class RunCommand
{
    /// <summary>What is shown below the options by <c>emu replay --help</c>.</summary>
    public const string ReplayExamples = """
        Examples:
          Record a session at a shell, and see it again, at full speed and instruction for instruction
            emu run vmlinuz --initrd initrd.gz --disk disk.img,snapshot --net user --record session.rec
            emu replay session.rec

          The same on another computer, where the kernel and the other files are in one folder, without the compiler
            emu replay session.rec --file files/ --engine interpreter

          What the guest did, in hypercalls, and what its last thousand instructions were
            emu replay session.rec --trace-xen calls.log
            emu replay session.rec --trace trace.txt --trace-from 1_676_992_000

          Debug it in both directions; in another window: gdb -ex 'target remote :1234'
            emu replay session.rec --gdb 1234

          Trace all of it in eight parts, four at a time: once through for snapshots, then each part by itself, and together again
            emu replay session.rec --cut 8
            seq 8 | parallel -j4 emu replay session.rec --interval {}/8 --trace part{}.emut
            emu trace merge part*.emut --output whole.emut

        Nothing is asked of the keyboard, the network or the clock, and no disk image is written. docs/recording.md tells what a recording holds.

        Exit codes:
          that of the recorded run, where the replay is equal; 0 with --cut and --interval
          5 the replay was another run; a sentence says between which instructions it became one, or where gdb made it one
          2 the recording or a file of the run cannot be used, or the recording was cut off: up to there it is replayed
        """;

    private readonly IntervalArguments _intervals = new();

    private readonly Argument<string?> _recording = new("FILE") { Description = "What 'emu run --record FILE' has written.", Arity = ArgumentArity.ZeroOrOne };

    private readonly Option<string[]> _files = new("--file")
    {
        HelpName = "PATH",
        Description = "Where files of the run are now: a file, known by what is in it, or a folder with files of the same names. Repeat it for more.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>Makes the command that replays.</summary>
    /// <param name="replay">What carries it out; returns the exit code.</param>
    /// <returns>The command.</returns>
    public Command CreateReplay(Func<ReplayOptions, int> replay)
    {
        Command command = new("replay", "Runs a recorded guest again, exactly, and checks that it does.")
        {
            _recording, _files, _engine, _debugConsole, _maximumInstructions, _timeout, _statistics, _traceXen, _symbols, _dumpAt, _gdb,
            _logLevel, _logFile,
        };
        foreach (Option option in _traces.Options)
            command.Options.Add(option);
        foreach (Option option in _intervals.Options)
            command.Options.Add(option);
        command.SetAction(result =>
        {
            string? file = result.GetValue(_recording);
            if (file is null)
                throw new UsageException("'emu replay' needs a recording: emu replay FILE.");
            if (file is ['-', ..])
                throw new UsageException($"'{file}' is not an option of 'emu replay'; 'emu replay --help' lists them.");
            return replay(_intervals.Bind(result, new ReplayOptions(file, result.GetValue(_files) ?? [], Bind(result))));
        });
        return command;
    }
}
