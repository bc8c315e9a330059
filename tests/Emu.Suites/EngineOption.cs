using System.CommandLine;
using Emu.Machine;

namespace Emu.Suites;

/// <summary>What executes the suite's instructions: results must not depend on it.</summary>
internal static class EngineOption
{
    public static Option<ExecutionEngine> Create() => new("--engine")
    {
        HelpName = "ENGINE",
        Description = "auto, interpreter or jit.",
        DefaultValueFactory = _ => ExecutionEngine.Auto,
    };
}
