using Emu.Cpu;
using Emu.Cpu.State;
using Iced.Intel;

namespace Emu.Differential.Generation;

/// <summary>Makes programs of one to eight instructions whose accesses can be steered.</summary>
public sealed class ProgramGenerator
{
    private const int MaxInstructions = 8;
    private const int BranchLandings = 3;

    // Branch landings lie so far behind the start that a short branch reaches them from everywhere before.
    private const int LandingsAt = 0x60;
    private const int Attempts = 12;

    private static readonly byte[] SegmentPrefixes = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65];

    private readonly Randomness _random;
    private readonly CodeCatalogue _catalogue;
    private readonly OperandGenerator _operands;
    private readonly DecoderOptions _decoding;
    private readonly CpuModel _model;
    private readonly List<byte> _bytes = [];

    /// <summary>Makes a generator.</summary>
    public ProgramGenerator(Randomness random, CodeCatalogue catalogue, CpuModel model)
    {
        _random = random;
        _catalogue = catalogue;
        _model = model;
        _operands = new OperandGenerator(random);
        _decoding = model.Vendor == CpuVendor.Amd ? DecoderOptions.AMD : DecoderOptions.None;
    }

    /// <summary>A program around one form, or null where none could be made.</summary>
    /// <param name="size">Width of code.</param>
    /// <param name="main">The form that must occur.</param>
    public GeneratedProgram? TryMake(CodeSize size, Code main)
    {
        var wanted = _random.OneIn(2) ? 1 : _random.Between(2, MaxInstructions + 1);
        var mainAt = _random.Below(wanted);
        var segmentBase = TestProgram.SegmentBaseOf(size);
        var start = Layout.Code + 0x400 + (ulong)_random.Below(64);
        if (_random.OneIn(10))
            start = Layout.Code + 0x1000 - (ulong)_random.Between(1, 24);
        var ip = start - segmentBase;
        _operands.Targets = [ip + LandingsAt, ip + LandingsAt + TestProgram.LandingLength, ip + LandingsAt + 2 * TestProgram.LandingLength];
        var program = new GeneratedProgram();
        _bytes.Clear();
        for (var i = 0; i < wanted; i++)
        {
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                var code = i == mainAt ? main : _random.Pick<Code>(_catalogue.For(size));
                if (TryAdd(program, size, code, ip + (ulong)_bytes.Count, wanted > 1))
                    break;
                if (i == mainAt && attempt == Attempts - 1)
                    return null;
            }
        }
        if (program.Facts.Count == 0 || _bytes.Count > LandingsAt - TestProgram.LandingLength)
            return null;
        var landings = new ulong[1 + BranchLandings];
        landings[0] = start + (ulong)_bytes.Count;
        for (var i = 0; i < BranchLandings; i++)
            landings[i + 1] = start + LandingsAt + (ulong)(i * TestProgram.LandingLength);
        program.Program = new TestProgram
        {
            Size = size,
            Start = start,
            Bytes = [.. _bytes],
            Instructions = [.. program.Facts.Select(static facts => facts.Instruction)],
            Landings = landings,
        };
        return program;
    }

    private bool TryAdd(GeneratedProgram program, CodeSize size, Code code, ulong ip, bool isSequence)
    {
        if (_operands.TryMake(code, size, _random.OneIn(2)) is not { } instruction)
            return false;
        var encoded = new List<byte>();
        var writer = new ListWriter(encoded);
        var encoder = Encoder.Create((int)size, writer);
        if (!encoder.TryEncode(instruction, ip, out _, out _))
            return false;
        var bytes = Mutate(encoded, instruction);
        var decoder = Iced.Intel.Decoder.Create((int)size, bytes.ToArray(), ip, _decoding);
        var decoded = decoder.Decode();
        if (decoded.IsInvalid || decoded.Length != bytes.Count || !_catalogue.Contains(decoded.Code) || !_model.Supports(decoded.Code))
            return false;
        var facts = new InstructionFacts(in decoded);
        if (isSequence && facts.StandsAlone || !program.Accepts(facts))
            return false;
        program.Add(facts);
        _bytes.AddRange(bytes);
        return true;
    }

    // Prefixes that change little or nothing, but must be taken so.
    private List<byte> Mutate(List<byte> bytes, in Instruction instruction)
    {
        if (!_random.OneIn(6) || instruction.IsStringInstruction || instruction.FlowControl != FlowControl.Next)
            return bytes;
        bytes.Insert(0, _random.OneIn(2) ? SegmentPrefixes[_random.Below(SegmentPrefixes.Length)] : _random.OneIn(2) ? (byte)0x66 : (byte)0x67);
        return bytes;
    }
}

/// <summary>Collects what an encoder writes.</summary>
internal sealed class ListWriter(List<byte> list) : CodeWriter
{
    public override void WriteByte(byte value) => list.Add(value);
}

/// <summary>A program with what is known of its instructions.</summary>
public sealed class GeneratedProgram
{
    private uint _written, _writtenVectors, _writtenSegments;
    private ulong _undefined;
    private bool _writesMemory, _usesStack;

    /// <summary>The program.</summary>
    public TestProgram Program { get; set; } = null!;

    /// <summary>Its instructions.</summary>
    public List<InstructionFacts> Facts { get; } = [];

    /// <summary>For each instruction the flags that may be undefined after it.</summary>
    public List<ulong> UndefinedAfter { get; } = [];

    /// <summary>Whether the vector registers matter.</summary>
    public bool UsesVectors { get; private set; }

    /// <summary>Whether the x87 FPU matters.</summary>
    public bool UsesX87 { get; private set; }

    /// <summary>True where the instruction's addresses and what it reads are still known when it follows the others.</summary>
    internal bool Accepts(InstructionFacts facts)
    {
        const uint StackPointer = 1u << 4;
        var needed = facts.AddressRegisters;
        // Pushes and pops move the stack pointer a little; only other writes make it unknown.
        var written = _usesStack ? _written : _written & ~StackPointer;
        if ((needed & written) != 0 || (facts.AddressVectors & _writtenVectors) != 0 || (facts.AddressSegments & _writtenSegments) != 0)
            return false;
        if ((facts.Instruction.RflagsRead & Iced(_undefined)) != 0)
            return false;
        return !(facts.IsIndirectBranch && _writesMemory);
    }

    internal void Add(InstructionFacts facts)
    {
        const uint StackPointer = 1u << 4;
        Facts.Add(facts);
        _written |= facts.WrittenRegisters;
        _writtenVectors |= facts.WrittenVectors;
        _writtenSegments |= facts.WrittenSegments;
        _writesMemory |= facts.WritesMemory;
        _usesStack |= (facts.WrittenRegisters & StackPointer) != 0 && !facts.Instruction.IsStackInstruction
            || facts.Instruction.Mnemonic is Mnemonic.Leave or Mnemonic.Enter
            || (facts.Instruction.Mnemonic == Mnemonic.Pop && WritesStackPointer(facts.Instruction));
        _undefined = (facts.MayLeaveFlags ? _undefined : _undefined & ~Ours(facts.Instruction.RflagsModified)) | facts.UndefinedFlags;
        UndefinedAfter.Add(_undefined);
        UsesVectors |= facts.UsesVectors;
        UsesX87 |= facts.UsesX87;
    }

    /// <summary>The program without one instruction, or null where the rest cannot be encoded again.</summary>
    public GeneratedProgram? Without(int left)
    {
        var smaller = new GeneratedProgram();
        var bytes = new List<byte>();
        var ip = Program.Start - Program.SegmentBase;
        for (var i = 0; i < Facts.Count; i++)
        {
            if (i == left)
                continue;
            var writer = new ListWriter(bytes);
            if (!Encoder.Create((int)Program.Size, writer).TryEncode(Facts[i].Instruction, ip + (ulong)bytes.Count, out var length, out _))
                return null;
            var decoder = Decoder.Create((int)Program.Size, bytes.Skip(bytes.Count - (int)length).ToArray(), ip + (ulong)bytes.Count - length);
            smaller.Add(new InstructionFacts(decoder.Decode()));
        }
        smaller.Program = new TestProgram
        {
            Size = Program.Size,
            Start = Program.Start,
            Bytes = [.. bytes],
            Instructions = [.. smaller.Facts.Select(static facts => facts.Instruction)],
            Landings = [Program.Start + (ulong)bytes.Count, .. Program.Landings[1..]],
        };
        return smaller;
    }

    private static bool WritesStackPointer(in Instruction instruction) =>
        instruction.Op0Kind == OpKind.Register && instruction.Op0Register.GetFullRegister() == Register.RSP;

    private static RflagsBits Iced(ulong flags) =>
        ((flags & Rflags.Carry) != 0 ? RflagsBits.CF : 0) | ((flags & Rflags.Parity) != 0 ? RflagsBits.PF : 0)
        | ((flags & Rflags.Adjust) != 0 ? RflagsBits.AF : 0) | ((flags & Rflags.Zero) != 0 ? RflagsBits.ZF : 0)
        | ((flags & Rflags.Sign) != 0 ? RflagsBits.SF : 0) | ((flags & Rflags.Overflow) != 0 ? RflagsBits.OF : 0);

    private static ulong Ours(RflagsBits flags) =>
        ((flags & RflagsBits.CF) != 0 ? Rflags.Carry : 0) | ((flags & RflagsBits.PF) != 0 ? Rflags.Parity : 0)
        | ((flags & RflagsBits.AF) != 0 ? Rflags.Adjust : 0) | ((flags & RflagsBits.ZF) != 0 ? Rflags.Zero : 0)
        | ((flags & RflagsBits.SF) != 0 ? Rflags.Sign : 0) | ((flags & RflagsBits.OF) != 0 ? Rflags.Overflow : 0);
}
