using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Hooks;

/// <summary>What a program asks of a machine besides hooks.</summary>
public sealed class LibraryTests : IDisposable
{
    private const uint Entry = CodeKernel.Entry;

    // 1: mov dx, 3FDh; 2: in al, dx; test al, 1; jz 2b; mov dx, 3F8h; in al, dx; out 0E9h, al; jmp 1b
    private static readonly byte[] Echo =
    [
        0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xFB, 0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xE6, 0xE9, 0xEB, 0xEE,
    ];

    private readonly ConsoleText _console = new();
    private PvhMachine? _machine;

    public void Dispose() => _machine?.Dispose();

    [Fact]
    public void Running_until_an_instruction_stops_before_it_each_time()
    {
        // 1: inc eax; jmp 1b
        var machine = Make([0x40, 0xEB, 0xFD]);
        for (var i = 1UL; i <= 3; i++)
        {
            Assert.Equal(StopReason.Paused, machine.RunUntil(Entry + 1).Reason);
            Assert.Equal((2 * i) - 1, machine.InstructionsRetired);
        }

        Assert.Equal(StopReason.LimitReached, machine.RunUntil(0x1234, new RunLimits { MaxInstructions = 1000 }).Reason);
    }

    [Fact]
    public void Running_until_a_text_stops_at_its_last_byte_and_looks_behind_it_next_time()
    {
        // mov al, 'a'; out 0E9h, al; mov al, 'b'; out 0E9h, al; three times; hlt
        byte[] ab = [0xB0, 0x61, 0xE6, 0xE9, 0xB0, 0x62, 0xE6, 0xE9];
        var machine = Make([.. ab, .. ab, 0xFA, 0xF4]);
        Assert.Equal(StopReason.Paused, machine.RunUntil(_console, "ab").Reason);
        Assert.Equal("ab", _console.Text);
        Assert.Equal(4UL, machine.InstructionsRetired);
        Assert.Equal(StopReason.Paused, machine.RunUntil(_console, "ab").Reason);
        Assert.Equal("abab", _console.Text);
        Assert.Equal(StopReason.Halted, machine.RunUntil(_console, "ab").Reason);
    }

    [Fact]
    public void What_is_typed_reaches_the_guest_even_after_it_found_nothing()
    {
        var machine = Make(Echo, new TypedInput());
        Assert.Equal(StopReason.LimitReached, machine.Run(new RunLimits { MaxInstructions = 10_000 }).Reason);
        machine.Type("one");
        Assert.Equal(StopReason.Paused, machine.RunUntil(_console, "one", new RunLimits { MaxInstructions = 10_000_000 }).Reason);
        machine.Run(new RunLimits { MaxInstructions = machine.InstructionsRetired + 1_000_000 });
        machine.Type("t");
        machine.Type("wo");
        Assert.Equal(StopReason.Paused, machine.RunUntil(_console, "two", new RunLimits { MaxInstructions = 20_000_000 }).Reason);
        Assert.Equal("onetwo", _console.Text);
    }

    [Fact]
    public void Typing_needs_a_keyboard() => Assert.Throws<InvalidOperationException>(() => Make(Echo).Type("x"));

    [Fact]
    public void An_injected_interrupt_is_requested_in_the_local_apic()
    {
        // mov dword [0FEE000F0h], 1FFh; nop; mov eax, [0FEE00220h]; out 0F4h, eax
        var machine = Make([0xC7, 0x05, 0xF0, 0x00, 0xE0, 0xFE, 0xFF, 0x01, 0x00, 0x00, 0x90, 0xA1, 0x20, 0x02, 0xE0, 0xFE, 0xE7, 0xF4]);
        machine.Hooks.OnCode(Entry + 10, _ => machine.InjectInterrupt(0, 0x41));
        Assert.Equal(new RunResult(StopReason.DebugExit, (2 << 1) | 1), machine.Run());
    }

    [Fact]
    public void An_injected_nmi_is_delivered()
    {
        var machine = Make([0xEB, 0xFE]);
        List<byte> vectors = [];
        machine.Hooks.OnEvent((_, delivered) => vectors.Add(delivered.Vector));
        machine.Run(new RunLimits { MaxInstructions = 10 });
        machine.InjectNmi(0);
        Assert.Equal(StopReason.Crashed, machine.Run(new RunLimits { MaxInstructions = 100 }).Reason);
        Assert.Equal(2, vectors[0]);
    }

    [Fact]
    public void A_device_of_the_programs_answers_and_is_part_of_snapshots()
    {
        // mov dx, 500h; 1: in ax, dx; jmp 1b
        var machine = Make([0x66, 0xBA, 0x00, 0x05, 0x66, 0xED, 0xEB, 0xFC]);
        Counter counter = new();
        machine.AddDevice(counter, 0x500, 2);
        machine.Run(new RunLimits { MaxInstructions = 21 });
        Assert.Equal(10, counter.Reads);
        var snapshot = machine.TakeSnapshot();
        machine.Run(new RunLimits { MaxInstructions = 41 });
        Assert.Equal(20, counter.Reads);
        machine.Restore(snapshot);
        Assert.Equal(10, counter.Reads);
        Assert.Equal(10UL, machine.Vcpu.Registers.Rax & 0xFFFF);
        Assert.Throws<InvalidOperationException>(() => machine.AddDevice(new Counter(), 0x501, 1));
    }

    [Fact]
    public void A_device_in_memory_answers()
    {
        // mov eax, [0E0000000h]; out 0F4h, eax
        var machine = Make([0xA1, 0x00, 0x00, 0x00, 0xE0, 0xE7, 0xF4]);
        machine.AddDevice(new Constant(), 0xE000_0000, 4);
        Assert.Equal((7 << 1) | 1, machine.Run().Code);
    }

    [Fact]
    public void Disposing_of_a_machine_twice_is_harmless()
    {
        var machine = Make(Echo);
        machine.Dispose();
        machine.Dispose();
    }

    [Fact]
    public void A_register_that_there_is_not_is_refused()
    {
        var registers = Make(Echo).Vcpu.Registers;
        Assert.Equal(registers.Rsp, registers[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => registers[16]);
        Assert.Throws<ArgumentOutOfRangeException>(() => registers[-1]);
    }

    private PvhMachine Make(byte[] code, IConsoleSource? input = null)
    {
        _machine = new PvhMachine(new MachineOptions { MemorySize = 16UL << 20, DebugConsoleOutput = _console, ConsoleInput = input });
        _machine.Load(CodeKernel.Of(code));
        return _machine;
    }

    private sealed class Counter : IPortDevice, IStateful
    {
        private int _reads;

        public int Reads => _reads;

        public uint Read(ushort port, int size) => (uint)++_reads;

        public void Write(ushort port, int size, uint value)
        {
        }

        public void Transfer(StateStream stream) => stream.Transfer(ref _reads);
    }

    private sealed class Constant : IMmioDevice
    {
        public ulong Read(ulong offset, int size) => 7;

        public void Write(ulong offset, int size, ulong value)
        {
        }
    }
}
