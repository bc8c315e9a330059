using System.Numerics;
using System.Reflection.Emit;
using Emu.Cpu.Decoding;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;

namespace Emu.Cpu.Compilation;

// Guest memory: the TLB hit of Memory/Operand.cs, inline; anything else leaves the region before the instruction.
internal sealed unsafe partial class RegionEmitter
{
    private LocalBuilder? _linear, _place, _secondPlace, _entry;

    /// <summary>True where compiled code can work out the address of the instruction's memory operand.</summary>
    public static bool CanAddress(in GuestInstruction instruction) =>
        instruction.Addressing != AddressingKind.Segmented || (instruction.AddressSize != 2 && (instruction.Is64 || instruction.Segment != SegmentName.Cs));

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

    /// <summary>Finds the operand of a bit test whose offset is in a register: whole operands away from the one that is addressed.</summary>
    public void FindBits(in GuestInstruction instruction, Op* op, int size, bool write)
    {
        var exit = ExitHere();
        LoadEffectiveAddress(op);
        LoadRegister(op->Source, size);
        SignExtend(size);
        _il.Emit(OpCodes.Ldc_I4, BitOperations.Log2((uint)size * 8));
        _il.Emit(OpCodes.Shr);
        _il.Emit(OpCodes.Ldc_I8, (long)size);
        _il.Emit(OpCodes.Mul);
        _il.Emit(OpCodes.Add);
        Translate(in instruction, op, size, write, exit);
        Check(null, size, write, exit);
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

    /// <summary>A local for a host address.</summary>
    public LocalBuilder ScratchPlace => _secondPlace ??= _il.DeclareLocal(typeof(nint));

    private LocalBuilder Place => _place ??= _il.DeclareLocal(typeof(nint));

    // From an effective address on the stack to the linear one. What exceeds a limit or lacks a right leaves the region.
    private void Translate(in GuestInstruction instruction, Op* op, int size, bool write, Label exit)
    {
        if (op->AddressSize == 4)
        {
            _il.Emit(OpCodes.Conv_U4);
            _il.Emit(OpCodes.Conv_U8);
        }
        if (instruction.Addressing is AddressingKind.Long or AddressingKind.Flat || (instruction.Is64 && op->Segment < (byte)SegmentName.Fs))
            return;
        if (!instruction.Is64)
            CheckSegment((SegmentName)op->Segment, size, write, exit);
        LoadState(StateLayout.OffsetOfBase((SegmentName)op->Segment));
        _il.Emit(OpCodes.Ldind_I8);
        _il.Emit(OpCodes.Add);
        if (instruction.Is64)
            return;
        _il.Emit(OpCodes.Conv_U4);
        _il.Emit(OpCodes.Conv_U8);
    }

    // Vcpu.Allows for a data segment that expands up; the offset stays on the stack.
    private void CheckSegment(SegmentName segment, int size, bool write, Label exit)
    {
        const SegmentAttributes Usual = SegmentAttributes.Present;
        const SegmentAttributes Unusual = SegmentAttributes.Code | SegmentAttributes.ExpandDownOrConforming;
        var needed = write ? Usual | SegmentAttributes.WritableOrReadable : Usual;
        var offset = Scratch(8, 3);
        _il.Emit(OpCodes.Stloc, offset);
        LoadState(StateLayout.OffsetOfAttributes(segment));
        _il.Emit(OpCodes.Ldind_U2);
        _il.Emit(OpCodes.Ldc_I4, (int)(needed | Unusual));
        _il.Emit(OpCodes.And);
        _il.Emit(OpCodes.Ldc_I4, (int)needed);
        _il.Emit(OpCodes.Bne_Un, exit);
        _il.Emit(OpCodes.Ldloc, offset);
        _il.Emit(OpCodes.Ldc_I8, size - 1L);
        _il.Emit(OpCodes.Add);
        LoadState(StateLayout.OffsetOfLimit(segment));
        _il.Emit(OpCodes.Ldind_U4);
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Bgt_Un, exit);
        _il.Emit(OpCodes.Ldloc, offset);
    }

    private void Find(in GuestInstruction instruction, Op* op, int size, bool write, int alignment)
    {
        var place = _accesses.OperandOf(_instruction);
        var group = _accesses.Find(place, size, write);
        if (group?.Address == null)
        {
            var miss = ExitHere();
            LoadEffectiveAddress(op);
            MoveToStart(group, place);
            Translate(in instruction, op, SizeOf(group, size), write, miss);
            Check(group, size, write, miss);
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

    // From the address of one access to the first of its group.
    private void MoveToStart(BlockAccesses.Group? group, BlockAccesses.Place place)
    {
        if (group == null || place.Distance == group.Low)
            return;
        _il.Emit(OpCodes.Ldc_I8, group.Low - place.Distance);
        _il.Emit(OpCodes.Add);
    }

    private static int SizeOf(BlockAccesses.Group? group, int size) => group == null ? size : (int)(group.High - group.Low);

    private void LoadGroupPlace(BlockAccesses.Group? group, BlockAccesses.Place place)
    {
        if (group == null)
            return;
        _il.Emit(OpCodes.Ldloc, group.Address!);
        Offset((int)(place.Distance - group.Low));
        _il.Emit(OpCodes.Stloc, Place);
    }

    /// <summary>Finds what lies at the linear address on the stack.</summary>
    /// <param name="size">Bytes.</param>
    /// <param name="write">Find it for writing.</param>
    /// <param name="exit">Where to go if the TLB does not answer.</param>
    public void FindAt(int size, bool write, Label exit) => Check(null, size, write, exit);

    // Looks into the TLB for an access whose linear address is on the stack, or for all of its group, which begins there.
    private void Check(BlockAccesses.Group? group, int size, bool write, Label exit)
    {
        _linear ??= _il.DeclareLocal(typeof(ulong));
        _entry ??= _il.DeclareLocal(typeof(nint));
        var address = Place;
        if (group != null)
        {
            size = SizeOf(group, size);
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
