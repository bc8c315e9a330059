using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>One memory access of an instruction, in terms of the registers before it.</summary>
/// <param name="Segment">The segment.</param>
/// <param name="Base">Number of the base register, or −1.</param>
/// <param name="Index">Number of the index register, or −1.</param>
/// <param name="Scale">1, 2, 4 or 8.</param>
/// <param name="Displacement">Displacement.</param>
/// <param name="Mask">Mask of the effective address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="IndexMask">Mask of the index register: XLAT takes a byte.</param>
/// <param name="IsWrite">Whether it may be written.</param>
/// <param name="VectorIndex">The register that holds indexes, or <see cref="Register.None"/>.</param>
public readonly record struct MemoryReference(
    SegmentName Segment, int Base, int Index, int Scale, ulong Displacement, ulong Mask, int Size,
    ulong IndexMask, bool IsWrite, Register VectorIndex)
{
    private const int XsaveAreaLength = 832;

    /// <summary>Takes what Iced says of an access.</summary>
    public static MemoryReference From(in UsedMemory memory, in Instruction instruction)
    {
        var mask = memory.AddressSize switch
        {
            Iced.Intel.CodeSize.Code16 => 0xFFFFUL,
            Iced.Intel.CodeSize.Code32 => uint.MaxValue,
            _ => ulong.MaxValue,
        };
        var size = memory.MemorySize.GetSize();
        if (size == 0)
            size = instruction.Mnemonic.ToString().StartsWith('X') ? XsaveAreaLength : 1;
        var isVector = memory.Index.IsVectorRegister();
        var access = memory.Access;
        return new MemoryReference(
            SegmentOf(memory.Segment),
            memory.Base.IsGPR() ? memory.Base.GetFullRegister() - Register.RAX : -1,
            memory.Index.IsGPR() ? memory.Index.GetFullRegister() - Register.RAX : -1,
            memory.Scale,
            memory.Displacement,
            mask,
            size,
            memory.Index == Register.AL ? 0xFF : mask,
            access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite,
            isVector ? memory.Index : Register.None);
    }

    /// <summary>The effective address.</summary>
    public unsafe ulong Effective(in MachineState state)
    {
        var address = Displacement;
        if (Base >= 0)
            address += state.Registers[Base];
        if (Index >= 0)
            address += (state.Registers[Index] & IndexMask) * (ulong)Scale;
        return address & Mask;
    }

    /// <summary>The linear address.</summary>
    public unsafe ulong Linear(in MachineState state, CodeSize size)
    {
        var linear = Effective(in state) + BaseOf(in state, size);
        return size == CodeSize.Bits64 ? linear : (uint)linear;
    }

    /// <summary>The base of the segment.</summary>
    public unsafe ulong BaseOf(in MachineState state, CodeSize size) => size == CodeSize.Bits64
        ? Segment switch { SegmentName.Fs => state.FsBase, SegmentName.Gs => state.GsBase, _ => 0 }
        : Segment == SegmentName.Cs ? TestProgram.SegmentBaseOf(size)
        : Segments.Load(state.Selectors[(int)Segment]).Base;

    private static SegmentName SegmentOf(Register segment) => segment switch
    {
        Register.ES => SegmentName.Es,
        Register.CS => SegmentName.Cs,
        Register.SS => SegmentName.Ss,
        Register.FS => SegmentName.Fs,
        Register.GS => SegmentName.Gs,
        _ => SegmentName.Ds,
    };
}
