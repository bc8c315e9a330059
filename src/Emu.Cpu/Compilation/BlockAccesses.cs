using System.Numerics;
using System.Reflection.Emit;
using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Compilation;

/// <summary>Accesses of a block whose addresses differ by constants, and which one look into the TLB answers for.</summary>
/// <remarks>
/// Registers are followed as unknown values plus constants: a push moves RSP by a constant, so what a function saves lies side by
/// side. The first access of a group is checked for the whole of its range, which must lie in one page; the others then must hit, for
/// nothing in between changes the TLB: an access that hits does not, and whatever else is called ends all groups. A range that
/// is not answered leaves the region, and the interpreter makes the accesses one by one.
/// </remarks>
internal sealed unsafe class BlockAccesses
{
    // Longer ranges would too often lie across two pages.
    private const long LongestRange = 128;

    private readonly Dictionary<(long, long), long> _sums = [];
    private readonly Value[] _registers = new Value[16];
    private readonly Place[] _operands;
    private readonly Value[] _stackPointers;
    private readonly List<Group> _groups = [];
    private readonly int _native;
    private long _unknowns;
    private int _open;

    /// <summary>Looks through a block.</summary>
    public BlockAccesses(RegionBlock block)
    {
        var instructions = block.Instructions;
        _native = block.Is64 ? 8 : 4;
        _operands = new Place[instructions.Count];
        _stackPointers = new Value[instructions.Count];
        for (var i = 0; i < _registers.Length; i++)
            _registers[i] = Unknown();
        var facts = new InstructionInfoFactory();
        for (var i = 0; i < instructions.Count; i++)
            Follow(i, instructions[i], block.Ops + instructions[i].OpIndex, facts);
    }

    /// <summary>Accesses that are checked together.</summary>
    public sealed class Group
    {
        /// <summary>What all of its addresses begin with.</summary>
        public required (long Value, byte Segment) Key { get; init; }

        /// <summary>Checked for writing; that includes reading.</summary>
        public required bool IsWrite { get; init; }

        /// <summary>The first byte's distance from the value.</summary>
        public long Low { get; set; }

        /// <summary>The distance of what follows the last byte.</summary>
        public long High { get; set; }

        /// <summary>Host address of the first byte, once it has been checked.</summary>
        public LocalBuilder? Address { get; set; }
    }

    /// <summary>An address: a value that is not known, and a known distance from it.</summary>
    /// <param name="Key">The value, and the segment that is added.</param>
    /// <param name="Distance">The distance in bytes.</param>
    public readonly record struct Place((long Value, byte Segment) Key, long Distance);

    private readonly record struct Value(long Id, long Distance);

    /// <summary>Where the memory operand of an instruction lies.</summary>
    public Place OperandOf(int instruction) => _operands[instruction];

    /// <summary>What lies at the stack pointer before an instruction.</summary>
    public Place StackOf(int instruction) => new((_stackPointers[instruction].Id, NoSegment), _stackPointers[instruction].Distance);

    /// <summary>The group that answers for an access, or null.</summary>
    public Group? Find(Place place, int size, bool write)
    {
        for (var i = _groups.Count - 1; i >= _open; i--)
        {
            var group = _groups[i];
            if (group.Key == place.Key && (group.IsWrite || !write) && group.Low <= place.Distance && place.Distance + size <= group.High
                && (group.Address != null || group.IsWrite == write))
            {
                return group;
            }
        }
        return null;
    }

    /// <summary>The host addresses that accesses may still use, each with a number of its own.</summary>
    public (LocalBuilder Address, int Number)[] KnownAddresses() =>
        [.. _groups.Select(static (group, number) => (Group: group, Number: number)).Where(static pair => pair.Group is { Address: not null, High: not long.MinValue })
            .Select(static pair => (pair.Group.Address!, pair.Number))];

    /// <summary>Something was called that may change the TLB: what was checked must be checked again.</summary>
    public void Close()
    {
        foreach (var group in _groups)
        {
            // A group that was not begun yet stays whole.
            if (group.Address != null)
                group.High = long.MinValue;
        }
    }

    private const byte NoSegment = byte.MaxValue;

    private void Follow(int index, in GuestInstruction instruction, Op* op, InstructionInfoFactory facts)
    {
        var decoded = instruction.Decoded;
        _stackPointers[index] = _registers[4];
        if (instruction.Emission is null or { MayMiss: true })
        {
            _open = _groups.Count;
        }
        else
        {
            if (instruction.HasMemory && RegionEmitter.CanAddress(in instruction))
            {
                _operands[index] = AddressOf(in instruction, op);
                if (decoded.Mnemonic != Mnemonic.Lea)
                    Note(_operands[index], decoded.MemorySize.GetSize(), Writes(in decoded, facts));
            }
            if (decoded.Mnemonic is Mnemonic.Push or Mnemonic.Pop or Mnemonic.Call or Mnemonic.Ret
                && decoded.StackPointerIncrement is var increment && RegionEmitter.CanUseStack(in instruction))
                Note(StackOf(index) with { Distance = _registers[4].Distance + Math.Min(increment, 0) }, Math.Min(Math.Abs(increment), _native), increment < 0);
        }
        Change(in instruction, op, facts);
        if (index == _operands.Length - 1)
            _open = 0;
    }

    private Place AddressOf(in GuestInstruction instruction, Op* op)
    {
        var address = ValueOf(op->Base);
        if (op->Index != CpuState.ZeroOffset)
        {
            var index = ValueOf(op->Index);
            var key = (address.Id, index.Id * 4 + op->Scale);
            if (!_sums.TryGetValue(key, out var sum))
                _sums.Add(key, sum = Unknown().Id);
            address = new Value(sum, address.Distance + (index.Distance << op->Scale));
        }
        var segment = instruction.Addressing is Decoding.AddressingKind.LongSegment or Decoding.AddressingKind.Segmented ? op->Segment : NoSegment;
        // Addresses that wrap differ by no constant.
        if (op->AddressSize != _native)
            return new Place((Unknown().Id, segment), 0);
        return new Place((address.Id, segment), address.Distance + op->Displacement);
    }

    // Nothing, and RIP at the block's start, are values like any other.
    private Value ValueOf(byte register) => register switch
    {
        CpuState.ZeroOffset => new Value(-1, 0),
        CpuState.RipOffset => new Value(-2, 0),
        _ => _registers[register >> 3],
    };

    private Value Unknown() => new(++_unknowns, 0);

    private void Note(Place place, int size, bool write)
    {
        if (size == 0)
            return;
        for (var i = _groups.Count - 1; i >= _open; i--)
        {
            var group = _groups[i];
            if (group.Key != place.Key || group.IsWrite != write)
                continue;
            var low = Math.Min(group.Low, place.Distance);
            var high = Math.Max(group.High, place.Distance + size);
            if (high - low > LongestRange)
                break;
            (group.Low, group.High) = (low, high);
            return;
        }
        _groups.Add(new Group { Key = place.Key, IsWrite = write, Low = place.Distance, High = place.Distance + size });
    }

    private static bool Writes(in Instruction instruction, InstructionInfoFactory facts)
    {
        foreach (var use in facts.GetInfo(instruction).GetUsedMemory())
        {
            if (use.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite)
                return true;
        }
        return false;
    }

    // What an instruction makes of the registers.
    private void Change(in GuestInstruction instruction, Op* op, InstructionInfoFactory facts)
    {
        var decoded = instruction.Decoded;
        var known = Result(in instruction, op);
        var stack = _registers[4];
        foreach (var use in facts.GetInfo(decoded).GetUsedRegisters())
        {
            if (use.Register.IsGPR() && use.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
                _registers[use.Register.GetFullRegister().GetNumber()] = Unknown();
        }
        if (known is { } value)
            _registers[op->Destination >> 3] = value;
        else if (decoded.Mnemonic is Mnemonic.Push or Mnemonic.Call or Mnemonic.Pop && !(decoded.Mnemonic == Mnemonic.Pop && decoded.Op0Register.GetFullRegister() == Register.RSP))
            _registers[4] = stack with { Distance = stack.Distance + decoded.StackPointerIncrement };
    }

    // The destination, where it differs from a register by a constant.
    private Value? Result(in GuestInstruction instruction, Op* op)
    {
        var decoded = instruction.Decoded;
        if (decoded.OpCount == 0 || decoded.Op0Kind != OpKind.Register || !decoded.Op0Register.IsGPR() || decoded.Op0Register.GetSize() != _native)
            return null;
        switch (decoded.Mnemonic)
        {
            case Mnemonic.Mov when decoded.Op1Kind == OpKind.Register && decoded.Op1Register.IsGPR():
                return _registers[op->Source >> 3];
            case Mnemonic.Add when decoded.Op1Kind is not (OpKind.Register or OpKind.Memory):
                return Moved(op->Destination, op->Immediate);
            case Mnemonic.Sub when decoded.Op1Kind is not (OpKind.Register or OpKind.Memory):
                return Moved(op->Destination, -op->Immediate);
            case Mnemonic.Inc:
                return Moved(op->Destination, 1);
            case Mnemonic.Dec:
                return Moved(op->Destination, -1);
            case Mnemonic.Lea when op->Index == CpuState.ZeroOffset && op->Base < CpuState.ZeroOffset && op->AddressSize == _native:
                return Moved(op->Base, op->Displacement);
            default:
                return null;
        }
    }

    private Value Moved(byte register, long distance)
    {
        var value = _registers[register >> 3];
        return value with { Distance = value.Distance + distance };
    }
}
