using Emu.Cpu;
using Emu.Machine.Buses;
using Emu.Xen;
using Emu.Xen.Domains;
using Emu.Xen.Store;
using Emu.Xen.Tracing;
using Xunit;

namespace Emu.Machine.Tests.Hooks;

/// <summary>Hooks that answer in the stead of a device, of Xen or of the guest, and code that runs without a kernel.</summary>
public sealed class AnswerTests : IDisposable
{
    private const ulong Address = 0x10_0000;
    private const ulong Stack = 0x20_0000;
    private const ulong Return = 0x30_0000;

    private static readonly RunLimits Limits = new() { MaxInstructions = 1000 };

    private readonly List<string> _notes = [];
    private PvhMachine? _machine;

    public static TheoryData<ExecutionEngine> Engines => [ExecutionEngine.Interpreter, ExecutionEngine.Jit];

    public void Dispose() => _machine?.Dispose();

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_function_of_64_bits_runs_without_a_kernel(ExecutionEngine engine)
    {
        // lea rax, [rdi + rsi*2]; cvtsi2sd xmm0, rax; cvttsd2si rax, xmm0; ret
        var machine = Make(CodeWidth.Flat64, [0x48, 0x8D, 0x04, 0x77, 0xF2, 0x48, 0x0F, 0x2A, 0xC0, 0xF2, 0x48, 0x0F, 0x2C, 0xC0, 0xC3], engine);
        var registers = machine.Vcpu.Registers;
        (registers.Rdi, registers.Rsi) = (0x1_0000_0000, 21);
        Assert.Equal(StopReason.Paused, machine.RunUntil(Return, Limits).Reason);
        Assert.Equal(0x1_0000_002AUL, registers.Rax);
        Assert.Equal(Stack + 8, registers.Rsp);
        Assert.Equal(4UL, machine.InstructionsRetired);
    }

    [Fact]
    public void Code_of_32_and_of_16_bits_runs_without_a_kernel()
    {
        // 32 bits: mov eax, [esp]; jmp eax
        var machine = Make(CodeWidth.Flat32, [0x8B, 0x04, 0x24, 0xFF, 0xE0]);
        Assert.Equal(StopReason.Paused, machine.RunUntil(Return, Limits).Reason);
        Assert.Equal(Return, machine.Vcpu.Registers.Rax);

        // 16 bits: mov ax, cs; nop
        var real = new PvhMachine(new MachineOptions { MemorySize = 16UL << 20 });
        Replace(real);
        real.LoadCode([0x8C, 0xC8, 0x90], 0x7C00, CodeWidth.Real16);
        Assert.Equal(StopReason.Paused, real.RunUntil(0x7C02, Limits).Reason);
        Assert.Equal(0x7C0UL, real.Vcpu.Registers.Rax);
    }

    [Theory]
    [InlineData(0x1001UL, CodeWidth.Flat64)]
    [InlineData(0xF_FFFFUL, CodeWidth.Real16)]
    [InlineData(0x7C01UL, CodeWidth.Real16)]
    [InlineData(0xFFFF_FFFFUL, CodeWidth.Flat32)]
    [InlineData(0x1000_0000_0000UL, CodeWidth.Flat64)]
    [InlineData(ulong.MaxValue, CodeWidth.Flat64)]
    public void Code_is_refused_where_it_does_not_fit(ulong address, CodeWidth width) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(CodeWidth.Flat32, []).LoadCode([0x90, 0x90], address, width));

    [Fact]
    public void Single_instructions_are_executed_one_by_one()
    {
        // inc eax; inc eax; jmp $
        var machine = Make(CodeWidth.Flat32, [0x40, 0x40, 0xEB, 0xFE]);
        machine.Hooks.OnCode(Address + 1, _ => _notes.Add("hook"));
        Assert.Equal(StopReason.LimitReached, machine.Step().Reason);
        Assert.Equal((Address + 1, 1UL), (machine.Vcpu.LinearRip, machine.Vcpu.Registers.Rax));
        machine.Step();
        Assert.Equal((Address + 2, 2UL), (machine.Vcpu.LinearRip, machine.Vcpu.Registers.Rax));
        machine.Step(5);
        Assert.Equal(7UL, machine.InstructionsRetired);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_page_fault_is_answered_and_the_access_made_again(ExecutionEngine engine)
    {
        // inc rcx; mov rax, [rdi]; ret
        var machine = Make(CodeWidth.Flat64, [0x48, 0xFF, 0xC1, 0x48, 0x8B, 0x07, 0xC3], engine);
        var registers = machine.Vcpu.Registers;
        registers.Rdi = 1UL << 45;
        machine.Ram.Write(Stack + 0x100, [0x2A]);
        machine.Hooks.AnswerExceptions((vcpu, raised) =>
        {
            _notes.Add($"{raised.Vector} {raised.ErrorCode} {vcpu.LinearRip - Address} {vcpu.Registers.Rcx}");
            var changed = vcpu.Registers;
            changed.Rdi = Stack + 0x100;
            return true;
        });
        machine.Hooks.OnEvent((_, _) => _notes.Add("delivered"));
        Assert.Equal(StopReason.Paused, machine.RunUntil(Return, Limits).Reason);
        Assert.Equal(0x2AUL, registers.Rax);
        Assert.Equal(["14 0 3 1"], _notes);
        Assert.Equal(4UL, machine.InstructionsRetired);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Software_interrupts_are_answered_like_system_calls(ExecutionEngine engine)
    {
        // mov eax, 20; int 80h; int3; into; ud2 in a loop of three; ret
        byte[] code = [0xB8, 0x14, 0, 0, 0, 0xCD, 0x80, 0xCC, 0x0F, 0x0B, 0xFF, 0xC9, 0x75, 0xF2, 0xC3];
        var machine = Make(CodeWidth.Flat32, code, engine);
        var registers = machine.Vcpu.Registers;
        registers.Rcx = 2;
        machine.Hooks.AnswerExceptions((vcpu, raised) =>
        {
            var changed = vcpu.Registers;
            _notes.Add($"{raised.Kind} {raised.Vector} {vcpu.LinearRip - Address}");
            if (raised.Vector == 0x80)
                changed.Rax += 22;
            else if (raised.Vector == ExceptionVector.InvalidOpcode)
                changed.Rip += 2;
            return true;
        });
        Assert.Equal(StopReason.Paused, machine.RunUntil(Return, Limits).Reason);
        Assert.Equal(42UL, registers.Rax);
        string[] pass = ["SoftwareInterrupt 128 7", "SoftwareException 3 8", "Exception 6 8"];
        Assert.Equal([.. pass, .. pass], _notes);
    }

    [Fact]
    public void An_exception_that_nobody_answers_is_the_guests()
    {
        var machine = Make(CodeWidth.Flat32, [0x0F, 0x0B]);
        var asked = 0;
        var registration = machine.Hooks.AnswerExceptions((_, _) => ++asked < 0);
        machine.Hooks.OnEvent((_, delivered) => _notes.Add($"{delivered.Vector}"));
        Assert.Equal(StopReason.Crashed, machine.Run(Limits).Reason);
        Assert.Equal("6", _notes[0]);
        Assert.Equal(_notes.Count, asked);
        registration.Dispose();
    }

    [Fact]
    public void A_port_is_answered_without_its_device()
    {
        // in al, 0E0h; mov bl, al; in al, 0E1h; out 0E0h, al; jmp $
        var machine = Make(CodeWidth.Flat32, [0xE4, 0xE0, 0x88, 0xC3, 0xE4, 0xE1, 0xE6, 0xE0, 0xEB, 0xFE]);
        var device = new Counter();
        machine.AddDevice(device, 0xE0, 2);
        machine.Hooks.AnswerPorts(0xE0, 1, access =>
        {
            access.IsAnswered = true;
            _notes.Add($"{(access.IsWrite ? "out" : "in")} {access.Value:x} at {machine.CurrentVcpu.CallingRip - Address}");
            if (!access.IsWrite)
                access.Value = 0x1AB;
        });
        machine.Hooks.OnPorts(0xE0, 2, access => _notes.Add($"{access.Address:x}: {access.Value:x}"));
        machine.Step(5);
        Assert.Equal(["in 0 at 0", "e0: ab", "e1: 77", "out 77 at 6", "e0: 77"], _notes);
        Assert.Equal((1, 0), (device.Reads, device.Writes));
        Assert.Equal(0xABUL, machine.Vcpu.Registers.Rbx & 0xFF);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Device_memory_is_answered_and_the_hook_sees_the_instruction(ExecutionEngine engine)
    {
        // inc ecx; mov eax, [0FEC00010h]; inc ecx; mov [0FEC00000h], eax; out 0E9h, al; dec edx; jnz; jmp $
        byte[] code = [0x41, 0xA1, 0x10, 0x00, 0xC0, 0xFE, 0x41, 0xA3, 0x00, 0x00, 0xC0, 0xFE, 0x41, 0xE6, 0xE9, 0x4A, 0x75, 0xEE, 0xEB, 0xFE];
        var machine = Make(CodeWidth.Flat32, code, engine);
        var registers = machine.Vcpu.Registers;
        registers.Rdx = 3;
        machine.Hooks.AnswerMmio(AddressMap.IoApic, 0x1000, access =>
        {
            access.IsAnswered = true;
            access.Value = access.IsWrite ? access.Value : 0x1_2345_6789;
            _notes.Add($"{(uint)access.Value:x} at {machine.CurrentVcpu.CallingRip - Address} after {machine.CurrentVcpu.Registers.Rcx & 3}");
        });
        machine.Hooks.OnPorts(0xE9, 1, _ => _notes.Add($"out at {machine.CurrentVcpu.CallingRip - Address}"));
        machine.Step(24);
        var expected = new List<string>();
        for (var i = 0; i < 3; i++)
            expected.AddRange([$"23456789 at 1 after {((3 * i) + 1) & 3}", $"23456789 at 7 after {((3 * i) + 2) & 3}", "out at 13"]);
        Assert.Equal(expected, _notes);
        Assert.Equal(0x2345_6789UL, registers.Rax);
    }

    [Fact]
    public void A_hypercall_is_answered_in_Xens_stead_whoever_else_listens()
    {
        // mov eax, 17 (xen_version); xor ebx, ebx; vmcall; mov ebx, eax; mov eax, 99; vmcall; jmp $
        byte[] code = [0xB8, 17, 0, 0, 0, 0x31, 0xDB, 0x0F, 0x01, 0xC1, 0x89, 0xC3, 0xB8, 99, 0, 0, 0, 0x0F, 0x01, 0xC1, 0xEB, 0xFE];
        var machine = new PvhMachine(new MachineOptions { Profile = MachineProfile.Xen, MemorySize = 16UL << 20 });
        Replace(machine);
        machine.LoadCode(code, Address, CodeWidth.Flat32);
        machine.Hooks.OnHypercall((in GuestCall call, long result) => _notes.Add($"{call.Number} → {result}"));
        machine.Hooks.AnswerHypercalls((in GuestCall call, out long result) =>
        {
            result = 4711;
            return call.Number == 99;
        });
        // An observer that comes later changes nothing, nor one that goes.
        var observer = new CountingObserver();
        machine.XenDomain!.Observer = observer;
        machine.Step(6);
        Assert.Equal(2, observer.Calls);
        Assert.Equal([$"17 → {machine.Vcpu.Registers.Rbx}", "99 → 4711"], _notes);
        Assert.Equal(4711UL, machine.Vcpu.Registers.Rax);
        Assert.Throws<InvalidOperationException>(() => Make(CodeWidth.Flat32, code).Hooks.AnswerHypercalls((in GuestCall _, out long result) => (result = 0) != 0));
    }

    private PvhMachine Make(CodeWidth width, byte[] code, ExecutionEngine engine = ExecutionEngine.Auto)
    {
        var machine = new PvhMachine(new MachineOptions { MemorySize = 16UL << 20, Engine = engine });
        Replace(machine);
        machine.LoadCode(code, Address, width);
        machine.Ram.Write(Stack, BitConverter.GetBytes(Return));
        var registers = machine.Vcpu.Registers;
        registers.Rsp = Stack;
        return machine;
    }

    private void Replace(PvhMachine machine)
    {
        _machine?.Dispose();
        _machine = machine;
    }

    private sealed class Counter : IPortDevice
    {
        public int Reads { get; private set; }

        public int Writes { get; private set; }

        public uint Read(ushort port, int size)
        {
            Reads++;
            return 0x77;
        }

        public void Write(ushort port, int size, uint value) => Writes++;
    }

    private sealed class CountingObserver : IXenObserver
    {
        public int Calls { get; private set; }

        public void Calling(in GuestCall call) => Calls++;

        public void Called(in GuestCall call, long result)
        {
        }

        public void PortRaised(in PortNotice port)
        {
        }

        public void PortUnmasked(in PortNotice port)
        {
        }

        public void UpcallRaised(DomainVcpu vcpu)
        {
        }

        public void TimerExpired(DomainVcpu vcpu, VcpuTimer timer)
        {
        }

        public void VcpuChanged(int vcpu, bool isUp)
        {
        }

        public void StoreMessage(StoreMessageHeader header, ReadOnlySpan<byte> payload, bool isToDomain)
        {
        }

        public void GrantUsed(in GrantNotice grant)
        {
        }

        public void ShutDown(ShutdownReason reason)
        {
        }
    }
}
