namespace Emu.Host.Debugging;

/// <summary>What a byte from gdb has completed.</summary>
internal enum PacketEvent
{
    /// <summary>Nothing yet.</summary>
    None,

    /// <summary>A packet whose checksum is right; <see cref="PacketReader.Payload"/> has it.</summary>
    Packet,

    /// <summary>A packet that was damaged on the way.</summary>
    Damaged,

    /// <summary>A packet that is longer than one may be.</summary>
    TooLong,

    /// <summary><c>+</c>: the last packet that was sent has arrived.</summary>
    Acknowledged,

    /// <summary><c>-</c>: it shall be sent again.</summary>
    Refused,

    /// <summary>Ctrl-C.</summary>
    Interrupt,
}

/// <summary>Cuts what comes from gdb into packets.</summary>
/// <remarks>
/// <code>
/// $ payload # hh     hh: sum of the payload's bytes modulo 256; in the payload } quotes: the byte after it is XORed with 0x20
/// + -                between packets: acknowledgements        0x03  between packets: Ctrl-C
/// </code>
/// Anything else between packets is passed over.
/// </remarks>
internal sealed class PacketReader
{
    /// <summary>The longest payload that is taken, in bytes: what the server announces as PacketSize.</summary>
    public const int LongestPayload = 0x10000;

    private const byte CtrlC = 3, Quote = (byte)'}', Quoted = 0x20;

    private readonly byte[] _payload = new byte[LongestPayload];
    private State _state;
    private int _length;
    private byte _sum;
    private int _expected;
    private bool _isQuoted;
    private bool _isTooLong;

    private enum State
    {
        Between,
        Payload,
        FirstDigit,
        SecondDigit,
    }

    /// <summary>The last packet's payload, quotes undone; valid until the next byte is added.</summary>
    public ReadOnlySpan<byte> Payload => _payload.AsSpan(0, _length);

    /// <summary>Takes the next byte.</summary>
    /// <param name="value">The byte.</param>
    /// <returns>What it has completed.</returns>
    public PacketEvent Add(byte value)
    {
        switch (_state)
        {
            case State.Between:
                if (value == '$')
                    Begin();
                return value switch
                {
                    (byte)'+' => PacketEvent.Acknowledged,
                    (byte)'-' => PacketEvent.Refused,
                    CtrlC => PacketEvent.Interrupt,
                    _ => PacketEvent.None,
                };
            case State.Payload when value == '$':
                // The rest of a packet was lost, and this is the next one.
                Begin();
                return PacketEvent.None;
            case State.Payload when value == '#':
                _state = State.FirstDigit;
                return PacketEvent.None;
            case State.Payload:
                AddToPayload(value);
                return PacketEvent.None;
            case State.FirstDigit:
                _expected = Hexadecimal.Digit(value) * 16;
                _state = State.SecondDigit;
                return PacketEvent.None;
            default:
                _state = State.Between;
                int digit = Hexadecimal.Digit(value);
                if (_isQuoted || _expected + digit != _sum)
                    return PacketEvent.Damaged;
                return _isTooLong ? PacketEvent.TooLong : PacketEvent.Packet;
        }
    }

    private void Begin()
    {
        _state = State.Payload;
        _length = 0;
        _sum = 0;
        _isQuoted = _isTooLong = false;
    }

    private void AddToPayload(byte value)
    {
        _sum += value;
        if (!_isQuoted && value == Quote)
        {
            _isQuoted = true;
            return;
        }

        if (_length == _payload.Length)
            _isTooLong = true;
        else
            _payload[_length++] = _isQuoted ? (byte)(value ^ Quoted) : value;
        _isQuoted = false;
    }
}
