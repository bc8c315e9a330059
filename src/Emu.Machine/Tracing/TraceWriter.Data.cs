using System.Numerics;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

// Registers and accesses: one record for each element, where the trace has them.
public sealed partial class TraceWriter
{
    /// <summary>How many registers a trace follows.</summary>
    internal const int Registers = (int)TracedRegister.Efer + 1;

    // Of each vCPU in turn.
    private readonly ulong[] _registers;

    // What the element that comes next has changed, of each vCPU: what changed between its runs waits for its next one.
    private readonly uint[] _changed;
    private readonly ulong[] _changedTo;
    private readonly List<TraceAccess> _accesses = [];
    private ulong _accessedBefore;

    private bool HasData => _header.Detail != TraceDetail.Blocks;

    /// <summary>Notes a register that the next element that is appended has changed.</summary>
    /// <param name="change">The register's new value.</param>
    public void Note(RegisterChange change)
    {
        if ((_header.Detail & TraceDetail.Registers) == 0)
            return;
        _changed[Vcpu] |= 1u << (int)change.Register;
        _changedTo[Vcpu * Registers + (int)change.Register] = change.Value;
    }

    /// <summary>Gives a register the value that it has before the first element of the trace, or of a life.</summary>
    /// <param name="value">The register and its value.</param>
    public void Preset(RegisterChange value)
    {
        if ((_header.Detail & TraceDetail.Registers) == 0)
            return;
        if (!IsAtLifeStart)
            throw new InvalidOperationException("The life has begun.");
        _registers[Vcpu * Registers + (int)value.Register] = value.Value;
        _data.Clear();
        BeginData();
    }

    /// <summary>Notes an access that the next element that is appended has made.</summary>
    /// <param name="access">The access.</param>
    public void Note(in TraceAccess access)
    {
        if ((_header.Detail & TraceDetail.Memory) != 0)
            _accesses.Add(access);
    }

    /// <summary>Forgets the accesses that were noted: what made them does not belong to the trace.</summary>
    internal void DropAccesses() => _accesses.Clear();

    // What the element's value is the greater by.
    private ulong AppendData()
    {
        var value = 0UL;
        if ((_header.Detail & TraceDetail.Registers) != 0)
            value = AppendChanges();
        if ((_header.Detail & TraceDetail.Memory) != 0)
            value = TraceHash.Add(value, AppendAccesses());
        return value;
    }

    private ulong AppendChanges()
    {
        _data.Number(_changed[Vcpu]);
        var hash = 0UL;
        for (var mask = _changed[Vcpu]; mask != 0; mask &= mask - 1)
        {
            var register = BitOperations.TrailingZeroCount(mask);
            var value = _changedTo[Vcpu * Registers + register];
            ref var before = ref _registers[Vcpu * Registers + register];
            _data.Difference(value - before);
            before = value;
            hash = TraceHash.Add(hash, TraceHash.Register(register, value));
        }

        _changed[Vcpu] = 0;
        return hash;
    }

    private ulong AppendAccesses()
    {
        _data.Number((ulong)_accesses.Count);
        var hash = 0UL;
        foreach (var access in _accesses)
        {
            var isKnown = !access.Value.IsEmpty;
            _data.Number(((ulong)access.Size << 2) | (isKnown ? 2u : 0) | (access.IsWrite ? 1u : 0));
            _data.Difference(access.Linear - _accessedBefore);
            _accessedBefore = access.Linear;
            _data.Bytes(access.Value.Span);
            hash = TraceHash.Add(TraceHash.Multiply(hash, TraceHash.Base), TraceHash.Access(in access));
        }

        _accesses.Clear();
        return hash;
    }

    private void BeginData()
    {
        _accessedBefore = 0;
        if ((_header.Detail & TraceDetail.Registers) == 0)
            return;
        foreach (var value in _registers)
            _data.UInt64(value);
    }
}
