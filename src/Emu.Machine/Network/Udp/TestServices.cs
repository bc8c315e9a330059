using Emu.Cpu.Snapshots;
using Emu.Machine.Network.Frames;

namespace Emu.Machine.Network.Udp;

/// <summary>Sends back what comes (RFC 862).</summary>
internal sealed class UdpEcho(UdpOutput output) : IUdpService
{
    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        datagram.Payload.CopyTo(output.Payload);
        output.Answer(datagram, datagram.Payload.Length);
    }
}

/// <summary>Forgets what comes (RFC 863).</summary>
internal sealed class UdpDiscard : IUdpService
{
    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
    }
}

/// <summary>Answers each datagram with a piece of the pattern of RFC 864, of lengths from 0 to 512 in an order that is the same in each run.</summary>
internal sealed class UdpCharacterGenerator(UdpOutput output) : IUdpService, IStateful
{
    private const int Lengths = 513;

    /// <summary>Has no factor in common with 513 = 3³ · 19: every length comes once in 513 answers.</summary>
    private const int Stride = 200;

    private int _length;

    public void Receive(in UdpDatagram datagram, MacAddress sender)
    {
        _length = (_length + Stride) % Lengths;
        CharacterPattern.Fill(0, output.Payload[.._length]);
        output.Answer(datagram, _length);
    }

    public void Transfer(StateStream stream)
    {
        stream.Section("character generator");
        stream.Transfer(ref _length);
        stream.Require((uint)_length < Lengths, $"no answer has {_length} bytes");
    }
}
