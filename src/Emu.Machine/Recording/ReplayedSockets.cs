using System.Buffers.Binary;
using Emu.Cpu.Snapshots;
using Emu.Machine.Network.HostAccess;

namespace Emu.Machine.Recording;

/// <summary>The host's network as it was: nothing goes out, and only what was recorded comes in.</summary>
internal sealed class ReplayedSockets(InputReplayer replayer) : IHostSockets
{
    public IHostStream Connect(HostEndpoint remote) => new ReplayedStream(null, replayer);

    public IHostListener Listen(HostEndpoint local) => new ReplayedListener(replayer);

    public IHostDatagrams BindDatagrams(HostEndpoint local) => new ReplayedDatagrams(replayer);

    public IHostDatagrams? TryOpenDatagrams() => replayer.TryTake(out _, AnswerKind.NoDatagramPort) ? null : new ReplayedDatagrams(replayer);

    public bool Wait(TimeSpan timeout) => false;

    public void Dispose()
    {
    }

    /// <summary>A connection that a snapshot has the state of.</summary>
    public IHostStream Restore(StateStream stream)
    {
        ReplayedStream restored = new(null, replayer);
        restored.Transfer(stream);
        return restored;
    }

    private sealed class ReplayedStream(bool? isConnected, InputReplayer replayer) : IHostStream, IStateful
    {
        private bool? _isConnected = isConnected;
        private bool _isFull;

        public bool? IsConnected
        {
            get
            {
                if (_isConnected is null && replayer.TryTake(out var answer, AnswerKind.Connected, AnswerKind.NotConnected))
                    _isConnected = answer.Answer == AnswerKind.Connected;
                return _isConnected;
            }
        }

        public int Send(ReadOnlySpan<byte> bytes)
        {
            var taken = _isFull ? 0 : bytes.Length;
            if (replayer.TryTake(out var answer, AnswerKind.Sent))
            {
                var count = answer.Bytes.Length == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(answer.Bytes.Span) : -1;
                if (count >= 0 && count <= bytes.Length)
                    taken = count;
                else
                    replayer.Diverge("more was sent than there is");
            }

            _isFull = taken < bytes.Length;
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

        public void Dispose()
        {
        }

        public void Transfer(StateStream stream)
        {
            stream.Transfer(ref _isConnected);
            stream.Transfer(ref _isFull);
        }
    }

    private sealed class ReplayedListener(InputReplayer replayer) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            stream = replayer.TryTake(out _, AnswerKind.Accepted) ? new ReplayedStream(true, replayer) : null;
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
