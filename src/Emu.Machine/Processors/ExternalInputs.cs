using Emu.Machine.Recording;

namespace Emu.Machine.Processors;

/// <summary>Something from which the machine gets input at times that the host decides.</summary>
internal interface IExternalInput
{
    /// <summary>True while input may come: idle time then waits for it, at the pace of the host's clock.</summary>
    bool IsAwaited { get; }

    /// <summary>Takes what has come; called between slices.</summary>
    void Poll();

    /// <summary>Waits in host time until something has come.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <returns>True where something has.</returns>
    bool Wait(TimeSpan timeout);
}

/// <summary>All inputs of a machine as one.</summary>
internal sealed class ExternalInputs : IExternalInput
{
    /// <summary>How long one input is waited for before the next one is looked at.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(1);

    private readonly List<IExternalInput> _inputs = [];
    private readonly InputJournal? _journal;

    /// <summary>Makes it, without an input.</summary>
    /// <param name="journal">What writes down or plays back what comes; null for neither.</param>
    public ExternalInputs(InputJournal? journal = null) => _journal = journal;

    /// <summary>True where input is played back, for which nobody waits.</summary>
    public bool IsReplay => _journal is { IsReplay: true };

    /// <summary>The virtual time, in nanoseconds, up to which nothing is played back; the greatest number where nothing is.</summary>
    public ulong NextStop => _journal?.NextStop ?? ulong.MaxValue;

    public bool IsAwaited => _inputs.Exists(static input => input.IsAwaited);

    public void Add(IExternalInput input) => _inputs.Add(input);

    public void Poll()
    {
        _journal?.BeginLook();
        foreach (var input in _inputs)
            input.Poll();
        _journal?.EndLook();
    }

    public bool Wait(TimeSpan timeout)
    {
        var awaited = _inputs.FindAll(static input => input.IsAwaited);
        if (awaited.Count == 1)
            return awaited[0].Wait(timeout);
        for (var i = 0; timeout > TimeSpan.Zero; i++, timeout -= Turn)
        {
            if (awaited[i % awaited.Count].Wait(timeout < Turn ? timeout : Turn))
                return true;
        }

        return false;
    }
}
