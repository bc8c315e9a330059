using System.Text;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Host.Terminals;
using Emu.Machine;
using Emu.Xen.Tracing;

namespace Emu.Host.Tracing;

/// <summary>Where <c>--trace-xen</c> writes, and the names that it writes for addresses.</summary>
internal sealed class XenTraceFile : IDisposable
{
    private readonly StreamWriter _writer;
    private readonly ReplacedFile? _file;

    private XenTraceFile(Stream stream, bool isForPerson)
    {
        _file = stream as ReplacedFile;
        _writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16) { NewLine = "\n", AutoFlush = isForPerson };
    }

    /// <summary>Replaces what was in the file: nothing is refused any more.</summary>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public void Begin() => _file?.Replace();

    /// <summary>Opens what the user asked for.</summary>
    /// <returns>It; null for no trace.</returns>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public static XenTraceFile? Open(RunOptions options)
    {
        if (options.XenTraceFile is not { } path)
            return null;
        bool isForPerson = path == "stderr";
        return new XenTraceFile(isForPerson ? StandardStreams.OpenError() : UserFile.Prepare(path, "--trace-xen"), isForPerson);
    }

    /// <summary>Lets the trace begin.</summary>
    /// <param name="machine">A Xen domain.</param>
    /// <param name="setup">Whose symbols name addresses.</param>
    public void Attach(PvhMachine machine, GuestSetup setup)
    {
        machine.XenDomain!.Observer = new XenTrace(
            machine.XenDomain,
            _writer,
            () => machine.InstructionsRetired,
            static (vcpu, linear, destination) => GuestMemoryView.ReadLinear(vcpu, linear, destination) == destination.Length,
            setup.Symbols.Table.Describe);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
