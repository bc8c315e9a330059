using BenchmarkDotNet.Attributes;
using Emu.Cpu.Instrumentation;
using Emu.Machine;
using Emu.Machine.Firmware;

namespace Emu.Benchmarks.Machine;

/// <summary>
/// A loop of three instructions, one of which writes to memory: without hooks, with hooks elsewhere, and with a hook that is called in each pass. The
/// first two are to be equal.
/// </summary>
public class HookBenchmarks
{
    private const int Passes = 100_000;
    private const ulong LoopStart = 0xFFFF_0000;
    private const ulong Written = 0x200;

    private PvhMachine? _machine;
    private int _calls;

    /// <summary>What is hooked.</summary>
    public enum Hooked
    {
        Nothing,
        CodeElsewhere,
        PortsNeverUsed,
        Code,
        Memory,
    }

    [Params(Hooked.Nothing, Hooked.CodeElsewhere, Hooked.PortsNeverUsed, Hooked.Code, Hooked.Memory)]
    public Hooked What { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var rom = new byte[FirmwareImage.Unit];
        // next: inc ax; mov [200h], ax; jmp next
        new byte[] { 0x40, 0xA3, 0x00, 0x02, 0xEB, 0xFA }.CopyTo(rom, 0);
        new byte[] { 0xE9, 0x0D, 0x00 }.CopyTo(rom, 0xFFF0);
        _machine = new PvhMachine(new MachineOptions { MemorySize = 2UL << 20, Firmware = FirmwareImage.FromBytes(rom) });
        switch (What)
        {
            case Hooked.CodeElsewhere:
                _machine.Hooks.OnCode(LoopStart + 0x800, _ => _calls++);
                break;
            case Hooked.PortsNeverUsed:
                _machine.Hooks.OnPorts(0, 0x1_0000, _ => _calls++);
                break;
            case Hooked.Code:
                _machine.Hooks.OnCode(LoopStart, _ => _calls++);
                break;
            case Hooked.Memory:
                _machine.Hooks.OnMemory(Written, 2, WatchedAccess.Write, (_, _) => _calls++);
                break;
        }

        // Until everything is compiled that will be.
        _machine.Run(new RunLimits { MaxInstructions = 60UL * Passes });
    }

    [GlobalCleanup]
    public void Cleanup() => _machine!.Dispose();

    /// <summary>The time of one pass.</summary>
    [Benchmark(OperationsPerInvoke = Passes)]
    public ulong Pass()
    {
        _machine!.Run(new RunLimits { MaxInstructions = _machine.InstructionsRetired + (3 * Passes) });
        return _machine.InstructionsRetired;
    }
}
