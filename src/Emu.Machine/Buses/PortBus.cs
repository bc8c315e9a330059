using Emu.Cpu.Platform;
using Emu.Machine.Diagnostics;
using Emu.Machine.Hooks;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Buses;

/// <summary>The I/O port space: finds the device that owns a port. Unclaimed ports read as ones and swallow writes.</summary>
public sealed class PortBus : IPortBus
{
    private readonly ILogger _log;
    private readonly byte[] _owner = new byte[0x1_0000];
    private readonly List<IPortDevice?> _devices = [null];
    private readonly HashSet<ushort> _reported = [];

    /// <summary>Makes an empty port space.</summary>
    /// <param name="log">Hears of each unclaimed port once.</param>
    public PortBus(ILogger log) => _log = log;

    /// <summary>Who wants to hear of accesses.</summary>
    internal AccessHooks Hooks { get; } = new();

    /// <summary>Gives ports to a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="first">First port.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="InvalidOperationException">A port has an owner already.</exception>
    public void Claim(IPortDevice device, ushort first, int count)
    {
        var index = _devices.IndexOf(device);
        if (index < 0)
        {
            index = _devices.Count;
            _devices.Add(device);
        }

        for (var port = first; port < first + count; port++)
        {
            if (_owner[port] != 0)
                throw new InvalidOperationException($"Port 0x{port:x} belongs to {_devices[_owner[port]]} already.");
            _owner[port] = (byte)index;
        }
    }

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        if (!Hooks.Any)
            return ReadDevice(port, size);
        if (!Hooks.TryAnswer(port, size, out var value))
            value = ReadDevice(port, size);
        return (uint)Hooks.Read(port, size, value);
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (!Hooks.Any)
        {
            WriteDevice(port, size, value);
            return;
        }

        ulong changed = value;
        if (Hooks.TryWrite(port, size, ref changed))
            WriteDevice(port, size, (uint)changed);
    }

    private uint ReadDevice(ushort port, int size)
    {
        if (WholeOwner(port, size) is { } device)
            return device.Read(port, size);
        uint value = 0;
        for (var i = 0; i < size; i++)
        {
            var at = (ushort)(port + i);
            var octet = _devices[_owner[at]] is { } owner ? owner.Read(at, 1) : Unclaimed(at, size, write: false);
            value |= octet << (8 * i);
        }

        return value;
    }

    private void WriteDevice(ushort port, int size, uint value)
    {
        if (WholeOwner(port, size) is { } device)
        {
            device.Write(port, size, value);
            return;
        }

        for (var i = 0; i < size; i++)
        {
            var at = (ushort)(port + i);
            if (_devices[_owner[at]] is { } owner)
                owner.Write(at, 1, (byte)(value >> (8 * i)));
            else
                Unclaimed(at, size, write: true);
        }
    }

    private IPortDevice? WholeOwner(ushort port, int size)
    {
        var owner = _owner[port];
        for (var i = 1; i < size; i++)
        {
            if (_owner[(ushort)(port + i)] != owner)
                return null;
        }

        return _devices[owner];
    }

    private byte Unclaimed(ushort port, int size, bool write)
    {
        if (_reported.Add(port))
            MachineLog.UnclaimedPort(_log, port, size, write ? "written" : "read");
        return 0xFF;
    }
}
