using Emu.Machine.Diagnostics;
using Emu.Xen.Backends;
using Emu.Xen.Store;
using Microsoft.Extensions.Logging;

namespace Emu.Machine.Xen;

/// <summary>What the control domain's back ends and its store say of the guest, as lines in the log.</summary>
/// <param name="log">The log.</param>
internal sealed class ControlDomainLog(ILogger log)
{
    /// <summary>So many lines are written at most: a hostile guest cannot fill the log.</summary>
    public const int MostLines = 256;

    private int _lines;

    /// <summary>Writes down what a back end reports from now on.</summary>
    /// <param name="backend">The back end.</param>
    public void Follow(XenbusBackend backend) => backend.Reported += what =>
    {
        if (IsRoom())
            MachineLog.DeviceTrouble(log, what);
    };

    /// <summary>Writes down when the store serves a domain no more.</summary>
    /// <param name="connection">The domain's connection.</param>
    public void Follow(XenStoreConnection connection) => connection.Disconnected += reason =>
    {
        if (IsRoom())
            MachineLog.StoreDisconnects(log, reason);
    };

    private bool IsRoom()
    {
        if (_lines == MostLines)
            return false;
        _lines++;
        return true;
    }
}
