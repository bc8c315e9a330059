using System.Globalization;
using System.Text;
using Emu.Host.Tracing.Export;

namespace Emu.Host.Tracing.Binary;

/// <summary>Calls as lines of text, indented, as Linux's function_graph tracer shows them.</summary>
/// <remarks>
/// <code>
///   instructions     executed
///    1600000031               | page_add_file_rmap() {
///    1600000042           17  |   lock_page_memcg()
///    1600000080           49  | } page_add_file_rmap
/// </code>
/// Executed is what the vCPU has executed in the function, in what it called, and in interrupts meanwhile.
/// </remarks>
internal sealed class CallLines : ICallObserver
{
    private readonly StringBuilder _text;
    private readonly HashSet<string> _only;
    private readonly int _depth;
    private readonly bool _namesVcpus;
    private readonly bool _namesLives;
    private readonly Thread[] _threads;
    private FunctionNames? _functions;
    private int _life;

    // Whose innermost function has been entered, and has no line yet: it has one alone if nothing else is shown before it is left.
    private Thread? _pending;

    /// <summary>Prepares for a trace.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="text">Where the lines go.</param>
    /// <param name="only">The functions whose calls are shown, with what they call; empty for all.</param>
    /// <param name="depth">How deep calls are shown.</param>
    public CallLines(TraceFile trace, StringBuilder text, IEnumerable<string> only, int depth)
    {
        _text = text;
        _only = [.. only];
        _depth = depth;
        _namesVcpus = trace.Reader.Header.Vcpus > 1;
        _namesLives = trace.Reader.Lives is not [{ Number: 1 }];
        _threads = [.. Enumerable.Range(0, trace.Reader.Header.Vcpus).Select(static vcpu => new Thread(vcpu))];
    }

    private readonly record struct Frame(int Function, bool IsEvent, ulong Start, ulong SpentBefore);

    /// <summary>How many lines there were.</summary>
    public ulong Lines { get; private set; }

    /// <summary>Says how functions are called, once stacks are there.</summary>
    public FunctionNames Functions
    {
        set => _functions = value;
    }

    /// <inheritdoc/>
    public void BeginLife(int life) => _life = life;

    /// <inheritdoc/>
    public void Enter(int vcpu, int function, bool isEvent, ulong count)
    {
        Thread thread = _threads[vcpu];
        thread.Frames.Add(new Frame(function, isEvent, count, thread.Spent));
        if (thread.Root < 0 && (_only.Count == 0 || _only.Contains(_functions![function])))
            thread.Root = thread.Frames.Count - 1;
        if (thread.IsSwitching || !IsShown(thread))
            return;
        Open();
        _pending = thread;
        thread.Pending = thread.Frames.Count - 1;
    }

    /// <inheritdoc/>
    public void Leave(int vcpu, ulong count)
    {
        Thread thread = _threads[vcpu];
        Frame frame = thread.Top;
        if (!thread.IsSwitching && IsShown(thread))
        {
            string executed = (thread.Spent - frame.SpentBefore).ToString(CultureInfo.InvariantCulture);
            int index = thread.Frames.Count - 1;
            if (_pending == thread)
            {
                Append(thread, index, frame.Start, executed, $"{NameOf(frame)}{CallerOf(thread, index)}");
                _pending = null;
            }
            else
            {
                Open();
                Append(thread, index, count, executed, $"}} {_functions![frame.Function]}");
            }
        }

        if (thread.Frames.Count - 1 == thread.Root)
            thread.Root = -1;
        thread.Frames.RemoveAt(thread.Frames.Count - 1);
    }

    /// <inheritdoc/>
    public void Switch(int vcpu)
    {
        if (_pending == _threads[vcpu])
            Open();
        _threads[vcpu].IsSwitching = true;
    }

    /// <inheritdoc/>
    public void Spend(int vcpu, ulong instructions)
    {
        Thread thread = _threads[vcpu];
        thread.Spent += instructions;
        if (!thread.IsSwitching)
            return;
        // The vCPU goes on with another stack; who is on it has been entered before.
        thread.IsSwitching = false;
        if (IsShown(thread))
        {
            Open();
            int index = thread.Frames.Count - 1;
            Append(thread, index, thread.Top.Start, "", $"-- in {NameOf(thread.Top)}{CallerOf(thread, index)}");
        }
    }

    /// <summary>Writes what has been entered last: nothing more comes.</summary>
    /// <param name="most">How many lines there may be.</param>
    public void Finish(ulong most)
    {
        if (Lines < most)
            Open();
    }

    private bool IsShown(Thread thread) => thread.Root >= 0 && thread.Frames.Count - 1 - thread.Root < _depth;

    private void Open()
    {
        if (_pending is not { } thread)
            return;
        _pending = null;
        Frame frame = thread.Frames[thread.Pending];
        Append(thread, thread.Pending, frame.Start, "", $"{NameOf(frame)} {{{CallerOf(thread, thread.Pending)}");
    }

    private string NameOf(in Frame frame) => _functions![frame.Function] + (frame.IsEvent ? "" : "()");

    // Where single functions are shown, who has called them is of interest.
    private string CallerOf(Thread thread, int index) =>
        _only.Count != 0 && index == thread.Root && index > 0 ? $"  < {_functions![thread.Frames[thread.Root - 1].Function]}" : "";

    private void Append(Thread thread, int index, ulong count, string executed, string what)
    {
        Lines++;
        _text.Append(CultureInfo.InvariantCulture, $"{count,12} ");
        if (_namesLives)
            _text.Append(CultureInfo.InvariantCulture, $"life{_life} ");
        if (_namesVcpus)
            _text.Append(CultureInfo.InvariantCulture, $"cpu{thread.Vcpu} ");
        _text.Append(CultureInfo.InvariantCulture, $"{executed,12} | ").Append(' ', 2 * (index - thread.Root)).Append(what).Append('\n');
    }

    /// <summary>What a vCPU is in.</summary>
    private sealed class Thread(int vcpu)
    {
        public int Vcpu { get; } = vcpu;

        public List<Frame> Frames { get; } = [];

        public Frame Top => Frames[^1];

        /// <summary>The number of the outermost frame that is shown; -1 for none.</summary>
        public int Root { get; set; } = -1;

        /// <summary>The number of the frame that has no line yet, where there is one.</summary>
        public int Pending { get; set; }

        /// <summary>Instructions and events executed so far.</summary>
        public ulong Spent { get; set; }

        /// <summary>Whether its stack is being exchanged for another one.</summary>
        public bool IsSwitching { get; set; }
    }
}
