using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>Fills registers and memory for a program so that its accesses go where they may.</summary>
public sealed unsafe partial class StateGenerator(Randomness random)
{
    private const ulong Kernel = 0xFFFF_9000_0000_0000, NonCanonical = 0x0000_9000_0000_0000;
    private const int StackIndex = 4;
    private const int UserAddressBits = 47;
    private const int Mishaps = 16;

    private static readonly ushort[] Selectors =
    [
        0, 0, 1, 2, 3, Segments.Data, Segments.Data, Segments.Data, 0x28, 0x29, Segments.Code32, Segments.Code64, 0x20, 0x10, 0x13, 0x18, 0x1B, 0x37,
        Segments.Code16, Segments.Data16, Segments.Limited, Segments.ExpandDown, Segments.ReadOnly, Segments.NotPresent, 0x0C, 0x24,
    ];

    private uint _assigned;

    /// <summary>Fills memory with values that suit vectors, integers and strings.</summary>
    public void FillData(Span<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        for (var i = 0; i < words.Length; i++)
            words[i] = random.Next();
        // Runs of equal bytes, for comparisons that go on.
        data.Slice(0x400, 0x200).Fill((byte)random.Next());
    }

    /// <summary>Fills registers that a program does not use.</summary>
    public void FillAll(ref MachineState state)
    {
        state = default;
        fixed (byte* image = state.Xsave)
        {
            FillVectors(image);
            ClearX87(image);
        }
    }

    /// <summary>A state for a program, and what its memory must hold.</summary>
    /// <returns>False where none was found: try again.</returns>
    public bool TryFill(GeneratedProgram generated, ref MachineState state, Span<byte> data)
    {
        var size = generated.Program.Size;
        for (var i = 0; i < 16; i++)
            state.Registers[i] = Values.Integer(random);
        if (size != CodeSize.Bits64)
        {
            // What lies above 32 bits is not architectural there.
            for (var i = 0; i < 16; i++)
                state.Registers[i] = i < 8 ? (uint)state.Registers[i] : 0;
        }
        state.Flags = 0x202 | (random.Next() & 0x8D5) | (random.OneIn(6) ? Rflags.Direction : 0) | (random.OneIn(24) ? Rflags.AlignmentCheck : 0)
            | (random.OneIn(8) ? Rflags.Identification : 0);
        FillSegments(size, ref state);
        fixed (byte* image = state.Xsave)
        {
            if (generated.UsesVectors)
                FillVectors(image);
            if (generated.UsesX87)
                FillX87(image);
            else
                ClearX87(image);
        }
        if (!TryAim(generated, ref state, data))
            return false;
        if (generated.UsesVectors || generated.UsesX87 || random.OneIn(4))
            Refresh(generated, in state, data);
        return Prepare(generated, ref state, data);
    }

    // Interesting values where operands are read.
    private void Refresh(GeneratedProgram generated, in MachineState state, Span<byte> data)
    {
        const int Longest = 64;
        foreach (var facts in generated.Facts)
        {
            foreach (var reference in facts.Memory)
            {
                if (reference.VectorIndex != Register.None || reference.Size > Longest || facts.Instruction.IsStringInstruction)
                    continue;
                var place = Field(reference.Linear(in state, generated.Program.Size), reference.Size, data);
                for (var at = 0; at + 8 <= place.Length; at += 8)
                    BinaryPrimitives.WriteUInt64LittleEndian(place[at..], Values.Vector(random));
                if (place.Length is > 1 and < 8)
                    BitConverter.GetBytes(Values.Vector(random)).AsSpan(0, place.Length).CopyTo(place);
                else if (place.Length == 10 && random.OneIn(2))
                    BinaryPrimitives.WriteUInt16LittleEndian(place[8..], Values.Extended(random).SignExponent);
            }
        }
    }

    private void FillSegments(CodeSize size, ref MachineState state)
    {
        state.FsBase = state.GsBase = 0;
        var plain = size switch { CodeSize.Bits64 => random.OneIn(2) ? (ushort)0 : Segments.Data, CodeSize.Bits32 => Segments.Data, _ => Segments.Data16 };
        state.Selectors[(int)SegmentName.Cs] = Native.NativeExecutor.CodeSelector(size);
        state.Selectors[(int)SegmentName.Ds] = state.Selectors[(int)SegmentName.Es] = plain;
        state.Selectors[(int)SegmentName.Fs] = state.Selectors[(int)SegmentName.Gs] = plain;
        state.Selectors[(int)SegmentName.Ss] = size == CodeSize.Bits16 ? Segments.Data16 : Segments.Data;
        if (size == CodeSize.Bits64)
        {
            state.Selectors[(int)SegmentName.Fs] = state.Selectors[(int)SegmentName.Gs] = 0;
            state.FsBase = random.OneIn(2) ? Layout.Data : Canonical(random.Next());
            state.GsBase = random.OneIn(2) ? Layout.Data + 0x800 : Canonical(random.Next());
            return;
        }
        if (random.OneIn(6))
            state.Selectors[(int)SegmentName.Ds] = Unusual();
        if (random.OneIn(6))
            state.Selectors[(int)SegmentName.Es] = Unusual();
        if (random.OneIn(2))
            state.Selectors[(int)SegmentName.Fs] = Unusual();
        state.FsBase = Segments.Load(state.Selectors[(int)SegmentName.Fs]).Base;
        state.GsBase = Segments.Load(state.Selectors[(int)SegmentName.Gs]).Base;
    }

    private ushort Unusual() => random.Pick<ushort>([0, Segments.Limited, Segments.ExpandDown, Segments.ReadOnly, Segments.Data16, Segments.Data]);

    private static ulong Canonical(ulong value) => (ulong)((long)(value << 16) >> 16);

    private bool TryAim(GeneratedProgram generated, ref MachineState state, Span<byte> data)
    {
        var size = generated.Program.Size;
        _assigned = 1u << StackIndex;
        var mishap = random.OneIn(Mishaps);
        SetStack(size, ref state, mishap && random.OneIn(4));
        foreach (var facts in generated.Facts)
        {
            if (facts.Instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Leave && (_assigned & (1u << 5)) == 0)
            {
                state.Registers[5] = StackPlace(size);
                _assigned |= 1u << 5;
            }
            if (facts.IsBitString)
                SetBitOffset(facts, ref state);
            foreach (var reference in facts.Memory)
            {
                if (reference.VectorIndex != Register.None)
                    AimVector(in reference, facts, ref state, size);
                else
                    Aim(in reference, ref state, size, mishap && random.OneIn(2));
            }
            if (facts.Instruction.IsStringInstruction && (_assigned & 2) == 0)
            {
                state.Registers[1] = random.OneIn(16) ? state.Registers[1] : (uint)random.Below(40);
                if (size != CodeSize.Bits64)
                    state.Registers[1] = (uint)state.Registers[1];
                _assigned |= 2;
            }
        }
        return IsHarmless(generated, in state);
    }

    /// <summary>True where a program can only reach the pages meant for it, or fault.</summary>
    public static bool IsHarmless(GeneratedProgram generated, in MachineState state)
    {
        var size = generated.Program.Size;
        foreach (var facts in generated.Facts)
        {
            foreach (var reference in facts.Memory)
            {
                if (reference.VectorIndex != Register.None
                    ? reference.Linear(in state, size) is < Layout.DataSegment16 or >= Layout.DataSegment16 + 0x1_0000 : !IsSafe(reference.Linear(in state, size), reference.Segment, reference.Size, facts, in state, size))
                    return false;
            }
        }
        return true;
    }

    private static bool IsSafe(ulong linear, SegmentName segment, int length, InstructionFacts facts, in MachineState state, CodeSize size)
    {
        var reach = 0L;
        if (facts.IsBitString)
        {
            var number = facts.Instruction.Op1Register.GetFullRegister() - Register.RAX;
            reach = facts.Instruction.Op1Register.GetSize() switch
            {
                2 => (short)state.Registers[number],
                4 => (int)state.Registers[number],
                _ => (long)state.Registers[number],
            } >> 3;
            if (reach is < -0x4000 or > 0x4000)
                return false;
        }
        var from = linear + (ulong)reach;
        if (from >= Layout.ZoneStart && from + (ulong)length <= Layout.ZoneEnd)
            return true;
        if (from < 0xF000)
            return true;
        // What a segment's base and an offset that is not canonical add up to is a matter of the processor.
        if (size == CodeSize.Bits64 && segment >= SegmentName.Fs)
            return false;
        // Non-canonical or the kernel's: no access gets there; it must not wrap around either.
        return size == CodeSize.Bits64 && linear >> UserAddressBits != 0 && from >> UserAddressBits != 0 && from < ulong.MaxValue - 0x1_0000
            && linear < ulong.MaxValue - 0x1_0000;
    }

    private ulong StackPlace(CodeSize size)
    {
        var place = Layout.Data + 0x300 + (ulong)random.Below(0x340) * 8;
        if (random.OneIn(8))
            place += (ulong)random.Below(8);
        return size == CodeSize.Bits16 ? place - Layout.DataSegment16 : place;
    }

    private void SetStack(CodeSize size, ref MachineState state, bool mishap)
    {
        var place = StackPlace(size);
        if (mishap)
        {
            place = random.Below(4) switch
            {
                0 => Layout.Data + (ulong)random.Below(16),
                1 => Layout.Data + Layout.DataLength - (ulong)random.Below(16),
                2 => Layout.ReadOnly + 0x100 + (ulong)random.Below(0x800),
                _ when size == CodeSize.Bits64 => NonCanonical + (ulong)random.Below(0x1000) * 8,
                _ => Layout.ReadOnly - 0x200,
            };
            if (size == CodeSize.Bits16)
                place -= Layout.DataSegment16;
        }
        state.Registers[StackIndex] = place;
    }

    private void SetBitOffset(InstructionFacts facts, ref MachineState state)
    {
        var number = facts.Instruction.Op1Register.GetFullRegister() - Register.RAX;
        if ((_assigned & (1u << number)) != 0)
            return;
        var offset = (ulong)(long)random.Between(-0x3000, 0x3000);
        var width = facts.Instruction.Op1Register.GetSize();
        var mask = width switch { 2 => 0xFFFFUL, 4 => uint.MaxValue, _ => ulong.MaxValue };
        state.Registers[number] = (state.Registers[number] & ~mask) | (offset & mask);
        _assigned |= 1u << number;
    }

    private ulong Target(in MemoryReference reference, CodeSize size, bool mishap)
    {
        var length = (ulong)Math.Max(reference.Size, 1);
        if (!mishap)
        {
            if (random.OneIn(8) && length > 1)
                return Layout.Data + 0x1000 - 1 - (ulong)random.Below((int)length - 1);
            var place = Layout.Data + 0x180 + (ulong)random.Below(0x1D00 - (int)length);
            return random.OneIn(10) ? place : place & ~(Math.Min(System.Numerics.BitOperations.RoundUpToPowerOf2(length), 64) - 1);
        }
        // What a segment's base and an offset that is not canonical add up to is a matter of the processor: no such sums.
        switch (random.Below(size == CodeSize.Bits64 && (reference.Segment < SegmentName.Fs) ? 7 : 5))
        {
            case 0:
                return Layout.Data + Layout.DataLength - (ulong)random.Below((int)length + 1);
            case 1:
                return Layout.Data - (ulong)random.Below((int)length + 1);
            case 2:
                return Layout.ReadOnly + (ulong)random.Below(0x1000 - (int)length);
            case 3:
                return (ulong)random.Below(0xE000);
            case 4:
                return Layout.ZoneStart + 0x800 + (ulong)random.Below(0xC000);
            case 5:
                return NonCanonical + (random.Next() & 0xFFFF_FFFF);
            default:
                return Kernel + (random.Next() & 0xFFFF_FFFF);
        }
    }

    // Sets base and index so that the access hits a target, as far as other accesses have not set them yet.
    private void Aim(in MemoryReference reference, ref MachineState state, CodeSize size, bool mishap)
    {
        var wanted = Target(in reference, size, mishap) - reference.BaseOf(in state, size) - reference.Displacement;
        var freeBase = reference.Base >= 0 && (_assigned & (1u << reference.Base)) == 0;
        var freeIndex = reference.Index >= 0 && (_assigned & (1u << reference.Index)) == 0;
        var factor = (ulong)reference.Scale;
        if (reference.Base >= 0 && reference.Base == reference.Index)
        {
            if (!freeBase)
                return;
            factor++;
            Put(ref state, reference.Base, Divide(wanted, factor, reference.Mask), reference.Mask);
        }
        else if (freeBase)
        {
            if (freeIndex && reference.IndexMask == reference.Mask && random.OneIn(2))
                Put(ref state, reference.Index, (ulong)(long)random.Between(-64, 64), reference.Mask);
            var index = reference.Index >= 0 ? (state.Registers[reference.Index] & reference.IndexMask) * factor : 0;
            Put(ref state, reference.Base, wanted - index, reference.Mask);
        }
        else if (freeIndex && reference.IndexMask == reference.Mask)
        {
            var from = reference.Base >= 0 ? state.Registers[reference.Base] : 0;
            Put(ref state, reference.Index, Divide(wanted - from, factor, reference.Mask), reference.Mask);
        }
        if (reference.Base >= 0)
            _assigned |= 1u << reference.Base;
        if (reference.Index >= 0)
            _assigned |= 1u << reference.Index;
    }

    private static void Put(ref MachineState state, int register, ulong value, ulong mask) =>
        state.Registers[register] = (state.Registers[register] & ~mask) | (value & mask);

    // x with x · factor = value, nearly so for an even factor.
    private static ulong Divide(ulong value, ulong factor, ulong mask)
    {
        if ((factor & 1) == 0)
            return (value & mask) / factor;
        var inverse = factor;
        for (var i = 0; i < 6; i++)
            inverse *= 2 - factor * inverse;
        return value * inverse;
    }

    // Every element of a gather's index stays near its base.
    private void AimVector(in MemoryReference reference, InstructionFacts facts, ref MachineState state, CodeSize size)
    {
        var middle = Layout.Data + 0x800 + (ulong)random.Below(0x1000) - reference.Displacement - reference.BaseOf(in state, size);
        if (random.OneIn(16))
            middle = Layout.Data + Layout.DataLength - 0x80 - reference.Displacement - reference.BaseOf(in state, size);
        if (reference.Base >= 0 && (_assigned & (1u << reference.Base)) == 0)
        {
            Put(ref state, reference.Base, middle, reference.Mask);
            _assigned |= 1u << reference.Base;
        }
        var isWide = facts.Instruction.Code.ToString().Contains("vm64", StringComparison.Ordinal);
        var number = reference.VectorIndex.GetNumber();
        fixed (byte* image = state.Xsave)
        {
            for (var half = 0; half < 2; half++)
            {
                var register = image + (half == 0 ? XsaveImage.Xmm : XsaveImage.YmmHigh) + number * 16;
                for (var at = 0; at < 16; at += isWide ? 8 : 4)
                {
                    if (isWide)
                        *(long*)(register + at) = random.Between(-0x40, 0x40);
                    else
                        *(int*)(register + at) = random.Between(-0x40, 0x40);
                }
            }
        }
    }

    private void FillVectors(byte* image)
    {
        for (var i = 0; i < 32; i++)
            ((ulong*)(image + XsaveImage.Xmm))[i] = Values.Vector(random);
        for (var i = 0; i < 32; i++)
            ((ulong*)(image + XsaveImage.YmmHigh))[i] = Values.Vector(random);
        *(uint*)(image + XsaveImage.Mxcsr) = Mxcsr();
    }

    private uint Mxcsr()
    {
        if (random.OneIn(2))
            return 0x1FA0;
        var mxcsr = (uint)random.Next() & 0xFFFF;
        return random.OneIn(3) ? mxcsr : mxcsr | 0x1F80;
    }

    private static void ClearX87(byte* image)
    {
        new Span<byte>(image, XsaveImage.Mxcsr).Clear();
        *(ushort*)image = 0x37F;
        new Span<byte>(image + XsaveImage.Stack, 128).Clear();
    }

    private void FillX87(byte* image)
    {
        var unmask = random.OneIn(3);
        var control = (ushort)(0x40 | random.Below(4) << 10 | (random.OneIn(3) ? random.Below(4) : 3) << 8 | (unmask ? random.Below(64) : 63));
        var status = (ushort)(random.Below(8) << 11 | (random.Below(16) << 8 & 0x4700) | (random.OneIn(2) ? random.Below(128) : 0));
        if ((status & ~control & 63) != 0)
            status = random.OneIn(8) ? (ushort)(status | 0x8080) : (ushort)(status & 0xFF80);
        *(ushort*)(image + XsaveImage.ControlWord) = control;
        *(ushort*)(image + XsaveImage.StatusWord) = status;
        *(ushort*)(image + XsaveImage.Tags) = random.OneIn(2) ? (byte)random.Next() : (byte)255;
        *(ushort*)(image + XsaveImage.Opcode) = (ushort)random.Below(0x800);
        *(ulong*)(image + XsaveImage.InstructionPointer) = random.Next() >> 17;
        *(ulong*)(image + XsaveImage.OperandPointer) = random.Next() >> 17;
        for (var i = 0; i < 8; i++)
        {
            var (significand, signExponent) = Values.Extended(random);
            *(ulong*)(image + XsaveImage.Stack + i * 16) = significand;
            *(ulong*)(image + XsaveImage.Stack + i * 16 + 8) = signExponent;
        }
    }
}
