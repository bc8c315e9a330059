using System.Reflection.Emit;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// Guest memory: the TLB hit of Memory/Operand.cs, inline; anything else leaves the region before the instruction.
internal sealed unsafe partial class RegionEmitter
{
    private LocalBuilder? _linear, _place, _entry;

    /// <summary>True where compiled code can work out the address of the instruction's memory operand.</summary>
    public static bool CanAddress(in GuestInstruction instruction) =>
        instruction.Addressing is AddressingKind.Long or AddressingKind.LongSegment or AddressingKind.Flat;

    /// <summary>Finds the memory operand for reading; <see cref="LoadPlace"/> then gives its host address.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="op">Its op.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="alignment">Where not 0, the operand must be aligned so.</param>
    public void FindForReading(in GuestInstruction instruction, Op* op, int size, int alignment = 0)
    {
        Find(in instruction, op, size, write: false, alignment);
    }

    /// <summary>Finds the memory operand for writing, or for reading and writing.</summary>
    public void FindForWriting(in GuestInstruction instruction, Op* op, int size, int alignment = 0)
    {
        Find(in instruction, op, size, write: true, alignment);
    }

    /// <summary>Puts the host address of what was found last on the stack.</summary>
    public void LoadPlace() => _il.Emit(OpCodes.Ldloc, Place);

    /// <summary>Reads a value of a width through the host address on the stack.</summary>
    public void ReadMemory(int size) => _il.Emit(size switch { 1 => OpCodes.Ldind_U1, 2 => OpCodes.Ldind_U2, 4 => OpCodes.Ldind_U4, _ => OpCodes.Ldind_I8 });

    /// <summary>Writes the value on the stack through the host address below it.</summary>
    public void WriteMemory(int size) => _il.Emit(size switch { 1 => OpCodes.Stind_I1, 2 => OpCodes.Stind_I2, 4 => OpCodes.Stind_I4, _ => OpCodes.Stind_I8 });

    /// <summary>Puts the effective address without segment on the stack, 64 bits.</summary>
    public void LoadEffectiveAddress(Op* op)
    {
        var displacement = (long)op->Displacement;
        var isEmpty = true;
        if (op->Base == CpuState.RipOffset)
        {
            LoadRip(displacement);
            displacement = 0;
            isEmpty = false;
        }
        else if (op->Base != CpuState.ZeroOffset)
        {
            LoadRegister(op->Base, 8);
            isEmpty = false;
        }
        if (op->Index != CpuState.ZeroOffset)
        {
            LoadRegister(op->Index, 8);
            if (op->Scale != 0)
            {
                _il.Emit(OpCodes.Ldc_I4, (int)op->Scale);
                _il.Emit(OpCodes.Shl);
            }
            if (!isEmpty)
                _il.Emit(OpCodes.Add);
            isEmpty = false;
        }
        if (displacement != 0 || isEmpty)
        {
            _il.Emit(OpCodes.Ldc_I8, displacement);
            if (!isEmpty)
                _il.Emit(OpCodes.Add);
        }
    }

    private LocalBuilder Place => _place ??= _il.DeclareLocal(typeof(nint));

    private void LoadLinear(in GuestInstruction instruction, Op* op)
    {
        LoadEffectiveAddress(op);
        if (instruction.Addressing == AddressingKind.LongSegment)
        {
            LoadState(StateLayout.OffsetOfBase((SegmentName)op->Segment));
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Add);
        }
        else if (instruction.Addressing == AddressingKind.Flat)
        {
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Conv_U8);
        }
    }

    private void Find(in GuestInstruction instruction, Op* op, int size, bool write, int alignment)
    {
        var place = _accesses.OperandOf(_instruction);
        var group = _accesses.Find(place, size, write);
        if (group?.Address == null)
        {
            LoadLinear(in instruction, op);
            Check(group, place, size, write);
        }
        LoadGroupPlace(group, place);
        if (alignment <= 1)
            return;
        // A page begins at a multiple of its size in the host's memory too.
        var exit = ExitHere();
        LoadPlace();
        _il.Emit(OpCodes.Ldc_I4, alignment - 1);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Brtrue, exit);
    }

    private void LoadGroupPlace(BlockAccesses.Group? group, BlockAccesses.Place place)
    {
        if (group == null)
            return;
        _il.Emit(OpCodes.Ldloc, group.Address!);
        Offset((int)(place.Distance - group.Low));
        _il.Emit(OpCodes.Stloc, Place);
    }

    // Looks into the TLB for an access whose linear address is on the stack, or for all of its group.
    private void Check(BlockAccesses.Group? group, BlockAccesses.Place place, int size, bool write)
    {
        _linear ??= _il.DeclareLocal(typeof(ulong));
        _entry ??= _il.DeclareLocal(typeof(nint));
        var exit = ExitHere();
        var address = Place;
        if (group != null)
        {
            if (place.Distance != group.Low)
            {
                _il.Emit(OpCodes.Ldc_I8, group.Low - place.Distance);
                _il.Emit(OpCodes.Add);
            }
            size = (int)(group.High - group.Low);
            address = group.Address = _il.DeclareLocal(typeof(nint));
        }
        _il.Emit(OpCodes.Stloc, _linear);
        // entry = bank + ((linear >> 12) & (Entries - 1)), in bytes
        _il.Emit(OpCodes.Ldloc, _linear);
        _il.Emit(OpCodes.Ldc_I4, 12 - SlotShift);
        _il.Emit(OpCodes.Shr_Un);
        _il.Emit(OpCodes.Ldc_I4, (Tlb.Entries - 1) << SlotShift);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Ldloc, _tlb);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _entry);

        _il.Emit(OpCodes.Ldloc, _entry);
        Offset(write ? StateLayout.WriteTag : StateLayout.ReadTag);
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Ldloc, _linear);
        if (size > 1)
        {
            _il.Emit(OpCodes.Ldc_I4, size - 1);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Add);
        }
        _il.Emit(OpCodes.Ldc_I4, ~0xFFF);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Bne_Un, exit);

        _il.Emit(OpCodes.Ldloc, _linear);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Ldloc, _entry);
        Offset(StateLayout.Addend);
        _il.Emit(OpCodes.Ldind_I);
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, address);
    }

    // log2 of an entry's size.
    private const int SlotShift = 5;
}
