using System.CommandLine;
using System.Globalization;
using Emu.Machine;

namespace Emu.Suites.KvmUnitTests;

/// <summary>
/// <c>kvm-unit-tests FOLDER</c>: runs what a built kvm-unit-tests folder lists, beside QEMU if wanted, prints a table to standard output and
/// progress to standard error, and fails where a test is worse than recorded.
/// </summary>
internal sealed class KvmUnitTestsCommand
{
    /// <summary>The suite's own limits are meant for hardware; without its help the same test takes longer.</summary>
    private const int Patience = 4;

    private readonly SuiteFolder _folder;
    private readonly Expectations _expectations;
    private readonly TimeSpan? _limit;
    private readonly string? _logs;
    private readonly ExecutionEngine _engine;

    private KvmUnitTestsCommand(SuiteFolder folder, Expectations expectations, TimeSpan? limit, string? logs, ExecutionEngine engine)
    {
        _engine = engine;
        _folder = folder;
        _expectations = expectations;
        _limit = limit;
        _logs = logs;
    }

    public static Command Create()
    {
        Argument<string> folder = new("FOLDER") { Description = "A folder in which kvm-unit-tests was configured for x86 and built." };
        Option<string[]> filter = new("--filter")
        {
            HelpName = "NAME",
            Description = "Run only the test of this name, or of this group; a trailing * stands for any ending. Repeat it for more.",
        };
        Option<bool> qemu = new("--qemu") { Description = "Run each test in QEMU's TCG, too, and put its result beside ours." };
        Option<int?> timeout = new("--timeout") { HelpName = "SECONDS", Description = "End each test after so long. [four times what the suite says, mostly 360]" };
        Option<string?> logs = new("--logs") { HelpName = "FOLDER", Description = "Keep each test's console there." };
        Option<string?> record = new("--record") { HelpName = "FILE", Description = "Write what each test reached, as expectations.txt has it." };
        Option<ExecutionEngine> engine = EngineOption.Create();
        Command command = new("kvm-unit-tests", "Runs the tests that a built kvm-unit-tests folder lists in x86/unittests.cfg.")
        {
            folder, filter, qemu, timeout, logs, record, engine,
        };
        command.SetAction(result =>
        {
            KvmUnitTestsCommand run = new(
                SuiteFolder.Open(result.GetRequiredValue(folder)),
                Expectations.Read(Path.Combine(AppContext.BaseDirectory, "KvmUnitTests", "expectations.txt")),
                result.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                result.GetValue(logs),
                result.GetValue(engine));
            return run.Run(result.GetValue(filter) ?? [], result.GetValue(qemu), result.GetValue(record));
        });
        return command;
    }

    private int Run(string[] filters, bool withQemu, string? record)
    {
        UnitTest[] tests = [.. _folder.Tests.Where(test => filters.Length == 0 || filters.Any(filter => Matches(test, filter)))];
        if (tests.Length == 0)
            throw new SuiteException($"No test for {_folder.Architecture} is called {string.Join(" or ", filters)}.");
        if (_logs is not null)
            Directory.CreateDirectory(_logs);
        List<(UnitTest Test, TestResult Ours, TestResult? Qemu)> results = [];
        int worse = 0;
        for (int i = 0; i < tests.Length; i++)
        {
            UnitTest test = tests[i];
            TimeSpan limit = _limit ?? (test.Timeout * Patience);
            TestResult ours = EmulatorRunner.Run(_folder, test, limit, _engine);
            TestResult? qemu = withQemu ? QemuRunner.Run(_folder, test, limit) : null;
            results.Add((test, ours, qemu));
            Keep(test, "", ours);
            if (qemu is not null)
                Keep(test, ".qemu", qemu);
            bool isWorse = _expectations.Find(_folder.Architecture, test) is { } recorded && Expectations.IsWorse(ours, recorded);
            worse += isWorse ? 1 : 0;
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"[{i + 1}/{tests.Length}] {test.Name}: {ours.Name} {ours.Counts} in {ours.Time.TotalSeconds:F1} s{Beside(qemu)}{(isWorse ? "; WORSE than recorded" : "")}"));
            if (ours.Detail is { } detail && ours.Outcome == TestOutcome.Broken)
                Console.Error.WriteLine($"    {detail}");
        }

        PrintTable(results, withQemu);
        if (record is not null)
        {
            File.WriteAllLines(record, results.Select(
                result => Expectations.Line(_folder.Architecture, result.Test, result.Ours, Reason(result.Test, result.Ours))));
        }

        string[] summary =
        [
            .. results.GroupBy(result => result.Ours.Outcome).OrderBy(group => group.Key)
                .Select(group => $"{group.Count()} {group.First().Ours.Name}"),
        ];
        Console.Error.WriteLine($"{string.Join(", ", summary)}; {worse} worse than recorded");
        return worse == 0 ? SuiteExitCode.Success : SuiteExitCode.Worse;
    }

    private static bool Matches(UnitTest test, string filter) => filter.EndsWith('*')
        ? test.Name.StartsWith(filter[..^1], StringComparison.Ordinal)
        : test.Name == filter || test.Groups.Contains(filter);

    private static string Beside(TestResult? qemu) =>
        qemu is null ? "" : string.Create(CultureInfo.InvariantCulture, $"; QEMU: {qemu.Name} {qemu.Counts} in {qemu.Time.TotalSeconds:F1} s");

    private void Keep(UnitTest test, string suffix, TestResult result)
    {
        if (_logs is not null)
            File.WriteAllText(Path.Combine(_logs, $"{_folder.Architecture}-{test.Name}{suffix}.txt"), result.Console + "\n" + result.Detail);
    }

    private void PrintTable(List<(UnitTest Test, TestResult Ours, TestResult? Qemu)> results, bool withQemu)
    {
        Console.WriteLine(withQemu ? "| arch | test | emu | lines | QEMU TCG | lines | reason |" : "| arch | test | emu | lines | reason |");
        Console.WriteLine(withQemu ? "|---|---|---|---|---|---|---|" : "|---|---|---|---|---|");
        foreach ((UnitTest test, TestResult ours, TestResult? qemu) in results)
        {
            string beside = qemu is null ? "" : $" {qemu.Name} | {qemu.Counts} |";
            Console.WriteLine($"| {_folder.Architecture} | {test.Name} | {ours.Name} | {ours.Counts} |{beside} {Reason(test, ours)} |");
        }
    }

    /// <summary>Why a test does not pass, as recorded.</summary>
    private string? Reason(UnitTest test, TestResult result) =>
        result.Outcome == TestOutcome.Pass ? null : _expectations.Find(_folder.Architecture, test)?.Detail;
}
