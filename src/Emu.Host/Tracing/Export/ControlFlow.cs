using Emu.Host.Symbols;
using Emu.Machine.Tracing;
using Iced.Intel;

namespace Emu.Host.Tracing.Export;

/// <summary>What an instruction does to the call stack.</summary>
internal enum ControlFlow : byte
{
    /// <summary>Nothing: jumps are seen by where they lead.</summary>
    None,

    /// <summary>CALL, near or far.</summary>
    Call,

    /// <summary>RET, near or far.</summary>
    Return,

    /// <summary>INT n, INT3, INTO, INT1; SYSCALL, SYSENTER.</summary>
    Interrupt,

    /// <summary>IRET, SYSRET, SYSEXIT.</summary>
    InterruptReturn,

    /// <summary>No instruction, but the delivery of an exception or interrupt.</summary>
    Event,
}

/// <summary>The functions that a block's instructions belong to, and what they do to the call stack.</summary>
internal sealed class BlockFlow
{
    /// <summary>Looks at a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="functions">Names functions.</param>
    public BlockFlow(TraceBlock block, FunctionNames functions)
    {
        Functions = new int[block.Count];
        Flows = new ControlFlow[block.Count];
        IsUniform = true;
        byte[] code = block.Code.ToArray();
        int offset = 0;
        for (int i = 0; i < block.Count; i++)
        {
            ulong address = block.AddressOf(i);
            int length = block.Lengths.Span[i];
            Functions[i] = functions.At(address);
            Decoder decoder = Decoder.Create(block.CodeSize, new ByteArrayCodeReader(code, offset, length), address, DecoderOptions.None);
            decoder.Decode(out Instruction instruction);
            Flows[i] = FlowOf(in instruction);
            if (Flows[i] == ControlFlow.Interrupt)
                Interrupt = functions.Of(NameOf(in instruction));
            IsUniform &= Functions[i] == Functions[0] && (i == block.Count - 1 || Flows[i] == ControlFlow.None);
            offset += length;
        }
    }

    /// <summary>By instruction: the function, 0 where the code has no name.</summary>
    public int[] Functions { get; }

    /// <summary>By instruction: what it does.</summary>
    public ControlFlow[] Flows { get; }

    /// <summary>The name of the last instruction that is an <see cref="ControlFlow.Interrupt"/>.</summary>
    public int Interrupt { get; }

    /// <summary>Whether all belong to one function, and none but the last does anything.</summary>
    public bool IsUniform { get; }

    private static ControlFlow FlowOf(in Instruction instruction) => instruction.Mnemonic switch
    {
        Mnemonic.Call => ControlFlow.Call,
        Mnemonic.Ret or Mnemonic.Retf => ControlFlow.Return,
        Mnemonic.Int or Mnemonic.Int3 or Mnemonic.Into or Mnemonic.Int1 or Mnemonic.Syscall or Mnemonic.Sysenter => ControlFlow.Interrupt,
        Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq or Mnemonic.Sysret or Mnemonic.Sysretq or Mnemonic.Sysexit or Mnemonic.Sysexitq =>
            ControlFlow.InterruptReturn,
        _ => ControlFlow.None,
    };

    private static string NameOf(in Instruction instruction) =>
        instruction.Mnemonic == Mnemonic.Int ? $"int 0x{instruction.Immediate8:x2}" : instruction.Mnemonic.ToString().ToLowerInvariant();
}

/// <summary>The names of what stands in call stacks, each with a number from 1 on.</summary>
internal sealed class FunctionNames
{
    private const string Cold = ".cold";

    private readonly SymbolTable _symbols;
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<string> _names = [""];
    private readonly List<bool> _areAddresses = [false];

    public FunctionNames(SymbolTable symbols) => _symbols = symbols;

    /// <summary>The name with a number.</summary>
    public string this[int number] => _names[number];

    /// <summary>Whether it stands for code without a name.</summary>
    public bool IsAddress(int number) => _areAddresses[number];

    /// <summary>The function that an address belongs to; 0 where it has no name.</summary>
    public int At(ulong address)
    {
        if (_symbols.Find(address) is not { } symbol)
            return 0;
        // Compilers put the unlikely part of a function elsewhere.
        return Of(symbol.Name.EndsWith(Cold, StringComparison.Ordinal) ? symbol.Name[..^Cold.Length] : symbol.Name);
    }

    /// <summary>The function that begins at an address, which stands for its name where it has none.</summary>
    public int BeginningAt(ulong address)
    {
        if (At(address) is not 0 and int function)
            return function;
        int number = Of($"0x{address:x}");
        _areAddresses[number] = true;
        return number;
    }

    /// <summary>The number of a name.</summary>
    public int Of(string name)
    {
        if (!_numbers.TryGetValue(name, out int number))
        {
            _numbers.Add(name, number = _names.Count);
            _names.Add(name);
            _areAddresses.Add(false);
        }

        return number;
    }
}
