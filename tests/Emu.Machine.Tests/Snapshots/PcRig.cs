using System.Globalization;
using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;
using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Tests.Support;
using Emu.Machine.Time;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu.Machine.Tests.Snapshots;

/// <summary>All devices of a PC without a processor, driven by hand; it notes everything that they answer.</summary>
internal sealed class PcRig : IStateful
{
    private static readonly ushort[] Ports =
    [
        0x20, 0x21, 0xA0, 0xA1, 0x4D0, 0x4D1, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x71, 0x92, 0xCF9, 0xE0, 0xE1, 0x80,
        0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x3FF, 0x600, 0x602, 0x603, 0x604, 0x605, 0x608, 0x2003,
    ];

    private static readonly uint[] ApicRegisters = [0x20, 0x80, 0xB0, 0xD0, 0xE0, 0xF0, 0x280, 0x300, 0x310, 0x320, 0x350, 0x360, 0x370, 0x380, 0x3E0];

    private readonly ApicBus _bus = new();
    private readonly PortBus _ports = new(NullLogger.Instance);
    private readonly MmioBus _mmio = new(NullLogger.Instance, null);
    private readonly RecordingPower _power = new();
    private readonly VirtualClock _clock = new(new ManualCounter());
    private readonly A20Gate _a20;
    private readonly PcDevices _pc;
    private readonly LocalApic _apic;
    private readonly ConsoleFeed _feed;

    /// <summary>Makes the devices.</summary>
    /// <param name="input">Where console input comes from.</param>
    public PcRig(IConsoleSource? input = null)
    {
        _a20 = new A20Gate(open => Note($"A20 {open}"));
        _pc = new PcDevices(
            _clock, _bus, _power, _a20, new Sink(this), MachineOptions.DefaultClockStart, new PostCodePort(NullLogger.Instance, null), testDevices: true);
        _apic = new LocalApic(0, true, _clock, _bus, new Processor(this), _pc.Pic);
        _feed = new ConsoleFeed(_pc.Com1, _clock, input);
        _pc.Claim(_ports);
        _pc.Claim(_mmio);
    }

    /// <summary>What the devices have answered.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>What the guest was given of the console's input.</summary>
    public ulong BytesTaken => _feed.BytesTaken;

    /// <summary>Asks for input again that had ended.</summary>
    public void Reopen() => _feed.Reopen();

    /// <summary>Does something random to some device.</summary>
    public void Act(Random random)
    {
        var value = (uint)random.Next();
        switch (random.Next(12))
        {
            case 0 or 1 or 2:
                Note($"in {_ports.Read(Ports[random.Next(Ports.Length)], 1):x}");
                break;
            case 3 or 4 or 5 or 6:
                _ports.Write(Ports[random.Next(Ports.Length)], 1, value & 0xFF);
                break;
            case 7:
                _apic.Write(ApicRegisters[random.Next(ApicRegisters.Length)], 4, Narrow(random, value));
                break;
            case 8:
                Note($"APIC {_apic.Read((ulong)random.Next(64) << 4, 4):x}");
                break;
            case 9:
                _mmio.Write(AddressMap.IoApic, 4, (uint)random.Next(0x40));
                _mmio.Write(AddressMap.IoApic + 0x10, 4, Narrow(random, value));
                break;
            case 10:
                _mmio.Write(AddressMap.TestMemory + (uint)random.Next(16), 1, value);
                Note($"memory {_mmio.Read(AddressMap.TestMemory + (uint)random.Next(16), 4):x}");
                break;
            default:
                Take(random);
                break;
        }

        Pass((ulong)random.Next(random.Next(20) == 0 ? 300_000_000 : 20_000));
    }

    /// <summary>Writes to a port.</summary>
    public void Out(ushort port, byte value) => _ports.Write(port, 1, value);

    /// <summary>Reads from a port.</summary>
    public byte In(ushort port) => (byte)_ports.Read(port, 1);

    /// <summary>Lets time pass, and notes at each deadline what waits for the processor.</summary>
    public void Pass(ulong nanoseconds)
    {
        var end = _clock.Now + nanoseconds;
        // What comes every few nanoseconds would fill any list.
        for (var i = 0; i < 50 && _clock.NextDeadline is { } deadline && deadline <= end; i++)
        {
            if (deadline > _clock.Now)
                _clock.Warp(deadline - _clock.Now);
            _clock.FireDue();
            Note($"{deadline}: {_pc.Pic.Output} {_apic.HasInterrupt}");
        }

        if (_clock.NextDeadline is not { } next || next > end)
            _clock.Warp(end - _clock.Now);
    }

    public void Transfer(StateStream stream)
    {
        _clock.Transfer(stream);
        _bus.Transfer(stream);
        _pc.Transfer(stream);
        _feed.Transfer(stream);
    }

    private static uint Narrow(Random random, uint value) => random.Next(3) switch
    {
        0 => value,
        1 => value & 0x3_07FF,
        _ => value & 0x1FF,
    };

    private void Take(Random random)
    {
        if (_apic.HasInterrupt && random.Next(2) == 0)
            Note($"vector {_apic.Acknowledge():x}");
    }

    private void Note(string text) => Notes.Add(text.ToString(CultureInfo.InvariantCulture));

    private sealed class Processor(PcRig rig) : ILocalApicHost
    {
        public ulong TimeStamp => rig._clock.Now;

        public void NotifyInterrupt() => rig.Note("interrupt");

        public void NotifyNmi() => rig.Note("NMI");

        public void Init() => rig.Note("INIT");

        public void Startup(byte vector) => rig.Note($"start at {vector}");
    }

    private sealed class Sink(PcRig rig) : IConsoleSink
    {
        public void Write(byte value) => rig.Note($"sent {value:x}");

        public void Flush()
        {
        }
    }
}
