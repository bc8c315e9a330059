using Emu.Cpu;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;
using Iced.Intel;

namespace Emu.Host.Tracing.Binary;

/// <summary>What a trace consists of: where time went, which instructions, modes and events there were.</summary>
internal sealed class TraceStatistics
{
    private const byte PageFault = 14;

    // By the number of each block: how often it was executed whole, and what was executed in parts.
    private readonly List<ulong> _whole = [];
    private readonly Dictionary<int, ulong[]> _parts = [];
    private readonly List<TraceBlock> _blocks = [];

    /// <summary>Goes through a trace.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="symbols">Names for addresses.</param>
    public TraceStatistics(TraceReader trace, SymbolTable symbols)
    {
        Hash = Count(trace);
        for (int number = 0; number < _whole.Count; number++)
        {
            if (_blocks[number] is { } block)
                Evaluate(block, number, symbols);
        }
    }

    /// <summary>The hash of what was read.</summary>
    public TraceHash Hash { get; }

    /// <summary>Instructions, events apart.</summary>
    public ulong Instructions { get; private set; }

    /// <summary>Steps: consecutive instructions of one block.</summary>
    public ulong Steps { get; private set; }

    /// <summary>Instructions and events in each life of the guest.</summary>
    public Dictionary<int, ulong> Lives { get; } = [];

    /// <summary>Instructions in each mode.</summary>
    public Dictionary<string, ulong> Modes { get; } = [];

    /// <summary>How often execution went from one mode to another.</summary>
    public Dictionary<(string From, string To), ulong> Transitions { get; } = [];

    /// <summary>Instructions by mnemonic.</summary>
    public Dictionary<Mnemonic, ulong> Mnemonics { get; } = [];

    /// <summary>Instructions by function; by page where no name is known.</summary>
    public Dictionary<string, ulong> Functions { get; } = [];

    /// <summary>Instructions by block: where it begins, and how many instructions it has.</summary>
    public Dictionary<(ulong Linear, int Count), ulong> Blocks { get; } = [];

    /// <summary>Events by what they are.</summary>
    public Dictionary<string, ulong> Events { get; } = [];

    /// <summary>Page faults by what was tried: the bits of the error code in words.</summary>
    public Dictionary<string, ulong> PageFaults { get; } = [];

    /// <summary>A mode in words.</summary>
    public static string ModeOf(TraceBlock block) =>
        block.IsProtected ? $"{block.CodeSize}-bit ring {block.Cpl}" : block.Cpl == 3 ? "virtual-8086" : "real mode";

    private TraceHash Count(TraceReader trace)
    {
        TraceHash hash = default;
        TraceBlock?[] last = new TraceBlock?[trace.Header.Vcpus];
        TraceCursor cursor = trace.Read();
        int life = 0;
        while (cursor.MoveNext())
        {
            hash = hash.Then(cursor.Hash);
            if (cursor.Life != life)
            {
                // It begins as every life does: that is no change of mode.
                life = cursor.Life;
                Array.Clear(last);
            }

            Add(Lives, life, (ulong)cursor.Length);
            if (cursor.Block is not { } block)
            {
                CountEvent(cursor.Event);
                continue;
            }

            Steps++;
            Instructions += (ulong)cursor.Length;
            if (block.Number >= _whole.Count)
                MakeRoom(block.Number);
            _blocks[block.Number] = block;
            if (cursor.Length == block.Count)
                _whole[block.Number]++;
            else
                CountPart(block, cursor.First, cursor.Length);
            if (last[cursor.Vcpu] is { } before && (before.Cpl != block.Cpl || before.CodeSize != block.CodeSize || before.IsProtected != block.IsProtected))
                Add(Transitions, (ModeOf(before), ModeOf(block)), 1);
            last[cursor.Vcpu] = block;
        }

        return hash;
    }

    private void MakeRoom(int number)
    {
        while (_whole.Count <= number)
        {
            _whole.Add(0);
            _blocks.Add(null!);
        }
    }

    private void CountPart(TraceBlock block, int first, int count)
    {
        if (!_parts.TryGetValue(block.Number, out ulong[]? each))
            _parts.Add(block.Number, each = new ulong[block.Count]);
        for (int i = first; i < first + count; i++)
            each[i]++;
    }

    private void CountEvent(in TraceEvent delivered)
    {
        Add(Events, TraceLines.Name(in delivered), 1);
        if (delivered.Kind != EventKind.Exception || delivered.Vector != PageFault)
            return;
        uint error = delivered.ErrorCode ?? 0;
        string access = (error & 16) != 0 ? "fetch" : (error & 2) != 0 ? "write" : "read";
        Add(PageFaults, $"{((error & 4) != 0 ? "user" : "kernel")} {access}, {((error & 1) != 0 ? "forbidden" : "page not present")}", 1);
    }

    private void Evaluate(TraceBlock block, int number, SymbolTable symbols)
    {
        ulong[]? parts = _parts.GetValueOrDefault(number);
        ulong total = 0;
        byte[] code = block.Code.ToArray();
        for (int i = 0; i < block.Count; i++)
        {
            ulong times = _whole[number] + (parts is null ? 0 : parts[i]);
            ulong address = block.AddressOf(i);
            // One by one: what the emulator took for an instruction may be none for others.
            var decoder = Iced.Intel.Decoder.Create(
                block.CodeSize, new ByteArrayCodeReader(code, block.OffsetOf(i), block.Lengths.Span[i]), address, DecoderOptions.None);
            decoder.Decode(out Instruction instruction);
            total += times;
            Add(Mnemonics, instruction.Mnemonic, times);
            Add(Functions, symbols.Find(address)?.Name ?? $"(0x{address & ~0xFFFUL:x}, no name)", times);
        }

        Add(Modes, ModeOf(block), total);
        Add(Blocks, (block.Linear, block.Count), total);
    }

    private static void Add<TKey>(Dictionary<TKey, ulong> counts, TKey key, ulong count)
        where TKey : notnull => counts[key] = counts.GetValueOrDefault(key) + count;
}
