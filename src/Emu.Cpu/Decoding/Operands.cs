using Emu.Cpu.Compilation.Emissions;
using Emu.Cpu.Execution;
using Emu.Cpu.Memory;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Cpu.Decoding;

/// <summary>Which <see cref="IAddressing"/> a memory operand takes.</summary>
public enum AddressingKind
{
    /// <summary><see cref="LongAddress"/>.</summary>
    Long,

    /// <summary><see cref="LongSegmentAddress"/>.</summary>
    LongSegment,

    /// <summary><see cref="FlatAddress"/>.</summary>
    Flat,

    /// <summary><see cref="SegmentedAddress"/>.</summary>
    Segmented,
}

/// <summary>Which <see cref="IStack"/> stack instructions take.</summary>
public enum StackKind
{
    /// <summary><see cref="LongStack"/>.</summary>
    Long,

    /// <summary><see cref="FlatStack"/>.</summary>
    Flat,

    /// <summary><see cref="SegmentedStack"/>.</summary>
    Segmented,
}

/// <summary>One instruction on its way from Iced's form to an <see cref="Op"/>: what binders work on.</summary>
public unsafe ref struct Operands
{
    /// <summary>Most ops that one instruction may take.</summary>
    public const int MaxOpsPerInstruction = 2;

    private readonly ref readonly Instruction _instruction;
    private readonly Block* _noBlock;
    private readonly uint _pageOffset;

    /// <summary>Fills what all instructions share: length, address size, the memory operand, the code.</summary>
    public Operands(ref readonly Instruction instruction, Op* op, CodeMode mode, uint pageOffset, Block* noBlock, bool isForCompiler = false)
    {
        IsForCompiler = isForCompiler;
        _pageOffset = pageOffset;
        _instruction = ref instruction;
        _noBlock = noBlock;
        Op = op;
        Mode = mode;
        Ops = 1;
        op->Code = (ushort)instruction.Code;
        op->Base = op->Index = CpuState.ZeroOffset;
        op->Segment = (byte)SegmentName.Ds;
        var addressSize = CodeSize switch { 64 => 8, 32 => 4, _ => 2 };
        // Kinds of operands that an instruction does not have are those of registers.
        HasMemory = instruction.Op0Kind == OpKind.Memory || instruction.Op1Kind == OpKind.Memory || instruction.Op2Kind == OpKind.Memory
            || instruction.Op3Kind == OpKind.Memory;
        if (HasMemory)
            addressSize = TakeMemory();
        op->Shape = Execution.Op.AddressSizeOf(instruction.Length, addressSize);
    }

    /// <summary>The decoded instruction. Its IP counts from the block's start.</summary>
    public readonly ref readonly Instruction Instruction => ref _instruction;

    /// <summary>The op to fill.</summary>
    public Op* Op { get; }

    /// <summary>Mode of the code.</summary>
    public CodeMode Mode { get; }

    /// <summary>Ops used: 1, or 2 where a binder also wrote the one that follows <see cref="Op"/>.</summary>
    public int Ops { get; set; }

    /// <summary>Set by a binder whose handler does not go on with the next instruction by itself.</summary>
    public bool EndsBlock { get; set; }

    /// <summary>True where the compiler wants to know what to do: a binder that can say it sets <see cref="Emission"/>.</summary>
    public readonly bool IsForCompiler { get; }

    /// <summary>What compiled code does for the instruction; null where it is to call the handler.</summary>
    internal Emission? Emission { get; set; }

    /// <summary>16, 32 or 64.</summary>
    public readonly int CodeSize => 16 << (int)(Mode & CodeMode.CodeSize);

    /// <summary>True for 64-bit code.</summary>
    public readonly bool Is64 => (Mode & CodeMode.Code64) != 0;

    /// <summary>True where an operand is in memory (LEA's and string instructions' included).</summary>
    public bool HasMemory { get; }

    /// <summary>Which address arithmetic the memory operand takes.</summary>
    public readonly AddressingKind Addressing
    {
        get
        {
            var fsOrGs = Op->Segment >= (byte)SegmentName.Fs;
            var throughCode = Op->Segment == (byte)SegmentName.Cs;
            if (Is64 && Op->AddressSize == 8)
                return fsOrGs ? AddressingKind.LongSegment : AddressingKind.Long;
            return (Mode & CodeMode.Flat) != 0 && !Is64 && !fsOrGs && !throughCode && Op->AddressSize == 4 ? AddressingKind.Flat : AddressingKind.Segmented;
        }
    }

    /// <summary>Which stack the code uses.</summary>
    public readonly StackKind Stack =>
        Is64 ? StackKind.Long : (Mode & (CodeMode.Flat | CodeMode.Stack32)) == (CodeMode.Flat | CodeMode.Stack32) ? StackKind.Flat : StackKind.Segmented;

    /// <summary>The block that an unlinked terminator's <see cref="Execution.Op.Immediate"/> holds.</summary>
    public readonly long Unlinked => (long)_noBlock;

    /// <summary>True where an address, counted from the block's start, lies in the page of the block's start.</summary>
    public readonly bool IsInPage(int offset) => (uint)((int)_pageOffset + offset) < PhysicalMemory.PageSize;

    /// <summary>The kind of an operand.</summary>
    public readonly OpKind Kind(int operand) => _instruction.GetOpKind(operand);

    /// <summary>True where an operand is a register.</summary>
    public readonly bool IsRegister(int operand) => Kind(operand) == OpKind.Register;

    /// <summary>Bytes of a register operand, or of the memory operand.</summary>
    public readonly int SizeOf(int operand) =>
        IsRegister(operand) ? RegisterFacts.SizeOf(_instruction.GetOpRegister(operand)) : RegisterFacts.SizeOf(_instruction.MemorySize);

    /// <summary>Byte offset in <see cref="CpuState"/> of a general register operand; number of any other register.</summary>
    public readonly byte RegisterOf(int operand) => RegisterOffset(_instruction.GetOpRegister(operand));

    /// <summary>Byte offset in <see cref="CpuState"/> of a general register; number of any other register.</summary>
    public static byte RegisterOffset(Register register) => RegisterFacts.OffsetOf(register);

    /// <summary>Takes an implicit memory operand at DS:rDI (MASKMOVDQU) as if it had been encoded, its segment override included.</summary>
    public readonly void TakeStringDestination(int operand)
    {
        var addressSize = Kind(operand) switch { OpKind.MemorySegDI => 2, OpKind.MemorySegEDI => 4, _ => 8 };
        Op->Base = RegisterOffset(Register.RDI);
        Op->Index = CpuState.ZeroOffset;
        Op->Segment = SegmentOf(Register.RDI);
        Op->Shape = Execution.Op.AddressSizeOf(_instruction.Length, addressSize);
    }

    /// <summary>
    /// The segment of a memory operand. 64-bit code ignores overrides but FS and GS, also where they would decide between #SS and #GP.
    /// </summary>
    /// <param name="baseRegister">The base of its address.</param>
    public readonly byte SegmentOf(Register baseRegister)
    {
        var segment = (SegmentName)(_instruction.MemorySegment - Register.ES);
        if (Is64 && segment < SegmentName.Fs)
            segment = baseRegister is Register.RSP or Register.RBP or Register.ESP or Register.EBP ? SegmentName.Ss : SegmentName.Ds;
        return (byte)segment;
    }

    /// <summary>Takes the implicit address in rAX (MONITOR, CLZERO): DS, unless a prefix names another segment.</summary>
    /// <param name="addressSize">2, 4 or 8 bytes.</param>
    public readonly void TakeAccumulatorAddress(int addressSize)
    {
        Op->Base = RegisterOffset(Register.RAX);
        Op->Index = CpuState.ZeroOffset;
        if (_instruction.HasSegmentPrefix)
            Op->Segment = (byte)(_instruction.SegmentPrefix - Register.ES);
        Op->Shape = Execution.Op.AddressSizeOf(_instruction.Length, addressSize);
    }

    private readonly int TakeMemory()
    {
        ref readonly var i = ref _instruction;
        Op->Base = RegisterOffset(i.MemoryBase);
        if (!i.MemoryIndex.IsVectorRegister())
            Op->Index = RegisterOffset(i.MemoryIndex);
        Op->Scale = (byte)System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
        Op->Displacement = (int)i.MemoryDisplacement64;
        Op->Segment = SegmentOf(i.MemoryBase);
        return i.MemoryBase switch
        {
            Register.RIP => 8,
            Register.EIP => 4,
            _ when i.MemoryBase != Register.None => RegisterFacts.SizeOf(i.MemoryBase),
            _ when i.MemoryIndex.IsGPR() => RegisterFacts.SizeOf(i.MemoryIndex),
            _ => i.MemoryDisplSize,
        };
    }
}
