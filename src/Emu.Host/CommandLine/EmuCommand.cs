using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Emu.Host.Terminals;

namespace Emu.Host.CommandLine;

/// <summary>The whole command line: <c>emu VERB …</c>.</summary>
public static class EmuCommand
{
    private const string Examples = """
        Examples:
          Take the tour: a small kernel that explains what a PVH kernel sees
            emu run

          Boot Debian's kernel to a shell, with an initramfs
            emu run vmlinuz --initrd initrd.gz

          The same as a Xen domain, with a disk and a network
            emu run vmlinuz --initrd initrd.gz --disk disk.img --net user

          What happens while it boots, step by step
            emu explain vmlinuz --initrd initrd.gz --html boot.html

          'emu run --help', 'emu replay --help', 'emu inspect --help', 'emu explain --help', 'emu symbols --help' and 'emu trace --help'
        tell the rest.
        """;

    /// <summary>Parses the command line and carries it out.</summary>
    /// <param name="arguments">The arguments as the process got them.</param>
    /// <param name="verbs">What carries it out.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="UsageException">The command line cannot be understood.</exception>
    public static int Invoke(IReadOnlyList<string> arguments, EmuVerbs verbs)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(verbs);
        RunCommand runs = new();
        Command runCommand = runs.Create(verbs.Run);
        Command replayCommand = runs.CreateReplay(verbs.Replay);
        Command inspectCommand = InspectCommand.Create(verbs.Inspect);
        Command traceCommand = TraceCommand.Create(verbs.Trace, out (Command Command, string Examples)[] traceExamples);
        Command explainCommand = ExplainCommand.Create(verbs.Explain);
        Command symbolsCommand = SymbolsCommand.Create(verbs.Symbols);
        RootCommand root = new("Runs x86 kernels that boot through PVH or Multiboot, on any computer, without virtualization.")
        {
            runCommand, replayCommand, inspectCommand, explainCommand, symbolsCommand, traceCommand,
        };
        // No directives such as [suggest]: a first argument in brackets is a mistake like any other.
        root.Directives.Clear();
        Explain(
            root,
            [
                (root, Examples), (runCommand, RunCommand.Examples), (replayCommand, RunCommand.ReplayExamples), (inspectCommand, InspectCommand.Examples),
                (explainCommand, ExplainCommand.Examples), (symbolsCommand, SymbolsCommand.Examples), .. traceExamples,
            ]);

        // No response files: "@" is as good a first character of --append as any.
        ParserConfiguration configuration = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        ParseResult result = CommandLineParser.Parse(root, TakeLiterally(arguments, "--append"), configuration);
        if (arguments.Count == 0)
            result = CommandLineParser.Parse(root, ["--help"], configuration);
        else if (result.Errors.Count != 0 && result.Action is not HelpWithExamples)
            throw new UsageException(Sentence(result, arguments[0]));
        using StreamWriter output = new(StandardStreams.OpenOutput());
        return result.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = output,
        });
    }

    /// <summary>
    /// Binds an option's value to it with "=", because a value of "--" on its own would otherwise end the options. An empty value
    /// stands on its own, because the library takes nothing after "=" for a value that is missing.
    /// </summary>
    private static List<string> TakeLiterally(IReadOnlyList<string> arguments, string option)
    {
        List<string> tokens = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == option && i + 1 < arguments.Count && arguments[i + 1].Length != 0)
                tokens.Add($"{option}={arguments[++i]}");
            else if (arguments[i] == option + "=")
                tokens.AddRange([option, ""]);
            else
                tokens.Add(arguments[i]);
        }

        return tokens;
    }

    private static string Sentence(ParseResult result, string first)
    {
        Command command = result.CommandResult.Command;
        if (command is RootCommand)
            return $"'{first}' is not a command; 'emu run', 'emu replay', 'emu inspect', 'emu explain', 'emu symbols' and 'emu trace' are, and 'emu --help' explains them.";
        string name = result.CommandResult.Parent is CommandResult { Command: not RootCommand and var parent } ? $"{parent.Name} {command.Name}" : command.Name;
        if (result.UnmatchedTokens.Count != 0)
        {
            return $"'{result.UnmatchedTokens[0]}' is one argument too many, or not an option of 'emu {name}'; "
                + $"'emu {name} --help' lists them.";
        }

        ParseError error = result.Errors[0];
        return error.SymbolResult is OptionResult option
            ? $"{option.Option.Name} takes one value; 'emu {name} --help' explains it."
            : error.Message;
    }

    private static void Explain(RootCommand root, params ReadOnlySpan<(Command Command, string Examples)> texts)
    {
        Dictionary<Command, string> examples = [];
        foreach ((Command command, string text) in texts)
            examples.Add(command, text);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction standard } help)
                help.Action = new HelpWithExamples(standard, examples);
        }
    }

    /// <summary>The library's help, followed by examples.</summary>
    private sealed class HelpWithExamples(HelpAction standard, Dictionary<Command, string> examples) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            standard.Invoke(parseResult);
            if (examples.TryGetValue(parseResult.CommandResult.Command, out string? text))
                parseResult.InvocationConfiguration.Output.WriteLine(text);
            return ExitCode.Success;
        }
    }
}
