using System.Diagnostics;
using System.Text;

namespace Emu.Host.Tests;

/// <summary>Starts the built program as users do and talks with it through its standard streams.</summary>
internal sealed class EmuProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _outputReader;
    private readonly Task<string> _error;

    private EmuProcess(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        ProcessStartInfo start = new(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.ArgumentList.Add(Assembly);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _outputReader = Task.Run(ReadOutput);
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The program beside this test assembly.</summary>
    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "emu.dll");

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Runs to the end with nothing to read on standard input.</summary>
    public static EmuResult Run(params IEnumerable<string> arguments)
    {
        using EmuProcess process = new(arguments, null);
        process._process.StandardInput.Close();
        return process.Wait();
    }

    /// <summary>Runs to the end with a text on standard input, and nothing behind it.</summary>
    public static EmuResult RunWithInput(string text, params IEnumerable<string> arguments)
    {
        using EmuProcess process = new(arguments, null);
        process.Type(text);
        process._process.StandardInput.Close();
        return process.Wait();
    }

    /// <summary>Runs what must be refused: exit code 2 and one sentence, with nothing on standard output.</summary>
    /// <returns>The sentence.</returns>
    public static string Refused(params IEnumerable<string> arguments)
    {
        EmuResult result = RefusedWithReport(arguments);
        Assert.Empty(result.Output);
        return result.Error;
    }

    /// <summary>Runs what must be refused, where a report may stand on standard output before.</summary>
    public static EmuResult RefusedWithReport(params IEnumerable<string> arguments)
    {
        string[] line = [.. arguments];
        EmuResult result = Run(line);
        Assert.True(result.ExitCode == 2, $"{string.Join(' ', line)}: exit code {result.ExitCode}\n{result.Error}");
        Assert.Matches(@"\Aemu: [^\n]+\.\n\z", result.Error);
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        return result;
    }

    public static EmuProcess Start(params IEnumerable<string> arguments) => new(arguments, null);

    public void Type(string text)
    {
        _process.StandardInput.Write(text);
        _process.StandardInput.Flush();
    }

    public void WaitForOutput(string text)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!Output.Contains(text, StringComparison.Ordinal))
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"emu ended before it wrote '{text}'. stdout:\n{Output}\nstderr:\n{_error.Result}");
            if (waited.Elapsed > Patience)
            {
                _process.Kill(entireProcessTree: true);
                throw new TimeoutException($"emu did not write '{text}' in {Patience}. stdout:\n{Output}");
            }

            Thread.Sleep(20);
        }
    }

    public EmuResult Wait()
    {
        if (!_process.WaitForExit(Patience))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"emu did not end in {Patience}. stdout:\n{Output}\nstderr:\n{_error.Result}");
        }

        _outputReader.Wait(Patience);
        return new EmuResult(_process.ExitCode, Output, _error.Result);
    }

    public void Kill(string signal) => Process.Start("kill", ["-" + signal, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]).WaitForExit();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void ReadOutput()
    {
        char[] buffer = new char[4096];
        int count;
        while ((count = _process.StandardOutput.Read(buffer)) > 0)
        {
            lock (_output)
                _output.Append(buffer, 0, count);
        }
    }
}

/// <summary>How a process ended and what it said.</summary>
internal sealed record EmuResult(int ExitCode, string Output, string Error)
{
    /// <summary>The console's text with plain line ends.</summary>
    public string Console => Output.Replace("\r", "", StringComparison.Ordinal);
}
