using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Machine;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing;

/// <summary>The binary trace that <c>emu run --trace FILE.emut</c> writes: begun and ended between two instructions.</summary>
internal sealed class BinaryTrace : IDisposable
{
    private readonly TraceRequest _request;
    private readonly Stream _file;
    private ulong _end = ulong.MaxValue;
    private State _state;

    private BinaryTrace(TraceRequest request, Stream file)
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

    /// <summary>Opens what the user asked for, before the guest starts.</summary>
    /// <returns>It; null for no trace.</returns>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public static BinaryTrace? Open(RunOptions options) =>
        options.BinaryTrace is { } request ? new BinaryTrace(request, UserFile.CreateChecked(request.Path, "--trace")) : null;

    /// <summary>Begins or ends the trace where that is due.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    /// <param name="setup">The guest.</param>
    /// <param name="isAtBreakpoint">Whether the machine stands before an instruction that begins or ends the trace.</param>
    /// <exception cref="UsageException">What belongs to the trace is named by a symbol that the guest has not.</exception>
    public void Update(PvhMachine machine, GuestSetup setup, bool isAtBreakpoint)
    {
        ulong retired = machine.InstructionsRetired;
        if (_state == State.Waiting && retired >= _request.From)
        {
            if (_request.On is { } on)
                Arm(machine, setup, on, State.Armed);
            else
                Begin(machine, setup);
        }
        else if (_state == State.Armed && isAtBreakpoint)
        {
            Begin(machine, setup);
        }
        else if (_state == State.Tracing && (isAtBreakpoint || retired >= _end))
        {
            End(machine);
        }
    }

    /// <summary>The count of retired instructions where it has to be looked at again.</summary>
    /// <param name="retired">How many have retired.</param>
    /// <returns>A later count.</returns>
    public ulong NextStop(ulong retired) => _state switch
    {
        State.Waiting => _request.From,
        State.Tracing => _end,
        _ => ulong.MaxValue,
    };

    /// <summary>Ends the trace.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    public void End(PvhMachine machine)
    {
        if (_state != State.Tracing)
            return;
        _state = State.Ended;
        machine.SetBreakpoints([]);
        machine.EndTrace();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Begin(PvhMachine machine, GuestSetup setup)
    {
        ulong retired = machine.InstructionsRetired;
        _end = _request.Count is { } count && count <= ulong.MaxValue - retired ? retired + count : ulong.MaxValue;
        if (_request.Off is { } off)
            Arm(machine, setup, off, State.Tracing);
        else
            machine.SetBreakpoints([]);
        _state = State.Tracing;
        machine.BeginTrace(_file, new TraceOptions
        {
            Detail = _request.Detail,
            Filter = _request.MakeFilter(setup.Symbols.Table),
            Properties = setup.Properties,
            FindSymbol = (linear, cpl) => setup.Symbols.FindCode(linear, cpl) is { } symbol ? new TraceSymbol(symbol.Address, symbol.Size, symbol.Name) : null,
        });
    }

    private void Arm(PvhMachine machine, GuestSetup setup, TracePlace place, State state)
    {
        machine.SetBreakpoints([place.Resolve(setup.Symbols.Table).First]);
        _state = state;
    }
}
