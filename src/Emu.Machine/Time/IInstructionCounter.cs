namespace Emu.Machine.Time;

/// <summary>What virtual time is made of: the instructions that all vCPUs together have retired.</summary>
public interface IInstructionCounter
{
    /// <summary>Instructions retired since reset, exact at every instruction boundary.</summary>
    ulong InstructionsRetired { get; }

    /// <summary>Ends the current run early: after the first instruction at which this many have been retired.</summary>
    /// <param name="untilRetired">Instructions since reset; not beyond what the run was asked for.</param>
    void LimitRun(ulong untilRetired);
}
