using System.Numerics;
using Emu.Cpu.Instrumentation;

namespace Emu.Machine.Tracing;

// Registers and accesses of the steps.
public sealed partial class TraceCursor
{
    private const int LargestAccess = 4096;

    // A piece of a repeated string instruction reads and writes the bytes of a page one by one.
    private const ulong MostAccesses = 1 << 14;

    private readonly bool _hasData;
    private readonly ulong[] _registers;
    private readonly List<RegisterChange> _changes = [];
    private readonly List<TraceAccess> _accesses = [];
    private TraceByteReader? _data;
    private ulong _accessedBefore;

    private void BeginData(TraceByteReader data)
    {
        _data = data;
        _accessedBefore = 0;
        if ((_trace.Header.Detail & TraceDetail.Registers) == 0)
            return;
        for (var i = 0; i < _registers.Length; i++)
            _registers[i] = data.UInt64();
    }

    private void TakeData()
    {
        _changes.Clear();
        _accesses.Clear();
        if ((_trace.Header.Detail & TraceDetail.Registers) != 0)
            TakeChanges();
        if ((_trace.Header.Detail & TraceDetail.Memory) != 0)
            TakeAccesses();
    }

    private void TakeChanges()
    {
        var registers = _registers.AsSpan(Vcpu * TraceWriter.Registers, TraceWriter.Registers);
        for (var mask = _data!.Number((1UL << TraceWriter.Registers) - 1); mask != 0; mask &= mask - 1)
        {
            var register = BitOperations.TrailingZeroCount(mask);
            var before = registers[register];
            registers[register] += _data.Difference();
            _changes.Add(new RegisterChange((TracedRegister)register, registers[register]) { Before = before });
        }
    }

    private void TakeAccesses()
    {
        for (var left = _data!.Number(MostAccesses); left > 0; left--)
        {
            var facts = _data.Number((LargestAccess << 2) | 3);
            _accessedBefore += _data.Difference();
            var size = facts >> 2;
            _accesses.Add(new TraceAccess(_accessedBefore, size, (facts & 1) != 0, (facts & 2) != 0 ? _data.Bytes(size) : default));
        }
    }

    private ulong HashOfData()
    {
        if (!_hasData)
            return 0;
        var registers = 0UL;
        foreach (var (register, value) in _changes)
            registers = TraceHash.Add(registers, TraceHash.Register((int)register, value));
        var accesses = 0UL;
        foreach (var access in _accesses)
            accesses = TraceHash.Add(TraceHash.Multiply(accesses, TraceHash.Base), TraceHash.Access(in access));
        return TraceHash.Add(registers, accesses);
    }
}
