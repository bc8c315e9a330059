using Emu.Machine.Consoles;
using Emu.Machine.Diagnostics;
using Emu.Machine.Power;
using Emu.Xen;
using Microsoft.Extensions.Logging;

namespace Emu.Machine;

/// <summary>The machine as the hypervisor of its <c>xen</c> profile needs it.</summary>
internal sealed class XenDomain : IXenHost
{
    private readonly IPowerControl _power;
    private readonly IConsoleSink _output;
    private readonly IConsoleSource? _input;
    private readonly ILogger _log;
    private readonly HashSet<(uint Hypercall, uint? Operation)> _reported = [];

    public XenDomain(IReadOnlyList<XenMemoryRange> memoryMap, IPowerControl power, IConsoleSink output, IConsoleSource? input, ILogger log)
    {
        MemoryMap = memoryMap;
        _power = power;
        _output = output;
        _input = input;
        _log = log;
    }

    public IReadOnlyList<XenMemoryRange> MemoryMap { get; }

    public void WriteConsole(ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
            _output.Write(value);
    }

    public int ReadConsole(Span<byte> buffer)
    {
        var count = 0;
        while (count < buffer.Length && _input?.TryRead(out buffer[count]) == ConsoleInput.Available)
            count++;
        return count;
    }

    public void Shutdown(ShutdownReason reason)
    {
        switch (reason)
        {
            case ShutdownReason.PowerOff:
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

    public void Unsupported(uint hypercall, uint? operation)
    {
        // A hostile guest cannot make the list of reported hypercalls grow beyond this.
        if (_reported.Count >= 256 || !_reported.Add((hypercall, operation)))
            return;
        if (operation is { } number)
            MachineLog.UnsupportedHypercallOperation(_log, hypercall, number);
        else
            MachineLog.UnsupportedHypercall(_log, hypercall);
    }
}
