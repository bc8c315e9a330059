using Emu.Cpu.Platform;
using Emu.Machine.Interrupts;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests;

/// <summary>Whatever a guest writes wherever: no device throws, hangs or grows without bound.</summary>
public class HostileGuestTests
{
    private static readonly ushort[] Ports =
    [
        .. Range(0x20, 2), .. Range(0x40, 4), 0x60, 0x61, 0x64, .. Range(0x70, 2), 0x80, 0x92, .. Range(0xA0, 2), 0xE9, 0xED, 0xF4,
        .. Range(0x3F8, 8), .. Range(0x4D0, 2), 0xCF8, 0xCF9, 0xFFFF,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_accesses_to_every_device_are_survived(int seed)
    {
        var random = new Random(seed);
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 4UL << 20 });
        var bus = new Buses(machine);
        for (var i = 0; i < 60_000; i++)
        {
            var size = 1 << random.Next(3);
            switch (random.Next(8))
            {
                case 0 or 1:
                    bus.Ports.Write(Ports[random.Next(Ports.Length)], size, Value32(random));
                    break;
                case 2:
                    bus.Ports.Read(Ports[random.Next(Ports.Length)], size);
                    break;
                case 3:
                    bus.Memory.Write(Address(random), size, Value32(random));
                    break;
                case 4:
                    bus.Memory.Read(Address(random), size);
                    break;
                case 5:
                    bus.Interrupts.TryWriteMsr(Msr(random), random.Next(4) == 0 ? (ulong)random.NextInt64() : Value32(random));
                    break;
                case 6:
                    bus.Interrupts.TryReadMsr(Msr(random), out _);
                    break;
                case 7 when bus.Interrupts.HasInterrupt:
                    bus.Interrupts.Acknowledge();
                    break;
                default:
                    Pass(machine, (ulong)random.Next(1, 2000));
                    break;
            }
        }
    }

    [Fact]
    public void Idling_to_the_end_of_time_ends()
    {
        using var machine = new PvhMachine(new MachineOptions { MemorySize = 4UL << 20 });
        var bus = new Buses(machine);
        bus.Memory.Write(AddressMap.LocalApic + 0xF0, 4, 0x1FF);
        bus.Memory.Write(AddressMap.LocalApic + 0x320, 4, 0x4_0040);
        Assert.True(bus.Interrupts.TryWriteMsr(0x6E0, ulong.MaxValue));
        Assert.Null(machine.Clock.NextDeadline);
        Assert.True(bus.Interrupts.TryWriteMsr(0x6E0, 1UL << 61));
        machine.Vcpu.AdvanceTimeStamp(1UL << 61);
        machine.Clock.Advance(1UL << 61);
        bus.Ports.Write(0x70, 1, 0x00);
        bus.Ports.Read(0x71, 1);
        bus.Ports.Read(0x40, 1);
        bus.Ports.Read(0x61, 1);
        Assert.True(bus.Interrupts.HasInterrupt);
    }

    /// <summary>Lets time pass with at most so many events: a guest may make them as frequent as it likes.</summary>
    private static void Pass(PvhMachine machine, ulong nanoseconds)
    {
        var end = machine.Clock.Now + nanoseconds;
        for (var i = 0; i < 100 && machine.Clock.NextDeadline is { } deadline && deadline <= end; i++)
        {
            if (deadline > machine.Clock.Now)
                machine.Clock.Warp(deadline - machine.Clock.Now);
            machine.Clock.FireDue();
        }
    }

    private static uint Value32(Random random) => random.Next(3) switch
    {
        0 => (uint)random.NextInt64(),
        1 => (uint)random.Next(256),
        _ => 1U << random.Next(32),
    };

    private static ulong Address(Random random) => random.Next(4) switch
    {
        0 => AddressMap.LocalApic + (ulong)random.Next(0x1000),
        1 => AddressMap.IoApic + (ulong)(random.Next(2) * 0x10),
        2 => AddressMap.LocalApic + (ulong)(random.Next(0x40) * 0x10),
        _ => AddressMap.SleepRegisters + (ulong)random.Next(4),
    };

    private static uint Msr(Random random) => random.Next(4) switch
    {
        0 => 0x1B,
        1 => 0x6E0,
        _ => (uint)(0x800 + random.Next(0x40)),
    };

    private static IEnumerable<ushort> Range(int first, int count) => Enumerable.Range(first, count).Select(port => (ushort)port);

    private sealed class Buses(PvhMachine machine)
    {
        public IPortBus Ports { get; } = machine.Vcpu.Ports;

        public IMmioBus Memory { get; } = machine.Mmio.SeenBy((LocalApic)machine.Vcpu.Interrupts);

        public ILocalInterrupts Interrupts { get; } = machine.Vcpu.Interrupts;
    }
}
