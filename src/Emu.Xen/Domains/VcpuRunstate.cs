using System.Buffers.Binary;
using Emu.Cpu.Memory;

namespace Emu.Xen.Domains;

/// <summary>What a vCPU does (RUNSTATE_*, xen/include/public/vcpu.h).</summary>
public enum Runstate
{
    /// <summary>It executes.</summary>
    Running = 0,

    /// <summary>It would, but another has the turn.</summary>
    Runnable = 1,

    /// <summary>It waits for an event.</summary>
    Blocked = 2,

    /// <summary>It is down.</summary>
    Offline = 3,
}

/// <summary>How long a vCPU has been in which state, told to the guest in a place of its choice; and the copy of its time that it may ask for.</summary>
public sealed class VcpuRunstate
{
    private const int StateCount = 4;
    private const int Length64 = 48, Length32 = 44;

    private readonly Domain _domain;
    private readonly IXenProcessor _processor;
    private readonly ulong[] _spent = new ulong[StateCount];
    private Runstate _state;
    private ulong _entered;
    private ulong? _area;
    private bool _areaIsPhysical;
    private ulong? _timeArea;
    private bool _timeAreaIsPhysical;
    private uint _timeVersion;

    internal VcpuRunstate(Domain domain, IXenProcessor processor)
    {
        _domain = domain;
        _processor = processor;
        _state = processor.IsUp ? Runstate.Running : Runstate.Offline;
    }

    /// <summary>The state.</summary>
    public Runstate State => _state;

    /// <summary>Enters a state, and tells the guest.</summary>
    /// <param name="state">The state.</param>
    public void Change(Runstate state)
    {
        if (state == _state)
            return;
        if (state == Runstate.Offline || _state == Runstate.Offline)
            _domain.Observer?.VcpuChanged(_processor.Vcpu.Number, isUp: _state == Runstate.Offline);
        var now = _domain.Host.Now;
        _spent[(int)_state] += now - _entered;
        _state = state;
        _entered = now;
        WriteArea();
    }

    /// <summary>Writes vcpu_runstate_info as it is now.</summary>
    /// <param name="bytes">Takes it: 48 or 44 bytes.</param>
    /// <param name="is64Bit">Which layout.</param>
    /// <returns>How many bytes those are.</returns>
    public int Write(Span<byte> bytes, bool is64Bit)
    {
        var times = is64Bit ? 8 : 4;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)_state);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[times..], _entered);
        for (var i = 0; i < StateCount; i++)
        {
            var spent = _spent[i] + (i == (int)_state ? _domain.Host.Now - _entered : 0);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(times + 8 + (8 * i))..], spent);
        }

        return is64Bit ? Length64 : Length32;
    }

    /// <summary>Keeps the guest informed from now on.</summary>
    /// <param name="address">Where; null for nowhere.</param>
    /// <param name="isPhysical">Whether the address is guest-physical; else it is the vCPU's, translated anew each time.</param>
    /// <returns>False where it cannot be written now.</returns>
    public bool RegisterArea(ulong? address, bool isPhysical)
    {
        (_area, _areaIsPhysical) = (address, isPhysical);
        return WriteArea() || address is null;
    }

    /// <summary>Keeps a copy of vcpu_time_info for user space.</summary>
    /// <param name="address">Where; null for nowhere.</param>
    /// <param name="isPhysical">Whether the address is guest-physical.</param>
    /// <returns>False where it cannot be written now.</returns>
    public bool RegisterTimeArea(ulong? address, bool isPhysical)
    {
        (_timeArea, _timeAreaIsPhysical) = (address, isPhysical);
        return WriteTime(_processor.TimeStamp, _domain.Host.Now) || address is null;
    }

    internal bool WriteTime(ulong timeStamp, ulong now)
    {
        if (_timeArea is not { } address)
            return false;
        Span<byte> bytes = stackalloc byte[PvClock.Length];
        _timeVersion += 2;
        PvClock.Write(bytes, _timeVersion, timeStamp, now);
        return Write(address, _timeAreaIsPhysical, bytes);
    }

    private bool WriteArea()
    {
        if (_area is not { } address)
            return false;
        Span<byte> bytes = stackalloc byte[Length64];
        var length = Write(bytes, _domain.SharedInfo.Is64Bit);
        return Write(address, _areaIsPhysical, bytes[..length]);
    }

    private bool Write(ulong address, bool isPhysical, ReadOnlySpan<byte> bytes) =>
        isPhysical ? _domain.Host.Memory.TryWrite(address, bytes) : _processor.Vcpu.TryWriteVirtualAsKernel(address, bytes);
}
