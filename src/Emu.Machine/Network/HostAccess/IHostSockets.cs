namespace Emu.Machine.Network.HostAccess;

/// <summary>A station and a port on the host's side.</summary>
/// <param name="Address">The station.</param>
/// <param name="Port">The port.</param>
public readonly record struct HostEndpoint(Ipv4Address Address, ushort Port)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Address}:{Port}";
}

/// <summary>
/// The host's network, as far as the user lets the guest have it. All that a run learns from outside comes through here, at the calls of
/// <see cref="UserNetwork.Poll"/> and at the guest's own packets: who writes it down and plays it back has the same run again.
/// </summary>
/// <remarks>Nothing here waits but <see cref="Wait"/>.</remarks>
public interface IHostSockets : IDisposable
{
    /// <summary>Begins to connect.</summary>
    /// <param name="remote">Where to.</param>
    /// <returns>The connection, in whatever state; one that has failed where the host has none to give.</returns>
    IHostStream Connect(HostEndpoint remote);

    /// <summary>Listens for connections.</summary>
    /// <param name="local">Where.</param>
    /// <returns>The listener.</returns>
    /// <exception cref="MachineConfigurationException">The host does not allow it.</exception>
    IHostListener Listen(HostEndpoint local);

    /// <summary>Opens a certain port for datagrams.</summary>
    /// <param name="local">Where.</param>
    /// <returns>The port.</returns>
    /// <exception cref="MachineConfigurationException">The host does not allow it.</exception>
    IHostDatagrams BindDatagrams(HostEndpoint local);

    /// <summary>Opens a port for datagrams that the host chooses.</summary>
    /// <returns>The port; null where the host has none to give.</returns>
    IHostDatagrams? TryOpenDatagrams();

    /// <summary>Waits until anything has happened.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <returns>True where something has.</returns>
    bool Wait(TimeSpan timeout);
}

/// <summary>What there is to receive.</summary>
public enum HostInput
{
    /// <summary>Bytes were received.</summary>
    Available,

    /// <summary>Nothing yet.</summary>
    Empty,

    /// <summary>Nothing ever again: the other side has closed.</summary>
    Ended,

    /// <summary>Nothing ever again: the connection is broken, or never came about.</summary>
    Failed,
}

/// <summary>A TCP connection of the host.</summary>
public interface IHostStream : IDisposable
{
    /// <summary>Whether it has come about: null while that is open, false where it failed.</summary>
    bool? IsConnected { get; }

    /// <summary>Sends bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>How many were taken; 0 where there is no room, or the connection is broken, which <see cref="Receive"/> tells.</returns>
    int Send(ReadOnlySpan<byte> bytes);

    /// <summary>Receives bytes.</summary>
    /// <param name="buffer">Takes them; not empty.</param>
    /// <param name="count">How many there are.</param>
    /// <returns>What there is.</returns>
    HostInput Receive(Span<byte> buffer, out int count);

    /// <summary>Says that no more will be sent.</summary>
    void CloseSending();
}

/// <summary>A listening TCP port of the host.</summary>
public interface IHostListener : IDisposable
{
    /// <summary>Takes the next caller.</summary>
    /// <param name="stream">The connection.</param>
    /// <returns>False where there is none.</returns>
    bool TryAccept(out IHostStream? stream);
}

/// <summary>A UDP port of the host.</summary>
public interface IHostDatagrams : IDisposable
{
    /// <summary>Sends a datagram; it may be lost.</summary>
    /// <param name="remote">Where to.</param>
    /// <param name="bytes">The payload.</param>
    void Send(HostEndpoint remote, ReadOnlySpan<byte> bytes);

    /// <summary>Receives a datagram.</summary>
    /// <param name="buffer">Takes it; 65,507 bytes hold any.</param>
    /// <param name="count">Its length.</param>
    /// <param name="remote">Where it is from.</param>
    /// <returns>False where there is none.</returns>
    bool TryReceive(Span<byte> buffer, out int count, out HostEndpoint remote);
}
