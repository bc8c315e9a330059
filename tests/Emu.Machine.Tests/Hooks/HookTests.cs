using Emu.Cpu.Instrumentation;
using Emu.Machine.Consoles;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Hooks;

public sealed class HookTests : IDisposable
{
    private const uint Entry = CodeKernel.Entry;
    private const ulong Data = 0x20_0000;

    private static readonly byte[] Code =
    [
        0xB8, 0x41, 0x00, 0x00, 0x00, // +0 mov eax, 'A'
        0xE6, 0xE9, // +5 out 0E9h, al
        0xA3, 0x00, 0x00, 0x20, 0x00, // +7 mov [200000h], eax
        0x8B, 0x0D, 0x00, 0x00, 0x20, 0x00, // +12 mov ecx, [200000h]
        0xA1, 0x10, 0x00, 0xC0, 0xFE, // +18 mov eax, [0FEC00010h]
        0xE4, 0xE9, // +23 in al, 0E9h
        0xE7, 0xF4, // +25 out 0F4h, eax
    ];

    private readonly ConsoleText _console = new();
    private readonly List<string> _notes = [];
    private PvhMachine? _machine;

    public void Dispose() => _machine?.Dispose();

    [Fact]
    public void A_code_hook_sees_the_processor_before_its_instruction()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry, vcpu => _notes.Add($"{vcpu.Registers.Rip - Entry}: {vcpu.Registers.Rax == 'A'}"));
        machine.Hooks.OnCode(Entry + 5, vcpu => _notes.Add($"{vcpu.LinearRip - Entry}: {vcpu.Registers.Rax == 'A'}"));
        machine.Run();
        Assert.Equal(["0: False", "5: True"], _notes);
    }

    [Fact]
    public void A_code_hook_may_change_registers_and_where_it_goes_on()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry + 5, vcpu =>
        {
            var registers = vcpu.Registers;
            registers.Rax = 'B';
        });
        machine.Hooks.OnCode(Entry + 7, vcpu =>
        {
            var registers = vcpu.Registers;
            registers.Rip = Entry + 25;
        });
        Assert.Equal(new RunResult(StopReason.DebugExit, ('B' << 1) | 1), machine.Run());
        Assert.Equal("B", _console.Text);
    }

    [Fact]
    public void A_memory_hook_is_called_behind_the_access()
    {
        var machine = Make(Code);
        var value = new byte[4];
        machine.Hooks.OnMemory(Data + 1, 1, WatchedAccess.Any, (vcpu, hit) =>
        {
            machine.Ram.Read(Data, value);
            _notes.Add($"{hit.Access} {hit.Address:x} {hit.Size} {value[0]:x} {vcpu.Registers.Rip - Entry}");
        });
        machine.Run();
        Assert.Equal(["Write 200000 4 41 12", "Read 200000 4 41 18"], _notes);
    }

    [Fact]
    public void Of_two_memory_hooks_each_hears_of_its_own_accesses()
    {
        var machine = Make(Code);
        machine.Hooks.OnMemory(Data, 4, WatchedAccess.Write, (_, hit) => _notes.Add($"write {hit.Watchpoint.Length}"));
        machine.Hooks.OnMemory(Data, 8, WatchedAccess.Read, (_, hit) => _notes.Add($"read {hit.Watchpoint.Length}"));
        machine.Run();
        Assert.Equal(["write 4", "read 8"], _notes);
    }

    [Fact]
    public void A_port_hook_changes_and_swallows_what_passes()
    {
        var machine = Make(Code);
        machine.Hooks.OnPorts(0xE9, 1, access =>
        {
            _notes.Add($"{(access.IsWrite ? "out" : "in")} {access.Value:x} {machine.InstructionsRetired}");
            access.IsSwallowed = access.IsWrite;
            if (!access.IsWrite)
                access.Value = 0x12;
        });
        Assert.Equal(0x25, machine.Run().Code);
        Assert.Equal("", _console.Text);
        Assert.Equal(["out 41 1", "in e9 5"], _notes);
    }

    [Fact]
    public void A_hook_of_memory_that_is_no_ram_hears_of_devices()
    {
        var machine = Make(Code);
        machine.Hooks.OnMmio(AddressMap.IoApic, 0x1000, access => _notes.Add($"{access.Address:x} {access.Size} {access.IsWrite}"));
        machine.Run();
        Assert.Equal(["fec00010 4 False"], _notes);
    }

    [Fact]
    public void An_event_hook_hears_of_exceptions_before_they_are_delivered()
    {
        var machine = Make([0x0F, 0x0B]);
        machine.Hooks.OnEvent((vcpu, delivered) => _notes.Add($"{delivered.Vector} {vcpu.Registers.Rip - Entry}"));
        Assert.Equal(StopReason.Crashed, machine.Run().Reason);
        Assert.StartsWith("6 0", _notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_hypercall_hook_hears_of_calls_and_results()
    {
        using var machine = new PvhMachine(new MachineOptions { Profile = MachineProfile.Xen, MemorySize = 16UL << 20 });
        machine.Load(TestKernels.Open("xen-hypercalls"));
        var calls = 0;
        machine.Hooks.OnHypercall((in Emu.Xen.GuestCall _, long _) => calls++);
        machine.Run();
        Assert.True(calls > 10);
        Assert.Throws<InvalidOperationException>(() => Make(Code).Hooks.OnHypercall(static (in Emu.Xen.GuestCall _, long _) => { }));
    }

    [Theory]
    [InlineData(ExecutionEngine.Interpreter)]
    [InlineData(ExecutionEngine.Jit)]
    public void Hooks_that_only_look_change_nothing_and_miss_nothing(ExecutionEngine engine)
    {
        // mov ecx, 20000; 1: mov [200000h], ecx; dec ecx; jnz 1b; out 0F4h, eax
        byte[] loop = [0xB9, 0x20, 0x4E, 0, 0, 0x89, 0x0D, 0x00, 0x00, 0x20, 0x00, 0x49, 0x75, 0xF7, 0xE7, 0xF4];
        var plain = Make(loop, engine);
        var expected = (plain.Run(), plain.InstructionsRetired, Convert.ToHexString(plain.StateHash()));
        plain.Dispose();
        var hooked = Make(loop, engine);
        var passes = 0;
        var writes = 0;
        hooked.Hooks.OnCode(Entry + 11, _ => passes++);
        hooked.Hooks.OnMemory(Data, 4, WatchedAccess.Write, (_, _) => writes++);
        Assert.Equal(expected, (hooked.Run(), hooked.InstructionsRetired, Convert.ToHexString(hooked.StateHash())));
        Assert.Equal((20_000, 20_000), (passes, writes));
    }

    [Fact]
    public void A_hook_that_was_disposed_of_is_not_called()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry + 5, static _ => throw new InvalidOperationException()).Dispose();
        machine.Hooks.OnPorts(0xE9, 1, static _ => throw new InvalidOperationException()).Dispose();
        machine.Hooks.OnMemory(Data, 1, WatchedAccess.Any, static (_, _) => throw new InvalidOperationException()).Dispose();
        Assert.Equal(StopReason.DebugExit, machine.Run().Reason);
    }

    [Fact]
    public void A_hook_may_add_others_from_within_an_instruction()
    {
        var machine = Make(Code);
        machine.Hooks.OnPorts(0xE9, 1, _ => machine.Hooks.OnCode(Entry + 7, vcpu => _notes.Add($"{vcpu.Registers.Rip - Entry}")));
        machine.Run();
        Assert.Equal(["7"], _notes);
    }

    [Fact]
    public void A_run_that_a_hook_stops_goes_on_behind_it()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry + 5, _ =>
        {
            _notes.Add("code");
            machine.RequestPause();
        });
        machine.Hooks.OnPorts(0xE9, 1, access => machine.RequestPause());
        Assert.Equal(StopReason.Paused, machine.Run().Reason);
        Assert.Equal(1UL, machine.InstructionsRetired);
        Assert.Equal(StopReason.Paused, machine.Run().Reason);
        Assert.Equal(2UL, machine.InstructionsRetired);
        Assert.Equal(StopReason.Paused, machine.Run().Reason);
        Assert.Equal(StopReason.DebugExit, machine.Run().Reason);
        Assert.Equal(["code"], _notes);
    }

    [Fact]
    public void Breakpoints_of_a_debugger_and_hooks_do_not_disturb_one_another()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry + 5, _ => _notes.Add("hook"));
        machine.SetBreakpoints([Entry + 5, Entry + 7]);
        Assert.Equal(StopReason.Breakpoint, machine.Run().Reason);
        machine.SetBreakpoints([Entry + 12]);
        Assert.Equal(StopReason.Breakpoint, machine.Run(new RunLimits { PassesBreakpoint = true }).Reason);
        Assert.Equal(Entry + 12, machine.Vcpu.LinearRip);
        Assert.Equal(["hook"], _notes);
    }

    [Fact]
    public void Hooks_stay_when_the_machine_goes_back()
    {
        var machine = Make(Code);
        machine.Hooks.OnCode(Entry + 5, _ => _notes.Add("code"));
        machine.Hooks.OnMemory(Data, 1, WatchedAccess.Write, (_, _) => _notes.Add("memory"));
        var snapshot = machine.TakeSnapshot();
        machine.Run();
        machine.Restore(snapshot);
        machine.Run();
        Assert.Equal(["code", "memory", "code", "memory"], _notes);
    }

    private PvhMachine Make(byte[] code, ExecutionEngine engine = ExecutionEngine.Auto)
    {
        _machine?.Dispose();
        _machine = new PvhMachine(new MachineOptions { MemorySize = 16UL << 20, DebugConsoleOutput = _console, Engine = engine });
        _machine.Load(CodeKernel.Of(code));
        return _machine;
    }
}
