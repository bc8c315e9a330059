using Emu.Cpu;
using Emu.Cpu.Platform;
using Emu.Machine;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;

namespace Emu.Fuzz.Running;

/// <summary>What stands around a case's machine: it hears everything that leaves the guest, and when, and boils it down to one number.</summary>
internal sealed class Surroundings(byte[] input) : IVcpuObserver, IConsoleSink, IConsoleSource, IMmioDevice
{
    private int _taken;

    /// <summary>All that was heard: events with the count of instructions at which they were delivered, device accesses, console output.</summary>
    public ulong Log { get; private set; } = 14695981039346656037;

    /// <summary>Events delivered.</summary>
    public int Events { get; private set; }

    /// <summary>All that a machine which goes back to a snapshot has to find as it was: what was heard, and what was taken of the input.</summary>
    public (ulong Log, int Events, int Taken) Position
    {
        get => (Log, Events, _taken);
        set => (Log, Events, _taken) = value;
    }

    /// <summary>The machine whose instructions are the time.</summary>
    public PvhMachine? Machine { get; set; }

    public bool IsInteractive => false;

    public void Unsupported(Vcpu vcpu, string what)
    {
    }

    public void Delivering(Vcpu vcpu, in EventInFlight delivered)
    {
        Events++;
        Note(1 + ((ulong)vcpu.Number << 8), delivered.Vector, delivered.Rip);
    }

    // Console bytes leave without a time: when a device sends them is its own affair.
    public void Write(byte value) => Log = (Log ^ value) * 1099511628211;

    public void Flush()
    {
    }

    public ConsoleInput TryRead(out byte value)
    {
        value = _taken < input.Length ? input[_taken] : (byte)0;
        return _taken++ < input.Length ? ConsoleInput.Available : ConsoleInput.Ended;
    }

    public bool Wait(TimeSpan timeout) => true;

    public ulong Read(ulong offset, int size)
    {
        Note(2, offset, (ulong)size);
        return Log >> 7;
    }

    public void Write(ulong offset, int size, ulong value) => Note(3 + (ulong)size, offset, value);

    private void Note(ulong kind, ulong where, ulong what) =>
        Log = (((Log ^ kind) * 1099511628211 ^ where) * 1099511628211 ^ what) * 1099511628211 ^ (Machine?.InstructionsRetired ?? 0);
}
