using System.Runtime.InteropServices;

namespace Emu.Host.Running;

/// <summary>Collects what can end a run from outside: signals, the time limit, the escape key, a closed pipe. The first one counts.</summary>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Action _beforeAbruptExit;
    private Timer? _timer;
    private int _reason;

    /// <summary>Watches for signals.</summary>
    /// <param name="beforeAbruptExit">Is called before a second signal ends the process at once.</param>
    public StopRequest(Action beforeAbruptExit)
    {
        _beforeAbruptExit = beforeAbruptExit;
        Watch(PosixSignal.SIGINT, 2);
        Watch(PosixSignal.SIGTERM, 15);
        Watch(PosixSignal.SIGHUP, 1);
        Watch(PosixSignal.SIGQUIT, 3);
    }

    /// <summary>Is cancelled by the first request.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The first request.</summary>
    public HostStop Reason => (HostStop)Volatile.Read(ref _reason);

    /// <summary>The number of the signal, where it was one.</summary>
    public int Signal { get; private set; }

    /// <summary>Is called, once, when the first request has come, to wake what waits.</summary>
    public Action? Requested { get; set; }

    /// <summary>Asks for the end.</summary>
    /// <param name="reason">Why.</param>
    public void Request(HostStop reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)HostStop.None) != (int)HostStop.None)
            return;
        _source.Cancel();
        Requested?.Invoke();
    }

    /// <summary>Asks for the end after some time.</summary>
    /// <param name="timeout">How long from now.</param>
    public void RequestAfter(TimeSpan timeout) =>
        _timer = new Timer(_ => Request(HostStop.Timeout), null, timeout, System.Threading.Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void Watch(PosixSignal signal, int number) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        if (Reason != HostStop.None)
        {
            // Asked twice: the run does not end by itself, so the process does.
            _beforeAbruptExit();
            return;
        }

        context.Cancel = true;
        Signal = number;
        Request(HostStop.Signal);
    }));
}
