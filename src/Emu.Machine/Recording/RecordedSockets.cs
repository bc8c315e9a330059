using System.Buffers.Binary;
using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;

namespace Emu.Machine.Recording;

/// <summary>The host's network, what comes from which is written down.</summary>
internal sealed class RecordedSockets(IHostSockets sockets, InputRecorder recorder) : IHostSockets, IJournaledSockets
{
    public StreamStates Streams { get; } = new();

    public IHostStream Connect(HostEndpoint remote) => new RecordedStream(sockets.Connect(remote), isConnected: null, Streams, recorder);

    public IHostListener Listen(HostEndpoint local) => new RecordedListener(sockets.Listen(local), Streams, recorder);

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

    private sealed class RecordedStream : IHostStream
    {
        private readonly IHostStream _stream;
        private readonly StreamStates _streams;
        private readonly InputRecorder _recorder;
        private readonly StreamState _state;
        private readonly ulong _number;

        public RecordedStream(IHostStream stream, bool? isConnected, StreamStates streams, InputRecorder recorder)
        {
            _stream = stream;
            _streams = streams;
            _recorder = recorder;
            _state = streams.Open(isConnected, out _number);
        }

        public bool? IsConnected
        {
            get
            {
                if (_state.IsConnected is not null)
                    return _state.IsConnected;
                _state.IsConnected = _stream.IsConnected;
                if (_state.IsConnected is { } known)
                    _recorder.Note(known ? AnswerKind.Connected : AnswerKind.NotConnected);
                else
                    _recorder.NoteNothing();
                return _state.IsConnected;
            }
        }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            var taken = _stream.Send(bytes);
            if (taken == (_state.IsFull ? 0 : bytes.Length))
            {
                _recorder.NoteNothing();
            }
            else
            {
                Span<byte> count = stackalloc byte[sizeof(int)];
                BinaryPrimitives.WriteInt32LittleEndian(count, taken);
                _recorder.Note(AnswerKind.Sent, count);
            }

            _state.IsFull = taken < bytes.Length;
            return taken;
        }

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            var state = _stream.Receive(buffer, out count);
            switch (state)
            {
                case HostInput.Available:
                    _recorder.Note(AnswerKind.Received, buffer[..count]);
                    break;
                case HostInput.Ended:
                    _recorder.Note(AnswerKind.StreamEnded);
                    break;
                case HostInput.Failed:
                    _recorder.Note(AnswerKind.StreamFailed);
                    break;
                default:
                    _recorder.NoteNothing();
                    break;
            }

            return state;
        }

        public void CloseSending() => _stream.CloseSending();

        public void Dispose()
        {
            _streams.Close(_number);
            _stream.Dispose();
        }
    }

    private sealed class RecordedListener(IHostListener listener, StreamStates streams, InputRecorder recorder) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            if (!listener.TryAccept(out stream))
            {
                recorder.NoteNothing();
                return false;
            }

            recorder.Note(AnswerKind.Accepted);
            stream = new RecordedStream(stream!, isConnected: true, streams, recorder);
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
