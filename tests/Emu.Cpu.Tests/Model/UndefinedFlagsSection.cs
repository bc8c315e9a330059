using System.Globalization;
using System.Numerics;
using System.Text;
using Emu.Cpu.State;
using Emu.Cpu.Tests.Instructions;
using Emu.Differential;
using Emu.Differential.Comparison;
using Emu.Differential.Generation;
using Iced.Intel;
using CodeSize = Emu.Differential.CodeSize;

namespace Emu.Cpu.Tests.Model;

/// <summary>
/// Finds out what the emulator does with every flag that <see cref="UndefinedFlags"/> names, by executing the instruction on random operands
/// until one rule is left that explains all outcomes.
/// </summary>
internal static unsafe class UndefinedFlagsSection
{
    private const int EncodingsPerForm = 40;
    private const int StatesPerEncoding = 6;

    private static readonly (string Name, ulong Bit)[] Flags =
    [
        ("OF", Rflags.Overflow), ("SF", Rflags.Sign), ("ZF", Rflags.Zero), ("AF", Rflags.Adjust), ("PF", Rflags.Parity), ("CF", Rflags.Carry),
    ];

    // What may explain a flag, the simplest first.
    private static readonly (string Text, Func<Outcome, ulong, bool> Holds)[] Rules =
    [
        ("cleared", static (outcome, bit) => (outcome.After & bit) == 0),
        ("set", static (outcome, bit) => (outcome.After & bit) != 0),
        ("kept", static (outcome, bit) => ((outcome.After ^ outcome.Before) & bit) == 0),
        ("as of the result", static (outcome, bit) => IsOfValue(bit) && OfValue(outcome.Result, outcome.Bits, bit) == ((outcome.After & bit) != 0)),
        ("as of the source", static (outcome, bit) => IsOfValue(bit) && OfValue(outcome.Source, outcome.Bits, bit) == ((outcome.After & bit) != 0)),
        ("top bit of the result ≠ CF", static (outcome, bit) => bit != Rflags.Carry && (Bit(outcome.Result, outcome.Bits - 1) != ((outcome.After & Rflags.Carry) != 0)) == ((outcome.After & bit) != 0)),
        ("the result's two top bits differ", static (outcome, bit) =>
            (Bit(outcome.Result, outcome.Bits - 1) != Bit(outcome.Result, outcome.Bits - 2)) == ((outcome.After & bit) != 0)),
        ("the operand's top bit changed", static (outcome, bit) =>
            (Bit(outcome.Result, outcome.Bits - 1) != Bit(outcome.Operand, outcome.Bits - 1)) == ((outcome.After & bit) != 0)),
        ("the last bit shifted out, of the operand or of the zeros behind it", static (outcome, bit) => outcome.LastOut == ((outcome.After & bit) != 0)),
    ];

    private readonly record struct Outcome(ulong Before, ulong After, ulong Operand, ulong Result, ulong Source, int Bits, bool LastOut);

    /// <summary>Writes the section.</summary>
    public static void Append(StringBuilder text)
    {
        text.AppendLine().AppendLine("## Undefined flags").AppendLine();
        text.AppendLine("""
            What the SDM leaves undefined stands in one place, `UndefinedFlags.cs` of the tests: comparisons with other processors pass over it. Here a
            flag is always some function of operands and flags, so that runs can be repeated; the last column was found by execution.

            | instruction | undefined | when | here |
            |---|---|---|---|
            """);
        var rows = new List<(string Mnemonic, string When, string Flags, string Rule)>();
        foreach (var group in Samples().GroupBy(static sample => sample.Mnemonic))
        {
            foreach (var (when, bits) in group.SelectMany(static sample => sample.Undefined).GroupBy(static row => row.When).Select(static g => (g.Key, g.Select(static row => row.Bit).Distinct().ToList())))
            {
                foreach (var byRule in Flags.Where(flag => bits.Contains(flag.Bit)).GroupBy(flag => RuleFor(group, when, flag.Bit)))
                    rows.Add((group.Key.ToString().ToUpperInvariant(), when, string.Join(", ", byRule.Select(static flag => flag.Name)), byRule.Key));
            }
        }
        foreach (var row in rows.GroupBy(static row => (row.Flags, row.When, row.Rule)))
            text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(", ", row.Select(static one => one.Mnemonic))} | {row.Key.Flags} | {row.Key.When} | {row.Key.Rule} |");
        text.Append("""

            Undefined results: BSF and BSR of zero leave the destination as it is, its upper half included; BSWAP of 16 bits gives zero; in SHLD and
            SHRD of 16 bits by more than 16 the source's bits come round again.

            """);
    }

    private sealed record Sample(Mnemonic Mnemonic, List<(string When, ulong Bit)> Undefined, Outcome Outcome);

    private static string RuleFor(IEnumerable<Sample> samples, string when, ulong bit)
    {
        var outcomes = samples.Where(sample => sample.Undefined.Contains((when, bit))).Select(static sample => sample.Outcome).ToList();
        foreach (var (name, holds) in Rules)
        {
            if (outcomes.All(outcome => holds(outcome, bit)))
                return name;
        }
        return "some function of operands and flags";
    }

    private static IEnumerable<Sample> Samples()
    {
        using var fixture = new CpuFixture();
        var random = new Randomness(1);
        var operands = new OperandGenerator(random);
        foreach (var code in IntegerForms.All.OrderBy(static code => code.Mnemonic().ToString(), StringComparer.Ordinal))
        {
            var is32 = !code.ToOpCode().Mode64;
            for (var i = 0; i < EncodingsPerForm; i++)
            {
                var bytes = is32 ? Encode32(code, random, out var instruction) : Encode64(operands, code, out instruction);
                if (bytes == null || Enumerable.Range(0, 64).All(count => UndefinedFlags.After(instruction, count) == 0))
                    break;
                if (is32)
                    fixture.Enter32Bit();
                else
                    fixture.Enter64Bit();
                for (var n = 0; n < StatesPerEncoding; n++)
                {
                    if (Run(fixture, instruction, bytes, random) is { } sample)
                        yield return sample;
                }
            }
        }
    }

    private static byte[]? Encode64(OperandGenerator operands, Code code, out Instruction instruction)
    {
        instruction = operands.TryMake(code, CodeSize.Bits64, memory: false) ?? default;
        return Encode(64, in instruction);
    }

    private static byte[]? Encode32(Code code, Randomness random, out Instruction instruction)
    {
        instruction = new Instruction { Code = code };
        if (code.ToOpCode().OpCount == 1)
        {
            instruction.SetOpKind(0, OpKind.Immediate8);
            instruction.Immediate8 = (byte)random.Between(1, 256);
        }
        return Encode(32, in instruction);
    }

    private static byte[]? Encode(int bitness, in Instruction instruction)
    {
        using var stream = new MemoryStream();
        return Iced.Intel.Encoder.Create(bitness, new StreamCodeWriter(stream)).TryEncode(instruction, 0, out _, out _) ? stream.ToArray() : null;
    }

    // Null where the flags are defined, or the instruction faults.
    private static Sample? Run(CpuFixture fixture, in Instruction instruction, byte[] bytes, Randomness random)
    {
        var s = fixture.State;
        for (var i = 0; i < 16; i++)
            s->Registers[i] = Values.Integer(random) & (random.OneIn(3) ? 0xFF : ulong.MaxValue);
        fixture.Flags = 0x202 | (random.Next() & Rflags.Arithmetic);
        fixture.Load(bytes);
        var before = fixture.Flags;
        var count = Count(instruction, s);
        var destination = instruction.Op0Kind == OpKind.Register && instruction.OpCount > 1 ? instruction.Op0Register : Register.None;
        var bits = 8 * Size(instruction);
        var operand = Value(s, destination == Register.None ? Accumulator(bits) : destination);
        var source = instruction.OpCount > 1 && instruction.Op1Kind == OpKind.Register ? Value(s, instruction.Op1Register) : 0;
        if (fixture.Run(1) >= 0)
            return null;
        var undefined = UndefinedFlags.After(instruction, count);
        if (undefined == 0)
            return null;
        var whens = new List<(string, ulong)>();
        foreach (var (_, bit) in Flags.Where(flag => (undefined & flag.Bit) != 0))
            whens.Add((When(instruction, bits, bit), bit));
        var result = Value(s, destination == Register.None ? Accumulator(bits) : destination);
        var lastOut = count > 0 && count <= bits && (instruction.Mnemonic is Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Shrd ? Bit(operand, count - 1) : Bit(operand, bits - count));
        return new Sample(instruction.Mnemonic, whens, new Outcome(before, fixture.Flags, operand, result, source, bits, lastOut));
    }

    // For which counts a flag is undefined.
    private static string When(in Instruction instruction, int bits, ulong bit)
    {
        for (var first = 0; first < 64; first++)
        {
            if ((UndefinedFlags.After(instruction, first) & bit) == 0)
                continue;
            return first == 0 ? "always" : first == 1 ? "count ≠ 0" : first == 2 ? "count > 1" : first == bits ? "count ≥ width" : "count > width";
        }
        return "always";
    }

    private static int Count(in Instruction instruction, CpuState* s)
    {
        var last = instruction.OpCount - 1;
        if (last < 1)
            return 0;
        var count = instruction.GetOpKind(last) == OpKind.Register ? (int)s->Registers[1]
            : instruction.GetOpKind(last) == OpKind.Immediate8 ? instruction.Immediate8 : 0;
        return count & (Size(instruction) == 8 ? 63 : 31);
    }

    private static int Size(in Instruction instruction) => instruction.OpCount > 0 && instruction.Op0Kind == OpKind.Register ? instruction.Op0Register.GetSize() : 1;

    private static Register Accumulator(int bits) => bits switch { 8 => Register.AL, 16 => Register.AX, 32 => Register.EAX, _ => Register.RAX };

    private static ulong Value(CpuState* s, Register register)
    {
        var value = register is >= Register.AH and <= Register.BH ? s->Registers[register - Register.AH] >> 8 : s->Registers[register.GetFullRegister().GetNumber()];
        var bits = register.GetSize() * 8;
        return bits == 64 ? value : value & ((1UL << bits) - 1);
    }

    private static bool Bit(ulong value, int bit) => (value >> bit & 1) != 0;

    private static bool OfValue(ulong value, int bits, ulong flag) => flag switch
    {
        Rflags.Zero => value == 0,
        Rflags.Sign => Bit(value, bits - 1),
        Rflags.Parity => (BitOperations.PopCount(value & 0xFF) & 1) == 0,
        _ => false,
    };

    // The flags that a value alone decides.
    private static bool IsOfValue(ulong flag) => (flag & (Rflags.Zero | Rflags.Sign | Rflags.Parity)) != 0;
}
