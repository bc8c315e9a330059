using Emu.Machine;

namespace Emu.Fuzz.Running;

/// <summary>How a run is cut into calls of <c>PvhMachine.Run</c>. The guest must not notice.</summary>
public enum Cutting
{
    /// <summary>Not at all.</summary>
    Whole,

    /// <summary>Not at all, once more: what the host does differently each time shows.</summary>
    Again,

    /// <summary>After each instruction.</summary>
    SingleStepped,

    /// <summary>After a few.</summary>
    SmallPieces,

    /// <summary>Anywhere.</summary>
    RandomPieces,

    /// <summary>Not at all, but by compiled code.</summary>
    Compiled,

    /// <summary>Anywhere, and by compiled code.</summary>
    CompiledPieces,

    /// <summary>Anywhere, with a snapshot now and then to which the run goes back, in its machine or in another.</summary>
    Snapshots,
}

/// <summary>What came of one run of a case.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Code">The exit code of isa-debug-exit.</param>
/// <param name="Retired">Instructions retired.</param>
/// <param name="Hash">The state hash.</param>
/// <param name="Log">All that left the guest, and when.</param>
/// <param name="State">The state as text, where it was asked for.</param>
public sealed record Outcome(StopReason Reason, int Code, ulong Retired, string Hash, ulong Log, string? State);

/// <summary>An invariant that did not hold.</summary>
public enum Invariant
{
    /// <summary>No exception of the host's.</summary>
    NoHostException,

    /// <summary>Equal runs, however they are cut.</summary>
    Determinism,

    /// <summary>A case ends.</summary>
    NoHang,

    /// <summary>Allocations are bounded.</summary>
    BoundedAllocations,

    /// <summary>The process survives: no access outside guest RAM, no stack overflow.</summary>
    ProcessSurvives,
}

/// <summary>A finding: which invariant, and how it showed.</summary>
/// <param name="Broken">The invariant.</param>
/// <param name="Detail">What was seen.</param>
/// <param name="Cut">The cutting under which it showed.</param>
public sealed record Finding(Invariant Broken, string Detail, Cutting Cut);
