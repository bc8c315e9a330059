using Emu.Cpu.Instrumentation;
using Emu.Host.Tracing;

namespace Emu.Host.Debugging;

// What is written to files.
internal sealed partial class Monitor
{
    private const string TraceSuffix = ".emut";

    private string Snapshot(string[] words)
    {
        try
        {
            return _session.Files.WriteSnapshot(_session.Control, words[0]) + "\n";
        }
        catch (UsageException e)
        {
            return $"{e.Message}\n";
        }
    }

    private string Trace(string[] words)
    {
        GuestControl control = _session.Control;
        if (words[0] == "off")
        {
            control.EndTrace(reason: null);
            return control.TakeTraceNotice() ?? "No trace is being taken.\n";
        }

        if (control.Machine.IsTracing)
            return "A trace is being taken already; 'monitor trace off' ends it.\n";
        TraceRequest request = new(words[0], 0, null);
        List<TracePlace> places = [];
        foreach (string word in words[1..])
        {
            switch (word)
            {
                case "blocks":
                    break;
                case "registers":
                    request = request with { Detail = request.Detail | TraceDetail.Registers };
                    break;
                case "memory":
                    request = request with { Detail = request.Detail | TraceDetail.Memory };
                    break;
                case "kernel":
                    request = request with { Ring = 0 };
                    break;
                case "user":
                    request = request with { Ring = 3 };
                    break;
                default:
                    places.Add(new TracePlace("monitor trace", word));
                    break;
            }
        }

        try
        {
            request = request with { Only = places };
            // Before a file is made for nothing.
            request.MakeFilter(Symbols.Table);
            control.BeginTrace(_session.Files.Create(request.Path, TraceSuffix), request);
            return FormattableString.Invariant(
                $"Tracing from instruction {control.Position} on, up to 'monitor trace off', the run's end, or where gdb goes back or changes the guest.\n");
        }
        catch (UsageException e)
        {
            return $"{e.Message}\n";
        }
    }
}
