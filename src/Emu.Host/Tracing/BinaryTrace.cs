using Emu.Cpu.Instrumentation;
using Emu.Host.CommandLine;
using Emu.Host.Running;
using Emu.Machine;

namespace Emu.Host.Tracing;

/// <summary>The binary trace that <c>emu run --trace FILE.emut</c> writes: begun and ended between two instructions.</summary>
internal sealed class BinaryTrace : IDisposable
{
    private readonly TraceRequest _request;
    private readonly FileStream _file;
    private readonly ulong _end;
    private bool _hasBegun;
    private bool _hasEnded;

    private BinaryTrace(TraceRequest request, FileStream file)
    {
        _request = request;
        _file = file;
        _end = request.Count is { } count && count <= ulong.MaxValue - request.From ? request.From + count : ulong.MaxValue;
    }

    /// <summary>Opens what the user asked for, before the guest starts.</summary>
    /// <returns>It; null for no trace.</returns>
    /// <exception cref="UsageException">The trace cannot be written.</exception>
    public static BinaryTrace? Open(RunOptions options) =>
        options.BinaryTrace is { } request ? new BinaryTrace(request, UserFile.Create(request.Path, "--trace")) : null;

    /// <summary>Begins or ends the trace where that is due.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    /// <param name="setup">The guest.</param>
    public void Update(PvhMachine machine, GuestSetup setup)
    {
        ulong retired = machine.InstructionsRetired;
        if (!_hasBegun && retired >= _request.From)
        {
            _hasBegun = true;
            machine.BeginTrace(_file, _request.Detail, setup.Properties);
        }

        if (retired >= _end)
            End(machine);
    }

    /// <summary>The count of retired instructions where it has to be looked at again.</summary>
    /// <param name="retired">How many have retired.</param>
    /// <returns>A later count.</returns>
    public ulong NextStop(ulong retired) => _hasEnded ? ulong.MaxValue : retired < _request.From ? _request.From : _end;

    /// <summary>Ends the trace.</summary>
    /// <param name="machine">The machine, between two instructions.</param>
    public void End(PvhMachine machine)
    {
        if (!_hasBegun || _hasEnded)
            return;
        _hasEnded = true;
        machine.EndTrace();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

/// <summary>What binary trace was asked for.</summary>
/// <param name="Path">Where it goes.</param>
/// <param name="From">How many instructions have retired before the first.</param>
/// <param name="Count">How many instructions it covers; null for all.</param>
public sealed record TraceRequest(string Path, ulong From, ulong? Count)
{
    /// <summary>What it holds of each instruction.</summary>
    public TraceDetail Detail { get; init; }
}
