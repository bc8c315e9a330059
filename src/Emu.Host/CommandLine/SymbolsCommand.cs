using System.CommandLine;

namespace Emu.Host.CommandLine;

/// <summary>What <c>emu symbols</c> was asked to do.</summary>
/// <param name="Kernel">The kernel file.</param>
/// <param name="Output">Where the ELF file goes; null for text on standard output.</param>
public sealed record SymbolsOptions(string Kernel, string? Output);

/// <summary><c>emu symbols KERNEL [-o FILE]</c>.</summary>
internal static class SymbolsCommand
{
    /// <summary>What is shown below the options by <c>emu symbols --help</c>.</summary>
    public const string Examples = """
        Examples:
          Where is start_kernel? Lines as those of System.map
            emu symbols vmlinuz | grep -w start_kernel

          Give a distribution's kernel to a debugger that is attached to another emulator
            emu symbols vmlinuz -o vmlinux.sym
            gdb vmlinux.sym -ex 'target remote :1234'

        The names come from the kernel itself: its ELF symbols, or else what Linux keeps for its own messages (kallsyms).
        gdb gets them without this from 'emu run --gdb'.
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="symbols">What carries it out; returns the exit code.</param>
    /// <returns>The command.</returns>
    public static Command Create(Func<SymbolsOptions, int> symbols)
    {
        Argument<string> kernel = new("KERNEL") { Description = "The kernel file.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> output = new("--output", "-o")
        {
            HelpName = "FILE",
            Description = "Write them there as an ELF file that has nothing but symbols, for gdb and others. [text, on standard output]",
        };
        Command command = new("symbols", "Tells the names of addresses that a kernel carries, as text or as a file for debuggers.") { kernel, output };
        command.SetAction(result =>
        {
            string? path = result.GetValue(kernel);
            if (path is null)
                throw new UsageException("'emu symbols' needs a kernel file: emu symbols KERNEL.");
            if (path is ['-', ..])
                throw new UsageException($"'{path}' is not an option of 'emu symbols'; 'emu symbols --help' lists them.");
            return symbols(new SymbolsOptions(path, result.GetValue(output)));
        });
        return command;
    }
}
