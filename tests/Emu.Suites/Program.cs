using System.CommandLine;
using Emu.Suites;
using Emu.Suites.KvmUnitTests;
using Emu.Suites.SingleStep;
using Emu.Suites.Test386;

// One subcommand for each public suite. None of them is part of this repository: the user names the folder or file that holds it.
RootCommand root = new("Runs public test suites for x86 processors and machines through the emulator.")
{
    KvmUnitTestsCommand.Create(),
    Test386Command.Create(),
    SingleStepCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (SuiteException e)
{
    Console.Error.WriteLine($"Emu.Suites: {e.Message}");
    return SuiteExitCode.Usage;
}
