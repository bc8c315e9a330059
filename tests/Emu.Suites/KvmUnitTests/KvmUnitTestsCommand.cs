using System.CommandLine;

namespace Emu.Suites.KvmUnitTests;

/// <summary><c>kvm-unit-tests FOLDER</c>: what there is to run in a built kvm-unit-tests folder.</summary>
internal static class KvmUnitTestsCommand
{
    public static Command Create()
    {
        Argument<string> folder = new("FOLDER") { Description = "A folder in which kvm-unit-tests was configured for x86 and built." };
        Command command = new("kvm-unit-tests", "Runs the tests that a built kvm-unit-tests folder lists in x86/unittests.cfg.") { folder };
        command.SetAction(result => List(result.GetRequiredValue(folder)));
        return command;
    }

    private static int List(string folder)
    {
        string configuration = Path.Combine(folder, "x86", "unittests.cfg");
        if (!File.Exists(configuration))
            throw new SuiteException($"'{folder}' holds no x86/unittests.cfg, so it is no kvm-unit-tests folder.");
        foreach (string line in File.ReadLines(configuration))
        {
            if (line is ['[', .., ']'])
                Console.WriteLine(line[1..^1]);
        }

        return SuiteExitCode.Success;
    }
}
