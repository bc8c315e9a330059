using Microsoft.Extensions.Logging;

namespace Emu.Machine.Diagnostics;

/// <summary>Everything that the machine says to the log.</summary>
internal static partial class MachineLog
{
    [LoggerMessage(1, LogLevel.Debug, "Port 0x{Port:x} was {How} ({Size} bytes); no device answers there.")]
    public static partial void UnclaimedPort(ILogger logger, ushort port, int size, string how);

    [LoggerMessage(2, LogLevel.Debug, "Physical address 0x{Address:x} was {How} ({Size} bytes); neither RAM nor a device answers there.")]
    public static partial void UnclaimedAddress(ILogger logger, ulong address, int size, string how);
}
