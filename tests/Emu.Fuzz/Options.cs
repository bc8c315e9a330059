using System.Globalization;
using Emu.Fuzz.Cases;

namespace Emu.Fuzz;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        Fuzzes the guest boundary: arbitrary guests, and what must hold whatever they do.

          dotnet run -c Release --project tests/Emu.Fuzz -- [--minutes M] [--seed S] [--kind KIND] [--case K]

          --minutes M   how long; fractions are allowed (default 1)
          --seed S      the run's seed (default 1): the same seed means the same cases
          --kind KIND   code, paging, descriptors, devices, hypercalls, images, snapshots or all (default)
          --case K      this case alone, with a report: what a finding names
          --trace N     with --case: shows the last N instructions even where nothing is found

        Progress and findings go to stderr, the summary to stdout. Exit code 0: no finding; 1: findings; 2: usage.
        """;

    public double Minutes { get; set; } = 1;

    public ulong Seed { get; set; } = 1;

    /// <summary>Null: all.</summary>
    public CaseKind? Kind { get; set; }

    public ulong? Case { get; set; }

    public int Trace { get; set; }

    /// <summary>The journal of a worker process, and the first case that it runs.</summary>
    public string? Journal { get; set; }

    public ulong First { get; set; }

    /// <summary>Reads the command line; null where it is not understood.</summary>
    public static Options? Parse(string[] args)
    {
        var options = new Options();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            var isNumber = ulong.TryParse(value, CultureInfo.InvariantCulture, out var number);
            switch (args[i])
            {
                case "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out var minutes) && minutes > 0:
                    options.Minutes = minutes;
                    break;
                case "--seed" when isNumber:
                    options.Seed = number;
                    break;
                case "--kind" when value == "all":
                    options.Kind = null;
                    break;
                case "--kind" when !isNumber && Enum.TryParse<CaseKind>(value, true, out var kind):
                    options.Kind = kind;
                    break;
                case "--case" when isNumber:
                    options.Case = number;
                    break;
                case "--trace" when isNumber:
                    options.Trace = (int)Math.Min(number, 100_000);
                    break;
                case "--journal":
                    options.Journal = value;
                    break;
                case "--first" when isNumber:
                    options.First = number;
                    break;
                default:
                    return null;
            }
        }
        return args.Length % 2 == 0 ? options : null;
    }

    public CaseKind KindOf(ulong index) => Kind ?? Generation.CaseMaker.KindOf(index);

    /// <summary>The command that shows one case again.</summary>
    public string Reproduction(ulong index) =>
        $"dotnet run -c Release --project tests/Emu.Fuzz -- --seed {Seed} --kind {KindOf(index).ToString().ToLowerInvariant()} --case {index}";
}
