using Emu.Cpu;
using Emu.Cpu.Memory;
using Emu.Cpu.Snapshots;

namespace Emu.Xen.Tests.Support;

/// <summary>A machine whose time the test moves on.</summary>
internal sealed class FakeHost(PhysicalMemory memory) : IXenHost, IStateful
{
    private readonly List<FakeTimer> _armed = [];
    private int _armings;

    public PhysicalMemory Memory { get; } = memory;

    public IReadOnlyList<XenMemoryRange> MemoryMap { get; init; } = [new(0, memory.Size, 1), new(0xFEFF_8000, 0x8000, 2)];

    public ulong Now { get; private set; }

    public DateTimeOffset ClockStart { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<byte> Console { get; } = [];

    public List<byte> Log { get; } = [];

    public List<ShutdownReason> Shutdowns { get; } = [];

    public List<string> Reported { get; } = [];

    public IXenTimer CreateTimer(string name, Action expired) => new FakeTimer(this, expired);

    public void WriteConsole(ReadOnlySpan<byte> text) => Console.AddRange(text);

    public void WriteLog(ReadOnlySpan<byte> text) => Log.AddRange(text);

    public void Shutdown(ShutdownReason reason) => Shutdowns.Add(reason);

    public void Unsupported(Vcpu vcpu, string what) => Reported.Add(what);

    /// <summary>Lets time pass, and every timer fire that is due in it.</summary>
    public void Advance(ulong nanoseconds)
    {
        var end = Now + nanoseconds;
        while (_armed.Where(timer => timer.Deadline <= end).MinBy(static timer => (timer.Deadline, timer.Order)) is { } next)
        {
            Now = Math.Max(Now, next.Deadline);
            _armed.Remove(next);
            next.Expire();
        }

        Now = end;
    }

    public void Transfer(StateStream stream)
    {
        Now = stream.Transferred(Now);
        stream.Transfer(ref _armings);
    }

    private sealed class FakeTimer(FakeHost host, Action expired) : IXenTimer
    {
        public int Order { get; private set; }

        public bool IsArmed => host._armed.Contains(this);

        public ulong Deadline { get; private set; }

        public void Arm(ulong deadline)
        {
            Disarm();
            Deadline = deadline;
            Order = host._armings++;
            host._armed.Add(this);
        }

        public void Disarm() => host._armed.Remove(this);

        public void Transfer(StateStream stream)
        {
            var isArmed = stream.Transferred(IsArmed);
            Deadline = stream.Transferred(Deadline);
            Order = stream.Transferred(Order);
            Disarm();
            if (isArmed)
                host._armed.Add(this);
        }

        public void Expire() => expired();
    }
}
