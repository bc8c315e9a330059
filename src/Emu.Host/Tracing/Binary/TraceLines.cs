using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Cpu.Instrumentation;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;
using Iced.Intel;

namespace Emu.Host.Tracing.Binary;

/// <summary>Elements of a trace as lines of text, disassembled and with names.</summary>
internal sealed class TraceLines
{
    private static readonly string[] Exceptions =
    [
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "", "#TS", "#NP", "#SS", "#GP", "#PF", "", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    ];

    private readonly SymbolTable _symbols;
    private readonly bool _namesVcpus;
    private readonly bool _namesLives;
    private readonly StringOutput _output = new();
    private readonly IntelFormatter _formatter;

    /// <summary>Prepares for a trace.</summary>
    /// <param name="trace">The trace: with one vCPU, or one life of the guest, neither is named.</param>
    public TraceLines(TraceFile trace)
        : this(trace.Symbols, trace.Reader.Header.Vcpus > 1, trace.Reader.Lives is not [{ Number: 1 }])
    {
    }

    /// <summary>Prepares for single elements.</summary>
    /// <param name="symbols">Names for addresses.</param>
    /// <param name="namesVcpus">Whether lines say which vCPU it is.</param>
    /// <param name="namesLives">Whether they say which life of the guest.</param>
    public TraceLines(SymbolTable symbols, bool namesVcpus, bool namesLives)
    {
        _symbols = symbols;
        _namesVcpus = namesVcpus;
        _namesLives = namesLives;
        _formatter = new IntelFormatter(
            new FormatterOptions
            {
                HexPrefix = "0x",
                HexSuffix = null,
                UppercaseHex = false,
                SpaceAfterOperandSeparator = true,
                RipRelativeAddresses = true,
                BranchLeadingZeros = false,
            },
            new Names(symbols));
    }

    /// <summary>Appends the line of an element of the step that a cursor stands at.</summary>
    /// <param name="to">The text.</param>
    /// <param name="cursor">The cursor.</param>
    /// <param name="index">The element's number in the step.</param>
    public void Append(StringBuilder to, TraceCursor cursor, int index)
    {
        to.Append(CultureInfo.InvariantCulture, $"{cursor.Count + (ulong)index} ");
        if (_namesLives)
            to.Append(CultureInfo.InvariantCulture, $"life{cursor.Life} ");
        if (_namesVcpus)
            to.Append(CultureInfo.InvariantCulture, $"cpu{cursor.Vcpu} ");
        if (cursor.Block is { } block)
            AppendInstruction(to, block, cursor.First + index);
        else
            AppendEvent(to, cursor.Event);
        if (index == cursor.Length - 1)
            AppendData(to, cursor);
        to.Append('\n');
    }

    /// <summary>An event in words.</summary>
    public static string Name(in TraceEvent delivered) => delivered.Kind switch
    {
        EventKind.ExternalInterrupt => string.Create(CultureInfo.InvariantCulture, $"interrupt 0x{delivered.Vector:x2}"),
        EventKind.NonMaskableInterrupt => "NMI",
        EventKind.SoftwareInterrupt => string.Create(CultureInfo.InvariantCulture, $"int 0x{delivered.Vector:x2}"),
        _ when delivered.Vector < Exceptions.Length && Exceptions[delivered.Vector].Length != 0 => Exceptions[delivered.Vector],
        _ => string.Create(CultureInfo.InvariantCulture, $"exception {delivered.Vector}"),
    };

    private void AppendInstruction(StringBuilder to, TraceBlock block, int number)
    {
        ulong linear = block.AddressOf(number);
        to.Append(CultureInfo.InvariantCulture, $"r{block.Cpl} {linear:x16}");
        if (_symbols.Describe(linear) is { } name)
            to.Append(' ').Append(name);
        to.Append(": ");
        AppendDisassembly(to, block, number);
    }

    /// <summary>Appends an instruction, disassembled.</summary>
    /// <param name="to">The text.</param>
    /// <param name="block">Its block.</param>
    /// <param name="number">Its number in it.</param>
    public void AppendDisassembly(StringBuilder to, TraceBlock block, int number)
    {
        byte[] bytes = block.BytesOf(number).ToArray();
        var decoder = Iced.Intel.Decoder.Create(block.CodeSize, new ByteArrayCodeReader(bytes), block.AddressOf(number), DecoderOptions.None);
        decoder.Decode(out Instruction instruction);
        if (instruction.IsInvalid)
        {
            to.Append("(bytes ").Append(Convert.ToHexStringLower(bytes)).Append(')');
            return;
        }

        _formatter.Format(instruction, _output);
        to.Append(_output.ToStringAndReset());
    }

    private void AppendEvent(StringBuilder to, in TraceEvent delivered)
    {
        to.Append(CultureInfo.InvariantCulture, $"-- {Name(in delivered)}");
        if (delivered.ErrorCode is { } error)
            to.Append(CultureInfo.InvariantCulture, $" error 0x{error:x}");
        to.Append(CultureInfo.InvariantCulture, $" at {delivered.Rip:x16}");
        if (_symbols.Describe(delivered.Rip) is { } name)
            to.Append(' ').Append(name);
        if (delivered.Address is { } address)
            to.Append(CultureInfo.InvariantCulture, $", address {address:x16}");
    }

    private static void AppendData(StringBuilder to, TraceCursor cursor)
    {
        if (cursor.Changes.Count == 0 && cursor.Accesses.Count == 0)
            return;
        to.Append(" ;");
        foreach ((TracedRegister register, ulong value) in cursor.Changes)
            to.Append(CultureInfo.InvariantCulture, $" {NameOf(register)}={value:x}");
        foreach (TraceAccess access in cursor.Accesses)
        {
            to.Append(CultureInfo.InvariantCulture, $" {(access.IsWrite ? 'w' : 'r')}{access.Size}[{access.Linear:x}]");
            if (!access.Value.IsEmpty)
                to.Append('=').Append(ValueOf(access.Value.Span));
        }
    }

    /// <summary>A register as the manuals call it.</summary>
    public static string NameOf(TracedRegister register) => register switch
    {
        <= TracedRegister.R15 => ((Register)((int)Register.RAX + (int)register)).ToString().ToLowerInvariant(),
        TracedRegister.FsBase => "fs_base",
        TracedRegister.GsBase => "gs_base",
        _ => register.ToString().ToLowerInvariant(),
    };

    // As a number where it is one.
    private static string ValueOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8)
            return Convert.ToHexStringLower(bytes);
        ulong value = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value.ToString("x", CultureInfo.InvariantCulture);
    }

    private sealed class Names(SymbolTable symbols) : ISymbolResolver
    {
        public bool TryGetSymbol(in Instruction instruction, int operand, int instructionOperand, ulong address, int addressSize, out SymbolResult symbol)
        {
            symbol = default;
            if (!instruction.IsJccShortOrNear && !instruction.IsJmpShortOrNear && !instruction.IsCallNear)
                return false;
            if (symbols.Describe(address) is not { } name)
                return false;
            symbol = new SymbolResult(address, name);
            return true;
        }
    }
}
