using System.Globalization;
using System.Text;
using System.Text.Json;
using Emu.Host.Symbols;
using Emu.Machine.Tracing;

namespace Emu.Host.Tracing.Export;

/// <summary>Calls as pairs of events of the Trace Event Format, one process for each life of the guest, one thread for each vCPU, an instruction being a nanosecond.</summary>
/// <remarks>
/// That a call began is written when one that is long enough has ended in it, itself or another: by then it is known to be long enough, and
/// nothing later has been written yet. Not as complete events, because where one ends and the next begins at once, some readers' sums of
/// a beginning and a duration come out a little later than the next beginning.
/// </remarks>
internal sealed class ChromeExport : ICallObserver
{
    /// <summary>How many of the shortest calls that are told one after the other would fill the time.</summary>
    private const ulong StandardParts = 100_000;

    private readonly TextWriter _text;
    private readonly ulong _shortest;
    private readonly List<OpenCall>[] _open;

    // By vCPU: how many of the open ones have been written, the outermost ones.
    private readonly int[] _written;

    private FunctionNames? _functions;
    private string[] _escaped = [];
    private int _life = 1;

    private ChromeExport(TextWriter text, int vcpus, ulong shortest)
    {
        _text = text;
        _shortest = shortest;
        _written = new int[vcpus];
        _open = new List<OpenCall>[vcpus];
        for (int i = 0; i < vcpus; i++)
            _open[i] = [];
    }

    private readonly record struct OpenCall(int Function, bool IsEvent, ulong Start);

    public static void Write(TraceReader reader, SymbolTable symbols, TraceExportOptions options, Stream output)
    {
        ulong span = reader.EndCount - Math.Min(Math.Max(options.From, reader.FirstCount), reader.EndCount);
        ulong shortest = Math.Max(options.MinimumDuration ?? Math.Min(span, options.Count ?? span) / StandardParts, 1);
        using StreamWriter text = new(output, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        ChromeExport export = new(text, reader.Header.Vcpus, shortest);
        export.Begin(reader, options.Vcpu);
        CallStacks stacks = new(symbols, reader.Header, export);
        export._functions = stacks.Functions;
        TraceSteps steps = new(reader, options);
        while (steps.MoveNext())
            stacks.Take(steps);
        stacks.Finish();
        text.Write("\n]}\n");
    }

    public void BeginLife(int life) => _life = life;

    public void Enter(int vcpu, int function, bool isEvent, ulong count) => _open[vcpu].Add(new OpenCall(function, isEvent, count));

    public void Leave(int vcpu, ulong count)
    {
        List<OpenCall> open = _open[vcpu];
        OpenCall call = open[^1];
        if (count >= call.Start + _shortest)
        {
            // What it was called by takes longer yet.
            for (; _written[vcpu] < open.Count; _written[vcpu]++)
                Write(vcpu, open[_written[vcpu]], 'B', open[_written[vcpu]].Start);
            Write(vcpu, call, 'E', count);
            _written[vcpu]--;
        }

        open.RemoveAt(open.Count - 1);
    }

    public void Switch(int vcpu)
    {
    }

    public void Spend(int vcpu, ulong instructions)
    {
    }

    private void Begin(TraceReader reader, int? vcpu)
    {
        _text.Write(string.Create(
            CultureInfo.InvariantCulture, $"{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"unit\":\"one instruction is one nanosecond\",\"shortest\":{_shortest}"));
        foreach ((string name, string value) in reader.Header.Properties.OrderBy(static property => property.Key, StringComparer.Ordinal))
            _text.Write($",{Quoted(name)}:{Quoted(value)}");
        _text.Write("},\"traceEvents\":[");
        string separator = "\n";
        foreach (TraceLife life in reader.Lives)
        {
            string name = life.Number == 1 ? "guest" : $"guest, life {life.Number}";
            _text.Write(string.Create(
                CultureInfo.InvariantCulture, $"{separator}{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{life.Number},\"tid\":0,\"args\":{{\"name\":\"{name}\"}}}}"));
            separator = ",\n";
            for (int i = vcpu ?? 0; i < (vcpu is null ? reader.Header.Vcpus : vcpu + 1); i++)
                _text.Write(string.Create(CultureInfo.InvariantCulture, $",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{life.Number},\"tid\":{i},\"args\":{{\"name\":\"vCPU {i}\"}}}}"));
        }
    }

    private void Write(int vcpu, OpenCall call, char phase, ulong count) => _text.Write(string.Create(
        CultureInfo.InvariantCulture,
        $",\n{{\"name\":{Escaped(call.Function)},\"cat\":\"{(call.IsEvent ? "event" : "function")}\",\"ph\":\"{phase}\",\"ts\":{Microseconds(count)},\"pid\":{_life},\"tid\":{vcpu}}}"));

    private string Escaped(int function)
    {
        if (function >= _escaped.Length)
            Array.Resize(ref _escaped, Math.Max(2 * _escaped.Length, function + 1));
        return _escaped[function] ??= Quoted(_functions![function]);
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    // The format counts microseconds.
    private static string Microseconds(ulong count) => string.Create(CultureInfo.InvariantCulture, $"{count / 1000}.{count % 1000:D3}");
}
