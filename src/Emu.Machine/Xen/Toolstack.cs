using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Machine.Diagnostics;
using Emu.Machine.Time;
using Emu.Xen.Domains;
using Emu.Xen.EventChannels;
using Emu.Xen.Store;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Xen;

/// <summary>
/// A domain's toolstack at work: carries commands out at their times, as libxl does (tools/libs/light/libxl_domain.c, libxl_mem.c), for a
/// domain without a device model. A guest that pays no attention goes on as if nothing had been written.
/// </summary>
internal sealed class Toolstack : IStateful
{
    private readonly Domain _domain;
    private readonly ControlDomain _store;
    private readonly ILogger _log;
    private readonly string _path;
    private readonly List<VirtualTimer> _timers = [];

    /// <summary>Makes the toolstack of a domain.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="store">Its xenstore.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="commands">What it shall do.</param>
    /// <param name="log">Hears of each command when it is carried out.</param>
    public Toolstack(Domain domain, ControlDomain store, VirtualClock clock, IEnumerable<ToolstackCommand> commands, ILogger log)
    {
        _domain = domain;
        _store = store;
        _log = log;
        _path = StorePath.OfDomain(domain.Id);
        foreach (var command in commands)
        {
            var timer = clock.CreateTimer("toolstack", _ => Execute(command));
            timer.Arm(command.Time);
            _timers.Add(timer);
        }
    }

    /// <summary>Transfers which commands are still to come; what they are is an option.</summary>
    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        stream.Section("toolstack");
        stream.Require(stream.Count(_timers.Count, int.MaxValue) == _timers.Count, "it is of a machine with other commands for its toolstack");
        foreach (var timer in _timers)
            timer.Transfer(stream);
    }

    private void Execute(ToolstackCommand command)
    {
        MachineLog.Toolstack(_log, Describe(command), command.Time);
        switch (command.Action)
        {
            case ToolstackAction.Shutdown:
                Ask("poweroff");
                break;
            case ToolstackAction.Reboot:
                Ask("reboot");
                break;
            case ToolstackAction.Save:
                Ask("suspend");
                break;
            case ToolstackAction.SetMemory:
                _store.Write(_path + "/memory/target", (command.Value >> 10).ToString(CultureInfo.InvariantCulture));
                break;
            case ToolstackAction.SetVcpus:
                SetVcpus(command.Value);
                break;
            case ToolstackAction.SysRq:
                _store.Write(_path + "/control/sysrq", ((char)command.Value).ToString());
                break;
            case ToolstackAction.Nmi:
                _domain.Vcpus[0].Processor.RequestNmi();
                break;
            case ToolstackAction.DebugKeys:
                foreach (var vcpu in _domain.Vcpus)
                    _domain.Events.RaiseVirtual(vcpu, VirtualInterrupt.Debug);
                break;
        }
    }

    private void Ask(string what) => _store.Write(_path + "/control/shutdown", what);

    private void SetVcpus(ulong online)
    {
        for (var vcpu = 0; vcpu < _domain.Vcpus.Count; vcpu++)
            _store.Write($"{_path}/cpu/{vcpu}/availability", (ulong)vcpu < online ? "online" : "offline");
    }

    private static string Describe(ToolstackCommand command) => command.Action switch
    {
        ToolstackAction.SetMemory => $"mem-set {command.Value >> 10} KiB",
        ToolstackAction.SetVcpus => $"vcpu-set {command.Value}",
        ToolstackAction.SysRq => $"sysrq {(char)command.Value}",
        ToolstackAction.DebugKeys => "debug-keys",
        _ => command.Action.ToString().ToLowerInvariant(),
    };
}
