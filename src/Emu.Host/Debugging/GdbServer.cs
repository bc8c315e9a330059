using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Emu.Cpu;
using Emu.Cpu.Snapshots;
using Emu.Host.CommandLine;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>The server behind <c>--gdb</c>: waits for gdb, and lets the guest run as gdb says.</summary>
/// <remarks>
/// The guest's thread does everything but reading from sockets: it runs the guest, or it waits for gdb's next packet. One gdb is served at a
/// time. One that goes away without a word leaves the guest as it is: standing, it waits for the next; running, it runs on.
/// </remarks>
internal sealed class GdbServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly TextWriter _error;
    private readonly NewFiles _files;
    private readonly BreakpointList _breakpoints = new();

    // One gdb at a time: others wait until it has gone, and too many are sent away.
    private readonly BlockingCollection<Socket> _callers = new(boundedCapacity: 8);
    private GdbConnection? _connection;
    private DebugSession? _session;
    private CancellationTokenSource? _running;
    private bool _wasStarted;
    private bool _hasHeardOfEnd;

    private GdbServer(TcpListener listener, TextWriter error, NewFiles files)
    {
        _listener = listener;
        _error = error;
        _files = files;
    }

    /// <summary>Where it listens.</summary>
    public EndPoint LocalEndpoint => _listener.LocalEndpoint;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="error">Where people are told.</param>
    /// <param name="options">What the user asked for.</param>
    /// <returns>The server.</returns>
    /// <exception cref="UsageException">It cannot listen there.</exception>
    public static GdbServer Listen(GdbEndpoint endpoint, TextWriter error, RunOptions options)
    {
        TcpListener listener = new(endpoint.Address, endpoint.Port);
        try
        {
            listener.Start();
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new UsageException($"--gdb cannot listen at {endpoint}: {e.Message}.", e);
        }

        GdbServer server = new(listener, error, new NewFiles(options, error));
        new Thread(server.Accept) { IsBackground = true, Name = "gdb listener" }.Start();
        return server;
    }

    /// <summary>Runs a guest as gdb says, until it ends.</summary>
    /// <param name="guest">The guest, which has not executed an instruction yet.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns>How it ended.</returns>
    public RunResult Run(IDebuggedGuest guest, CancellationToken cancellation)
    {
        GuestControl control = new(guest, _breakpoints);
        bool isFirst = !_wasStarted;
        _wasStarted = true;
        _hasHeardOfEnd = false;
        if (isFirst)
        {
            Tell($"Waiting for gdb at {LocalEndpoint} before the first instruction: gdb -ex 'target remote {LocalEndpoint}'");
        }
        else if (_session is not null)
        {
            _session.TakeOver(control);
            _session.Say("The guest has been started anew.\n");
        }

        try
        {
            GuestStop? stop = isFirst ? null : Resume(control, default, cancellation);
            RunResult? end;
            while (!IsOver(stop, out end))
                stop = Converse(control, stop, cancellation);
            return end;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return new RunResult(StopReason.Cancelled);
        }
        finally
        {
            control.EndTrace("the run does");
            TellOfTrace(control);
        }
    }

    /// <summary>Tells gdb, if it is there, how the run has ended.</summary>
    /// <param name="exitCode">The process's exit code.</param>
    public void End(int exitCode)
    {
        _session?.ReportEnd(exitCode);
        _connection?.Leave();
        _connection?.WaitForEnd();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        _connection?.Leave();
    }

    // gdb may want to go back from the end.
    private bool IsOver(GuestStop? stop, [NotNullWhen(true)] out RunResult? result)
    {
        result = stop?.Result;
        return result is not null && (_session is null || _hasHeardOfEnd);
    }

    private static string Describe(RunResult end) => end.Reason switch
    {
        StopReason.PoweredOff => "The guest has powered off",
        StopReason.Rebooted => "The guest wants to reboot",
        StopReason.DebugExit => FormattableString.Invariant($"The guest has ended the run with exit code {end.Code & 0xFF}"),
        StopReason.LimitReached => "The limit of instructions is reached",
        StopReason.Cancelled => "The recording ends here",
        _ => $"The guest has come to its end: {end.Detail ?? end.Reason.ToString()}",
    };

    /// <summary>The guest stands: does what gdb says until it runs and stands again.</summary>
    /// <returns>Why it stands again, or, without gdb, how it ended.</returns>
    private GuestStop Converse(GuestControl control, GuestStop? stop, CancellationToken cancellation)
    {
        if (_session is not null && stop is not null)
        {
            if (stop.Result is { } result)
            {
                Tell($"{Describe(result)}. gdb may look at it, and go back; 'continue' lets it end.");
                _session.Say($"{Describe(result)}. You can look at it, and go back; 'continue' lets it end.\n");
            }

            _session.Report(stop);
        }

        while (true)
        {
            if (_session is null)
                Attach(control, cancellation);
            SessionStep step = SessionStep.Detach;
            if (_connection!.TryReceive(out byte[]? packet, cancellation))
                step = _session!.Handle(packet);
            else if (stop?.Result is null)
            {
                Tell("gdb has gone; the guest stands where it was, and waits for another.");
                LetGo();
                continue;
            }

            ResumeRequest request = step == SessionStep.Resume ? _session!.Request : default;
            if (step == SessionStep.Answered)
                continue;
            if (step is SessionStep.Detach or SessionStep.Kill)
                LetGo();
            if (step == SessionStep.Kill)
                return new GuestStop(StopCause.Ended, control.Machine.CurrentVcpu, Result: new RunResult(StopReason.Cancelled));
            if (stop?.Result is null || request.IsBackwards || _session?.Destination < control.Position)
                return Resume(control, request, cancellation);
            // It was the end, and stays that.
            _hasHeardOfEnd = true;
            return stop;
        }
    }

    /// <summary>Lets the guest run until gdb has to hear of it.</summary>
    private GuestStop Resume(GuestControl control, ResumeRequest request, CancellationToken cancellation)
    {
        ulong? destination = null;
        if (_session is not null && request.Stepped == 0)
        {
            destination = _session.Destination;
            _session.Destination = null;
        }

        while (true)
        {
            using CancellationTokenSource running = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Volatile.Write(ref _running, running);
            if (_connection is { } connection)
                connection.IsRunning = true;
            if (IsCalledFor)
                running.Cancel();
            GuestStop stop = TryMove(control, request, destination, running.Token);
            TellOfTrace(control);
            Volatile.Write(ref _running, null);
            if (_connection is not null)
                _connection.IsRunning = false;
            if (stop.Cause != StopCause.Interrupted)
                return stop;
            cancellation.ThrowIfCancellationRequested();
            if (_connection is { IsClosed: true })
            {
                // Nobody is left who could ask for more.
                Tell("gdb has gone; the guest runs on without breakpoints.");
                LetGo();
                request = default;
                destination = null;
            }

            if (IsCalledFor)
                return stop;
        }
    }

    // Whether somebody wants the guest to stand: gdb by Ctrl-C or by going away, or another one that waits.
    private bool IsCalledFor => _connection is { } connection ? connection.IsClosed || connection.WasInterrupted : _callers.Count != 0;

    private GuestStop TryMove(GuestControl control, ResumeRequest request, ulong? destination, CancellationToken cancellation)
    {
        try
        {
            return Move(control, request, destination, cancellation);
        }
        catch (SnapshotException e)
        {
            // A disk that was written to since, for instance: there is no way back.
            _session?.Say($"{e.Message}\n");
            return new GuestStop(StopCause.Stepped, control.Current());
        }
    }

    private static GuestStop Move(GuestControl control, ResumeRequest request, ulong? destination, CancellationToken cancellation)
    {
        GuestStop stop = Go(control, request, destination, cancellation);
        return stop.Cause == StopCause.Stepped && destination is not null ? stop with { Cause = StopCause.Arrived } : stop;
    }

    private static GuestStop Go(GuestControl control, ResumeRequest request, ulong? destination, CancellationToken cancellation)
    {
        if (request.Stepped != 0)
        {
            Vcpu vcpu = control.Machine.Vcpus[request.Stepped - 1];
            return request.IsBackwards ? control.StepBack(vcpu) : control.Step(vcpu, request.Start, request.End, cancellation);
        }

        if (destination is { } place && place <= control.Frontier)
            return control.GoTo(place);
        return request.IsBackwards ? control.RunBack(cancellation) : control.Continue(destination ?? ulong.MaxValue, cancellation);
    }

    private void Attach(GuestControl control, CancellationToken cancellation)
    {
        GdbConnection connection = new(_callers.Take(cancellation)) { Attention = StopRunning };
        _connection = connection;
        _session = new DebugSession(connection, control, _breakpoints, SuitableView(control, control.Setup.Kernel), _files);
        Tell($"gdb is there, from {connection.Peer}.");
        connection.Start();
    }

    private void LetGo()
    {
        _session = null;
        _connection?.Leave();
        _connection = null;
        _breakpoints.Clear();
    }

    // Code of 64 bits, or a kernel that will get there: a 32-bit gdb could not even name its functions.
    private static CodeView SuitableView(GuestControl control, KernelImage? kernel)
    {
        uint bits = SystemRegisters.CodeBits(control.Current());
        return bits == 64 || kernel?.Elf?.Machine == ElfMachine.X86_64 ? CodeView.Bits64 : (CodeView)bits;
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.AcceptSocket();
                if (_callers.TryAdd(socket))
                    StopRunning();
                else
                    socket.Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The run is over.
        }
    }

    private void StopRunning()
    {
        try
        {
            Volatile.Read(ref _running)?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It stands already.
        }
    }

    private void TellOfTrace(GuestControl control)
    {
        if (control.TakeTraceNotice() is not { } notice)
            return;
        if (_session is { } session)
            session.Say(notice);
        else
            Tell(notice.TrimEnd('\n'));
    }

    private void Tell(string sentence)
    {
        _error.Write($"emu: {sentence}\n");
        _error.Flush();
    }
}
