using Emu.Machine.Network.Tcp;

namespace Emu.Machine.Network.HostAccess;

/// <summary>Carries bytes between a connection of the guest's and one of the host's.</summary>
internal sealed class HostTcpRelay : TcpApplication
{
    private const int Piece = 16384;

    private readonly IHostStream _stream;
    private readonly byte[] _piece = new byte[Piece];
    private bool _guestClosed;
    private bool _toldHost;
    private bool _hostEnded;

    public HostTcpRelay(IHostStream stream) => _stream = stream;

    /// <summary>A guest that calls is answered when the host has reached the other side.</summary>
    public override bool AcceptsAtOnce => false;

    /// <summary>True where the guest's connection is no more.</summary>
    public bool HasEnded { get; private set; }

    public override void Readable() => ToHost();

    public override void PeerClosed()
    {
        _guestClosed = true;
        ToHost();
    }

    public override void Ended()
    {
        HasEnded = true;
        _stream.Dispose();
    }

    /// <summary>Looks what the host has.</summary>
    public void Poll()
    {
        switch (_stream.IsConnected)
        {
            case null:
                return;
            case false:
                Connection.Abort();
                return;
        }

        Connection.Accept();
        ToHost();
        FromHost();
    }

    private void ToHost()
    {
        while (Connection.Available != 0)
        {
            var taken = _stream.Send(Connection.Peek());
            if (taken == 0)
                return;
            Connection.Skip(taken);
        }

        if (!_guestClosed || _toldHost)
            return;
        _toldHost = true;
        _stream.CloseSending();
    }

    private void FromHost()
    {
        while (!_hostEnded && Connection.Room != 0)
        {
            switch (_stream.Receive(_piece.AsSpan(0, Math.Min(Piece, Connection.Room)), out var count))
            {
                case HostInput.Available:
                    Connection.Write(_piece.AsSpan(0, count));
                    break;
                case HostInput.Ended:
                    _hostEnded = true;
                    break;
                case HostInput.Failed:
                    Connection.Abort();
                    return;
                default:
                    return;
            }
        }

        // A guest that has closed too would be done then, with bytes that the host has not taken yet.
        if (_hostEnded && !(_guestClosed && Connection.Available != 0))
            Connection.CloseWriting();
    }
}
