using System.Globalization;
using System.Text;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Pvh;

namespace Emu.Host.Verbs;

/// <summary>Carries out <c>emu symbols</c>.</summary>
public static class SymbolsVerb
{
    /// <summary>Writes a kernel's symbols.</summary>
    /// <param name="options">What was asked for.</param>
    /// <returns><see cref="ExitCode.Success"/>.</returns>
    /// <exception cref="UsageException">The kernel has no symbols, or the file cannot be written.</exception>
    /// <exception cref="PvhBootException">The file is no kernel.</exception>
    public static int Write(SymbolsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        KernelImage kernel = KernelFile.Open(options.Kernel);
        SymbolTable symbols = KernelSymbols.Read(kernel);
        if (kernel.Elf is not { } elf || symbols.Count == 0)
            throw new UsageException($"'{options.Kernel}' names none of its addresses: it has neither ELF symbols nor Linux's kallsyms.");
        if (options.Output is { } path)
        {
            using Stream file = UserFile.CreateChecked(path, "--output");
            file.Write(SymbolFile.Build(elf, kernel.Notes, symbols));
            return ExitCode.Success;
        }

        StringBuilder text = new();
        foreach (Symbol symbol in symbols.All)
        {
            char kind = symbol.IsCode ? 't' : 'd';
            text.Append(CultureInfo.InvariantCulture, $"{symbol.Address:x16} {(symbol.IsGlobal ? char.ToUpperInvariant(kind) : kind)} {symbol.Name}\n");
        }

        using Stream output = StandardStreams.OpenOutput();
        output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        return ExitCode.Success;
    }
}
