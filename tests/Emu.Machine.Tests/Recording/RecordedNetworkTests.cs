using Emu.Machine.Network;
using Emu.Machine.Network.HostAccess;
using Emu.Machine.Recording;
using Emu.Machine.Tests.Network;
using Emu.Machine.Tests.Support;
using Xunit;

namespace Emu.Machine.Tests.Recording;

/// <summary>Connections between a guest and a host that does what it likes, when it likes; written down, and played back.</summary>
public class RecordedNetworkTests
{
    private const ushort Port = 2222;

    [Fact]
    public void Connection_is_the_same_again_however_often_the_machine_looks()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            MemoryStream stream = new();
            List<string> first;
            using (InputRecorder recorder = new(stream, default))
                first = Talk(recorder, new Random(seed), seed);
            Assert.True(first.Count > 20, $"seed {seed}: {first.Count} frames");

            using var replayer = new InputReplayer(InputLogReader.Open(new MemoryStream(stream.ToArray()), "log"));
            Assert.Equal(first, Talk(replayer, new Random(seed + 1000), seed));
        }
    }

    [Fact]
    public void Another_host_is_another_connection()
    {
        using InputRecorder one = new(new MemoryStream(), default), other = new(new MemoryStream(), default);
        Assert.NotEqual(Talk(one, new Random(1), 1), Talk(other, new Random(2), 1));
    }

    [Fact]
    public void Datagrams_and_callers_are_played_back()
    {
        NetworkOptions options = new()
        {
            Allowed = [new AllowedConnection(TransportProtocol.Udp, null, 53)],
            Forwards = [new PortForward(TransportProtocol.Tcp, Ipv4Address.Loopback, 80, 80), new PortForward(TransportProtocol.Udp, Ipv4Address.Loopback, 5000, 5)],
        };
        MemoryStream stream = new();
        List<string> first;
        using (InputRecorder recorder = new(stream, default))
            first = Send(recorder);
        Assert.True(first.Count >= 3);
        using var replayer = new InputReplayer(InputLogReader.Open(new MemoryStream(stream.ToArray()), "log"));
        Assert.Equal(first, Send(replayer));

        List<string> Send(InputJournal journal)
        {
            List<string> frames = [];
            using TestGuest guest = new(options, journal.OpenSockets(static () => new FickleHost(new Random(7))));
            guest.Arrived = frame => frames.Add($"{guest.Clock.Now} {Convert.ToHexString(frame)}");
            journal.BeginLife(guest.Clock, null);
            for (var i = 0; i < 30; i++)
            {
                if (i % 10 == 3)
                    guest.SendUdp(TestGuest.Gateway, 53, "who"u8);
                Pass(journal, guest, 50_000, new Random(i));
            }

            return frames;
        }
    }

    /// <summary>A guest sends 30,000 bytes to a host and takes what comes; every frame that it gets, and when.</summary>
    private static List<string> Talk(InputJournal journal, Random host, int data)
    {
        List<string> frames = [];
        NetworkOptions options = new() { Allowed = [new AllowedConnection(TransportProtocol.Tcp, null, Port)] };
        using TestGuest guest = new(options, journal.OpenSockets(() => new FickleHost(host)));
        var bytes = new byte[30_000];
        new Random(data).NextBytes(bytes);
        ScriptedTcpPeer peer = new(guest, Port, bytes) { Passes = time => Pass(journal, guest, time, host) };
        var arrived = guest.Arrived!;
        guest.Arrived = frame =>
        {
            frames.Add($"{guest.Clock.Now} {Convert.ToHexString(frame)}");
            arrived(frame);
        };
        journal.BeginLife(guest.Clock, null);
        peer.Run(60_000_000_000);
        return frames;
    }

    /// <summary>Time passes in steps whose length is the host's business, and the machine looks after each.</summary>
    private static void Pass(InputJournal journal, TestGuest guest, ulong nanoseconds, Random random)
    {
        var clock = guest.Clock;
        var end = clock.Now + nanoseconds;
        do
        {
            var next = Math.Min(end, clock.Now + (ulong)random.Next(1, nanoseconds > 1_000_000 ? 50_000_000 : 30_000));
            next = Math.Max(Math.Min(Math.Min(next, clock.NextDeadline ?? next), journal.NextStop), clock.Now);
            clock.Warp(next - clock.Now);
            journal.BeginLook();
            guest.Network.Poll();
            journal.EndLook();
            clock.FireDue();
            journal.Pass(static () => new byte[8]);
        }
        while (clock.Now < end);
    }

    private sealed class FickleHost(Random random) : IHostSockets
    {
        public IHostStream Connect(HostEndpoint remote) => new Stream(random);

        public IHostListener Listen(HostEndpoint local) => new Listener(random);

        public IHostDatagrams BindDatagrams(HostEndpoint local) => new Datagrams(random, new HostEndpoint(new Ipv4Address(0x0102_0304), 999));

        public IHostDatagrams? TryOpenDatagrams() => random.Next(2) == 0 ? null : new Datagrams(random, new HostEndpoint(Ipv4Address.Loopback, 53));

        public bool Wait(TimeSpan timeout) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }

    private sealed class Stream(Random random) : IHostStream
    {
        private int _left = random.Next(0, 60_000);

        public bool? IsConnected => random.Next(3) == 0 ? true : null;

        public int Send(ReadOnlySpan<byte> bytes) => random.Next(3) switch
        {
            0 => 0,
            1 => random.Next(0, bytes.Length + 1),
            _ => bytes.Length,
        };

        public HostInput Receive(Span<byte> buffer, out int count)
        {
            count = 0;
            if (random.Next(2) == 0)
                return HostInput.Empty;
            if (_left == 0)
                return HostInput.Ended;
            count = random.Next(1, Math.Min(_left, buffer.Length) + 1);
            _left -= count;
            random.NextBytes(buffer[..count]);
            return HostInput.Available;
        }

        public void CloseSending()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class Listener(Random random) : IHostListener
    {
        public bool TryAccept(out IHostStream? stream)
        {
            stream = random.Next(4) == 0 ? new Stream(random) : null;
            return stream is not null;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Datagrams(Random random, HostEndpoint sender) : IHostDatagrams
    {
        public void Send(HostEndpoint remote, ReadOnlySpan<byte> bytes)
        {
        }

        public bool TryReceive(Span<byte> buffer, out int count, out HostEndpoint remote)
        {
            count = random.Next(0, 400);
            remote = sender;
            random.NextBytes(buffer[..count]);
            return random.Next(3) == 0;
        }

        public void Dispose()
        {
        }
    }
}
