using System.Globalization;

namespace Emu.Suites.KvmUnitTests;

/// <summary>A folder in which kvm-unit-tests was configured for x86 and built.</summary>
internal sealed class SuiteFolder
{
    private static readonly TimeSpan StandardTimeout = TimeSpan.FromSeconds(90);

    private readonly string _path;

    private SuiteFolder(string path, string architecture, IReadOnlyList<UnitTest> tests)
    {
        _path = path;
        Architecture = architecture;
        Tests = tests;
    }

    /// <summary>What it was configured for: i386 or x86_64.</summary>
    public string Architecture { get; }

    /// <summary>The tests for that architecture that have been built (not all are for both), in the order of the configuration.</summary>
    public IReadOnlyList<UnitTest> Tests { get; }

    /// <summary>Reads config.mak and x86/unittests.cfg.</summary>
    /// <exception cref="SuiteException">It is no such folder.</exception>
    public static SuiteFolder Open(string path)
    {
        string configuration = Path.Combine(path, "x86", "unittests.cfg");
        string makefile = Path.Combine(path, "config.mak");
        if (!File.Exists(configuration))
            throw new SuiteException($"'{path}' holds no x86/unittests.cfg, so it is no kvm-unit-tests folder.");
        if (!File.Exists(makefile))
            throw new SuiteException($"'{path}' has not been built: run './configure --arch=x86_64' (or i386) and 'make' in it first.");
        string architecture = File.ReadLines(makefile).FirstOrDefault(static line => line.StartsWith("ARCH=", StringComparison.Ordinal))?[5..] ?? "";
        if (architecture is not ("i386" or "x86_64"))
            throw new SuiteException($"'{path}' was configured for '{architecture}', which is neither i386 nor x86_64.");
        UnitTest[] tests =
        [
            .. Parse(File.ReadLines(configuration)).Where(test =>
                (test.Architecture is null || test.Architecture == architecture) && File.Exists(Path.Combine(path, "x86", test.File))),
        ];
        return tests.Length != 0
            ? new SuiteFolder(path, architecture, tests)
            : throw new SuiteException($"'{path}' has not been built: run 'make' in it first.");
    }

    /// <summary>The path of a test's kernel.</summary>
    public string KernelOf(UnitTest test) => Path.Combine(_path, "x86", test.File);

    /// <summary>Reads the sections "[name]" with their lines "key = value".</summary>
    public static IEnumerable<UnitTest> Parse(IEnumerable<string> lines)
    {
        string? name = null;
        Dictionary<string, string> values = [];
        foreach (string line in lines)
        {
            if (line is ['[', .., ']'])
            {
                if (name is not null)
                    yield return Make(name, values);
                name = line[1..^1];
                values.Clear();
            }
            else if (!line.StartsWith('#') && line.Split('=', 2, StringSplitOptions.TrimEntries) is [var key, var value])
            {
                values[key] = value;
            }
        }

        if (name is not null)
            yield return Make(name, values);
    }

    private static UnitTest Make(string name, Dictionary<string, string> values)
    {
        string Value(string key) => values.GetValueOrDefault(key, "");
        string timeout = Value("timeout");
        return new UnitTest(
            name,
            Value("file"),
            values.TryGetValue("smp", out string? vcpus) ? Number(name, "smp", vcpus) : 1,
            Value("test_args").Trim('\'', '"'),
            (Value("qemu_params") + " " + Value("extra_params")).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            values.GetValueOrDefault("arch"),
            Value("groups").Split(' ', StringSplitOptions.RemoveEmptyEntries),
            timeout.Length == 0 ? StandardTimeout : TimeSpan.FromSeconds(Number(name, "timeout", timeout.TrimEnd('s'))));
    }

    private static int Number(string test, string key, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw new SuiteException($"The test {test} has '{key} = {text}', which is not a number.");
}
