using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Cpu.State;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Diagnostics;

/// <summary>Puts into the log, once each, what the processor model does not have, and passes everything on.</summary>
internal sealed class VcpuLogger : IVcpuObserver
{
    /// <summary>A hostile guest cannot make the list of reported features grow beyond this.</summary>
    private const int MaximumReported = 256;

    private readonly ILogger _log;
    private readonly IVcpuObserver? _next;
    private readonly HashSet<string> _reported = [];

    public VcpuLogger(ILogger log, IVcpuObserver? next)
    {
        _log = log;
        _next = next;
    }

    /// <summary>Those who may deal with an exception in the guest's stead, in the order in which they are asked.</summary>
    public Func<Vcpu, EventInFlight, bool>[] Answers { get; set; } = [];

    /// <summary>Hears what <see cref="IVcpuObserver.Delivering"/> says.</summary>
    public event Action<Vcpu, EventInFlight>? Delivered;

    public unsafe void Unsupported(Vcpu vcpu, string what)
    {
        if (_reported.Count < MaximumReported && _reported.Add(what))
            MachineLog.UnsupportedByVcpu(_log, vcpu.Number, what, vcpu.State->Rip);
        _next?.Unsupported(vcpu, what);
    }

    public bool TryAnswer(Vcpu vcpu, in EventInFlight raised)
    {
        // One that is asked may remove itself.
        foreach (var answer in Answers)
        {
            if (answer(vcpu, raised))
                return true;
        }

        return _next?.TryAnswer(vcpu, raised) ?? false;
    }

    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        _next?.Delivering(vcpu, delivered);
        Delivered?.Invoke(vcpu, delivered);
    }
}
