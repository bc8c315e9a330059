using System.Globalization;
using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;
using Emu.Machine.Consoles;
using Emu.Machine.Diagnostics;
using Emu.Machine.Power;
using Emu.Machine.Time;
using Emu.Xen;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Xen;

/// <summary>The machine as the hypervisor of its <c>xen</c> profile needs it.</summary>
internal sealed class XenHost : IXenHost
{
    private const int LongestInstruction = 15;

    private readonly VirtualClock _clock;
    private readonly IPowerControl _power;
    private readonly IConsoleSink _console;
    private readonly XenLogConsole _logConsole;
    private readonly ILogger _log;
    private readonly HashSet<string> _reported = [];

    public XenHost(
        PhysicalMemory memory, IReadOnlyList<XenMemoryRange> memoryMap, VirtualClock clock, DateTimeOffset clockStart, IPowerControl power,
        IConsoleSink console, XenLogConsole logConsole, ILogger log)
    {
        Memory = memory;
        MemoryMap = memoryMap;
        ClockStart = clockStart;
        _clock = clock;
        _power = power;
        _console = console;
        _logConsole = logConsole;
        _log = log;
    }

    public PhysicalMemory Memory { get; }

    public IReadOnlyList<XenMemoryRange> MemoryMap { get; }

    public ulong Now => _clock.Now;

    public DateTimeOffset ClockStart { get; }

    public IXenTimer CreateTimer(string name, Action expired) => new Timer(_clock.CreateTimer(name, _ => expired()));

    public void WriteConsole(ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
            _console.Write(value);
    }

    public void WriteLog(ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
            _logConsole.WriteText(value);
    }

    public void Shutdown(ShutdownReason reason)
    {
        switch (reason)
        {
            // A domain that ends ready to be saved, without saying so, would wait for that on Xen; nobody saves it here.
            case ShutdownReason.PowerOff or ShutdownReason.Suspend:
                _power.PowerOff();
                break;
            case ShutdownReason.Reboot or ShutdownReason.SoftReset:
                _power.Reset();
                break;
            default:
                _power.Crash($"the guest shut down with Xen's reason {(uint)reason} ({reason.ToString().ToLowerInvariant()})");
                break;
        }
    }

    public unsafe void Unsupported(Vcpu vcpu, string what)
    {
        // A hostile guest cannot make the list of what was reported grow beyond this.
        if (_reported.Count >= 256 || !_reported.Add(what))
            return;
        Span<byte> code = stackalloc byte[LongestInstruction];
        var rip = vcpu.State->Rip;
        var length = vcpu.TryReadVirtual(rip + vcpu.State->Segments[(int)Cpu.State.SegmentName.Cs].Base, code[..3]) ? 3 : 0;
        MachineLog.UnsupportedByXen(_log, what, rip, Convert.ToHexString(code[..length]), vcpu.Number.ToString(CultureInfo.InvariantCulture));
    }

    private sealed class Timer(VirtualTimer timer) : IXenTimer
    {
        public bool IsArmed => timer.IsArmed;

        public void Arm(ulong deadline) => timer.Arm(deadline);

        public void Disarm() => timer.Disarm();

        public void Transfer(StateStream stream) => timer.Transfer(stream);
    }
}
