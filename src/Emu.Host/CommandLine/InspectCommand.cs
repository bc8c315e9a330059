using System.CommandLine;
using Emu.Machine;

namespace Emu.Host.CommandLine;

/// <summary><c>emu inspect KERNEL</c>.</summary>
internal static class InspectCommand
{
    /// <summary>What is shown below the options by <c>emu inspect --help</c>.</summary>
    public const string Examples = """
        Examples:
          What is this file, where will it lie, and which loaders take it?
            emu inspect vmlinuz

        Exit codes:
          0 this program would boot the file       2 it would not; a sentence says why
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="inspect">What carries it out with the kernel's path and the guest's RAM in bytes; returns the exit code.</param>
    /// <returns>The command.</returns>
    public static Command Create(Func<string, ulong, int> inspect)
    {
        Argument<string> kernel = new("KERNEL") { Description = "The kernel file.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> memory = new("--memory")
        {
            HelpName = "SIZE",
            Description = "The RAM of the guest that it shall fit into. [512M]",
        };
        Command command = new("inspect", "Tells what a kernel file is, where it will lie, and which loaders take it.") { kernel, memory };
        command.SetAction(result =>
        {
            string? path = result.GetValue(kernel);
            if (path is null)
                throw new UsageException("'emu inspect' needs a kernel file: emu inspect KERNEL.");
            if (path is ['-', ..])
                throw new UsageException($"'{path}' is not an option of 'emu inspect'; 'emu inspect --help' lists them.");
            ulong size = OptionText.Size("--memory", result.GetValue(memory), RunOptions.DefaultMemorySize, MachineMemoryMap.Smallest, MachineMemoryMap.Largest);
            return inspect(path, size & ~4095UL);
        });
        return command;
    }
}
