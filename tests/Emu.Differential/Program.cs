using System.Globalization;
using Emu.Differential.Running;

namespace Emu.Differential;

/// <summary>The long comparison: <c>dotnet run -c Release --project tests/Emu.Differential -- --count N --seed S</c>.</summary>
internal static class Program
{
    private const string Usage = """
        Runs random programs on the host's processor and in the emulator, and compares all that they change.

          dotnet run -c Release --project tests/Emu.Differential -- [--count N] [--seed S] [--filter NAME] [...]

          --count N         executions (default 1000000)
          --seed S          the run's seed (default 1): the same seed means the same programs
          --filter NAME     draw from one mnemonic, Iced code or family alone
          --engines A,B     the reference and what is held against it: native, interpreter, stepped, jit (default native,interpreter,stepped)
          --mode system     compare engines at CPL 0, over every instruction (default: user)
          --sizes 64,32,16  widths of code
          --failures N      go on after a mismatch, to N different ones (default 1)

        Progress goes to stderr, mismatches and the summary to stdout. Exit code 0: no mismatch; 1: mismatches; 2: usage, or no such host.
        """;

    private static int Main(string[] arguments)
    {
        var result = 2;
        var thread = new Thread(() => result = Run(arguments), 16 << 20);
        thread.Start();
        thread.Join();
        return result;
    }

    private static int Run(string[] arguments)
    {
        if (arguments is ["--help"])
        {
            Console.WriteLine(Usage);
            return 0;
        }

        CampaignOptions options;
        try
        {
            options = Parse(arguments);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(Usage);
            return 2;
        }
        try
        {
            using var campaign = new Campaign(options);
            var start = DateTime.UtcNow;
            var failures = campaign.Run(summary => Console.Error.WriteLine(
                $"{summary.Executions:N0} executions, {summary.Executions / Math.Max((DateTime.UtcNow - start).TotalSeconds, 1):N0} a second"));
            foreach (var failure in failures)
                Console.WriteLine(Shrinker.Shrink(campaign, failure).Describe());
            Console.WriteLine(campaign.Summary.Describe(campaign.Catalogue));
            Console.WriteLine(failures.Count == 0 ? "no mismatch" : $"{failures.Count} mismatches");
            return failures.Count == 0 ? 0 : 1;
        }
        catch (NotSupportedException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
    }

    private static CampaignOptions Parse(string[] arguments)
    {
        var options = new CampaignOptions();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
                throw new FormatException($"{arguments[i]} needs a value");
            var value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--count" => options with { Count = long.Parse(value, CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) },
                "--filter" => options with { Filter = value },
                "--engines" => options with { Engines = value.Split(',') },
                "--sizes" => options with
                {
                    Sizes = [.. value.Split(',').Select(static size => (CodeSize)int.Parse(size, CultureInfo.InvariantCulture))],
                },
                "--mode" when value == "user" => options,
                "--mode" when value == "system" => options with { IsSystem = true, Engines = options.Engines.Contains("native") ? ["interpreter", "stepped", "jit"] : options.Engines },
                "--failures" => options with { Failures = int.Parse(value, CultureInfo.InvariantCulture) },
                _ => throw new FormatException($"unknown option {arguments[i]}"),
            };
        }
        return options.Engines.Count < 2 ? throw new FormatException("--engines names the reference and at least one other") : options;
    }
}
