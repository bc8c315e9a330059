using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Tcp;

namespace Emu.Machine.Network.HostAccess;

/// <summary>Carries bytes between a connection of the guest's and one of the host's.</summary>
internal sealed class HostTcpRelay : TcpApplication
{
    private const int Piece = 16384;

    private readonly HostOpenings _openings;
    private IHostStream? _stream;
    private ulong _number;
    private readonly byte[] _piece = new byte[Piece];
    private bool _guestClosed;
    private bool _toldHost;
    private bool _hostEnded;

    /// <summary>Makes a relay.</summary>
    /// <param name="openings">What finds the host's connection again for a relay that is restored.</param>
    /// <param name="stream">The host's connection; null where it is no more, so that the next look ends the guest's.</param>
    /// <param name="number">How many of the host's connections were opened before this one.</param>
    public HostTcpRelay(HostOpenings openings, IHostStream? stream, ulong number)
    {
        _openings = openings;
        _stream = stream;
        _number = number;
    }

    /// <summary>How many of the host's connections were opened before this one.</summary>
    public ulong Number => _number;

    public override TcpApplicationKind Kind => TcpApplicationKind.Relay;

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
        _stream?.Dispose();
    }

    /// <summary>Looks what the host has.</summary>
    public void Poll()
    {
        if (_stream is { IsConnected: null })
            return;
        if (_stream is not { IsConnected: true })
        {
            Connection.Abort();
            return;
        }

        Connection.Accept();
        ToHost();
        FromHost();
    }

    /// <summary>Closes the host's side, whose guest is no more.</summary>
    public void Forget()
    {
        HasEnded = true;
        _stream?.Dispose();
    }

    public override void Transfer(StateStream stream)
    {
        stream.Transfer(ref _number);
        stream.Transfer(ref _guestClosed);
        stream.Transfer(ref _toldHost);
        stream.Transfer(ref _hostEnded);
        if (stream.IsRestoring)
            _stream = _openings.ResumeStream(_number);
    }

    private void ToHost()
    {
        while (Connection.Available != 0)
        {
            var taken = _stream?.Send(Connection.Peek()) ?? 0;
            if (taken == 0)
                return;
            Connection.Skip(taken);
        }

        if (!_guestClosed || _toldHost)
            return;
        _toldHost = true;
        _stream?.CloseSending();
    }

    private void FromHost()
    {
        while (_stream is { } stream && !_hostEnded && Connection.Room != 0)
        {
            switch (stream.Receive(_piece.AsSpan(0, Math.Min(Piece, Connection.Room)), out var count))
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
