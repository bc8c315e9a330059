using System.Buffers.Binary;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Differential.Generation;

// Operands of instructions that take no arbitrary ones: divisors, targets, selectors, images of state.
public sealed unsafe partial class StateGenerator
{
    // What single instructions ask of registers and memory.
    private bool Prepare(GeneratedProgram generated, ref MachineState state, Span<byte> data)
    {
        var program = generated.Program;
        foreach (var facts in generated.Facts)
        {
            var instruction = facts.Instruction;
            if (facts.IsIndirectBranch && !SetTarget(facts, program, ref state, data))
                return false;
            if ((facts.LoadsSegment || facts.InspectsSelector) && !SetSelector(facts, program.Size, ref state, data))
                return false;
            switch (instruction.Mnemonic)
            {
                case Mnemonic.Div or Mnemonic.Idiv when (_assigned & 4) == 0 && random.Below(3) != 0:
                    SetDividend(in instruction, ref state);
                    break;
                case Mnemonic.Cmpxchg or Mnemonic.Cmpxchg8b or Mnemonic.Cmpxchg16b when random.OneIn(2):
                    SetEqual(facts, program.Size, ref state, data);
                    break;
                case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jcxz or Mnemonic.Jecxz or Mnemonic.Jrcxz when (_assigned & 2) == 0:
                    state.Registers[1] = random.Pick<ulong>([0, 1, 2, 0x1_0000, 0x1_0001, 0xFFFF_FFFF]);
                    if (program.Size == CodeSize.Bits64 && random.OneIn(3))
                        state.Registers[1] |= 1UL << 32;
                    break;
                case Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr or Mnemonic.Shld
                    or Mnemonic.Shrd or Mnemonic.Sal when (_assigned & 2) == 0 && random.OneIn(2):
                    Put(ref state, 1, (ulong)random.Below(70), 0xFF);
                    break;
                case Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq:
                    // A single-step trap would come where the landing begins, which the two sides make of different instructions.
                    if (Field(state.Registers[StackIndex] + StackBase(in state, program.Size), 8, data) is { IsEmpty: false } flags)
                        flags[1] &= 0xFE;
                    else
                        return false;
                    break;
                case Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr:
                    if (Place(facts, program.Size, in state, 4, data) is { IsEmpty: false } mxcsr)
                        BinaryPrimitives.WriteUInt32LittleEndian(mxcsr, Mxcsr() | (random.OneIn(8) ? 1u << random.Between(18, 32) : 0));
                    else if (IsReadable(facts, program.Size, in state))
                        return false;
                    break;
                case Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Xrstor or Mnemonic.Xrstor64:
                    if (!PrepareArea(facts, program.Size, in state, data))
                        return false;
                    break;
                case Mnemonic.Wrfsbase or Mnemonic.Wrgsbase:
                    // Not canonical on processors with addresses of 57 bits either, or canonical on all.
                    var number = instruction.Op0Register.GetFullRegister() - Register.RAX;
                    if ((_assigned & (1u << number)) != 0)
                        return false;
                    state.Registers[number] = random.OneIn(4) ? (state.Registers[number] & (ulong.MaxValue >> 2)) | (1UL << 62) : Canonical(state.Registers[number]);
                    _assigned |= 1u << number;
                    break;
            }
            if (facts.IsState && instruction.Mnemonic is not (Mnemonic.Fxsave or Mnemonic.Fxsave64 or Mnemonic.Fxrstor or Mnemonic.Fxrstor64))
            {
                // The host manages more components than the guest: ask for those that both have.
                if ((_assigned & 5) != 0)
                    return false;
                state.Registers[0] = (ulong)random.Below(8);
                state.Registers[2] = 0;
            }
        }
        return true;
    }

    /// <summary>The base of the stack segment.</summary>
    public static ulong StackBase(in MachineState state, CodeSize size) =>
        size == CodeSize.Bits64 ? 0 : Segments.Load(state.Selectors[(int)SegmentName.Ss]).Base;

    private void SetDividend(in Instruction instruction, ref MachineState state)
    {
        var isByte = instruction.Op0Kind == OpKind.Register ? instruction.Op0Register.GetSize() == 1 : instruction.MemorySize.GetSize() == 1;
        if (isByte && (_assigned & 1) == 0)
            Put(ref state, 0, instruction.Mnemonic == Mnemonic.Idiv ? (ulong)(long)(sbyte)random.Next() : (byte)random.Next(), 0xFFFF);
        else if (!isByte)
            state.Registers[2] = instruction.Mnemonic == Mnemonic.Idiv && (long)state.Registers[0] < 0 && random.OneIn(2) ? uint.MaxValue : (ulong)random.Below(3);
    }

    private void SetEqual(InstructionFacts facts, CodeSize size, ref MachineState state, Span<byte> data)
    {
        if (facts.Memory.Count == 0 || (_assigned & 5) != 0 || Field(facts.Memory[0].Linear(in state, size), facts.Memory[0].Size, data) is not { IsEmpty: false } place)
            return;
        switch (facts.Instruction.Mnemonic)
        {
            case Mnemonic.Cmpxchg:
                for (var i = 0; i < place.Length; i++)
                    place[i] = (byte)(state.Registers[0] >> (8 * i));
                break;
            case Mnemonic.Cmpxchg8b when place.Length >= 8:
                BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)state.Registers[0]);
                BinaryPrimitives.WriteUInt32LittleEndian(place[4..], (uint)state.Registers[2]);
                break;
            case Mnemonic.Cmpxchg16b when place.Length >= 16:
                BinaryPrimitives.WriteUInt64LittleEndian(place, state.Registers[0]);
                BinaryPrimitives.WriteUInt64LittleEndian(place[8..], state.Registers[2]);
                break;
        }
    }

    private bool SetTarget(InstructionFacts facts, TestProgram program, ref MachineState state, Span<byte> data)
    {
        var landing = program.Landings[random.Below(program.Landings.Length)] - program.SegmentBase;
        var target = random.Below(12) switch
        {
            0 => Layout.Data + 0x100 - (program.Size == CodeSize.Bits16 ? Layout.DataSegment16 : 0),
            1 => 0x1000UL + (ulong)random.Below(0x1000),
            2 when program.Size == CodeSize.Bits64 => NonCanonical,
            _ => landing,
        };
        if (program.Size == CodeSize.Bits16 && target != landing)
            target = landing;
        var instruction = facts.Instruction;
        if (instruction.Op0Kind == OpKind.Register && instruction.FlowControl != FlowControl.Return)
        {
            var number = instruction.Op0Register.GetFullRegister() - Register.RAX;
            if ((_assigned & (1u << number)) != 0)
                return false;
            state.Registers[number] = target;
            _assigned |= 1u << number;
            return true;
        }
        // SYSRET and SYSEXIT take theirs from registers that the program does not name.
        if (facts.Memory.Count == 0)
            return true;
        var reference = facts.Memory[0];
        if (Field(reference.Linear(in state, program.Size), 8, data) is not { IsEmpty: false } place)
            return !IsReadable(facts, program.Size, in state);
        // Narrower targets lead into the first 64 KiB, where nothing is mapped.
        BinaryPrimitives.WriteUInt64LittleEndian(place, target);
        return reference.Size != 2 || program.Size == CodeSize.Bits16;
    }

    private bool SetSelector(InstructionFacts facts, CodeSize size, ref MachineState state, Span<byte> data)
    {
        var instruction = facts.Instruction;
        var selector = random.Pick<ushort>(Selectors);
        var operand = facts.InspectsSelector && instruction.OpCount == 1 ? 0 : 1;
        if (instruction.OpCount > operand && instruction.GetOpKind(operand) == OpKind.Register)
        {
            var number = instruction.GetOpRegister(operand).GetFullRegister() - Register.RAX;
            if ((_assigned & (1u << number)) != 0)
                return false;
            Put(ref state, number, selector, 0xFFFF);
            return true;
        }
        var isFar = instruction.Mnemonic is Mnemonic.Lds or Mnemonic.Les or Mnemonic.Lss or Mnemonic.Lfs or Mnemonic.Lgs;
        var reference = facts.Memory[0];
        var at = reference.Linear(in state, size) + (isFar ? (ulong)reference.Size - 2 : 0);
        if (Field(at, 2, data) is not { IsEmpty: false } place)
            return !IsReadable(facts, size, in state);
        BinaryPrimitives.WriteUInt16LittleEndian(place, selector);
        return true;
    }

    private bool PrepareArea(InstructionFacts facts, CodeSize size, in MachineState state, Span<byte> data)
    {
        var place = Place(facts, size, in state, facts.Memory[0].Size, data);
        if (place.IsEmpty)
            return !IsReadable(facts, size, in state);
        fixed (byte* area = place)
        {
            FillX87(area);
            // Bits of the tag word's upper byte and of the opcode's are reserved.
            *(uint*)(area + XsaveImage.Mxcsr) = Mxcsr() | (random.OneIn(8) ? 1u << random.Between(18, 32) : 0);
            if (facts.Instruction.Mnemonic is Mnemonic.Fxrstor or Mnemonic.Fxrstor64)
                return true;
            new Span<byte>(area + XsaveImage.Header, 64).Clear();
            *(ulong*)(area + XsaveImage.Header) = (ulong)random.Below(8);
            if (random.OneIn(4))
                *(ulong*)(area + XsaveImage.Header + 8) = (1UL << 63) | (uint)random.Below(8);
            if (random.OneIn(10))
                area[XsaveImage.Header + random.Below(64)] = (byte)(1 << random.Below(8));
            // Components that the host has and the guest has not.
            if (((*(ulong*)(area + XsaveImage.Header) | *(ulong*)(area + XsaveImage.Header + 8)) & 0x7FFF_FFFF_FFFF_FFF8) != 0)
                *(ulong*)(area + XsaveImage.Header) = *(ulong*)(area + XsaveImage.Header + 8) = 0;
        }
        return true;
    }

    private static bool IsReadable(InstructionFacts facts, CodeSize size, in MachineState state)
    {
        var linear = facts.Memory[0].Linear(in state, size);
        return linear is >= Layout.ReadOnly - 0x1000 and < Layout.ReadOnly + Layout.ReadOnlyLength or >= Layout.Data - 0x1000 and < Layout.Data + Layout.DataLength;
    }

    private static Span<byte> Place(InstructionFacts facts, CodeSize size, in MachineState state, int length, Span<byte> data) =>
        Field(facts.Memory[0].Linear(in state, size), length, data);

    private static Span<byte> Field(ulong linear, int length, Span<byte> data) =>
        linear >= Layout.Data && linear - Layout.Data <= (ulong)(Layout.DataLength - length) ? data.Slice((int)(linear - Layout.Data), length) : default;
}
