using Emu.Host.Running;
using Emu.Machine;

namespace Emu.Host.Debugging;

/// <summary>A guest as its run hands it to a debugger.</summary>
internal interface IDebuggedGuest
{
    /// <summary>Its machine, which has not executed an instruction yet.</summary>
    PvhMachine Machine { get; }

    /// <summary>What it was made from: its kernel and symbols.</summary>
    GuestSetup Setup { get; }

    /// <summary>The instruction count at which the run ends at the latest.</summary>
    ulong Maximum { get; }

    /// <summary>What watches its vCPUs.</summary>
    RunObserver Observer { get; }
}
