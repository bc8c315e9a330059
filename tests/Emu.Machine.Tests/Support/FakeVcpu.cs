using Emu.Machine.Interrupts;
using Emu.Machine.Time;

namespace Emu.Machine.Tests.Support;

/// <summary>A vCPU that counts what its local APIC tells it.</summary>
internal sealed class FakeVcpu : ILocalApicHost
{
    public VirtualClock? Clock { get; set; }

    public ulong TimeStampOffset { get; set; }

    public int Notifications { get; private set; }

    public int Nmis { get; private set; }

    public int Inits { get; private set; }

    public List<byte> Startups { get; } = [];

    public ulong TimeStamp => (Clock?.Now ?? 0) + TimeStampOffset;

    public void NotifyInterrupt() => Notifications++;

    public void NotifyNmi() => Nmis++;

    public void Init() => Inits++;

    public void Startup(byte vector) => Startups.Add(vector);
}
