namespace Emu.Machine.Network.HostAccess;

/// <summary>
/// The host's network as somebody wrote it down, played back: its connections are still there when the state of a machine is restored. Those of
/// <see cref="SystemSockets"/> are not, so connections that lead to them are reset.
/// </summary>
public interface IResumableSockets : IHostSockets
{
    /// <summary>Finds a connection again, as it was when the state was saved.</summary>
    /// <param name="number">
    /// How many were opened before it since the machine started, by <see cref="IHostSockets.Connect"/> and by
    /// <see cref="IHostListener.TryAccept"/> together.
    /// </param>
    /// <returns>The connection; null where it is no more.</returns>
    IHostStream? ResumeStream(ulong number);

    /// <summary>Finds a port for datagrams again, as it was when the state was saved.</summary>
    /// <param name="number">How many were opened before it since the machine started, by <see cref="IHostSockets.TryOpenDatagrams"/>.</param>
    /// <returns>The port; null where it is no more.</returns>
    IHostDatagrams? ResumeDatagrams(ulong number);
}
