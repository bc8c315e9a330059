using System.CommandLine;

namespace Emu.Suites.SingleStep;

/// <summary><c>single-step FOLDER</c>: executes instructions that silicon executed one by one, in real mode, and compares the outcome.</summary>
internal static class SingleStepCommand
{
    public static Command Create()
    {
        Argument<string> folder = new("FOLDER") { Description = "A folder with .MOO or .MOO.gz files, such as v1_real_mode of SingleStepTests/80286." };
        Option<string?> only = new("--only") { HelpName = "FORM", Description = "One form, by its file's name: 00, F6.6." };
        Option<int> show = new("--show") { HelpName = "N", Description = "How many differences of each form are shown.", DefaultValueFactory = _ => 3 };
        Command command = new("single-step", "Runs the SingleStepTests of 16-bit and 32-bit processors in real mode.") { folder, only, show };
        command.SetAction(result => Run(result.GetRequiredValue(folder), result.GetValue(only), result.GetValue(show)));
        return command;
    }

    private static int Run(string folder, string? only, int show)
    {
        if (!Directory.Exists(folder))
            throw new SuiteException($"'{folder}' is not a folder.");
        string[] files =
        [
            .. Directory.EnumerateFiles(folder).Where(file => IsTestFile(file) && (only is null || FormOf(file) == only)).Order(StringComparer.Ordinal),
        ];
        if (files.Length == 0)
            throw new SuiteException($"'{folder}' holds no .MOO file{(only is null ? "" : $" of {only}")}.");
        HashSet<string> revoked = Revoked(folder);
        UndefinedFlags undefined = UndefinedFlags.Of(folder);
        Tally total = new();
        foreach (string file in files)
            total.Add(RunFile(file, undefined, revoked, show));
        Console.WriteLine($"{files.Length} forms, {total.Executed} instructions: {total.Equal} equal, {total.Wrong} wrong");
        foreach ((string reason, int count) in total.Deliberate.OrderByDescending(static entry => entry.Value))
            Console.WriteLine($"  {count,8} differ deliberately: {reason}");
        return total.Wrong == 0 ? SuiteExitCode.Success : SuiteExitCode.Worse;
    }

    private static Tally RunFile(string path, UndefinedFlags undefined, HashSet<string> revoked, int show)
    {
        MooFile file = MooFile.Read(path);
        string form = FormOf(path);
        uint flags = undefined.MaskOf(form);
        using SingleStepRun run = new(file.Processor);
        Tally tally = new();
        foreach (MooTest test in file.Tests)
        {
            if (revoked.Contains(test.Hash))
                continue;
            tally.Executed++;
            IReadOnlyList<Difference> differences = run.Execute(test, file.Mask, flags);
            if (differences.Count == 0)
            {
                tally.Equal++;
            }
            else if (KnownDifference.Of(file.Processor, form, test, run.Vector, differences) is { } reason)
            {
                tally.Deliberate[reason] = tally.Deliberate.GetValueOrDefault(reason) + 1;
            }
            else if (tally.Wrong++ < show)
            {
                string texts = string.Join(", ", differences.Select(static difference => difference.Text));
                Console.WriteLine($"{form} #{test.Index} {test.Name} [{Convert.ToHexString(test.Bytes)}]: {texts}");
            }
        }

        if (tally.Wrong != 0)
            Console.WriteLine($"{form}: {tally.Wrong} of {tally.Executed} wrong");
        return tally;
    }

    private static bool IsTestFile(string file) =>
        file.EndsWith(".MOO", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".MOO.gz", StringComparison.OrdinalIgnoreCase);

    private static string FormOf(string file)
    {
        string name = Path.GetFileName(file);
        return name[..name.IndexOf(".MOO", StringComparison.OrdinalIgnoreCase)];
    }

    private static HashSet<string> Revoked(string folder)
    {
        string file = Path.Combine(folder, "..", "revocation_list.txt");
        return File.Exists(file)
            ? [.. File.ReadLines(file).Select(static line => line.Trim().ToLowerInvariant()).Where(static line => line is [not '#', ..])]
            : [];
    }

    private sealed class Tally
    {
        public int Executed { get; set; }

        public int Equal { get; set; }

        public int Wrong { get; set; }

        public Dictionary<string, int> Deliberate { get; } = [];

        public void Add(Tally other)
        {
            Executed += other.Executed;
            Equal += other.Equal;
            Wrong += other.Wrong;
            foreach ((string reason, int count) in other.Deliberate)
                Deliberate[reason] = Deliberate.GetValueOrDefault(reason) + count;
        }
    }
}
