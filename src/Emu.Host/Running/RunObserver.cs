using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Host.PostMortem;
using Emu.Host.Tracing;

namespace Emu.Host.Running;

/// <summary>Passes what the processor does on to the fault recorder and, where there is one, the trace.</summary>
internal sealed class RunObserver : IVcpuObserver
{
    /// <summary>The faults that led to one another last.</summary>
    public FaultRecorder Faults { get; } = new();

    /// <summary>The trace, while it is being written.</summary>
    public InstructionTrace? Trace { get; set; }

    /// <summary>Hears of each exception and interrupt, while somebody wants to.</summary>
    public Action<Vcpu, EventKind>? Delivered { get; set; }

    /// <inheritdoc/>
    public void Unsupported(Vcpu vcpu, string what)
    {
    }

    /// <inheritdoc/>
    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        Faults.Delivering(vcpu, delivered);
        Trace?.Deliver(vcpu, delivered);
        Delivered?.Invoke(vcpu, delivered.Kind);
    }
}
