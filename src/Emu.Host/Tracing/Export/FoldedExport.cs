using System.Globalization;
using System.Text;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>Each call stack that occurred, functions from the outermost on with semicolons between them, and the instructions spent in it.</summary>
internal sealed class FoldedExport : ICallObserver
{
    // A stack by the one that it is put on and by what is put on; the first are the vCPUs.
    private readonly Dictionary<(int Below, int Function), int> _numbers = [];
    private readonly List<(int Below, int Function)> _stacks = [];
    private readonly List<ulong> _spent = [];
    private readonly int[] _current;

    private FoldedExport(int vcpus)
    {
        _current = new int[vcpus];
        for (int i = 0; i < vcpus; i++)
            _current[i] = Add(-1, i);
    }

    public static void Write(TraceReader reader, SymbolTable symbols, TraceExportOptions options, Stream output)
    {
        FoldedExport export = new(reader.Header.Vcpus);
        CallStacks stacks = new(symbols, reader.Header, export);
        TraceSteps steps = new(reader, options);
        while (steps.MoveNext())
            stacks.Take(steps);
        stacks.Finish();
        using StreamWriter text = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        export.Write(text, stacks.Functions);
    }

    public void BeginLife(int life)
    {
    }

    public void Enter(int vcpu, int function, bool isEvent, ulong count)
    {
        (int, int) key = (_current[vcpu], function);
        _current[vcpu] = _numbers.TryGetValue(key, out int number) ? number : Add(key.Item1, function);
    }

    public void Leave(int vcpu, ulong count) => _current[vcpu] = _stacks[_current[vcpu]].Below;

    public void Switch(int vcpu)
    {
    }

    public void Spend(int vcpu, ulong instructions) => _spent[_current[vcpu]] += instructions;

    private int Add(int below, int function)
    {
        int number = _stacks.Count;
        if (below >= 0)
            _numbers.Add((below, function), number);
        _stacks.Add((below, function));
        _spent.Add(0);
        return number;
    }

    private void Write(TextWriter text, FunctionNames functions)
    {
        List<string> names = [];
        bool namesVcpus = _current.Length > 1;
        for (int i = _current.Length; i < _stacks.Count; i++)
        {
            if (_spent[i] == 0)
                continue;
            names.Clear();
            int at = i;
            for (; at >= _current.Length; at = _stacks[at].Below)
                names.Add(functions[_stacks[at].Function].Replace(';', ':'));
            if (namesVcpus)
                names.Add(string.Create(CultureInfo.InvariantCulture, $"vCPU {at}"));
            names.Reverse();
            text.Write(string.Join(';', names));
            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $" {_spent[i]}"));
        }
    }
}
