using Emu.Cpu.Snapshots;

namespace Emu.Machine.Power;

/// <summary>Remembers the first request to end the run, and stops the vCPU for it.</summary>
internal sealed class PowerSwitch : IPowerControl, IStateful
{
    private const int LongestDetail = 4096;

    private readonly Action _stop;

    public PowerSwitch(Action stop) => _stop = stop;

    /// <summary>How the run shall end, or null while it shall not.</summary>
    public RunResult? Requested { get; private set; }

    public void PowerOff() => Request(new RunResult(StopReason.PoweredOff));

    public void Reset() => Request(new RunResult(StopReason.Rebooted));

    public void Exit(int code) => Request(new RunResult(StopReason.DebugExit, code & 0xFF));

    public void Crash(string reason) => Request(new RunResult(StopReason.Crashed, Detail: reason));

    public void Transfer(StateStream stream)
    {
        stream.Section("power");
        if (!stream.Transferred(Requested is not null))
        {
            Requested = null;
            return;
        }

        var reason = stream.Transferred(Requested?.Reason ?? default);
        stream.Require(Enum.IsDefined(reason), "the run ended in no known way");
        var code = stream.Transferred(Requested?.Code ?? 0);
        var detail = Requested?.Detail ?? "";
        var hasDetail = stream.Transferred(Requested?.Detail is not null);
        stream.Transfer(ref detail, LongestDetail);
        Requested = new RunResult(reason, code, hasDetail ? detail : null);
    }

    private void Request(RunResult result)
    {
        Requested ??= result;
        _stop();
    }
}
