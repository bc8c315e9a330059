using Emu.Cpu;
using Emu.Host.Running;
using Emu.Host.Tracing;
using Emu.Machine;
using Emu.Machine.Consoles;

namespace Emu.Host.PostMortem;

/// <summary>
/// Finds the instructions that led to a crash by running the guest a second time, up to shortly before it, and stepping from there. A run
/// is exactly repeatable, so the running guest need not keep a record of its every step for the crash that rarely comes.
/// </summary>
internal static unsafe class LastInstructions
{
    /// <summary>How many instructions are shown.</summary>
    private const ulong Count = 16;

    /// <summary>Runs the guest again.</summary>
    /// <param name="setup">The guest.</param>
    /// <param name="crashedAt">The count of retired instructions at the crash.</param>
    /// <returns>The instructions, oldest first; empty where the second run differed, which only console input can bring about.</returns>
    public static IReadOnlyList<ExecutedInstruction> Find(GuestSetup setup, ulong crashedAt)
    {
        using PvhMachine machine = setup.CreateMachine(null, null, new NoInput(), null, null);
        List<ExecutedInstruction> executed = [];
        Disassembler disassembler = new();
        ulong stop = crashedAt > Count ? crashedAt - Count : 0;
        RunResult result = new(StopReason.LimitReached);
        while (result.Reason == StopReason.LimitReached)
        {
            ulong retired = machine.InstructionsRetired;
            if (retired > crashedAt)
                return [];
            if (retired >= stop)
            {
                // At the crash itself the processor stands still: nothing more is executed.
                Vcpu vcpu = machine.ChooseVcpu();
                ulong rip = vcpu.State->Rip;
                if (retired < crashedAt)
                    executed.Add(new ExecutedInstruction(retired, vcpu.Number, rip, disassembler.At(vcpu, rip)));
                stop = retired + 1;
            }

            result = machine.Run(new RunLimits { MaxInstructions = stop });
        }

        return result.Reason == StopReason.Crashed && machine.InstructionsRetired == crashedAt ? executed : [];
    }

    private sealed class NoInput : IConsoleSource
    {
        public bool IsInteractive => false;

        public ConsoleInput TryRead(out byte value)
        {
            value = 0;
            return ConsoleInput.Ended;
        }

        public bool Wait(TimeSpan timeout) => true;
    }
}
