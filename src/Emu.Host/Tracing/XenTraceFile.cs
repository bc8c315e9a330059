using System.Text;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Symbols;
using Emu.Host.Terminals;
using Emu.Machine;
using Emu.Xen.Tracing;

namespace Emu.Host.Tracing;

/// <summary>Where <c>--trace-xen</c> writes, and the names that it writes for addresses.</summary>
internal sealed class XenTraceFile : IDisposable
{
    private readonly StreamWriter _writer;
    private readonly SymbolTable? _symbols;

    private XenTraceFile(Stream stream, bool isForPerson, SymbolTable? symbols)
    {
        _writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16) { NewLine = "\n", AutoFlush = isForPerson };
        _symbols = symbols;
    }

    /// <summary>Opens what the user asked for.</summary>
    /// <returns>It; null for no trace.</returns>
    /// <exception cref="UsageException">The trace cannot be written, or the symbols cannot be read.</exception>
    public static XenTraceFile? Open(RunOptions options)
    {
        if (options.XenTraceFile is not { } path)
            return null;
        SymbolTable? symbols = options.SymbolFile is { } file ? SymbolReader.Read(UserFile.Read(file, "symbol file"), file) : null;
        bool isForPerson = path == "stderr";
        return new XenTraceFile(isForPerson ? StandardStreams.OpenError() : UserFile.Create(path, "--trace-xen"), isForPerson, symbols);
    }

    /// <summary>Lets the trace begin.</summary>
    /// <param name="machine">A Xen domain.</param>
    /// <param name="setup">Whose kernel names addresses where the user has named no file.</param>
    public void Attach(PvhMachine machine, GuestSetup setup)
    {
        SymbolTable symbols = _symbols ?? (setup.Kernel?.Elf is { } elf ? SymbolReader.FromElf(elf) : SymbolTable.Empty);
        machine.XenDomain!.Observer = new XenTrace(
            machine.XenDomain,
            _writer,
            () => machine.InstructionsRetired,
            static (vcpu, linear, destination) => GuestMemoryView.ReadLinear(vcpu, linear, destination) == destination.Length,
            symbols.Describe);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
