using Emu.Host.Running;
using Emu.Machine;
using Emu.Pvh;

namespace Emu.Host.Debugging;

/// <summary>A guest as its run hands it to a debugger.</summary>
internal interface IDebuggedGuest
{
    /// <summary>Its machine, which has not executed an instruction yet.</summary>
    PvhMachine Machine { get; }

    /// <summary>Its kernel; null where it starts from a ROM.</summary>
    KernelImage? Kernel { get; }

    /// <summary>The instruction count at which the run ends at the latest.</summary>
    ulong Maximum { get; }

    /// <summary>What watches its vCPUs.</summary>
    RunObserver Observer { get; }
}
