using Emu.Xen.Store;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Diagnostics;

/// <summary>Everything that the machine says to the log.</summary>
internal static partial class MachineLog
{
    [LoggerMessage(1, LogLevel.Debug, "Port 0x{Port:x} was {How} ({Size} bytes); no device answers there.")]
    public static partial void UnclaimedPort(ILogger logger, ushort port, int size, string how);

    [LoggerMessage(2, LogLevel.Debug, "Physical address 0x{Address:x} was {How} ({Size} bytes); neither RAM nor a device answers there.")]
    public static partial void UnclaimedAddress(ILogger logger, ulong address, int size, string how);

    [LoggerMessage(3, LogLevel.Debug, "The guest asked for {What} at RIP 0x{Rip:x} of vCPU {Vcpu}; this processor does not have it.")]
    public static partial void UnsupportedByVcpu(ILogger logger, int vcpu, string what, ulong rip);

    [LoggerMessage(4, LogLevel.Information, "The guest asked Xen for {What} at RIP 0x{Rip:x} ({Code}) of vCPU {Vcpu}, which is not there; it sees an error.")]
    public static partial void UnsupportedByXen(ILogger logger, string what, ulong rip, string code, string vcpu);

    [LoggerMessage(6, LogLevel.Information, "The guest halted, and nothing is left that could wake it.")]
    public static partial void DeadHalt(ILogger logger);

    [LoggerMessage(7, LogLevel.Information, "POST code 0x{Code:X2} (port 0x{Port:x}).")]
    public static partial void PostCode(ILogger logger, byte code, ushort port);

    [LoggerMessage(20, LogLevel.Information, "The toolstack does {What} at {Time} ns.")]
    public static partial void Toolstack(ILogger logger, string what, ulong time);

    [LoggerMessage(21, LogLevel.Warning, "A device of the domain has trouble: {What}.")]
    public static partial void DeviceTrouble(ILogger logger, string what);

    [LoggerMessage(22, LogLevel.Warning, "The xenstore serves the domain no more, which broke the rules of its ring: {Reason}.")]
    public static partial void StoreDisconnects(ILogger logger, StoreConnectionError reason);
}
