using System.Globalization;
using System.Text;
using Emu.Cpu;
using Emu.Machine;

namespace Emu.Host.Debugging;

/// <summary>What a packet leads to.</summary>
internal enum SessionStep
{
    /// <summary>It has been answered.</summary>
    Answered,

    /// <summary>The guest runs; the answer is where it stops.</summary>
    Resume,

    /// <summary>gdb lets go, and the guest runs on.</summary>
    Detach,

    /// <summary>The run shall end.</summary>
    Kill,
}

/// <summary>The conversation with one gdb (gdb manual, appendix E: "Remote Protocol"), while the guest stands.</summary>
internal sealed partial class DebugSession
{
    private const string Ok = "OK", Unknown = "";

    private readonly GdbConnection _connection;
    private readonly BreakpointList _breakpoints;
    private readonly Monitor _monitor;
    private GuestControl _control;
    private RegisterSet _registers;
    private byte[] _description = [];
    private int _thread = 1;
    private GuestStop _stop;
    private bool _knowsSoftwareBreakpoints;
    private bool _knowsHardwareBreakpoints;
    private bool _isPhysical;

    /// <summary>Begins a session.</summary>
    /// <param name="connection">gdb.</param>
    /// <param name="control">The guest, which stands.</param>
    /// <param name="breakpoints">Where breakpoints go.</param>
    /// <param name="view">What kind of processor gdb is told of.</param>
    /// <param name="files">What can be written.</param>
    public DebugSession(GdbConnection connection, GuestControl control, BreakpointList breakpoints, CodeView view, NewFiles files)
    {
        Files = files;
        _connection = connection;
        _control = control;
        _breakpoints = breakpoints;
        _monitor = new Monitor(this);
        _registers = RegisterSet.For(view);
        NextView = view;
        _stop = new GuestStop(StopCause.Attached, control.Current());
        _thread = _stop.Vcpu.Number + 1;
    }

    /// <summary>The request that <see cref="SessionStep.Resume"/> is about.</summary>
    public ResumeRequest Request { get; private set; }

    /// <summary>What gdb is told of when it next asks for a description.</summary>
    public CodeView NextView { get; set; }

    /// <summary>The view that gdb has.</summary>
    public CodeView View => _registers.View;

    /// <summary>Whether addresses of memory are physical.</summary>
    public bool IsPhysical
    {
        get => _isPhysical;
        set => _isPhysical = value;
    }

    /// <summary>Where the guest shall go when it is next let run, in whichever direction that lies; null for as far as it gets.</summary>
    public ulong? Destination { get; set; }

    /// <summary>The guest.</summary>
    public GuestControl Control => _control;

    /// <summary>The files that its user can have written.</summary>
    public NewFiles Files { get; }

    /// <summary>The breakpoints.</summary>
    public BreakpointList Breakpoints => _breakpoints;

    /// <summary>The vCPU that gdb has selected.</summary>
    public Vcpu Vcpu => _control.Machine.Vcpus[_thread - 1];

    /// <summary>Goes on with the same guest on a new machine.</summary>
    /// <param name="control">The new one.</param>
    public void TakeOver(GuestControl control)
    {
        _control = control;
        _thread = 1;
    }

    /// <summary>Tells gdb that and why the guest stands.</summary>
    /// <param name="stop">Why.</param>
    public void Report(GuestStop stop)
    {
        _stop = stop;
        _thread = stop.Vcpu.Number + 1;
        _connection.ForgetInterrupt();
        Reply(StopReply());
    }

    /// <summary>Shows the user of gdb a text; only while the guest runs.</summary>
    /// <param name="text">Lines, each ended.</param>
    public void Say(string text) => Reply("O" + Hexadecimal.Text(text));

    /// <summary>Tells gdb that the guest has ended.</summary>
    /// <param name="exitCode">The process's exit code.</param>
    public void ReportEnd(int exitCode) => Reply(string.Create(CultureInfo.InvariantCulture, $"W{exitCode & 0xFF:x2}"));

    /// <summary>Handles a packet.</summary>
    /// <param name="packet">Its payload.</param>
    /// <returns>What follows.</returns>
    public SessionStep Handle(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty)
            return Answer(Unknown);
        // Binary data follows the colon of X; all else is ASCII, of which Latin 1 is a superset.
        string text = Encoding.Latin1.GetString(packet);
        switch (text[0])
        {
            case '?':
                return Answer(StopReply());
            case 'g':
                return Answer(ReadAllRegisters());
            case 'G':
                return Answer(WriteAllRegisters(text.AsSpan(1)));
            case 'p':
                return Answer(ReadRegister(text.AsSpan(1)));
            case 'P':
                return Answer(WriteRegister(text.AsSpan(1)));
            case 'm':
                return Answer(ReadMemory(text.AsSpan(1)));
            case 'M':
                return Answer(WriteMemory(text.AsSpan(1), isBinary: false));
            case 'X':
                return Answer(WriteMemory(text.AsSpan(1), isBinary: true));
            case 'x':
                return AnswerBinary(ReadMemoryBinary(text.AsSpan(1)));
            case 'Z' or 'z':
                return Answer(ChangeBreakpoint(text));
            case 'H':
                return Answer(SelectThread(text.AsSpan(1)));
            case 'T':
                return Answer(TryThread(text.AsSpan(1), out _) ? Ok : PacketError.NoSuchThread);
            case 'c' or 'C' or 's' or 'S':
                return ResumeInOldStyle(text);
            case 'b' when text is "bc" or "bs":
                return ResumeBackwards(text);
            case 'v':
                return HandleVerbose(text);
            case 'q' or 'Q':
                return HandleQuery(text);
            case 'D':
                Reply(Ok);
                return SessionStep.Detach;
            case 'k':
                return SessionStep.Kill;
            default:
                return Answer(Unknown);
        }
    }

    private SessionStep Answer(string text)
    {
        Reply(text);
        return SessionStep.Answered;
    }

    private SessionStep AnswerBinary(byte[] bytes)
    {
        _connection.Send(bytes);
        return SessionStep.Answered;
    }

    private void Reply(string text) => _connection.Send(Encoding.Latin1.GetBytes(text));

    private string StopReply()
    {
        // Ctrl-C is SIGINT, a guest that came to grief SIGABRT, another end SIGTERM, a place that was gone to no signal, all else SIGTRAP.
        int signal = _stop.Cause switch
        {
            StopCause.Arrived => 0,
            StopCause.Interrupted => 2,
            StopCause.Ended when _stop.Result is { Reason: StopReason.Crashed or StopReason.Halted } => 6,
            StopCause.Ended => 15,
            _ => 5,
        };
        StringBuilder reply = new();
        reply.Append(CultureInfo.InvariantCulture, $"T{signal:x2}thread:{_stop.Vcpu.Number + 1:x};");
        switch (_stop.Cause)
        {
            case StopCause.Breakpoint when _breakpoints.IsHardware(RegisterSet.LinearRip(_stop.Vcpu)):
                reply.Append(_knowsHardwareBreakpoints ? "hwbreak:;" : "");
                break;
            case StopCause.Breakpoint:
                reply.Append(_knowsSoftwareBreakpoints ? "swbreak:;" : "");
                break;
            case StopCause.Watchpoint:
                reply.Append(CultureInfo.InvariantCulture, $"{WatchKind(_stop.Address)}:{_stop.Address:x};");
                break;
            case StopCause.BeginningOfTime:
                reply.Append("replaylog:begin;");
                break;
        }

        return reply.ToString();
    }

    private string WatchKind(ulong address)
    {
        foreach (Breakpoint breakpoint in _breakpoints.All)
        {
            if (breakpoint.Type >= BreakpointType.Write && address - breakpoint.Address < breakpoint.Length)
                return breakpoint.Type switch { BreakpointType.Read => "rwatch", BreakpointType.Access => "awatch", _ => "watch" };
        }

        return "watch";
    }

    private SessionStep ResumeInOldStyle(ReadOnlySpan<char> text)
    {
        bool hasSignal = text[0] is 'C' or 'S';
        ReadOnlySpan<char> rest = text[1..];
        if (hasSignal)
        {
            int semicolon = rest.IndexOf(';');
            rest = semicolon < 0 ? default : rest[(semicolon + 1)..];
        }

        if (!rest.IsEmpty)
        {
            if (!Hexadecimal.TryNumber(rest, out ulong address))
                return Answer(PacketError.Malformed);
            SetProgramCounter(address);
        }

        Request = new ResumeRequest(text[0] is 's' or 'S' ? _thread : 0);
        return SessionStep.Resume;
    }

    private SessionStep ResumeBackwards(string text)
    {
        Request = new ResumeRequest(text == "bs" ? _thread : 0, IsBackwards: true);
        return SessionStep.Resume;
    }

    private SessionStep HandleVerbose(string text)
    {
        if (text == "vCont?")
            return Answer("vCont;c;C;s;S;r");
        if (text.StartsWith("vCont;", StringComparison.Ordinal))
        {
            if (!ResumeRequest.TryParse(text.AsSpan(6), _thread, out ResumeRequest request) || request.Stepped > _control.Machine.Vcpus.Count)
                return Answer(PacketError.Malformed);
            Request = request;
            return SessionStep.Resume;
        }

        if (text.StartsWith("vFile:", StringComparison.Ordinal))
            return AnswerBinary(HandleFile(text[6..]));
        if (text.StartsWith("vKill;", StringComparison.Ordinal))
        {
            Reply(Ok);
            return SessionStep.Kill;
        }

        return Answer(Unknown);
    }

    private string SelectThread(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] is not ('g' or 'c'))
            return Unknown;
        if (!ThreadId.TryParse(text[1..], out int thread) || thread > _control.Machine.Vcpus.Count)
            return PacketError.NoSuchThread;
        // 'Hc' is for the packets c and s; vCont says itself whom it means.
        if (thread > 0)
            _thread = thread;
        return Ok;
    }

    private bool TryThread(ReadOnlySpan<char> text, out int thread) =>
        ThreadId.TryParse(text, out thread) && thread > 0 && thread <= _control.Machine.Vcpus.Count;
}
