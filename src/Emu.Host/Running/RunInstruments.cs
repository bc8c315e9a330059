using Emu.Host.Debugging;
using Emu.Host.Recording;
using Emu.Host.Snapshots;
using Emu.Host.Tracing;
using Emu.Machine.Recording;

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

    /// <summary>What writes down, or plays back, what comes from outside; or null.</summary>
    public InputJournal? Journal { get; init; }

    /// <summary>The part of a recorded run that is replayed, or null for all of it.</summary>
    public ReplayInterval? Interval { get; init; }

    /// <summary>What takes snapshots, or null.</summary>
    public RunSnapshots? Snapshots { get; init; }
}
