using System.Globalization;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Snapshots;
using Emu.Host.Symbols;
using Emu.Machine;
using Emu.Machine.Consoles;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing;

/// <summary>The binary trace that <c>emu run --trace FILE.emut</c> writes: begun and ended between two instructions, and going on through all lives of the guest.</summary>
internal sealed class BinaryTrace : IDisposable
{
    private readonly TraceRequest _request;
    private readonly ReplacedFile _file;
    private TraceWriter? _writer;
    private ulong _end = ulong.MaxValue;
    private State _state;
    private TraceLife _life = new(1, 0);
    private ConsoleTexts? _console;

    // The machine on which this life's breakpoints are set, and on which it is traced.
    private PvhMachine? _machine;
    private TraceTrigger? _awaited;
    private bool _isTextThere;

    private BinaryTrace(TraceRequest request, ReplacedFile file)
    {
        _request = request;
        _file = file;
    }

    private enum State
    {
        Waiting,
        Armed,
        Tracing,
        Ended,
    }

    /// <summary>Looks whether what the user asked for can be written, before the guest starts.</summary>
    /// <returns>It; null for no trace.</returns>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public static BinaryTrace? Open(RunOptions options) =>
        options.BinaryTrace is { } request ? new BinaryTrace(request, UserFile.Prepare(request.Path, "--trace")) : null;

    /// <summary>Looks at the console on its way to the user, where a text on it begins or ends the trace.</summary>
    /// <param name="console">Where it goes.</param>
    /// <returns>Where the guest is to write.</returns>
    public IConsoleSink Watch(IConsoleSink console) =>
        _request.On?.ConsoleText is null && _request.Off?.ConsoleText is null ? console : _console = new ConsoleTexts(console);

    /// <summary>Makes sure that the guest has what the options name.</summary>
    /// <param name="symbols">The guest's names.</param>
    /// <exception cref="UsageException">It has not.</exception>
    public void Check(SymbolTable symbols) => _request.Check(symbols);

    /// <summary>Replaces what was in the file: nothing is refused any more.</summary>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public void Begin() => _file.Replace();

    /// <summary>Says that the guest has been started anew.</summary>
    /// <param name="life">Its life.</param>
    public void BeginLife(TraceLife life)
    {
        _life = life;
        _machine = null;
    }

    /// <summary>Begins or ends the trace where that is due.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    /// <param name="setup">The guest.</param>
    /// <param name="isAtBreakpoint">Whether the machine stands before an instruction that begins or ends the trace.</param>
    public void Update(PvhMachine machine, GuestSetup setup, bool isAtBreakpoint)
    {
        if (_machine != machine)
            TakeMachine(machine, setup);
        ulong count = _life.FirstCount + machine.InstructionsRetired;
        bool isReached = isAtBreakpoint || _isTextThere;
        _isTextThere = false;
        if (_state == State.Waiting && count >= _request.From)
        {
            if (_request.On is { } on)
                Await(on, setup, State.Armed);
            else
                Start(setup);
        }
        else if (_state == State.Armed && isReached)
        {
            Start(setup);
        }
        else if (_state == State.Tracing && (isReached || count >= _end))
        {
            machine.EndTrace();
            Await(null, setup, State.Ended);
        }
    }

    /// <summary>The count of instructions that this life's machine has retired where it has to be looked at again.</summary>
    public ulong NextStop => _state switch
    {
        State.Waiting => Within(_request.From),
        State.Tracing => Within(_end),
        _ => ulong.MaxValue,
    };

    /// <summary>A life of the guest has ended, or the run: what the machine has executed is in the trace.</summary>
    public void EndLife() => _machine?.EndTrace();

    /// <summary>Ends the trace. One that has not begun becomes a trace of nothing.</summary>
    /// <param name="machine">The last life's machine.</param>
    /// <param name="setup">The guest.</param>
    /// <returns>Why the trace is empty; null where it is not.</returns>
    public string? End(PvhMachine machine, GuestSetup setup)
    {
        EndLife();
        ulong count = _life.FirstCount + machine.InstructionsRetired;
        _writer ??= MakeWriter(machine, Options(setup));
        _writer.Complete();
        if (_writer.Hash.Length != 0)
            return null;
        string why = _state switch
        {
            State.Waiting => string.Create(CultureInfo.InvariantCulture, $"the run ended after {count} instructions, before it was to begin after {_request.From}"),
            State.Armed when !_isTextThere && _request.From != 0 => string.Create(CultureInfo.InvariantCulture, $"{_request.On!.Words} was not reached after the first {_request.From} instructions"),
            State.Armed when !_isTextThere => $"{_request.On!.Words} was not reached",
            _ when _writer.Count != _writer.FirstCount => "nothing of what --trace-only names was executed while it was taken",
            _ => string.Create(CultureInfo.InvariantCulture, $"it ended where it began, after {_writer.FirstCount} instructions"),
        };
        return $"The trace '{_request.Path}' is empty: {why}.";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer?.Dispose();
        _file.Dispose();
    }

    // What was being done in the life before goes on.
    private void TakeMachine(PvhMachine machine, GuestSetup setup)
    {
        _machine = machine;
        if (_state == State.Armed)
            Await(_request.On, setup, State.Armed);
        if (_state != State.Tracing)
            return;
        Await(_request.Off, setup, State.Tracing);
        _writer!.BeginLife(_life);
        machine.BeginTrace(_writer, Options(setup));
    }

    private void Start(GuestSetup setup)
    {
        ulong count = _life.FirstCount + _machine!.InstructionsRetired;
        _end = _request.Count is { } given && given <= ulong.MaxValue - count ? count + given : ulong.MaxValue;
        Await(_request.Off, setup, State.Tracing);
        TraceOptions options = Options(setup);
        _writer = MakeWriter(_machine, options);
        _machine.BeginTrace(_writer, options);
    }

    private TraceWriter MakeWriter(PvhMachine machine, TraceOptions options)
    {
        TraceWriter writer = new(_file, machine.DescribeTrace(options) with { FirstCount = _life.FirstCount + machine.InstructionsRetired });
        if (_life.Number != 1)
            writer.BeginLife(_life);
        return writer;
    }

    private TraceOptions Options(GuestSetup setup) => new()
    {
        Detail = _request.Detail,
        Filter = _request.MakeFilter(setup.Symbols.Table),
        Properties = setup.Properties,
        FindSymbol = (linear, cpl) => setup.Symbols.FindCode(linear, cpl) is { } symbol ? new TraceSymbol(symbol.Address, symbol.Size, symbol.Name) : null,
    };

    // What was awaited before is so no longer.
    private void Await(TraceTrigger? trigger, GuestSetup setup, State state)
    {
        _state = state;
        _machine!.SetBreakpoints(trigger?.Place is { } place ? [place.Resolve(setup.Symbols.Table).First] : []);
        if (_awaited == trigger)
            return;
        _awaited = trigger;
        if (trigger?.ConsoleText is { } text)
            _console!.Await(text.Span, () => Reach(trigger));
    }

    // A text may be complete in the middle of an instruction: the machine has to come to its end first.
    private void Reach(TraceTrigger trigger)
    {
        if (_awaited != trigger)
            return;
        _isTextThere = true;
        _machine?.RequestPause();
    }

    private ulong Within(ulong count) => count == ulong.MaxValue ? count : count - Math.Min(count, _life.FirstCount);
}
