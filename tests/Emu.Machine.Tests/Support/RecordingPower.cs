using Emu.Machine.Power;

namespace Emu.Machine.Tests.Support;

internal sealed class RecordingPower : IPowerControl
{
    public List<string> Requests { get; } = [];

    public void PowerOff() => Requests.Add("off");

    public void Reset() => Requests.Add("reset");

    public void Exit(int code) => Requests.Add($"exit {code}");

    public void Crash(string reason) => Requests.Add($"crash: {reason}");
}
