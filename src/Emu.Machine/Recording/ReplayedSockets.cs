using System.Buffers.Binary;
using Emu.Machine.Network.HostAccess;

namespace Emu.Machine.Recording;

/// <summary>The host's network as it was: nothing goes out, and only what was recorded comes in.</summary>
internal sealed class ReplayedSockets(InputReplayer replayer) : IResumableSockets, IJournaledSockets
{
    public StreamStates Streams { get; } = new();

    public IHostStream Connect(HostEndpoint remote) => Open(null);

    public IHostListener Listen(HostEndpoint local) => new ReplayedListener(this, replayer);

    public IHostDatagrams BindDatagrams(HostEndpoint local) => new ReplayedDatagrams(replayer);

    public IHostDatagrams? TryOpenDatagrams() => replayer.TryTake(out _, AnswerKind.NoDatagramPort) ? null : new ReplayedDatagrams(replayer);

    public bool Wait(TimeSpan timeout) => false;

    public void Dispose()
    {
    }

    public IHostStream? ResumeStream(ulong number) => replayer.IsResuming ? null : new ReplayedStream(Streams.Resume(number), number, Streams, replayer);

    public IHostDatagrams? ResumeDatagrams(ulong number) => replayer.IsResuming ? TryOpenDatagrams() : new ReplayedDatagrams(replayer);

    private ReplayedStream Open(bool? isConnected)
    {
        var state = Streams.Open(isConnected, out var number);
        return new ReplayedStream(state, number, Streams, replayer);
    }

    private sealed class ReplayedStream(StreamState state, ulong number, StreamStates streams, InputReplayer replayer) : IHostStream
    {
        public bool? IsConnected
        {
            get
            {
                if (state.IsConnected is null && replayer.TryTake(out var answer, AnswerKind.Connected, AnswerKind.NotConnected))
                    state.IsConnected = answer.Answer == AnswerKind.Connected;
                return state.IsConnected;
            }
        }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            var taken = state.IsFull ? 0 : bytes.Length;
            if (replayer.TryTake(out var answer, AnswerKind.Sent))
            {
                var count = answer.Bytes.Length == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(answer.Bytes.Span) : -1;
                if (count >= 0 && count <= bytes.Length)
                    taken = count;
                else
                    replayer.Diverge("more was sent than there is");
            }

            state.IsFull = taken < bytes.Length;
            return taken;
        }

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = 0;
            if (!replayer.TryTake(out var answer, AnswerKind.Received, AnswerKind.StreamEnded, AnswerKind.StreamFailed))
                return HostInput.Empty;
            if (answer.Answer != AnswerKind.Received)
                return answer.Answer == AnswerKind.StreamEnded ? HostInput.Ended : HostInput.Failed;
            count = answer.Bytes.Length;
            if (count != 0 && answer.Bytes.Span.TryCopyTo(buffer))
                return HostInput.Available;
            replayer.Diverge("more was received than there is room for");
            count = 0;
            return HostInput.Failed;
        }

        public void CloseSending()
        {
        }

        public void Dispose() => streams.Close(number);
    }

    private sealed class ReplayedListener(ReplayedSockets sockets, InputReplayer replayer) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            stream = replayer.TryTake(out _, AnswerKind.Accepted) ? sockets.Open(true) : null;
            return stream is not null;
        }

        public void Dispose()
        {
        }
    }

    private sealed class ReplayedDatagrams(InputReplayer replayer) : IHostDatagrams
    {
        public void Send(HostEndpoint remote, ReadOnlySpan<byte> bytes)
        {
        }

        public bool TryReceive(Span<byte> buffer, out int count, out HostEndpoint remote)
        {
            count = 0;
            remote = default;
            if (!replayer.TryTake(out var answer, AnswerKind.Datagram))
                return false;
            var bytes = answer.Bytes.Span;
            if (bytes.Length < DatagramAnswer.HeaderLength || !bytes[DatagramAnswer.HeaderLength..].TryCopyTo(buffer))
            {
                replayer.Diverge("a datagram has no sender, or is too long");
                return false;
            }

            remote = DatagramAnswer.ReadSender(bytes);
            count = bytes.Length - DatagramAnswer.HeaderLength;
            return true;
        }

        public void Dispose()
        {
        }
    }
}
