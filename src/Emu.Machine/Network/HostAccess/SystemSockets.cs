using System.Net;
using System.Net.Sockets;

namespace Emu.Machine.Network.HostAccess;

/// <summary>The host's sockets, none of which ever blocks.</summary>
public sealed class SystemSockets : IHostSockets
{
    // What is waited for at each: a socket that is ready for what nobody does would end every wait at once.
    private readonly Dictionary<Socket, Interest> _sockets = [];

    [Flags]
    private enum Interest
    {
        None = 0,
        Reading = 1,
        Writing = 2,
    }

    /// <inheritdoc/>
    public IHostStream Connect(HostEndpoint remote)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true };
            _sockets.Add(socket, Interest.Writing);
            socket.Connect(Translate(remote));
        }
        catch (SocketException failure)
        {
            if (socket is null || failure.SocketErrorCode is not (SocketError.WouldBlock or SocketError.InProgress))
                return new FailedStream(this, socket);
        }

        return new HostStream(this, socket, isConnected: null);
    }

    /// <inheritdoc/>
    public IHostListener Listen(HostEndpoint local)
    {
        const int Backlog = 16;
        var socket = Bind(local, SocketType.Stream, ProtocolType.Tcp);
        socket.Listen(Backlog);
        return new HostListener(this, socket);
    }

    /// <inheritdoc/>
    public IHostDatagrams BindDatagrams(HostEndpoint local) => new HostDatagrams(this, Bind(local, SocketType.Dgram, ProtocolType.Udp));

    /// <inheritdoc/>
    public IHostDatagrams? TryOpenDatagrams()
    {
        try
        {
            return BindDatagrams(new HostEndpoint(Ipv4Address.None, 0));
        }
        catch (MachineConfigurationException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public bool Wait(TimeSpan timeout)
    {
        if (_sockets.Count == 0)
            return false;
        List<Socket> readable = [];
        List<Socket> writable = [];
        foreach (var (socket, interest) in _sockets)
        {
            if (interest.HasFlag(Interest.Reading))
                readable.Add(socket);
            if (interest.HasFlag(Interest.Writing))
                writable.Add(socket);
        }

        if (readable.Count == 0 && writable.Count == 0)
        {
            Thread.Sleep(timeout);
            return false;
        }

        // A connection that fails is among the errors.
        List<Socket> failed = [.. writable];
        Socket.Select(readable, writable, failed, timeout);
        return readable.Count != 0 || writable.Count != 0 || failed.Count != 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var socket in _sockets.Keys)
            socket.Dispose();
        _sockets.Clear();
    }

    private static IPEndPoint Translate(HostEndpoint endpoint)
    {
        Span<byte> bytes = stackalloc byte[Ipv4Address.Length];
        endpoint.Address.Write(bytes);
        return new IPEndPoint(new IPAddress(bytes), endpoint.Port);
    }

    private static HostEndpoint Translate(IPEndPoint endpoint)
    {
        Span<byte> bytes = stackalloc byte[Ipv4Address.Length];
        endpoint.Address.TryWriteBytes(bytes, out _);
        return new HostEndpoint(Ipv4Address.Read(bytes), (ushort)endpoint.Port);
    }

    private Socket Bind(HostEndpoint local, SocketType type, ProtocolType protocol)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(AddressFamily.InterNetwork, type, protocol) { Blocking = false };
            socket.Bind(Translate(local));
        }
        catch (SocketException failure)
        {
            socket?.Dispose();
            throw new MachineConfigurationException($"This computer does not let the guest have {local}: {failure.SocketErrorCode}.");
        }

        _sockets.Add(socket, Interest.Reading);
        return socket;
    }

    private void Close(Socket socket)
    {
        _sockets.Remove(socket);
        socket.Dispose();
    }

    private sealed class HostStream(SystemSockets owner, Socket socket, bool? isConnected) : IHostStream
    {
        private bool? _isConnected = isConnected;
        private bool _isDrained;
        private bool _isFull;

        public bool? IsConnected
        {
            get
            {
                if (_isConnected is null && (socket.Poll(0, SelectMode.SelectWrite) || socket.Poll(0, SelectMode.SelectError)))
                {
                    _isConnected = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)! == 0;
                    NoteInterest();
                }

                return _isConnected;
            }
        }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            if (IsConnected != true)
                return 0;
            var count = socket.Send(bytes, SocketFlags.None, out var error);
            var taken = error == SocketError.Success ? count : 0;
            _isFull = taken < bytes.Length && error is (SocketError.Success or SocketError.WouldBlock);
            NoteInterest();
            return taken;
        }

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = socket.Receive(buffer, SocketFlags.None, out var error);
            // Who has found nothing will read what comes. Who has stopped before, or at the end, reads when the guest has room, or never.
            _isDrained = error == SocketError.WouldBlock;
            NoteInterest();
            return error switch
            {
                SocketError.Success => count == 0 ? HostInput.Ended : HostInput.Available,
                SocketError.WouldBlock => HostInput.Empty,
                _ => HostInput.Failed,
            };
        }

        public void CloseSending()
        {
            try
            {
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // The connection is broken; receiving says so.
            }
        }

        public void Dispose() => owner.Close(socket);

        private void NoteInterest() => owner._sockets[socket] = (_isDrained ? Interest.Reading : 0) | (_isFull ? Interest.Writing : 0);
    }

    private sealed class FailedStream(SystemSockets owner, Socket? socket) : IHostStream
    {
        public bool? IsConnected => false;

        public int Send(ReadOnlySpan<byte> bytes) => 0;

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = 0;
            return HostInput.Failed;
        }

        public void CloseSending()
        {
        }

        public void Dispose()
        {
            if (socket is not null)
                owner.Close(socket);
        }
    }

    private sealed class HostListener(SystemSockets owner, Socket socket) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            stream = null;
            if (!socket.Poll(0, SelectMode.SelectRead))
                return false;
            try
            {
                var accepted = socket.Accept();
                accepted.Blocking = false;
                accepted.NoDelay = true;
                owner._sockets.Add(accepted, Interest.None);
                stream = new HostStream(owner, accepted, isConnected: true);
                return true;
            }
            catch (SocketException)
            {
                // The caller has gone again.
                return false;
            }
        }

        public void Dispose() => owner.Close(socket);
    }

    private sealed class HostDatagrams(SystemSockets owner, Socket socket) : IHostDatagrams
    {
        public void Send(HostEndpoint remote, ReadOnlySpan<byte> bytes)
        {
            try
            {
                socket.SendTo(bytes, SocketFlags.None, Translate(remote));
            }
            catch (SocketException)
            {
                // A datagram may be lost.
            }
        }

        public bool TryReceive(Span<byte> buffer, out int count, out HostEndpoint remote)
        {
            count = 0;
            remote = default;
            if (!socket.Poll(0, SelectMode.SelectRead))
                return false;
            EndPoint sender = new IPEndPoint(IPAddress.Any, 0);
            try
            {
                count = socket.ReceiveFrom(buffer, SocketFlags.None, ref sender);
            }
            catch (SocketException)
            {
                // What comes back of a datagram that nobody took.
                return false;
            }

            remote = Translate((IPEndPoint)sender);
            return true;
        }

        public void Dispose() => owner.Close(socket);
    }
}
