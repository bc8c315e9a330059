using Emu.Cpu.Snapshots;

namespace Emu.Machine.Network.Tcp;

/// <summary>Sends back what comes, as fast as the guest takes it (RFC 862).</summary>
internal sealed class TcpEcho : TcpApplication
{
    private bool _peerClosed;

    public override TcpApplicationKind Kind => TcpApplicationKind.Echo;

    public override void Readable()
    {
        while (Connection.Available != 0 && Connection.Room != 0)
        {
            var bytes = Connection.Peek();
            Connection.Skip(Connection.Write(bytes));
        }

        if (_peerClosed && Connection.Available == 0)
            Connection.CloseWriting();
    }

    public override void Writable() => Readable();

    public override void PeerClosed()
    {
        _peerClosed = true;
        Readable();
    }

    public override void Transfer(StateStream stream) => stream.Transfer(ref _peerClosed);
}

/// <summary>Forgets what comes (RFC 863).</summary>
internal sealed class TcpDiscard : TcpApplication
{
    public override TcpApplicationKind Kind => TcpApplicationKind.Discard;

    public override void Readable()
    {
        while (Connection.Available != 0)
            Connection.Skip(Connection.Peek().Length);
    }

    public override void PeerClosed() => Connection.CloseWriting();
}

/// <summary>Sends the pattern of RFC 864 until the guest resets the connection, as it does when nobody reads there, and forgets what comes.</summary>
internal sealed class TcpCharacterGenerator : TcpApplication
{
    private const int Piece = 4096;

    private ulong _position;

    public override TcpApplicationKind Kind => TcpApplicationKind.CharacterGenerator;

    public override void Established() => Writable();

    public override void Readable()
    {
        while (Connection.Available != 0)
            Connection.Skip(Connection.Peek().Length);
    }

    public override void Writable()
    {
        Span<byte> piece = stackalloc byte[Piece];
        while (Connection.Room != 0)
        {
            var part = piece[..Math.Min(Piece, Connection.Room)];
            CharacterPattern.Fill(_position, part);
            _position += (ulong)Connection.Write(part);
        }
    }

    /// <summary>A guest with nothing to say may go on listening; one that is gone answers with a RST.</summary>
    public override void PeerClosed()
    {
    }

    public override void Transfer(StateStream stream) => stream.Transfer(ref _position);
}
