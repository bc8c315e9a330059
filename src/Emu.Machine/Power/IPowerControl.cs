namespace Emu.Machine.Power;

/// <summary>The ways in which devices end a run. The vCPU stops after the current instruction; the first request counts.</summary>
public interface IPowerControl
{
    /// <summary>The guest switched the machine off.</summary>
    void PowerOff();

    /// <summary>The guest asked for a reset.</summary>
    void Reset();

    /// <summary>The guest ended the emulator with an exit code.</summary>
    /// <param name="code">The process's exit code.</param>
    void Exit(int code);

    /// <summary>The guest declared itself crashed.</summary>
    /// <param name="reason">In a few words, how.</param>
    void Crash(string reason);
}
