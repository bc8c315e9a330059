using System.Diagnostics;
using System.Text;
using Emu.Cpu;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Suites.KvmUnitTests;

/// <summary>Runs a test in the emulator, in this process.</summary>
internal static class EmulatorRunner
{
    public static TestResult Run(SuiteFolder folder, UnitTest test, TimeSpan limit, ExecutionEngine engine)
    {
        if (test.ForeignDevice is { } device)
            return TestResult.FromEnd(TestOutcome.Skip, "") with { Detail = $"The machine has no {device}." };
        CapturedConsole console = new();
        Stopwatch time = Stopwatch.StartNew();
        TestResult result;
        try
        {
            result = Run(folder.KernelOf(test), test, limit, engine, console);
        }
        catch (MachineConfigurationException e)
        {
            result = TestResult.FromEnd(TestOutcome.Broken, console.Text) with { Detail = e.Message };
        }
        catch (Exception e) when (e is not SuiteException)
        {
            // A defect of the emulator shall cost this test, not the rest of the run.
            result = TestResult.FromEnd(TestOutcome.Broken, console.Text) with { Detail = e.ToString() };
        }

        return result with { Time = time.Elapsed };
    }

    private static TestResult Run(string kernel, UnitTest test, TimeSpan limit, ExecutionEngine engine, CapturedConsole console)
    {
        using PvhMachine machine = new(new MachineOptions
        {
            MemorySize = test.MemorySize,
            Vcpus = test.Vcpus,
            Protocol = BootProtocol.Multiboot,
            TestDevices = true,
            Engine = engine,
            CpuVendor = VendorOf(test),
            ConsoleOutput = console,
        });
        machine.Load(
            KernelImage.Open(kernel),
            [new BootModule(Environment(test)) { Name = "environment" }],
            test.Arguments.Length == 0 ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(test.Arguments),
            test.File);
        using CancellationTokenSource timeout = new(limit);
        RunResult end = machine.Run(RunLimits.None, timeout.Token);
        return end.Reason switch
        {
            StopReason.DebugExit => TestResult.FromExit(end.Code & 0xFF, console.Text),
            StopReason.Cancelled => TestResult.FromEnd(TestOutcome.Timeout, console.Text),
            _ => TestResult.FromEnd(TestOutcome.NoExit, console.Text) with { Detail = end.Detail ?? end.Reason.ToString() },
        };
    }

    /// <summary>
    /// What the suite otherwise asks QEMU's fw_cfg for. The test device is hidden from the local APIC's test alone: it takes it for a sign of KVM
    /// and makes a hypercall without looking at CPUID, which ends the test.
    /// </summary>
    private static byte[] Environment(UnitTest test)
    {
        int hasTestDevice = test.File == "apic.flat" ? 0 : 1;
        return Encoding.ASCII.GetBytes($"NR_CPUS={test.Vcpus}\nMEMSIZE={test.MemorySize >> 20}\nTEST_DEVICE={hasTestDevice}\n");
    }

    private static CpuVendor VendorOf(UnitTest test) =>
        test.CpuParameter?.Contains("vendor=AuthenticAMD", StringComparison.Ordinal) == true ? CpuVendor.Amd : CpuVendor.Intel;
}
