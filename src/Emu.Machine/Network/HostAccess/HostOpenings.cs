using Emu.Cpu.Snapshots;
using Emu.Machine.Recording;

namespace Emu.Machine.Network.HostAccess;

/// <summary>
/// Opens connections and ports of the host's and counts them, so that a snapshot can say which of them a connection of the guest's leads to.
/// </summary>
internal sealed class HostOpenings(IHostSockets sockets) : IStateful
{
    private ulong _streams;
    private ulong _datagrams;

    /// <summary>A station and port as a snapshot has them.</summary>
    public static HostEndpoint Transfer(StateStream stream, HostEndpoint endpoint) =>
        new(new Ipv4Address(stream.Transferred(endpoint.Address.Value)), stream.Transferred(endpoint.Port));

    public IHostStream Connect(HostEndpoint remote, out ulong number)
    {
        number = _streams++;
        return sockets.Connect(remote);
    }

    /// <summary>Counts a caller.</summary>
    /// <returns>Its number.</returns>
    public ulong CountAccepted() => _streams++;

    public IHostDatagrams? TryOpenDatagrams(out ulong number)
    {
        number = _datagrams;
        var socket = sockets.TryOpenDatagrams();
        if (socket is not null)
            _datagrams++;
        return socket;
    }

    /// <summary>Finds a connection again; null where the host's side is gone.</summary>
    public IHostStream? ResumeStream(ulong number) => (sockets as IResumableSockets)?.ResumeStream(number);

    /// <summary>Finds a port for datagrams again, or opens another in its place.</summary>
    public IHostDatagrams? ResumeDatagrams(ulong number) =>
        sockets is IResumableSockets resumable ? resumable.ResumeDatagrams(number) : sockets.TryOpenDatagrams();

    public void Transfer(StateStream stream)
    {
        stream.Section("openings");
        stream.Transfer(ref _streams);
        stream.Transfer(ref _datagrams);
        StreamStates.Transfer(stream, (sockets as IJournaledSockets)?.Streams);
    }
}
