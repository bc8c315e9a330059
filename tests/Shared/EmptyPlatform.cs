using Emu.Cpu;
using Emu.Cpu.Events;
using Emu.Cpu.Platform;

namespace Emu.Tests.Shared;

/// <summary>
/// Surroundings in which nothing answers, for a vCPU of which only the core is of interest: ports and addresses without RAM read as ones, and
/// there are no interrupts. What a test has to hear of it overrides.
/// </summary>
internal class EmptyPlatform : IPortBus, IMmioBus, ILocalInterrupts, IVcpuObserver
{
    public virtual bool HasInterrupt => false;

    public byte TaskPriorityClass { get; set; }

    public virtual uint Read(ushort port, int size) => uint.MaxValue;

    public virtual void Write(ushort port, int size, uint value)
    {
    }

    public virtual ulong Read(ulong address, int size) => ulong.MaxValue;

    public virtual void Write(ulong address, int size, ulong value)
    {
    }

    public virtual byte Acknowledge() => 0;

    public virtual bool TryReadMsr(uint msr, out ulong value)
    {
        value = 0;
        return false;
    }

    public bool TryWriteMsr(uint msr, ulong value) => false;

    public virtual void Unsupported(Vcpu vcpu, string what)
    {
    }

    public virtual void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
    }
}
