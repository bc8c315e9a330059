using System.Buffers.Binary;
using Emu.Cpu.Snapshots;

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
public sealed class VcpuRunstate : IStateful
{
    private const int StateCount = 4;
    private const int Length64 = 48, Length32 = 44;

    private readonly Domain _domain;
    private readonly IXenProcessor _processor;
    private readonly ulong[] _spent = new ulong[StateCount];
    private Runstate _state;
    private ulong _entered;
    private ulong _area;
    private ulong _timeArea;
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
        WriteArea(_domain.SharedInfo.Is64Bit, isCurrent: false);
    }

    /// <summary>Writes vcpu_runstate_info as it is now.</summary>
    /// <param name="bytes">Takes it: 48 or 44 bytes.</param>
    /// <param name="is64Bit">Which layout.</param>
    /// <param name="isCurrent">Whether the time in the present state counts; else the times are those when it was entered.</param>
    /// <returns>How many bytes those are.</returns>
    public int Write(Span<byte> bytes, bool is64Bit, bool isCurrent)
    {
        var times = is64Bit ? 8 : 4;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)_state);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[times..], _entered);
        for (var i = 0; i < StateCount; i++)
        {
            var spent = _spent[i] + (isCurrent && i == (int)_state ? _domain.Host.Now - _entered : 0);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(times + 8 + (8 * i))..], spent);
        }

        return is64Bit ? Length64 : Length32;
    }

    /// <summary>Keeps the guest informed from now on, and tells it the present state in the caller's layout; later ones come in the domain's.</summary>
    /// <param name="address">Where, in the vCPU's virtual memory, translated anew each time; 0 for nowhere.</param>
    /// <param name="is64Bit">The caller's width.</param>
    /// <param name="isOwn">Whether the vCPU itself asks: it gets the times when it entered its state, as on every change.</param>
    public void RegisterArea(ulong address, bool is64Bit, bool isOwn)
    {
        _area = address;
        WriteArea(is64Bit, !isOwn);
    }

    /// <summary>Keeps a copy of vcpu_time_info for user space.</summary>
    /// <param name="address">Where, in the vCPU's virtual memory, translated anew each time; 0 for nowhere.</param>
    public void RegisterTimeArea(ulong address)
    {
        _timeArea = address;
        WriteTime(_processor.TimeStamp, _domain.Host.Now);
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("runstate");
        stream.Transfer(_spent.AsSpan());
        stream.Transfer(ref _state);
        stream.Transfer(ref _entered);
        stream.Transfer(ref _area);
        stream.Transfer(ref _timeArea);
        stream.Transfer(ref _timeVersion);
        stream.Require(_state is >= Runstate.Running and <= Runstate.Offline, "there is no such state");
    }

    internal void WriteTime(ulong timeStamp, ulong now)
    {
        if (_timeArea == 0)
            return;
        Span<byte> bytes = stackalloc byte[PvClock.Length];
        _timeVersion += 2;
        PvClock.Write(bytes, _timeVersion, timeStamp, now);
        _processor.Vcpu.TryWriteVirtualAsKernel(_timeArea, bytes);
    }

    // What cannot be written now may be later: nothing is wrong with that.
    private void WriteArea(bool is64Bit, bool isCurrent)
    {
        if (_area == 0)
            return;
        Span<byte> bytes = stackalloc byte[Length64];
        var length = Write(bytes, is64Bit, isCurrent);
        _processor.Vcpu.TryWriteVirtualAsKernel(_area, bytes[..length]);
    }
}
