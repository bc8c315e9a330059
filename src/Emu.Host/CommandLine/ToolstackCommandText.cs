using Emu.Machine;
using Emu.Machine.Xen;

namespace Emu.Host.CommandLine;

/// <summary>What the toolstack is to do when, as the command line says it: <c>2s:shutdown</c>, <c>1500ms:mem-set=128M</c>.</summary>
internal static class ToolstackCommandText
{
    private const string Commands = "shutdown, reboot, save, mem-set=SIZE, vcpu-set=N, sysrq=KEY, nmi and debug-keys";

    /// <summary>Reads a command.</summary>
    /// <param name="option">The option, for refusals.</param>
    /// <param name="text">The text.</param>
    /// <returns>The command.</returns>
    /// <exception cref="UsageException">It is none.</exception>
    public static ToolstackCommand Parse(string option, string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !OptionText.TryParseTime(text.AsSpan(0, colon), out ulong time))
            throw new UsageException($"{option} takes a virtual time, a colon and a command, such as 2s:shutdown or 1500ms:mem-set=128M, not '{text}'.");
        string command = text[(colon + 1)..];
        int equals = command.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? command : command[..equals];
        string? value = equals < 0 ? null : command[(equals + 1)..];
        return (name, value) switch
        {
            ("shutdown", null) => new ToolstackCommand(time, ToolstackAction.Shutdown),
            ("reboot", null) => new ToolstackCommand(time, ToolstackAction.Reboot),
            ("save", null) => new ToolstackCommand(time, ToolstackAction.Save),
            ("nmi", null) => new ToolstackCommand(time, ToolstackAction.Nmi),
            ("debug-keys", null) => new ToolstackCommand(time, ToolstackAction.DebugKeys),
            ("sysrq", [> ' ' and < (char)0x7F]) => new ToolstackCommand(time, ToolstackAction.SysRq, value[0]),
            ("sysrq", _) => throw new UsageException($"{option}: sysrq takes one key, such as sysrq=h, not '{text}'."),
            ("mem-set", _) => new ToolstackCommand(
                time, ToolstackAction.SetMemory, OptionText.Size($"{option} mem-set", value ?? "", 0, 1 << 20, MachineMemoryMap.Largest)),
            ("vcpu-set", _) => new ToolstackCommand(
                time, ToolstackAction.SetVcpus, (ulong)OptionText.Integer($"{option} vcpu-set", value ?? "", 0, 1, PvhMachine.MostVcpus)),
            _ => throw new UsageException($"{option} does not know '{command}'; it knows {Commands}."),
        };
    }
}
