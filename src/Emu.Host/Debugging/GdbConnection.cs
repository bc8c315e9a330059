using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Emu.Host.Debugging;

/// <summary>One gdb that is connected: packets from it, read on a thread of their own, and packets to it.</summary>
/// <remarks>What the reading thread hears while the guest runs (Ctrl-C, or that gdb is gone) comes through <see cref="Attention"/>.</remarks>
internal sealed class GdbConnection
{
    private readonly Socket _socket;
    /// <summary>gdb closes its end at once; one that does not is not waited for.</summary>
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    // gdb waits for each answer; who does not is made to.
    private readonly BlockingCollection<byte[]> _packets = new(boundedCapacity: 256);
    private readonly Lock _sendLock = new();
    private Thread? _reader;
    private byte[] _last = [];
    private volatile bool _acknowledges = true;
    private volatile bool _wasInterrupted;
    private volatile bool _isRunning;

    /// <summary>Takes over a socket.</summary>
    /// <param name="socket">The socket, connected.</param>
    public GdbConnection(Socket socket)
    {
        _socket = socket;
        socket.NoDelay = true;
    }

    /// <summary>Is called on the reading thread when the guest should stop running: Ctrl-C, or gdb is gone.</summary>
    public Action? Attention { get; set; }

    /// <summary>True while the guest runs: Ctrl-C means something then.</summary>
    public bool IsRunning
    {
        get => _isRunning;
        set => _isRunning = value;
    }

    /// <summary>True once gdb is gone: no more packets come.</summary>
    public bool IsClosed => _packets.IsCompleted;

    /// <summary>Who is connected.</summary>
    public string Peer
    {
        get
        {
            try
            {
                return $"{_socket.RemoteEndPoint}";
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return "somebody who is gone";
            }
        }
    }

    /// <summary>Starts reading.</summary>
    public void Start()
    {
        _reader = new Thread(Read) { IsBackground = true, Name = "gdb" };
        _reader.Start();
    }

    /// <summary>Whether Ctrl-C has come that no stop has answered yet.</summary>
    public bool WasInterrupted => _wasInterrupted;

    /// <summary>A stop is about to be reported: it answers what Ctrl-C asked for.</summary>
    public void ForgetInterrupt() => _wasInterrupted = false;

    /// <summary>Waits for the next packet.</summary>
    /// <param name="packet">Its payload.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>False where gdb is gone.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public bool TryReceive([NotNullWhen(true)] out byte[]? packet, CancellationToken cancellation) =>
        _packets.TryTake(out packet, Timeout.Infinite, cancellation) && packet is not null;

    /// <summary>From now on neither side acknowledges packets: QStartNoAckMode.</summary>
    public void StopAcknowledging() => _acknowledges = false;

    /// <summary>Sends a packet. Where gdb is gone, nothing happens: the next look for a packet says so.</summary>
    /// <param name="payload">What it says; may hold any bytes.</param>
    public void Send(ReadOnlySpan<byte> payload)
    {
        byte[] frame = Frame(payload);
        lock (_sendLock)
        {
            _last = frame;
            Transmit(frame);
        }
    }

    /// <summary>Says good-bye: what has been sent still arrives, and what gdb sends goes unheard.</summary>
    public void Leave()
    {
        Attention = null;
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    /// <summary>Gives gdb the time to hear the last word before the process ends.</summary>
    public void WaitForEnd() => _reader?.Join(LongestGoodbye);

    private static byte[] Frame(ReadOnlySpan<byte> payload)
    {
        List<byte> frame = new(payload.Length + 8) { (byte)'$' };
        int sum = 0;
        foreach (byte value in payload)
        {
            // '*' would announce a run of equal characters.
            if (value is (byte)'#' or (byte)'$' or (byte)'}' or (byte)'*')
            {
                frame.Add((byte)'}');
                frame.Add((byte)(value ^ 0x20));
                sum += '}' + (value ^ 0x20);
            }
            else
            {
                frame.Add(value);
                sum += value;
            }
        }

        frame.Add((byte)'#');
        frame.Add((byte)"0123456789abcdef"[(sum >> 4) & 15]);
        frame.Add((byte)"0123456789abcdef"[sum & 15]);
        return [.. frame];
    }

    private void Read()
    {
        PacketReader reader = new();
        byte[] buffer = new byte[16384];
        try
        {
            int count;
            while ((count = _socket.Receive(buffer)) > 0)
            {
                foreach (byte value in buffer.AsSpan(0, count))
                    Take(reader, reader.Add(value));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone is gone, whether or not it said good-bye.
        }

        // A socket that is closed with something unread would take back what was sent.
        _socket.Dispose();
        _packets.CompleteAdding();
        Attention?.Invoke();
    }

    private void Take(PacketReader reader, PacketEvent happened)
    {
        switch (happened)
        {
            case PacketEvent.Packet:
                // The request for no acknowledgements is itself acknowledged: the mode changes when it has been carried out.
                Acknowledge("+"u8);
                Enqueue(reader.Payload.ToArray());
                break;
            case PacketEvent.TooLong:
                Acknowledge("+"u8);
                Enqueue([]);
                break;
            case PacketEvent.Damaged:
                Acknowledge("-"u8);
                break;
            case PacketEvent.Refused when _acknowledges:
                lock (_sendLock)
                    Transmit(_last);
                break;
            case PacketEvent.Interrupt:
                // One that comes when the guest has stopped already is meant for the stop that gdb is about to hear of.
                _wasInterrupted |= IsRunning || _packets.Count != 0;
                Attention?.Invoke();
                break;
        }
    }

    // After good-bye nobody takes packets out any more.
    private void Enqueue(byte[] packet)
    {
        if (Attention is not null)
            _packets.Add(packet);
    }

    private void Acknowledge(ReadOnlySpan<byte> mark)
    {
        if (!_acknowledges)
            return;
        lock (_sendLock)
            Transmit(mark);
    }

    private void Transmit(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The reading thread hears of it, too.
        }
    }
}
