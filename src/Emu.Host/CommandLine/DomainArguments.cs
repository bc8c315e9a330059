using System.CommandLine;
using Emu.Host.Configuration;
using Emu.Host.Running;
using Emu.Machine;

namespace Emu.Host.CommandLine;

/// <summary>
/// The options of <c>emu run</c> that come from xl. But for <c>--restarts</c>, a PC has none of them, and each chooses the xen machine.
/// </summary>
internal sealed class DomainArguments
{
    /// <summary>How often a guest is started anew where nobody says: enough to see it reboot, and an end for one that does nothing else.</summary>
    private const int StandardRestarts = 10;

    private readonly Option<string?> _name = new("--name") { HelpName = "NAME", Description = "xen: the domain's name. [guest]" };

    private readonly Option<string[]> _disks = Repeated(
        "--disk", "SPEC", "xen: a disk, as in xl's configurations: IMAGE[,FORMAT[,NAME[,r|w]]][,snapshot]; without a name, xvda, then xvdb and so on.");

    private readonly Option<string[]> _networks = Repeated(
        "--net", "SPEC", "xen: a network card: user[,mac=ADDRESS][,allow=tcp:PORT][,forward=tcp:HOSTPORT:GUESTPORT][,hostname=NAME][,pcap=FILE]; none: no card of the configuration's.");

    private readonly Option<string?> _hypercalls = new("--hypercalls")
    {
        HelpName = "strict|lenient",
        Description = "xen: whether the other vendor's opcode for hypercalls is an undefined instruction, as on hardware, or works too. [strict]",
    };

    private readonly Option<string[]> _commands = Repeated(
        "--xl",
        "TIME:COMMAND",
        "xen: what the toolstack does at a virtual time: shutdown, reboot, save, mem-set=SIZE, vcpu-set=N, sysrq=KEY, nmi or debug-keys.");

    private readonly Option<string?> _restarts = new("--restarts")
    {
        HelpName = "N",
        Description = "Start the guest anew when it reboots, N times at most. [0; with a configuration, what it says, 10 times]",
    };

    /// <summary>The options, in the order in which help lists them.</summary>
    public IReadOnlyList<Option> Options => [_name, _disks, _networks, _hypercalls, _commands, _restarts];

    /// <summary>The first option given that a PC has no use for; null for none.</summary>
    /// <param name="result">What was given.</param>
    /// <returns>Its name.</returns>
    public string? FirstForDomain(ParseResult result)
    {
        foreach (Option option in new Option[] { _name, _disks, _networks, _hypercalls, _commands })
        {
            if (result.GetResult(option) is { Implicit: false })
                return option.Name;
        }

        return null;
    }

    /// <summary>Adds what was given to options that have all else already.</summary>
    /// <param name="result">What was given.</param>
    /// <param name="options">The other options.</param>
    /// <param name="configuration">The configuration that options override; null for none.</param>
    /// <returns>The options.</returns>
    /// <exception cref="UsageException">Something given cannot be understood.</exception>
    public RunOptions Bind(ParseResult result, RunOptions options, DomainConfiguration? configuration)
    {
        int? restarts = result.GetValue(_restarts) is { } text ? OptionText.Integer("--restarts", text, 0, 0, int.MaxValue) : null;
        RestartPolicy policy = configuration?.Restart ?? (restarts > 0 ? RestartPolicy.Reboot : RestartPolicy.Never);
        string? name = result.GetValue(_name);
        if (name is not null && !OptionText.IsDomainName(name))
            throw new UsageException($"--name: {OptionText.DomainNameRule}; '{name}' is none.");
        return options with
        {
            DomainName = name ?? configuration?.Name ?? RunOptions.DefaultDomainName,
            DomainUuid = configuration?.Uuid,
            Disks = Disks(result.GetValue(_disks) ?? [], configuration?.Disks ?? []),
            NetworkCards = NetworkCards(result.GetValue(_networks) ?? [], configuration?.NetworkCards ?? []),
            AcceptsAnyHypercallInstruction = OptionText.Choice("--hypercalls", result.GetValue(_hypercalls), false, ("strict", false), ("lenient", true)),
            ToolstackCommands = [.. (result.GetValue(_commands) ?? []).Select(static text => ToolstackCommandText.Parse("--xl", text)).OrderBy(static command => command.Time)],
            Restart = restarts == 0 ? RestartPolicy.Never : policy,
            MaximumRestarts = restarts ?? StandardRestarts,
        };
    }

    private static Option<string[]> Repeated(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description + " Repeat it for more.", Arity = ArgumentArity.OneOrMore };

    /// <summary>A disk of the command line takes the place of the configuration's with the same name.</summary>
    private static List<DiskOptions> Disks(string[] texts, IReadOnlyList<DiskOptions> configured)
    {
        List<DiskOptions> given = [];
        foreach (string text in texts)
        {
            try
            {
                DiskOptions disk = DiskSpecification.Parse(text, DiskSet.NextDevice([.. given, .. configured]), []);
                if (given.Exists(other => DiskSet.IsSame(other, disk)))
                    throw new FormatException($"{disk.Device} is there twice");
                given.Add(disk);
            }
            catch (FormatException e)
            {
                throw new UsageException($"--disk '{text}': {e.Message}.", e);
            }
        }

        return [.. configured.Where(disk => !given.Exists(other => DiskSet.IsSame(other, disk))), .. given];
    }

    private static IReadOnlyList<NetworkCard> NetworkCards(string[] texts, IReadOnlyList<NetworkCard> configured)
    {
        if (texts.Length == 0)
            return configured;
        if (texts is ["none"])
            return [];
        List<NetworkCard> cards = [];
        foreach (string text in texts)
        {
            try
            {
                cards.Add(NetworkSpecification.ParseOption(text, cards.Count));
            }
            catch (FormatException e)
            {
                throw new UsageException($"--net '{text}': {e.Message}.", e);
            }
        }

        return cards;
    }
}
