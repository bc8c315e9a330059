using Emu.Machine.Consoles;
using Emu.Machine.Recording;
using Emu.Machine.Tests.Support;

namespace Emu.Machine.Tests.Recording;

/// <summary>A guest that stirs what it reads, and when, into its memory; somebody who types at a pace of his own; the recording of both.</summary>
internal static class RecordedSession
{
    /// <summary>The key at which the guest switches itself off.</summary>
    public const byte Off = (byte)'q';

    /// <summary>
    /// GDT and IDT, both 8259A masked, local APIC with a timer each 3,000,017 ns (vector 0x30), I/O APIC pin 4 to vector 0x24, COM1 at 115,200 baud with FIFO and
    /// receive interrupts. Then: 1: sti; hlt; up to 16,384 times dec ecx, jnz; jmp 1b. Each handler rotates a word in memory and stirs RDTSC
    /// into it, that of COM1 the byte, too, which it echoes; at 'q' it switches the machine off by [0xFEA00200].
    /// </summary>
    private const string Code =
        "bc000018000f011554011000ea13001000080066b810008ed88ed08ec0b80701100066a32001170066c70522011700080066c70524011700008ec1e8"
        + "1066a326011700b83701100066a38001170066c70582011700080066c70584011700008ec1e81066a3860117000f011d5a011000b0ffe621e6a1c705"
        + "f000e0feff010000c7050000c0fe19000000c7051000c0fe00000000c7050000c0fe18000000c7051000c0fe24000000c705e003e0fe0b000000c705"
        + "2003e0fe30000200c7058003e0fed1c62d0066bafb03b083ee66baf803b001ee6642b000ee66bafb03b003ee664ab001ee66bafc03b00bee66baf903"
        + "b001eefbf48b0d0000160081e1ff3f0000414975fdebec66bafd03eca801743666baf803ecee3c7174160fb6d80f3131d8c105000016000531050000"
        + "1600ebd7c6050002a0fe340f31c1050400160005310504001600c705b000e0fe00000000cf9090901700600110008701000017000000000000000000"
        + "ffff0000009bcf00ffff00000093cf00";

    /// <summary>Makes the machine.</summary>
    public static PvhMachine NewMachine(
        InputJournal? journal, IConsoleSource? source, Screen screen, ExecutionEngine engine = ExecutionEngine.Auto, ulong seed = 0)
    {
        PvhMachine machine = new(new MachineOptions
        {
            MemorySize = 4UL << 20,
            ConsoleOutput = screen,
            ConsoleInput = source,
            Journal = journal,
            Engine = engine,
            RandomSeed = seed,
        });
        machine.Load(CodeKernel.Of(Convert.FromHexString(Code)), [], default);
        return machine;
    }

    /// <summary>Runs the guest to its end and writes down what comes in.</summary>
    public static Recorded Record(IConsoleSource source, CancellationToken cancellation = default)
    {
        MemoryStream stream = new();
        Screen screen = new();
        using InputRecorder recorder = new(stream, default);
        using var machine = NewMachine(recorder, source, screen);
        var result = machine.Run(RunLimits.None, cancellation);
        recorder.EndLife(machine, result);
        recorder.EndRun(0, 0);
        return new Recorded(stream.ToArray(), result, Summary(machine), screen.Text);
    }

    /// <summary>All that two runs must have in common.</summary>
    public static string Summary(PvhMachine machine) =>
        $"{machine.InstructionsRetired} instructions, {machine.Clock.Now} ns, {Convert.ToHexStringLower(machine.StateHash())}";

    /// <summary>What came of a run.</summary>
    public sealed record Recorded(byte[] Log, RunResult Result, string Summary, string Output)
    {
        public InputReplayer Open() => new(InputLogReader.Open(new MemoryStream(Log), "log"));
    }

    /// <summary>What the guest has written.</summary>
    public sealed class Screen : IConsoleSink
    {
        private readonly List<byte> _bytes = [];

        public string Text => string.Concat(_bytes.Select(static value => (char)value));

        public void Write(byte value) => _bytes.Add(value);

        public void Flush()
        {
        }
    }

    /// <summary>Somebody whose pace depends on the host: how long the waits really are, and a seed.</summary>
    public sealed class Typist(int seed, bool isInteractive, int keys) : IConsoleSource
    {
        private readonly Random _random = new(seed);
        private int _typed;

        public bool IsInteractive => isInteractive;

        public Action<int>? Typed { get; init; }

        public ConsoleInput TryRead(out byte value)
        {
            value = 0;
            if (_random.Next(3) != 0)
                return ConsoleInput.Empty;
            value = _typed == keys ? Off : (byte)_random.Next('a', 'q');
            _typed++;
            Typed?.Invoke(_typed);
            return ConsoleInput.Available;
        }

        public bool Wait(TimeSpan timeout)
        {
            if (_random.Next(2) == 0)
                return false;
            Thread.SpinWait(_random.Next(20_000));
            return true;
        }
    }
}
