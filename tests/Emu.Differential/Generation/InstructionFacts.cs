using Emu.Cpu.State;
using Emu.Differential.Comparison;
using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>What a generator has to know of one instruction.</summary>
public sealed class InstructionFacts
{
    private const int Counts = 64;

    [ThreadStatic]
    private static InstructionInfoFactory? _factory;

    /// <summary>Looks at an instruction.</summary>
    public InstructionFacts(in Instruction instruction)
    {
        Instruction = instruction;
        var info = (_factory ??= new InstructionInfoFactory()).GetInfo(instruction);
        foreach (var memory in info.GetUsedMemory())
        {
            var reference = MemoryReference.From(in memory, in instruction);
            Memory.Add(reference);
            if (reference.Base >= 0)
                AddressRegisters |= 1u << reference.Base;
            if (reference.Index >= 0)
                AddressRegisters |= 1u << reference.Index;
            if (reference.VectorIndex != Register.None)
                AddressVectors |= 1u << reference.VectorIndex.GetNumber();
            AddressSegments |= 1u << (int)reference.Segment;
            WritesMemory |= reference.IsWrite;
        }
        if (instruction.Mnemonic == Mnemonic.Clzero)
            AddCacheLine(in instruction);
        foreach (var used in info.GetUsedRegisters())
        {
            var writes = used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite;
            var register = used.Register;
            if (register.IsGPR())
                WrittenRegisters |= writes ? 1u << (register.GetFullRegister() - Register.RAX) : 0;
            else if (register.IsVectorRegister())
                WrittenVectors |= writes ? 1u << register.GetNumber() : 0;
            else if (register.IsSegmentRegister())
                WrittenSegments |= writes ? 1u << (register - Register.ES) : 0;
            UsesVectors |= register.IsVectorRegister();
            UsesX87 |= register.IsMM() || register.IsST();
        }
        var mnemonic = instruction.Mnemonic;
        UsesX87 |= instruction.Code.CpuidFeatures().Any(static feature =>
            feature is CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387 or CpuidFeature.MMX) || instruction.Mnemonic == Mnemonic.Emms;
        IsState = mnemonic is Mnemonic.Fxsave or Mnemonic.Fxsave64 or Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Xsave or Mnemonic.Xsave64
            or Mnemonic.Xrstor or Mnemonic.Xrstor64 or Mnemonic.Xsavec or Mnemonic.Xsavec64 or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64;
        UsesX87 |= IsState;
        UsesVectors |= IsState || instruction.Encoding == EncodingKind.VEX;
        if (IsBitString)
            AddressRegisters |= 1u << (instruction.Op1Register.GetFullRegister() - Register.RAX);
        if (mnemonic is Mnemonic.Enter or Mnemonic.Leave)
            AddressRegisters |= 1u << 5;
        if (IsIndirectBranch && instruction.Op0Kind == OpKind.Register || LoadsSegment && instruction.Op1Kind == OpKind.Register)
            AddressRegisters |= 1u << ((IsIndirectBranch ? instruction.Op0Register : instruction.Op1Register).GetFullRegister() - Register.RAX);
        if (mnemonic is Mnemonic.Wrfsbase or Mnemonic.Wrgsbase)
        {
            AddressRegisters |= 1u << (instruction.Op0Register.GetFullRegister() - Register.RAX);
            WrittenSegments |= 1u << (mnemonic == Mnemonic.Wrfsbase ? Register.FS - Register.ES : Register.GS - Register.ES);
        }
        UndefinedFlags = UndefinedAfter(in instruction);
    }

    /// <summary>The instruction.</summary>
    public Instruction Instruction { get; }

    /// <summary>Its accesses.</summary>
    public List<MemoryReference> Memory { get; } = [];

    /// <summary>General registers that addresses, branch targets and selectors are made of: one bit each.</summary>
    public uint AddressRegisters { get; private set; }

    /// <summary>Vector registers that addresses are made of.</summary>
    public uint AddressVectors { get; }

    /// <summary>Segments that it reaches memory through.</summary>
    public uint AddressSegments { get; private set; }

    /// <summary>General registers that it may write.</summary>
    public uint WrittenRegisters { get; }

    /// <summary>Vector registers that it may write.</summary>
    public uint WrittenVectors { get; }

    /// <summary>Segment registers that it may write.</summary>
    public uint WrittenSegments { get; }

    /// <summary>Whether it may write memory.</summary>
    public bool WritesMemory { get; private set; }

    /// <summary>Whether the vector registers matter.</summary>
    public bool UsesVectors { get; }

    /// <summary>Whether the x87 FPU matters.</summary>
    public bool UsesX87 { get; }

    /// <summary>FXSAVE, XSAVE and their kind.</summary>
    public bool IsState { get; }

    /// <summary>Accesses many fields.</summary>
    public bool IsLarge => IsState || Instruction.Mnemonic is Mnemonic.Fldenv or Mnemonic.Fnstenv or Mnemonic.Frstor or Mnemonic.Fnsave
        or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu or Mnemonic.Maskmovq;

    /// <summary>Flags that may be undefined after it, whatever its count.</summary>
    public ulong UndefinedFlags { get; }

    /// <summary>BT and its kind with a bit offset that is part of the address.</summary>
    public bool IsBitString => Instruction.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc
        && Instruction.Op0Kind == OpKind.Memory && Instruction.Op1Kind == OpKind.Register;

    /// <summary>A shift or rotation by zero, and a repetition of none, leave the flags.</summary>
    public bool MayLeaveFlags => Instruction.IsStringInstruction
        || Instruction.Mnemonic is Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar
        or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr or Mnemonic.Shld or Mnemonic.Shrd;

    /// <summary>A near jump, call or return whose target is data.</summary>
    public bool IsIndirectBranch => Instruction.FlowControl is FlowControl.IndirectBranch or FlowControl.IndirectCall or FlowControl.Return;

    /// <summary>A load of a segment register.</summary>
    public bool LoadsSegment => Instruction.Mnemonic is Mnemonic.Lds or Mnemonic.Les or Mnemonic.Lss or Mnemonic.Lfs or Mnemonic.Lgs
        || (Instruction.Op0Kind == OpKind.Register && Instruction.Op0Register.IsSegmentRegister()
            && Instruction.Mnemonic is Mnemonic.Mov or Mnemonic.Pop);

    /// <summary>Reads a selector to inspect it.</summary>
    public bool InspectsSelector => Instruction.Mnemonic is Mnemonic.Lar or Mnemonic.Lsl or Mnemonic.Verr or Mnemonic.Verw;

    /// <summary>Whether its outcome has latitude or its operands need preparation that earlier instructions would spoil.</summary>
    public bool StandsAlone => IsState || InspectsSelector || Latitude.HasLatitude(Instruction)
        || Instruction.Mnemonic is Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq or Mnemonic.Shld or Mnemonic.Shrd
            or Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr
            or Mnemonic.Fldenv or Mnemonic.Frstor || LoadsSegment
            || (Instruction.Mnemonic == Mnemonic.Bswap && Instruction.Op0Register.GetSize() == 2);

    // At rAX, which Iced does not name as memory.
    private void AddCacheLine(in Instruction instruction)
    {
        const int Line = 64;
        var segment = instruction.SegmentPrefix switch { Register.FS => SegmentName.Fs, Register.GS => SegmentName.Gs, Register.ES => SegmentName.Es, Register.SS => SegmentName.Ss, Register.CS => SegmentName.Cs, _ => SegmentName.Ds };
        var mask = instruction.Code switch { Code.Clzerow => 0xFFFFUL, Code.Clzerod => uint.MaxValue, _ => ulong.MaxValue };
        Memory.Add(new MemoryReference(segment, 0, -1, 1, 0, mask, Line, mask, true, Register.None));
        AddressRegisters |= 1;
        AddressSegments |= 1u << (int)segment;
        WritesMemory = true;
    }

    private static ulong UndefinedAfter(in Instruction instruction)
    {
        var flags = 0UL;
        for (var count = 0; count < Counts; count++)
            flags |= Comparison.UndefinedFlags.After(in instruction, count);
        return flags;
    }
}
