using Emu.Cpu.State;
using Emu.Machine;
using Emu.Machine.Firmware;

namespace Emu.Suites.Test386;

/// <summary>What one ROM did.</summary>
/// <param name="PostCodes">The POST codes in order.</param>
/// <param name="Lines">What it printed, on whichever port it printed.</param>
/// <param name="Instructions">How many instructions it took.</param>
/// <param name="End">How it ended.</param>
/// <param name="Place">CS:IP where it ended.</param>
internal sealed record Test386Result(IReadOnlyList<byte> PostCodes, string[] Lines, ulong Instructions, StopReason End, string Place);

/// <summary>Runs one ROM.</summary>
internal static class Test386Run
{
    private const ulong MemorySize = 16UL << 20;

    public static unsafe Test386Result Run(FirmwareImage rom, ulong maximumInstructions, ExecutionEngine engine)
    {
        List<byte> codes = [];
        CapturedConsole console = new();
        using PvhMachine machine = new(new MachineOptions
        {
            MemorySize = MemorySize,
            Firmware = rom,
            PostCode = codes.Add,
            ConsoleOutput = console,
            DebugConsoleOutput = console,
            Engine = engine,
        });
        RunResult result = machine.Run(new RunLimits { MaxInstructions = maximumInstructions });
        CpuState* state = machine.Vcpu.State;
        string[] lines = console.Text.Replace("\r", "", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new Test386Result(
            codes, lines, machine.Vcpu.InstructionsRetired, result.Reason, $"{state->Segments[(int)SegmentName.Cs].Selector:X4}:{state->Rip:X}");
    }
}
