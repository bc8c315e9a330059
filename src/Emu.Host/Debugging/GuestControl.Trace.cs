using Emu.Host.Tracing;
using Emu.Machine.Tracing;

namespace Emu.Host.Debugging;

// The trace that is taken between two commands of gdb's user.
internal sealed partial class GuestControl
{
    private (string Name, ulong From)? _trace;
    private string? _traceNotice;

    /// <summary>Begins a trace of what the guest executes from here on.</summary>
    /// <param name="file">Where it goes; closed when it ends.</param>
    /// <param name="request">What it is to hold.</param>
    /// <exception cref="UsageException">What belongs to it is named by a symbol that the guest has not.</exception>
    public void BeginTrace(FileStream file, TraceRequest request)
    {
        Settle();
        Machine.BeginTrace(file, new TraceOptions
        {
            Detail = request.Detail,
            Filter = request.MakeFilter(Setup.Symbols.Table),
            Properties = Setup.Properties,
            FindSymbol = (linear, cpl) => Setup.Symbols.FindCode(linear, cpl) is { } symbol ? new TraceSymbol(symbol.Address, symbol.Size, symbol.Name) : null,
        });
        _trace = (request.Path, Position);
    }

    /// <summary>Ends the trace, if one is being taken.</summary>
    /// <param name="reason">Why, where nobody has asked for it; null otherwise.</param>
    public void EndTrace(string? reason)
    {
        if (_trace is not var (name, from))
            return;
        _trace = null;
        try
        {
            Machine.EndTrace();
            _traceNotice = FormattableString.Invariant($"The trace '{name}' ends here{(reason is null ? "" : ", because ")}{reason}: instructions {from} to {Position}.\n");
        }
        catch (Exception e) when (e is IOException or UsageException)
        {
            _traceNotice = $"The trace '{name}' is not whole: {e.Message}\n";
        }
    }

    /// <summary>What is to be said of a trace that has ended.</summary>
    /// <returns>Lines, each ended; null for nothing.</returns>
    public string? TakeTraceNotice()
    {
        // Coming by a change that was made in the past ends it, too.
        if (_trace is var (name, from) && !Machine.IsTracing)
        {
            _trace = null;
            _traceNotice = FormattableString.Invariant($"The trace '{name}' of instruction {from} and those behind it ended where the guest was changed.\n");
        }

        string? notice = _traceNotice;
        _traceNotice = null;
        return notice;
    }
}
