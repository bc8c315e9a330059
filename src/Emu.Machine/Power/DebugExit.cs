using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>QEMU's isa-debug-exit: a write ends the emulator with exit code (value × 2) + 1.</summary>
public sealed class DebugExit : IPortDevice
{
    /// <summary>Ports that it takes.</summary>
    public const int Length = 4;

    private readonly IPowerControl _power;

    /// <summary>Makes the device.</summary>
    /// <param name="power">What it acts on.</param>
    public DebugExit(IPowerControl power) => _power = power;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => 0;

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value) => _power.Exit(unchecked((int)((value << 1) | 1)));
}
