using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Tcp;

/// <summary>Which application is behind a connection's end: so a snapshot names it.</summary>
internal enum TcpApplicationKind : byte
{
    Echo,
    Discard,
    CharacterGenerator,
    Relay,
}

/// <summary>What is behind a connection's end: each connection has one of its own.</summary>
internal abstract class TcpApplication : IStateful
{
    /// <summary>The connection.</summary>
    public required TcpConnection Connection { get; init; }

    public abstract TcpApplicationKind Kind { get; }

    /// <summary>Asked when a SYN has come: true to answer it now, false to answer it later with <see cref="TcpConnection.Accept"/>.</summary>
    public virtual bool AcceptsAtOnce => true;

    /// <summary>Called when the handshake is done; bytes can be written now.</summary>
    public virtual void Established()
    {
    }

    /// <summary>Called when there is something to read.</summary>
    public abstract void Readable();

    /// <summary>Called when there is room to write again.</summary>
    public virtual void Writable()
    {
    }

    /// <summary>Called once when the guest will send no more; what it sent may still be there to read.</summary>
    public abstract void PeerClosed();

    /// <summary>Called once when the connection is no more, whoever ended it.</summary>
    public virtual void Ended()
    {
    }

    public virtual void Transfer(StateStream stream)
    {
    }
}
