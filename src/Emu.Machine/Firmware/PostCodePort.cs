using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Firmware;

/// <summary>
/// The ports to which firmware writes how far it has come: 0x80 as on the AT, and 0x190, as the PS/2 and test programs have it. Each code
/// that differs from the one before it is logged. Reads return the last one.
/// </summary>
internal sealed class PostCodePort : BytePortDevice, IStateful
{
    private readonly ILogger _log;
    private readonly Action<byte>? _listener;
    private int _last = -1;

    /// <summary>Makes the port.</summary>
    /// <param name="log">Hears each code.</param>
    /// <param name="listener">Hears each code too, or null.</param>
    public PostCodePort(ILogger log, Action<byte>? listener)
    {
        _log = log;
        _listener = listener;
    }

    public override byte Read(ushort port) => (byte)_last;

    public override void Write(ushort port, byte value)
    {
        if (value == _last)
            return;
        _last = value;
        MachineLog.PostCode(_log, value, port);
        _listener?.Invoke(value);
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("POST codes");
        stream.Transfer(ref _last);
    }
}
