using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Xen.Domains;

namespace Emu.Xen.Tests.Support;

/// <summary>A processor that executes nothing, and remembers what the hypervisor did with it.</summary>
internal sealed class FakeProcessor : IXenProcessor, IStateful
{
    private Vcpu? _vcpu;

    public Vcpu Vcpu
    {
        get => _vcpu ?? throw new InvalidOperationException();
        set => _vcpu = value;
    }

    public bool IsInitialised { get; set; }

    public bool IsUp { get; set; }

    public ulong TimeStamp { get; set; }

    public bool IsBlocked { get; private set; }

    public int Yields { get; private set; }

    public int Notifications { get; private set; }

    public int Nmis { get; private set; }

    public List<byte> Requested { get; } = [];

    public void Initialise() => IsInitialised = true;

    public void BringUp() => IsUp = true;

    public void TakeDown() => IsUp = false;

    public void Block() => IsBlocked = true;

    public void Wake() => IsBlocked = false;

    public void Yield() => Yields++;

    public void RequestInterrupt(byte vector) => Requested.Add(vector);

    public void NotifyInterrupt() => Notifications++;

    public void RequestNmi() => Nmis++;

    public void Transfer(StateStream stream)
    {
        IsInitialised = stream.Transferred(IsInitialised);
        IsUp = stream.Transferred(IsUp);
        TimeStamp = stream.Transferred(TimeStamp);
        IsBlocked = stream.Transferred(IsBlocked);
    }
}
