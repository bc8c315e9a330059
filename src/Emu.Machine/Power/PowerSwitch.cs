namespace Emu.Machine.Power;

/// <summary>Remembers the first request to end the run, and stops the vCPU for it.</summary>
internal sealed class PowerSwitch : IPowerControl
{
    private readonly Action _stop;

    public PowerSwitch(Action stop) => _stop = stop;

    /// <summary>How the run shall end, or null while it shall not.</summary>
    public RunResult? Requested { get; private set; }

    public void PowerOff() => Request(new RunResult(StopReason.PoweredOff));

    public void Reset() => Request(new RunResult(StopReason.Rebooted));

    public void Exit(int code) => Request(new RunResult(StopReason.DebugExit, code & 0xFF));

    public void Crash(string reason) => Request(new RunResult(StopReason.Crashed, Detail: reason));

    private void Request(RunResult result)
    {
        Requested ??= result;
        _stop();
    }
}
