using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Emu.Suites.KvmUnitTests;

/// <summary>Runs a test in QEMU's TCG, with the options that the suite's own runner gives it.</summary>
internal static class QemuRunner
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public static TestResult Run(SuiteFolder folder, UnitTest test, TimeSpan limit)
    {
        string program = folder.Architecture == "i386" ? "qemu-system-i386" : "qemu-system-x86_64";
        ProcessStartInfo start = new(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        foreach (string argument in Arguments(folder, test))
            start.ArgumentList.Add(argument);
        Stopwatch time = Stopwatch.StartNew();
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            bool ended = process.WaitForExit(limit);
            if (!ended)
                process.Kill();
            if (!output.Wait(Grace) || !error.Wait(Grace))
                throw new SuiteException($"{program} does not close its output.");
            TestResult result = !ended ? TestResult.FromEnd(TestOutcome.Timeout, output.Result)
                : process.ExitCode == 0 ? TestResult.FromEnd(TestOutcome.NoExit, output.Result)
                // An even code is no exit of the test's: QEMU died. It refuses options with 1, but before the test says a word.
                : (process.ExitCode & 1) == 0 || output.Result.Length == 0 ? TestResult.FromEnd(TestOutcome.Broken, output.Result)
                : TestResult.FromExit(process.ExitCode, output.Result);
            return result with { Detail = error.Result.Trim() is { Length: > 0 } text ? text : null, Time = time.Elapsed };
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new SuiteException($"{program} cannot be started: {e.Message}", e);
        }
    }

    private static List<string> Arguments(SuiteFolder folder, UnitTest test)
    {
        List<string> arguments =
        [
            "--no-reboot", "-nodefaults", "-device", "pc-testdev", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4", "-display", "none",
            "-serial", "stdio", "-device", "pci-testdev", "-machine", "accel=tcg", "-smp", test.Vcpus.ToString(CultureInfo.InvariantCulture),
            "-kernel", folder.KernelOf(test),
        ];
        if (test.Arguments.Length != 0)
            arguments.AddRange(["-append", test.Arguments]);
        if (test.CpuParameter is null)
            arguments.AddRange(["-cpu", "max"]);
        foreach (string parameter in test.QemuParameters)
        {
            // Without KVM there is no host processor to pass on, nor anything to migrate from it.
            if (parameter == "-enable-kvm")
                continue;
            arguments.Add(parameter.StartsWith("host", StringComparison.Ordinal) ? "max" : parameter);
        }

        return arguments;
    }
}
