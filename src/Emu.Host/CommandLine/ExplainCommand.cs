using System.CommandLine;

namespace Emu.Host.CommandLine;

/// <summary>What <c>emu explain</c> was asked to do.</summary>
public sealed record ExplainOptions
{
    /// <summary>The guest, and when to stop.</summary>
    public required RunOptions Guest { get; init; }

    /// <summary>The page to write; null for none.</summary>
    public string? HtmlFile { get; init; }

    /// <summary>Whether the guest's console is shown between the milestones.</summary>
    public bool ShowsConsole { get; init; }

    /// <summary>Ends the story when a line of the console has this text; null for when nothing new happens any more.</summary>
    public string? Until { get; init; }
}

/// <summary><c>emu explain [KERNEL]</c>.</summary>
internal static class ExplainCommand
{
    /// <summary>What is shown below the options by <c>emu explain --help</c>.</summary>
    public const string Examples = """
        Examples:
          What the embedded tour does, milestone by milestone
            emu explain

          A Linux boot, as text and as a page with a timeline, descriptor tables and page walks to open
            emu explain vmlinuz --initrd initrd.gz --html boot.html

          The same as a Xen domain with two vCPUs, up to the first program's first words, with the console's lines in between
            emu explain vmlinuz --initrd initrd.gz --machine xen --vcpus 2 --until "Run /init" --console

        The story is all that goes to stdout. It ends when the guest does, at --until, or when nothing new has happened for 10 s of the guest's time.

        Exit codes are those of 'emu run'; 0 also where the story ended first.
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="explain">What carries it out; returns the exit code.</param>
    /// <returns>The command.</returns>
    public static Command Create(Func<ExplainOptions, int> explain)
    {
        RunCommand run = new();
        Option<string?> html = new("--html") { HelpName = "FILE", Description = "Write the story as one page that needs nothing else: a timeline, and tables to open." };
        Option<bool> console = new("--console") { Description = "Show what the guest writes on its console between the milestones." };
        Option<string?> until = new("--until") { HelpName = "TEXT", Description = "End when a line of the console has this text. [when nothing new happens]" };
        Command command = new("explain", "Boots a kernel and tells what it does on its way, in plain language with the facts.");
        run.DescribeGuest(command);
        command.Options.Add(html);
        command.Options.Add(console);
        command.Options.Add(until);
        command.SetAction(result => explain(new ExplainOptions
        {
            Guest = run.Bind(result),
            HtmlFile = result.GetValue(html),
            ShowsConsole = result.GetValue(console),
            Until = result.GetValue(until),
        }));
        return command;
    }
}
