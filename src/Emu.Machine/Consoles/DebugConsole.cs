using Emu.Machine.Buses;

namespace Emu.Machine.Consoles;

/// <summary>The debug console of Bochs, QEMU and Xen: bytes written to port 0xE9 are console output; it reads as 0xE9 where it exists.</summary>
public sealed class DebugConsole : BytePortDevice
{
    private readonly IConsoleSink _sink;

    /// <summary>Makes the port.</summary>
    /// <param name="sink">Where the bytes go.</param>
    public DebugConsole(IConsoleSink sink) => _sink = sink;

    /// <inheritdoc/>
    public override byte Read(ushort port) => (byte)AddressMap.DebugConsole;

    /// <inheritdoc/>
    public override void Write(ushort port, byte value) => _sink.Write(value);
}
