using System.Net;
using System.Net.Sockets;

namespace Emu.Host.Tests.EndToEnd;

/// <summary>Somebody on this computer whom a guest calls, and who calls it.</summary>
internal sealed class HostPeer : IDisposable
{
    private const int Piece = 1500;
    private const int Pieces = 20;
    private const int Called = 20_000;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _server;

    public HostPeer()
    {
        _listener.Start();
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        ForwardedPort = ((IPEndPoint)free.LocalEndpoint).Port;
        _server = Task.Run(Serve);
    }

    /// <summary>Bytes that it sends altogether.</summary>
    public static int Sent => (Piece * Pieces) + Called;

    /// <summary>Where it answers.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A port that was free, to be led to the guest.</summary>
    public int ForwardedPort { get; }

    /// <summary>Calls the guest until it answers, says something, and hears it out.</summary>
    public void Call()
    {
        while (!TryCall())
            Thread.Sleep(300);
    }

    public void Dispose()
    {
        _listener.Stop();
        _server.Wait(TimeSpan.FromSeconds(10));
    }

    // This computer takes the call before the guest does, who may not listen yet.
    private bool TryCall()
    {
        try
        {
            using TcpClient client = new();
            client.Connect(IPAddress.Loopback, ForwardedPort);
            NetworkStream stream = client.GetStream();
            byte[] bytes = new byte[Called];
            if (stream.ReadAtLeast(bytes, 1, throwOnEndOfStream: false) == 0)
                return false;
            new Random(2).NextBytes(bytes);
            stream.Write(bytes);
            client.Client.Shutdown(SocketShutdown.Send);
            while (stream.Read(bytes) > 0)
            {
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidOperationException)
        {
            return false;
        }
    }

    private void Serve()
    {
        try
        {
            using TcpClient client = _listener.AcceptTcpClient();
            byte[] bytes = new byte[Piece];
            client.GetStream().ReadAtLeast(bytes, 1);
            for (int i = 0; i < Pieces; i++)
            {
                new Random(i).NextBytes(bytes);
                client.GetStream().Write(bytes);
                Thread.Sleep(5);
            }
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // The guest has gone, or never came.
        }
    }
}
