using System.Text;
using Emu.Host.Symbols;
using Emu.Host.Tests.EndToEnd;
using Emu.Host.Tracing.Export;
using Emu.Machine.Tracing;

namespace Emu.Host.Tests.Tracing.Export;

/// <summary>A trace of a kernel that was run, or one that was made up, and what it is exported as.</summary>
internal sealed class ExportedTrace : IDisposable
{
    private readonly TestFiles.TemporaryFolder _folder = new();

    private ExportedTrace()
    {
    }

    public string Path => _folder.File("run.emut");

    /// <summary>Runs a kernel and traces it.</summary>
    public static ExportedTrace OfRun(string kernel, params string[] options)
    {
        ExportedTrace trace = new();
        EmuResult run = EmuProcess.Run(["run", kernel, "--trace", trace.Path, .. options]);
        Assert.True(File.Exists(trace.Path), run.Error);
        return trace;
    }

    /// <summary>Runs 32-bit code and traces it.</summary>
    public static ExportedTrace OfCode(byte[] code, params string[] options)
    {
        using TestFiles.TemporaryFolder folder = new();
        return OfRun(folder.Write("kernel", TinyKernel.Build(code)), options);
    }

    /// <summary>Makes a trace up.</summary>
    public static ExportedTrace Of(TraceHeader header, Action<TraceWriter> write)
    {
        ExportedTrace trace = new();
        using TraceWriter writer = new(File.Create(trace.Path), header);
        write(writer);
        writer.Complete();
        return trace;
    }

    public TraceReader Open() => TraceReader.Open(Path);

    public byte[] Export(TraceExportFormat format, SymbolTable? symbols = null, Func<TraceExportOptions, TraceExportOptions>? change = null)
    {
        TraceExportOptions options = new(Path, format);
        using TraceReader reader = Open();
        using MemoryStream output = new();
        TraceExport.Write(reader, symbols ?? SymbolTable.Empty, change?.Invoke(options) ?? options, output);
        return output.ToArray();
    }

    public string Text(TraceExportFormat format, SymbolTable? symbols = null, Func<TraceExportOptions, TraceExportOptions>? change = null) =>
        Encoding.UTF8.GetString(Export(format, symbols, change));

    public void Dispose() => _folder.Dispose();
}
