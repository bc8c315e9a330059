using Emu.Cpu.Platform;
using Emu.Machine.Diagnostics;
using Emu.Machine.Hooks;
using Emu.Machine.Interrupts;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Buses;

/// <summary>
/// Physical memory that is not RAM, as one vCPU sees it: its own local APIC first, then the devices that all vCPUs share.
/// </summary>
public sealed class MmioBus : IMmioBus
{
    /// <summary>A hostile guest cannot make the list of reported addresses grow beyond this.</summary>
    private const int MaximumReported = 256;
    private const ulong PageMask = 0xFFF;

    private readonly ILogger _log;
    private readonly LocalApic? _localApic;
    private readonly List<(ulong Start, ulong Length, IMmioDevice Device)> _devices;
    private readonly HashSet<ulong> _reported;

    /// <summary>Makes a bus without shared devices.</summary>
    /// <param name="log">Hears of each unclaimed address once.</param>
    /// <param name="localApic">The local APIC of the vCPU whose accesses come here, or null.</param>
    public MmioBus(ILogger log, LocalApic? localApic)
    {
        _log = log;
        _localApic = localApic;
        _devices = [];
        _reported = [];
        Hooks = new AccessHooks();
    }

    private MmioBus(MmioBus shared, LocalApic localApic)
    {
        _log = shared._log;
        _localApic = localApic;
        _devices = shared._devices;
        _reported = shared._reported;
        Hooks = shared.Hooks;
    }

    /// <summary>Who wants to hear of accesses.</summary>
    internal AccessHooks Hooks { get; }

    /// <summary>Makes the bus as another vCPU sees it: the same devices, whenever they are claimed, behind its own local APIC.</summary>
    /// <param name="localApic">The local APIC of that vCPU.</param>
    /// <returns>The bus.</returns>
    public MmioBus SeenBy(LocalApic localApic) => new(this, localApic);

    /// <summary>Gives a range to a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="start">First address.</param>
    /// <param name="length">Bytes.</param>
    public void Claim(IMmioDevice device, ulong start, ulong length) => _devices.Add((start, length, device));

    /// <inheritdoc/>
    public ulong Read(ulong address, int size)
    {
        if (!Hooks.Any)
            return ReadDevice(address, size);
        if (!Hooks.TryAnswer(address, size, out var value))
            value = ReadDevice(address, size);
        return Hooks.Read(address, size, value);
    }

    /// <inheritdoc/>
    public void Write(ulong address, int size, ulong value)
    {
        if (!Hooks.Any || Hooks.TryWrite(address, size, ref value))
            WriteDevice(address, size, value);
    }

    private ulong ReadDevice(ulong address, int size)
    {
        if (_localApic is not null && (address & ~PageMask) == _localApic.MappedPage)
            return _localApic.Read(address & PageMask, size);
        foreach (var (start, length, device) in _devices)
        {
            if (address - start < length)
                return device.Read(address - start, size);
        }

        ReportUnclaimed(address, size, "read");
        return ulong.MaxValue >> (64 - (8 * size));
    }

    private void WriteDevice(ulong address, int size, ulong value)
    {
        if (_localApic is not null && (address & ~PageMask) == _localApic.MappedPage)
        {
            _localApic.Write(address & PageMask, size, value);
            return;
        }

        foreach (var (start, length, device) in _devices)
        {
            if (address - start < length)
            {
                device.Write(address - start, size, value);
                return;
            }
        }

        ReportUnclaimed(address, size, "written");
    }

    private void ReportUnclaimed(ulong address, int size, string how)
    {
        if (_reported.Count < MaximumReported && _reported.Add(address))
            MachineLog.UnclaimedAddress(_log, address, size, how);
    }
}
