using Emu.Cpu.Snapshots;

namespace Emu.Machine;

public sealed partial class PvhMachine
{
    /// <summary>How many bytes of console input the guest was given so far.</summary>
    public ulong ConsoleBytesTaken => _feed.BytesTaken;

    /// <summary>
    /// Takes console input from its first byte on: after restoring a snapshot of a machine that had another source, or whose input had come to its end.
    /// </summary>
    public void ReopenConsoleInput() => _feed.Reopen();

    /// <summary>
    /// Transfers what lies around the vCPUs: turns, time, and all devices but the hypervisor's. The vCPUs come before, because time is what they
    /// have retired; all that has timers comes after.
    /// </summary>
    private void TransferDevices(StateStream stream)
    {
        _scheduler.Transfer(stream);
        Clock.Transfer(stream);
        _apicBus.Transfer(stream);
        _pc?.Transfer(stream);
        _feed.Transfer(stream);
        _idle.Transfer(stream);
        _power.Transfer(stream);
        stream.Section("networks");
        foreach (var network in _networks)
            network.Transfer(stream);
        stream.Section("added devices");
        foreach (var part in _addedParts)
            part.Transfer(stream);
    }
}
