using System.Buffers.Binary;
using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;

namespace Emu.Machine.Recording;

/// <summary>The host's network, what comes from which is written down.</summary>
internal sealed class RecordedSockets(IHostSockets sockets, InputRecorder recorder) : IHostSockets
{
    public IHostStream Connect(HostEndpoint remote) => new RecordedStream(sockets.Connect(remote), null, recorder);

    public IHostListener Listen(HostEndpoint local) => new RecordedListener(sockets.Listen(local), recorder);

    public IHostDatagrams BindDatagrams(HostEndpoint local) => new RecordedDatagrams(sockets.BindDatagrams(local), recorder);

    public IHostDatagrams? TryOpenDatagrams()
    {
        if (sockets.TryOpenDatagrams() is not { } port)
        {
            recorder.Note(AnswerKind.NoDatagramPort);
            return null;
        }

        recorder.NoteNothing();
        return new RecordedDatagrams(port, recorder);
    }

    public bool Wait(TimeSpan timeout) => sockets.Wait(timeout);

    public void Dispose() => sockets.Dispose();

    private sealed class RecordedStream(IHostStream stream, bool? isConnected, InputRecorder recorder) : IHostStream
    {
        private bool? _isConnected = isConnected;
        private bool _isFull;

        public bool? IsConnected
        {
            get
            {
                if (_isConnected is not null)
                    return _isConnected;
                _isConnected = stream.IsConnected;
                if (_isConnected is { } known)
                    recorder.Note(known ? AnswerKind.Connected : AnswerKind.NotConnected);
                else
                    recorder.NoteNothing();
                return _isConnected;
            }
        }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            var taken = stream.Send(bytes);
            if (taken == (_isFull ? 0 : bytes.Length))
            {
                recorder.NoteNothing();
            }
            else
            {
                Span<byte> count = stackalloc byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(count, taken);
                recorder.Note(AnswerKind.Sent, count);
            }

            _isFull = taken < bytes.Length;
            return taken;
        }

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            var state = stream.Receive(buffer, out count);
            switch (state)
            {
                case HostInput.Available:
                    recorder.Note(AnswerKind.Received, buffer[..count]);
                    break;
                case HostInput.Ended:
                    recorder.Note(AnswerKind.StreamEnded);
                    break;
                case HostInput.Failed:
                    recorder.Note(AnswerKind.StreamFailed);
                    break;
                default:
                    recorder.NoteNothing();
                    break;
            }

            return state;
        }

        public void CloseSending() => stream.CloseSending();

        public void Dispose() => stream.Dispose();
    }

    private sealed class RecordedListener(IHostListener listener, InputRecorder recorder) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            if (!listener.TryAccept(out stream))
            {
                recorder.NoteNothing();
                return false;
            }

            recorder.Note(AnswerKind.Accepted);
            stream = new RecordedStream(stream!, isConnected: true, recorder);
            return true;
        }

        public void Dispose() => listener.Dispose();
    }

    private sealed class RecordedDatagrams(IHostDatagrams port, InputRecorder recorder) : IHostDatagrams
    {
        public void Send(HostEndpoint remote, ReadOnlySpan<byte> bytes) => port.Send(remote, bytes);

        public bool TryReceive(Span<byte> buffer, out int count, out HostEndpoint remote)
        {
            if (!port.TryReceive(buffer, out count, out remote))
            {
                recorder.NoteNothing();
                return false;
            }

            var bytes = new byte[DatagramAnswer.HeaderLength + count];
            DatagramAnswer.WriteSender(bytes, remote);
            buffer[..count].CopyTo(bytes.AsSpan(DatagramAnswer.HeaderLength));
            recorder.Note(AnswerKind.Datagram, bytes);
            return true;
        }

        public void Dispose() => port.Dispose();
    }
}

/// <summary>A datagram as an answer: who sent it, and the payload.</summary>
internal static class DatagramAnswer
{
    public const int HeaderLength = Ipv4Address.Length + sizeof(ushort);

    public static void WriteSender(Span<byte> bytes, HostEndpoint sender)
    {
        sender.Address.Write(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[Ipv4Address.Length..], sender.Port);
    }

    public static HostEndpoint ReadSender(ReadOnlySpan<byte> bytes) =>
        new(Ipv4Address.Read(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[Ipv4Address.Length..]));
}
