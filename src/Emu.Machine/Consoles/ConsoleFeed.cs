using Emu.Cpu.Snapshots;
using Emu.Machine.Processors;
using Emu.Machine.Serial;
using Emu.Machine.Time;

namespace Emu.Machine.Consoles;

/// <summary>Feeds console input into a device at virtual times that the guest alone decides, as far as that is possible.</summary>
/// <remarks>
/// A byte enters one character time after the guest has begun to listen (see <see cref="IConsoleReceiver.WantsInput"/>) or after the byte
/// before it, never into a full receiver. So a file, or a pipe whose bytes are there in time, gives the same run each time. A pipe
/// that is silent for <see cref="Patience"/> is taken for a human: from then on bytes enter when they come, between two slices.
/// </remarks>
public sealed class ConsoleFeed : IExternalInput, IStateful
{
    private readonly IConsoleReceiver _receiver;
    private readonly VirtualClock _clock;
    private readonly IConsoleSource? _source;
    private readonly VirtualTimer _next;
    private ulong _lineFree;
    private bool _ended;
    private TimeSpan _patience;

    // Taken from the source, but not given yet. Who goes back to a snapshot that was taken meanwhile finds it there again; another source (Reopen)
    // begins with its own first byte.
    private byte? _ahead;

    /// <summary>Connects a source with a port.</summary>
    /// <param name="receiver">The device.</param>
    /// <param name="clock">Virtual time.</param>
    /// <param name="source">Where input comes from; null where none ever comes.</param>
    public ConsoleFeed(IConsoleReceiver receiver, VirtualClock clock, IConsoleSource? source)
    {
        _receiver = receiver;
        _clock = clock;
        _source = source;
        _ended = source is null;
        _patience = source is { IsInteractive: false } ? Patience : TimeSpan.Zero;
        _next = clock.CreateTimer("console input", Feed);
        receiver.ReceiverReady += Schedule;
    }

    /// <summary>How long, in host time, a pipe may keep the machine waiting for a byte before it is taken for a human: once in a run.</summary>
    public static TimeSpan Patience => TimeSpan.FromMilliseconds(200);

    /// <summary>True while the guest listens, nothing is there, and more may come: idle time then waits for the source.</summary>
    public bool IsAwaited { get; private set; }

    /// <summary>How many bytes the guest was given so far: who goes on from a snapshot with the same input leaves them out.</summary>
    public ulong BytesTaken { get; private set; }

    /// <summary>Looks whether awaited input has come; called between slices.</summary>
    public void Poll()
    {
        if (IsAwaited && !_next.IsArmed && _receiver.WantsInput)
            TakeByte(patience: TimeSpan.Zero);
    }

    /// <summary>Waits in host time for awaited input.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <returns>True where input, or its end, is there.</returns>
    public bool Wait(TimeSpan timeout) => _source?.Wait(timeout) ?? true;

    /// <summary>
    /// Goes on with another source than the one with which the state was saved: its end was noted there, there was none, or the guest waited for
    /// somebody to type.
    /// </summary>
    /// <remarks>Where the source has ended too, nothing changes: so runs without input stay what they were.</remarks>
    public void Reopen()
    {
        _ahead = null;
        AskAgain();
    }

    /// <summary>Asks the source again, where it had ended or was waited for: it may have more to say now.</summary>
    public void AskAgain()
    {
        if (_source is null || !(_ended || IsAwaited))
            return;
        var state = Read(_patience, out var value);
        _ended = state == ConsoleInput.Ended;
        _ahead = state == ConsoleInput.Available ? value : null;
        IsAwaited = state == ConsoleInput.Empty && (IsAwaited || _receiver.WantsInput);
        if (state == ConsoleInput.Available && _receiver.WantsInput)
            Schedule();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("console input");
        stream.Transfer(ref _lineFree);
        stream.Transfer(ref _ended);
        IsAwaited = stream.Transferred(IsAwaited);
        BytesTaken = stream.Transferred(BytesTaken);
        stream.Transfer(ref _ahead);
        _next.Transfer(stream);
        if (_source is not null)
            return;
        // The state may be that of a machine with input.
        _ended = true;
        IsAwaited = false;
        _ahead = null;
        _next.Disarm();
    }

    private void Schedule()
    {
        if (_ended || IsAwaited || _next.IsArmed)
            return;
        _next.Arm(Math.Max(_clock.Now, _lineFree) + _receiver.CharacterTime);
    }

    private void Feed(ulong deadline)
    {
        if (_receiver.WantsInput)
            TakeByte(_patience);
    }

    private void TakeByte(TimeSpan patience)
    {
        var state = Read(patience, out var value);
        IsAwaited = state == ConsoleInput.Empty;
        _ended = state == ConsoleInput.Ended;
        if (state != ConsoleInput.Available)
            return;
        _lineFree = _clock.Now;
        BytesTaken++;
        _receiver.Receive(value);
        if (_receiver.WantsInput)
            Schedule();
    }

    private ConsoleInput Read(TimeSpan patience, out byte value)
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            value = ahead;
            return ConsoleInput.Available;
        }

        value = 0;
        var state = _source is { } source ? source.TryRead(patience, out value) : ConsoleInput.Ended;
        if (state == ConsoleInput.Empty)
            _patience = TimeSpan.Zero;
        return state;
    }
}
