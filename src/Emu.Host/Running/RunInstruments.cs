using Emu.Host.Debugging;
using Emu.Host.Tracing;

namespace Emu.Host.Running;

/// <summary>What looks at a run while it goes on.</summary>
internal sealed record RunInstruments
{
    /// <summary>The trace as text, or null.</summary>
    public InstructionTrace? Trace { get; init; }

    /// <summary>The binary trace, or null.</summary>
    public BinaryTrace? BinaryTrace { get; init; }

    /// <summary>What serves gdb, or null.</summary>
    public GdbServer? Debugger { get; init; }
}
