using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;
using Emu.Cpu.State;

namespace Emu.Cpu.Tests.Instructions;

/// <summary>
/// One line of a case file: <c>[11 d8] "adc eax,ebx" RAX=ffffffff, RBX=1, CF=1 ⇒ RAX=1, CF=1</c>.
/// The 64-bit cases are what an AMD processor did. Numbers are hexadecimal. Before the arrow stands what the instruction needs: registers
/// (<c>RAX</c>, <c>XMM1</c>, <c>YMM1</c>), flags that are set, memory as <c>m32[802000]=1234</c>. After it stands what changes; a flag that
/// the SDM leaves undefined is written <c>CF=?</c>. What is not
/// named must stay as it was. Code is 64-bit unless the brackets begin with <c>16:</c> or <c>32:</c>. <c>⇒ #DE</c> is an exception.
/// </summary>
internal sealed partial class InstructionCase
{
    private static readonly string[] RegisterNames =
        ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"];

    private static readonly Dictionary<string, ulong> FlagNames = new()
    {
        ["CF"] = Rflags.Carry,
        ["PF"] = Rflags.Parity,
        ["AF"] = Rflags.Adjust,
        ["ZF"] = Rflags.Zero,
        ["SF"] = Rflags.Sign,
        ["OF"] = Rflags.Overflow,
        ["DF"] = Rflags.Direction,
    };

    private static readonly Dictionary<string, int> Exceptions = new()
    {
        ["#DE"] = ExceptionVector.DivideError,
        ["#UD"] = ExceptionVector.InvalidOpcode,
        ["#SS"] = ExceptionVector.StackFault,
        ["#NM"] = ExceptionVector.DeviceNotAvailable,
        ["#GP"] = ExceptionVector.GeneralProtection,
    };

    private readonly string _line;
    private readonly int _codeSize;
    private readonly byte[] _code;
    private readonly string[] _before, _after;

    private InstructionCase(string line)
    {
        _line = line;
        var match = Line().Match(line);
        if (!match.Success)
            throw new FormatException($"not a case: {line}");
        _codeSize = match.Groups["size"].Success ? int.Parse(match.Groups["size"].Value, CultureInfo.InvariantCulture) : 64;
        _code = Convert.FromHexString(match.Groups["code"].Value.Replace(" ", "", StringComparison.Ordinal));
        _before = Items(match.Groups["before"].Value);
        _after = Items(match.Groups["after"].Value);
    }

    /// <summary>The cases of a file; empty lines and those that begin with a # are passed over.</summary>
    public static IEnumerable<InstructionCase> Read(string path) =>
        File.ReadLines(path).Where(static line => line.Length > 0 && line[0] != '#').Select(static line => new InstructionCase(line));

    /// <summary>Runs the case; returns what is wrong, or null.</summary>
    public unsafe string? Run(CpuFixture fixture)
    {
        Enter(fixture);
        var expected = new ulong[16];
        var vectors = new BigInteger[16];
        var s = fixture.State;
        for (var i = 0; i < 16; i++)
        {
            expected[i] = _codeSize == 64 ? 0x1111_1111_1111_1111 * (ulong)i : 0x1111_1111u * (uint)i;
            vectors[i] = BigInteger.Parse("0" + string.Concat(Enumerable.Repeat($"f{i:x}", 32)), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
        expected[4] = 0x6000;
        var flags = Rflags.AlwaysSet;
        var ignored = 0UL;
        foreach (var item in _before)
            Apply(fixture, item, expected, vectors, ref flags, ref ignored);
        for (var i = 0; i < 16; i++)
        {
            s->Registers[i] = expected[i];
            Vector(fixture, i).Clear();
            vectors[i].TryWriteBytes(Vector(fixture, i), out _, isUnsigned: true);
        }
        fixture.Flags = flags;
        fixture.Load(_code, _codeSize == 16 ? 0x7000UL : CpuFixture.Code);
        var start = s->Rip;

        var vector = fixture.Run(1);
        var wrong = new List<string>();
        if (_after is [{ } only] && Exceptions.TryGetValue(only, out var exception))
        {
            if (vector != exception)
                wrong.Add($"exception {vector}");
        }
        else
        {
            if (vector >= 0)
                return $"{_line}{Environment.NewLine}  raised exception {vector}";
            foreach (var item in _after)
                Check(fixture, item, expected, vectors, ref flags, ref ignored, wrong);
            if (s->Rip != start + (ulong)_code.Length)
                wrong.Add($"RIP={s->Rip:x}");
        }
        for (var i = 0; i < 16; i++)
        {
            var mask = _codeSize == 64 ? ulong.MaxValue : uint.MaxValue;
            if (((s->Registers[i] ^ expected[i]) & mask) != 0)
                wrong.Add($"{RegisterNames[i]}={s->Registers[i]:x}");
            if (new BigInteger(Vector(fixture, i), isUnsigned: true) is var vector256 && vector256 != vectors[i])
                wrong.Add($"YMM{i}={vector256.ToString("x64", CultureInfo.InvariantCulture)[^64..]}");
        }
        foreach (var (name, bit) in FlagNames)
        {
            if (((fixture.Flags ^ flags) & bit & ~ignored) != 0)
                wrong.Add($"{name}={((fixture.Flags & bit) != 0 ? 1 : 0)}");
        }
        return wrong.Count == 0 ? null : $"{_line}{Environment.NewLine}  found {string.Join(", ", wrong)}";
    }

    private unsafe void Enter(CpuFixture fixture)
    {
        switch (_codeSize)
        {
            case 16:
                fixture.Enter16Bit();
                break;
            case 32:
                fixture.Enter32Bit();
                break;
            default:
                fixture.Enter64Bit();
                break;
        }
        fixture.State->Cr4 = Cr4.Osfxsr | Cr4.Osxmmexcpt | Cr4.Osxsave;
        fixture.State->Xcr0 = fixture.Vcpu.Model.Xcr0Bits;
    }

    // All 32 bytes of a vector register.
    private static unsafe Span<byte> Vector(CpuFixture fixture, int number) => new(fixture.State->Vectors + number * 4, 32);

    private static void Apply(CpuFixture fixture, string item, ulong[] registers, BigInteger[] vectors, ref ulong flags, ref ulong ignored)
    {
        var (name, value) = Split(item);
        if (FlagNames.TryGetValue(name, out var bit))
        {
            ignored |= value == "?" ? bit : 0;
            flags = value == "1" ? flags | bit : flags & ~bit;
        }
        else if (Memory().Match(name) is { Success: true } memory)
        {
            Place(fixture, memory, out _).Clear();
            Large(value).TryWriteBytes(Place(fixture, memory, out _), out _, isUnsigned: true);
        }
        else if (VectorName().Match(name) is { Success: true } vector)
        {
            // XMM names the lower half: the upper one is what it was.
            var number = int.Parse(vector.Groups["number"].Value, CultureInfo.InvariantCulture);
            vectors[number] = name[0] == 'Y' ? Large(value) : (vectors[number] >> 128 << 128) | Large(value);
        }
        else
        {
            registers[Array.IndexOf(RegisterNames, name)] = Hexadecimal(value);
        }
    }

    private static void Check(CpuFixture fixture, string item, ulong[] registers, BigInteger[] vectors, ref ulong flags, ref ulong ignored, List<string> wrong)
    {
        var (name, value) = Split(item);
        if (Memory().Match(name) is not { Success: true } memory)
        {
            Apply(fixture, item, registers, vectors, ref flags, ref ignored);
            return;
        }
        var place = Place(fixture, memory, out _);
        if (new BigInteger(place, isUnsigned: true) != Large(value))
            wrong.Add($"{name}={Convert.ToHexString(place)} (as bytes)");
    }

    private static Span<byte> Place(CpuFixture fixture, Match memory, out int length)
    {
        length = int.Parse(memory.Groups["bits"].Value, CultureInfo.InvariantCulture) / 8;
        return fixture.Ram(Hexadecimal(memory.Groups["address"].Value), length);
    }

    private static string[] Items(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static (string Name, string Value) Split(string item)
    {
        var equals = item.IndexOf('=', StringComparison.Ordinal);
        return (item[..equals], item[(equals + 1)..]);
    }

    private static ulong Hexadecimal(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static BigInteger Large(string text) => BigInteger.Parse("0" + text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex("""^\[((?<size>16|32|64):)?(?<code>[0-9a-fA-F ]+)\]\s+"[^"]*"(?<before>[^⇒]*)⇒(?<after>.*)$""")]
    private static partial Regex Line();

    [GeneratedRegex("""^m(?<bits>8|16|32|64|128|256|512)\[(?<address>[0-9a-fA-F]+)\]$""")]
    private static partial Regex Memory();

    [GeneratedRegex("""^[XY]MM(?<number>[0-9]+)$""")]
    private static partial Regex VectorName();
}
