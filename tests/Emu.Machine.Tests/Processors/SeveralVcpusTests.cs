using System.Text;
using Emu.Cpu.State;
using Emu.Machine.Consoles;
using Emu.Machine.Processors;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Processors;

/// <summary>Machines with several vCPUs: who runs when, what time it is for whom, and that nothing but the guest decides it.</summary>
public class SeveralVcpusTests
{
    private const uint StartPage = 0x5_0000;

    private static readonly MachineOptions Small = new() { MemorySize = 8UL << 20, Vcpus = 2 };

    /// <summary>jmp $</summary>
    private static readonly byte[] Spin = [0xEB, 0xFE];

    /// <summary>1: pause; jmp 1b</summary>
    private static readonly byte[] SpinWithPause = [0xF3, 0x90, 0xEB, 0xFC];

    /// <summary>cli; hlt</summary>
    private static readonly byte[] HaltForGood = [0xFA, 0xF4];

    /// <summary>Start-up message to all others: mov dword [0xFEE00300], 0xC4600 + page</summary>
    private static readonly byte[] StartOthers = [0xC7, 0x05, 0x00, 0x03, 0xE0, 0xFE, (byte)(StartPage >> 12), 0x46, 0x0C, 0x00];

    /// <summary>INIT to the boot processor: mov dword [0xFEE00310], 0; mov dword [0xFEE00300], 0x4500</summary>
    private static readonly byte[] InitBootProcessor =
        [0xC7, 0x05, 0x10, 0x03, 0xE0, 0xFE, 0, 0, 0, 0, 0xC7, 0x05, 0x00, 0x03, 0xE0, 0xFE, 0x00, 0x45, 0x00, 0x00];

    /// <summary>INIT to all others: mov dword [0xFEE00300], 0x84500</summary>
    private static readonly byte[] InitOthers = [0xC7, 0x05, 0x00, 0x03, 0xE0, 0xFE, 0x00, 0x45, 0x0C, 0x00];

    /// <summary>xor ax, ax; mov ds, ax; lidt [0x7000]; int3: an interrupt table without entries.</summary>
    private static readonly byte[] TripleFault = [0x31, 0xC0, 0x8E, 0xD8, 0x0F, 0x01, 0x1E, 0x00, 0x70, 0xCC];

    [Fact]
    public void Vcpu_waits_for_its_start_up_message()
    {
        using var machine = Machine(Spin, Spin);
        machine.Run(new RunLimits { MaxInstructions = 1_000_000 });
        Assert.True(machine.WaitsForStartup(machine.Vcpus[1]));
        Assert.Equal(0UL, machine.Vcpus[1].InstructionsRetired);
        Assert.Equal(1_000_000UL, machine.Vcpus[0].InstructionsRetired);
    }

    [Fact]
    public unsafe void Start_up_message_starts_it_in_real_mode_at_the_page_that_it_names()
    {
        using var machine = Machine([.. StartOthers, .. Spin], Spin);
        machine.Run(new RunLimits { MaxInstructions = 1_000_000 });
        var state = machine.Vcpus[1].State;
        Assert.Equal(0UL, state->Rip);
        Assert.Equal(StartPage >> 4, state->Segments[(int)SegmentName.Cs].Selector);
        Assert.Equal(StartPage, state->Segments[(int)SegmentName.Cs].Base);
        Assert.Equal(0UL, state->Cr0 & Cr0.Pe);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(77_777UL)]
    [InlineData(1_000_000UL)]
    public void Limit_counts_the_instructions_of_all(ulong limit)
    {
        using var machine = Machine([.. StartOthers, .. Spin], Spin);
        Assert.Equal(StopReason.LimitReached, machine.Run(new RunLimits { MaxInstructions = limit }).Reason);
        Assert.Equal(limit, machine.InstructionsRetired);
        Assert.Equal(limit, machine.Vcpus[0].InstructionsRetired + machine.Vcpus[1].InstructionsRetired);
        Assert.Equal(limit, machine.Clock.Now);
    }

    [Fact]
    public void Busy_vcpus_have_equal_turns()
    {
        using var machine = Machine([.. StartOthers, .. Spin], Spin);
        machine.Run(new RunLimits { MaxInstructions = 100 * VcpuScheduler.LongestTurn });
        Assert.InRange(machine.Vcpus[1].InstructionsRetired, 49 * VcpuScheduler.LongestTurn, 51 * VcpuScheduler.LongestTurn);
    }

    [Fact]
    public void Message_shortens_the_turn_of_its_sender()
    {
        using var machine = Machine([.. StartOthers, .. Spin], Spin);
        machine.Run(new RunLimits { MaxInstructions = VcpuScheduler.ShortestTurn + 2 });
        Assert.Equal(VcpuScheduler.ShortestTurn, machine.Vcpus[0].InstructionsRetired);
        Assert.Equal(2UL, machine.Vcpus[1].InstructionsRetired);
    }

    [Fact]
    public void Who_waits_with_pause_leaves_the_others_the_time()
    {
        using var machine = Machine([.. StartOthers, .. SpinWithPause], Spin);
        machine.Run(new RunLimits { MaxInstructions = 10 * VcpuScheduler.LongestTurn });
        Assert.InRange(machine.Vcpus[0].InstructionsRetired, 3UL, 100UL);
    }

    [Fact]
    public void Halted_vcpu_takes_no_time()
    {
        using var machine = Machine([.. StartOthers, .. Spin], HaltForGood);
        machine.Run(new RunLimits { MaxInstructions = 1_000_000 });
        Assert.Equal(2UL, machine.Vcpus[1].InstructionsRetired);
    }

    [Fact]
    public void Machine_stands_still_once_all_have_halted_for_good()
    {
        using var machine = Machine([.. StartOthers, .. HaltForGood], HaltForGood);
        Assert.Equal(StopReason.Halted, machine.Run(RunLimits.None).Reason);
        Assert.Equal(5UL, machine.InstructionsRetired);
    }

    [Fact]
    public void Init_makes_a_running_vcpu_wait_again()
    {
        // ...; mov ecx, 100000; loop $; INIT to the others; jmp $
        using var machine = Machine([.. StartOthers, 0xB9, 0xA0, 0x86, 0x01, 0x00, 0xE2, 0xFE, .. InitOthers, .. Spin], Spin);
        machine.Run(new RunLimits { MaxInstructions = 1_000_000 });
        Assert.True(machine.WaitsForStartup(machine.Vcpus[1]));
        Assert.InRange(machine.Vcpus[1].InstructionsRetired, 50_000UL, 200_000UL);
    }

    [Fact]
    public unsafe void Vcpu_that_sends_init_to_itself_waits_in_its_reset_state()
    {
        // APIC in reach: enter protected mode with a flat GDT at 0x60000, then write the command register: INIT by self's identifier.
        byte[] code =
        [
            0x31, 0xC0, 0x8E, 0xD8, // xor ax, ax; mov ds, ax
            0xB8, 0x00, 0x60, 0x8E, 0xD8, // mov ax, 0x6000; mov ds, ax
            0x0F, 0x01, 0x16, 0x00, 0x00, // lgdt [0]
            0x0F, 0x20, 0xC0, 0x0C, 0x01, 0x0F, 0x22, 0xC0, // mov eax, cr0; or al, 1; mov cr0, eax
            0xB8, 0x08, 0x00, 0x8E, 0xD8, // mov ax, 8; mov ds, ax
            0x66, 0x67, 0xC7, 0x05, 0x10, 0x03, 0xE0, 0xFE, 0x00, 0x00, 0x00, 0x01, // mov dword [0xFEE00310], 1 << 24
            0x66, 0x67, 0xC7, 0x05, 0x00, 0x03, 0xE0, 0xFE, 0x00, 0x45, 0x00, 0x00, // mov dword [0xFEE00300], 0x4500
            .. Spin,
        ];
        using var machine = Machine([.. StartOthers, .. Spin], code);
        machine.Ram.Write(0x6_0000, [0x0F, 0x00, 0x10, 0x00, 0x06, 0x00]);
        machine.Ram.Write(0x6_0018, [0xFF, 0xFF, 0x00, 0x00, 0x00, 0x92, 0xCF, 0x00]);
        machine.Run(new RunLimits { MaxInstructions = 1_000_000 });
        Assert.True(machine.WaitsForStartup(machine.Vcpus[1]));
        Assert.Equal(12UL, machine.Vcpus[1].InstructionsRetired);
        Assert.Equal(0xFFF0UL, machine.Vcpus[1].State->Rip);
        Assert.Equal(0UL, machine.Vcpus[1].State->Cr0 & Cr0.Pe);
    }

    [Fact]
    public void Init_to_the_boot_processor_resets_the_machine()
    {
        using var machine = Machine([.. InitBootProcessor, .. Spin], Spin);
        Assert.Equal(StopReason.Rebooted, machine.Run(RunLimits.None).Reason);
    }

    [Fact]
    public void Triple_fault_of_any_vcpu_is_a_crash_that_names_it()
    {
        using var machine = Machine([.. StartOthers, .. Spin], TripleFault);
        Assert.Equal(new RunResult(StopReason.Crashed, Detail: "triple fault of vCPU 1"), machine.Run(RunLimits.None));
        Assert.Same(machine.Vcpus[1], machine.CurrentVcpu);
    }

    [Fact]
    public unsafe void Time_stamps_of_all_vcpus_are_the_same_time()
    {
        using var machine = TestKernelMachine(new Recorder(), translationCache: 1 << 20);
        for (ulong limit = 100_000; machine.Run(new RunLimits { MaxInstructions = limit }).Reason == StopReason.LimitReached; limit += 100_000)
        {
            foreach (var vcpu in machine.Vcpus)
                Assert.Equal(machine.Clock.Now, vcpu.InstructionsRetired + vcpu.State->TimeStampOffset);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(4999)]
    public void Run_ends_in_the_same_state_however_it_is_cut(int slice)
    {
        using var whole = TestKernelMachine(new Recorder(), translationCache: 1 << 20);
        Assert.Equal(StopReason.PoweredOff, whole.Run(RunLimits.None).Reason);

        using var parts = TestKernelMachine(new Recorder(), translationCache: 1 << 20);
        var limit = 0UL;
        while (parts.Run(new RunLimits { MaxInstructions = limit += (ulong)slice }).Reason == StopReason.LimitReached)
        {
        }

        Assert.True(whole.InstructionsRetired > 200_000);
        Assert.Equal(whole.InstructionsRetired, parts.InstructionsRetired);
        Assert.Equal(whole.Vcpus.Select(vcpu => vcpu.InstructionsRetired), parts.Vcpus.Select(vcpu => vcpu.InstructionsRetired));
        Assert.Equal(whole.StateHash(), parts.StateHash());
    }

    [Fact]
    public void To_ask_whose_turn_it_is_changes_nothing()
    {
        using var asked = TestKernelMachine(new Recorder(), translationCache: 1 << 20);
        using var unasked = TestKernelMachine(new Recorder(), translationCache: 1 << 20);
        for (ulong limit = 1; limit < 300_000; limit += 997)
        {
            asked.Run(new RunLimits { MaxInstructions = limit });
            asked.ChooseVcpu();
            unasked.Run(new RunLimits { MaxInstructions = limit });
        }

        Assert.Equal(unasked.StateHash(), asked.StateHash());
    }

    [Fact]
    public void Forgetting_all_translations_again_and_again_changes_nothing()
    {
        Recorder console = new();
        using var small = TestKernelMachine(console, MachineOptions.SmallestTranslationCache);
        Assert.Equal(StopReason.PoweredOff, small.Run(RunLimits.None).Reason);
        Assert.EndsWith("PASS\n", console.Text.ToString(), StringComparison.Ordinal);
        using var large = TestKernelMachine(new Recorder(), translationCache: 8 << 20);
        large.Run(RunLimits.None);
        Assert.Equal(large.StateHash(), small.StateHash());
    }

    [Fact]
    public void Thirty_two_vcpus_start()
    {
        using var machine = Machine([.. StartOthers, .. SpinWithPause], HaltForGood, Small with { Vcpus = PvhMachine.MostVcpus });
        machine.Run(new RunLimits { MaxInstructions = 10_000 });
        Assert.All(machine.Vcpus.Skip(1), vcpu => Assert.Equal(2UL, vcpu.InstructionsRetired));
    }

    private static PvhMachine TestKernelMachine(Recorder console, int translationCache)
    {
        var machine = new PvhMachine(new MachineOptions
        {
            MemorySize = 8UL << 20,
            Vcpus = 4,
            ConsoleOutput = console,
            TranslationCacheSize = translationCache,
        });
        machine.Load(TestKernels.Open("smp"), [], null);
        return machine;
    }

    // The boot processor's code, and what the others find at the page that start-up messages name.
    private static PvhMachine Machine(byte[] code, byte[] others, MachineOptions? options = null)
    {
        var machine = new PvhMachine(options ?? Small);
        machine.Load(CodeKernel.Of(code), [], null);
        machine.Ram.Write(StartPage, others);
        return machine;
    }

    private sealed class Recorder : IConsoleSink
    {
        public StringBuilder Text { get; } = new();

        public void Write(byte value) => Text.Append((char)value);

        public void Flush()
        {
        }
    }
}
