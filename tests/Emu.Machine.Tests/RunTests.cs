using Emu.Cpu.State;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests;

/// <summary>The run loop, with kernels of a few instructions.</summary>
public class RunTests
{
    private static readonly MachineOptions Small = new() { MemorySize = 4UL << 20 };

    /// <summary>jmp $</summary>
    private static readonly byte[] Spin = [0xEB, 0xFE];

    /// <summary>mov byte [0xFEA00200], 0x34</summary>
    private static readonly byte[] PowerOff = [0xC6, 0x05, 0x00, 0x02, 0xA0, 0xFE, 0x34];

    /// <summary>
    /// Local APIC on, timer by 1, one-shot, 5000 ticks; then wait until the current count is zero:
    /// mov dword [0xFEE000F0], 0x1FF; mov dword [0xFEE003E0], 0xB; mov dword [0xFEE00380], 5000; 1: cmp dword [0xFEE00390], 0; jne 1b
    /// </summary>
    private static readonly byte[] WaitForTimer =
    [
        0xC7, 0x05, 0xF0, 0x00, 0xE0, 0xFE, 0xFF, 0x01, 0x00, 0x00,
        0xC7, 0x05, 0xE0, 0x03, 0xE0, 0xFE, 0x0B, 0x00, 0x00, 0x00,
        0xC7, 0x05, 0x80, 0x03, 0xE0, 0xFE, 0x88, 0x13, 0x00, 0x00,
        0x83, 0x3D, 0x90, 0x03, 0xE0, 0xFE, 0x00,
        0x75, 0xF7,
    ];

    private static readonly byte[] WorkUnderInterrupts =
    [
        // lgdt [0x102100]; lidt [0x102108]; mov esp, 0x180000
        0x0F, 0x01, 0x15, 0x00, 0x21, 0x10, 0x00, 0x0F, 0x01, 0x1D, 0x08, 0x21, 0x10, 0x00, 0xBC, 0x00, 0x00, 0x18, 0x00,
        // local APIC on; timer by 1, periodic, vector 0x40, every 97 ticks
        0xC7, 0x05, 0xF0, 0x00, 0xE0, 0xFE, 0xFF, 0x01, 0x00, 0x00, 0xC7, 0x05, 0xE0, 0x03, 0xE0, 0xFE, 0x0B, 0x00, 0x00, 0x00,
        0xC7, 0x05, 0x20, 0x03, 0xE0, 0xFE, 0x40, 0x00, 0x02, 0x00, 0xC7, 0x05, 0x80, 0x03, 0xE0, 0xFE, 0x61, 0x00, 0x00, 0x00,
        // sti; xor eax, eax
        0xFB, 0x31, 0xC0,
        // 1: add eax, 7; cmp al, 0x40; jb 2f; add ebx, eax; cmp al, 0x80; je 3f; jbe 2f; xor ebx, ecx
        0x83, 0xC0, 0x07, 0x3C, 0x40, 0x72, 0x0A, 0x01, 0xC3, 0x3C, 0x80, 0x74, 0x05, 0x76, 0x02, 0x31, 0xCB,
        // 2: inc edx; 3: cmp eax, 300000; jb 1b
        0x42, 0x3D, 0xE0, 0x93, 0x04, 0x00, 0x72, 0xE7,
        // mov byte [0xFEA00200], 0x34; nop
        0xC6, 0x05, 0x00, 0x02, 0xA0, 0xFE, 0x34, 0x90,
        // handler: inc ecx; mov dword [0xFEE000B0], 0; iret
        0x41, 0xC7, 0x05, 0xB0, 0x00, 0xE0, 0xFE, 0x00, 0x00, 0x00, 0x00, 0xCF,
    ];

    [Theory]
    [InlineData(1UL)]
    [InlineData(12_345UL)]
    [InlineData(3_000_001UL)]
    public void Instruction_limit_is_exact(ulong limit)
    {
        using var machine = Machine(Spin);
        Assert.Equal(new RunResult(StopReason.LimitReached), machine.Run(new RunLimits { MaxInstructions = limit }));
        Assert.Equal(limit, machine.Vcpu.InstructionsRetired);
        Assert.Equal(limit, machine.Clock.Now);
    }

    [Fact]
    public void Run_can_be_taken_up_again_after_a_limit()
    {
        using var whole = Machine(Spin);
        whole.Run(new RunLimits { MaxInstructions = 5000 });
        using var parts = Machine(Spin);
        for (ulong limit = 1; limit <= 5000; limit += 7)
            parts.Run(new RunLimits { MaxInstructions = limit });
        parts.Run(new RunLimits { MaxInstructions = 5000 });
        Assert.Equal(whole.StateHash(), parts.StateHash());
    }

    [Fact]
    public void Cancelled_run_says_so()
    {
        using var machine = Machine(Spin);
        Assert.Equal(StopReason.Cancelled, machine.Run(RunLimits.None, new CancellationToken(canceled: true)).Reason);
    }

    [Fact]
    public unsafe void Jump_to_the_reset_vector_in_real_mode_restarts_the_machine()
    {
        using var machine = Machine(Spin);
        machine.Vcpu.Reset();
        // As after power-up, but with the ordinary segment base: F000:FFF0 below 1 MiB.
        machine.Vcpu.State->Segments[(int)SegmentName.Cs].Base = 0xF_0000;
        machine.Vcpu.StateChanged();
        Assert.Equal(new RunResult(StopReason.Rebooted), machine.Run(RunLimits.None));
    }

    [Fact]
    public void Sleep_register_ends_the_run_after_its_instruction()
    {
        using var machine = Machine([.. PowerOff, .. Spin]);
        Assert.Equal(new RunResult(StopReason.PoweredOff), machine.Run(RunLimits.None));
        Assert.Equal(1UL, machine.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void Device_sees_the_exact_time_of_the_accessing_instruction()
    {
        using var machine = Machine([.. WaitForTimer, .. PowerOff]);
        Assert.Equal(StopReason.PoweredOff, machine.Run(RunLimits.None).Reason);
        // The count starts at instruction 2 and is looked at by every second instruction from 3 on; the first one that finds it at
        // zero is the first at or after time 2 + 5000; it, the jump and the store follow.
        Assert.Equal(5003UL + 3, machine.Vcpu.InstructionsRetired);
    }

    [Fact]
    public void Equal_runs_have_equal_hashes_and_instruction_counts()
    {
        using var first = Machine([.. WaitForTimer, .. PowerOff]);
        using var second = Machine([.. WaitForTimer, .. PowerOff]);
        first.Run(RunLimits.None);
        second.Run(RunLimits.None);
        Assert.Equal(first.Vcpu.InstructionsRetired, second.Vcpu.InstructionsRetired);
        Assert.Equal(first.StateHash(), second.StateHash());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Interrupts_fall_on_the_same_instructions_however_the_run_is_cut(int slice)
    {
        using var whole = MachineWithInterrupts();
        Assert.Equal(StopReason.PoweredOff, whole.Run(RunLimits.None).Reason);

        using var parts = MachineWithInterrupts();
        var limit = 0UL;
        while (parts.Run(new RunLimits { MaxInstructions = limit += (ulong)slice }).Reason == StopReason.LimitReached)
        {
        }

        Assert.True(whole.Vcpu.InstructionsRetired > 200_000);
        Assert.Equal(whole.Vcpu.InstructionsRetired, parts.Vcpu.InstructionsRetired);
        Assert.Equal(whole.StateHash(), parts.StateHash());
    }

    private static PvhMachine MachineWithInterrupts()
    {
        const ulong table = 0x10_2000;
        var machine = Machine(WorkUnderInterrupts);
        // GDT: null, flat code, flat data. IDT: vector 0x40 is an interrupt gate to the handler.
        machine.Ram.Write(table + 8, [0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0, 0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0]);
        machine.Ram.Write(table + 0x800 + (0x40 * 8), [0x5F, 0x00, 8, 0, 0, 0x8E, 0x10, 0x00]);
        machine.Ram.Write(table + 0x100, [23, 0, 0x00, 0x20, 0x10, 0]);
        machine.Ram.Write(table + 0x108, [0x07, 0x02, 0x00, 0x28, 0x10, 0]);
        return machine;
    }

    private static PvhMachine Machine(byte[] code)
    {
        var machine = new PvhMachine(Small);
        machine.Load(CodeKernel.Of(code), [], null);
        return machine;
    }
}
