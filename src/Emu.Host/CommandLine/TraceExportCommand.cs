using System.CommandLine;
using System.Globalization;
using Emu.Host.Tracing.Export;

namespace Emu.Host.CommandLine;

/// <summary><c>emu trace export</c>.</summary>
internal static class TraceExportCommand
{
    /// <summary>What is shown below the options.</summary>
    public const string Examples = """
        Examples:
          Look at a boot over time, with Perfetto or speedscope
            emu run vmlinuz --initrd initrd.gz --trace boot.emut
            emu trace export boot.emut --format chrome --output boot.json

          A flame graph of it
            emu trace export boot.emut --format folded | flamegraph.pl --countname instructions > boot.svg

          What code of a kernel did its tests reach? For Lighthouse
            emu trace export tests.emut --format drcov --module kernel.elf --output tests.drcov

          Step through it in both directions, in Tenet
            emu run kernel.elf --trace all.emut --trace-detail all
            emu trace export all.emut --format tenet --count 1000000 --output all.log

        docs/trace-export.md tells what each format says.
        """;

    /// <summary>Makes the command.</summary>
    /// <param name="export">What carries it out.</param>
    /// <returns>The command.</returns>
    public static Command Create(Func<TraceExportOptions, int> export)
    {
        Argument<string[]> traces = new("TRACE") { Description = "The binary trace.", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> format = Text("--format", "FORMAT", "chrome, folded, drcov, tenet, csv or ndjson.");
        Option<string?> output = Text("--output", "FILE", "Where it goes. [standard output]");
        output.Aliases.Add("-o");
        Option<string?> from = Text("--from", "N", "Begin after N instructions. [0]");
        Option<string?> count = Text("--count", "M", "End after M instructions and events. [all]");
        Option<string?> vcpu = Text("--vcpu", "N", "That vCPU alone. [all; tenet: 0]");
        Option<string?> symbols = Text("--symbols", "FILE", "Further names for addresses: an ELF file, a System.map, or a copy of /proc/kallsyms. [those in the trace]");
        Option<string?> shortest = Text("--min-duration", "N", "chrome: leave out calls of fewer than N instructions. [a 100000th of all]");
        Option<string?> module = Text("--module", "FILE", "drcov: the file whose code it is, or a name for it. [the kernel's]");
        Option<string?> moduleBase = Text("--base", "ADDRESS", "drcov: the address that has the offset 0 in the module. [where the file begins]");
        Command command = new("export", "Turns a binary trace into what other tools read.")
        {
            traces, format, output, from, count, vcpu, symbols, shortest, module, moduleBase,
        };
        command.SetAction(result =>
        {
            TraceExportFormat wanted = OptionText.Choice<TraceExportFormat?>(
                "--format", result.GetValue(format), null, ("chrome", TraceExportFormat.Chrome), ("folded", TraceExportFormat.Folded), ("drcov", TraceExportFormat.Drcov),
                ("tenet", TraceExportFormat.Tenet), ("csv", TraceExportFormat.Csv), ("ndjson", TraceExportFormat.Ndjson))
                ?? throw new UsageException("'emu trace export' needs --format chrome, folded, drcov, tenet, csv or ndjson.");
            Only(wanted, TraceExportFormat.Chrome, "--min-duration", result.GetValue(shortest));
            Only(wanted, TraceExportFormat.Drcov, "--module", result.GetValue(module));
            Only(wanted, TraceExportFormat.Drcov, "--base", result.GetValue(moduleBase));
            return export(new TraceExportOptions(TraceCommand.One("export", result.GetValue(traces)), wanted)
            {
                Output = result.GetValue(output),
                From = OptionText.Count("--from", result.GetValue(from)) ?? 0,
                Count = OptionText.Count("--count", result.GetValue(count)),
                Vcpu = result.GetValue(vcpu) is { } number ? OptionText.Integer("--vcpu", number, 0, 0, int.MaxValue) : null,
                SymbolFile = result.GetValue(symbols),
                MinimumDuration = OptionText.Count("--min-duration", result.GetValue(shortest)),
                Module = result.GetValue(module),
                ModuleBase = Address(result.GetValue(moduleBase)),
            });
        });
        return command;
    }

    private static void Only(TraceExportFormat wanted, TraceExportFormat format, string option, string? value)
    {
        if (value is not null && wanted != format)
            throw new UsageException($"{option} is for --format {format.ToString().ToLowerInvariant()}, not for {wanted.ToString().ToLowerInvariant()}.");
    }

    private static ulong? Address(string? text)
    {
        if (text is null)
            return null;
        string digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        return ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address)
            ? address
            : throw new UsageException($"--base takes an address in hexadecimal, such as 0xffffffff81000000, not '{text}'.");
    }

    private static Option<string?> Text(string name, string value, string description) => new(name) { HelpName = value, Description = description };
}
