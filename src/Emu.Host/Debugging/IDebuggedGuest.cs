using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>A guest as its run hands it to a debugger.</summary>
internal interface IDebuggedGuest
{
    /// <summary>Its machine.</summary>
    PvhMachine Machine { get; }

    /// <summary>Its kernel; null where it starts from a ROM.</summary>
    KernelImage? Kernel { get; }

    /// <summary>The instruction count at which the run ends at the latest.</summary>
    ulong Maximum { get; }

    /// <summary>Runs it, with whatever else looks at it meanwhile.</summary>
    /// <param name="until">The instruction count at which this ends at the latest.</param>
    /// <param name="cancellation">Ends it earlier.</param>
    /// <returns>How it ended; <see cref="StopReason.LimitReached"/> at <paramref name="until"/>.</returns>
    RunResult Advance(ulong until, CancellationToken cancellation);
}
