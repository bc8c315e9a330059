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

    // Of the element that comes next, by vCPU: changes of a vCPU between its runs wait for its next one.
    private readonly List<RegisterChange>[] _changes;
    private readonly List<TraceAccess> _accesses = [];
    private ulong _accessedBefore;

    private bool HasData => _header.Detail != TraceDetail.Blocks;

    /// <summary>Notes a register that the next element that is appended has changed.</summary>
    /// <param name="change">The register's new value.</param>
    public void Note(RegisterChange change)
    {
        if ((_header.Detail & TraceDetail.Registers) != 0)
            _changes[Vcpu].Add(change);
    }

    /// <summary>Gives a register the value that it has before the trace's first element.</summary>
    /// <param name="value">The register and its value.</param>
    public void Preset(RegisterChange value)
    {
        if ((_header.Detail & TraceDetail.Registers) == 0)
            return;
        if (_elements != 0 || _finished.Length != 0)
            throw new InvalidOperationException("The trace has begun.");
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

    // What the element's value is the greater by.
    private ulong AppendData()
    {
        var value = 0UL;
        if ((_header.Detail & TraceDetail.Registers) != 0)
            value = AppendChanges(_changes[Vcpu], _registers.AsSpan(Vcpu * Registers, Registers));
        if ((_header.Detail & TraceDetail.Memory) != 0)
            value = TraceHash.Add(value, AppendAccesses());
        return value;
    }

    private ulong AppendChanges(List<RegisterChange> changes, Span<ulong> registers)
    {
        Span<ulong> differences = stackalloc ulong[Registers];
        var mask = 0u;
        foreach (var (register, value) in changes)
        {
            // What was changed twice, by hypercalls of others and by itself, counts once.
            differences[(int)register] += value - registers[(int)register];
            registers[(int)register] = value;
            mask |= 1u << (int)register;
        }

        changes.Clear();
        _data.Number(mask);
        var hash = 0UL;
        for (; mask != 0; mask &= mask - 1)
        {
            var register = BitOperations.TrailingZeroCount(mask);
            _data.Difference(differences[register]);
            hash = TraceHash.Add(hash, TraceHash.Register(register, registers[register]));
        }

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
