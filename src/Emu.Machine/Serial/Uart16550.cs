using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Interrupts;
using Emu.Machine.Time;

namespace Emu.Machine.Serial;

/// <summary>A 16550A serial port (PC16550D data sheet, National Semiconductor, 1995), wired as in a PC.</summary>
/// <remarks>
/// <code>
/// offset  read  write         IER  3 modem status | 2 line status | 1 transmitter empty | 0 received data
/// 0       RBR   THR  (DLL)    IIR  7:6 FIFOs on | 3:1 source | 0 nothing pending
/// 1       IER   IER  (DLM)    FCR  7:6 trigger | 2 clear transmitter | 1 clear receiver | 0 FIFOs on
/// 2       IIR   FCR           LCR  7 DLAB | 6 break | 5:3 parity | 2 stop | 1:0 word length
/// 3       LCR   LCR           MCR  4 loop | 3 OUT2 | 2 OUT1 | 1 RTS | 0 DTR
/// 4       MCR   MCR           LSR  7 FIFO error | 6 TEMT | 5 THRE | 4 BI | 3 FE | 2 PE | 1 OE | 0 DR
/// 5       LSR   -             MSR  7 DCD | 6 RI | 5 DSR | 4 CTS | 3:0 changes of them
/// 6       MSR   -
/// 7       SCR   SCR
/// </code>
/// A character is transmitted in no time, so that software which polls for the empty transmitter never waits. Reception takes as
/// long as the divisor says. As on every PC the interrupt line passes a gate that OUT2 opens.
/// </remarks>
public sealed class Uart16550 : BytePortDevice, IConsoleReceiver, IStateful
{
    private const int FifoDepth = 16;
    private const ulong BaudClock = 1_843_200 / 16;

    private const byte EnableReceived = 0x01;
    private const byte EnableTransmitter = 0x02;
    private const byte EnableLineStatus = 0x04;
    private const byte EnableModemStatus = 0x08;

    private const byte DataReady = 0x01;
    private const byte Overrun = 0x02;
    private const byte LineErrors = 0x1E;
    private const byte TransmitterEmpty = 0x60;

    private const byte DivisorAccess = 0x80;
    private const byte Loop = 0x10;
    private const byte Out2 = 0x08;

    private const byte NothingPending = 0x01;
    private const byte ModemStatusPending = 0x00;
    private const byte TransmitterPending = 0x02;
    private const byte ReceivedPending = 0x04;
    private const byte LineStatusPending = 0x06;
    private const byte TimeoutPending = 0x0C;

    /// <summary>Carrier, data set ready, clear to send: a terminal is there.</summary>
    private const byte ConnectedModemLines = 0xB0;

    private readonly ushort _basePort;
    private readonly VirtualClock _clock;
    private readonly InterruptLine _interrupt;
    private readonly Action<byte> _transmit;
    private readonly VirtualTimer _characterTimeout;
    private readonly Queue<byte> _received = new(FifoDepth);

    private byte _interruptEnable;
    private byte _lineControl;
    private byte _modemControl;
    private byte _lineStatus = TransmitterEmpty;
    private byte _modemStatus = ConnectedModemLines;
    private byte _scratch;
    private byte _lastReceived;
    private ushort _divisor = 12;
    private int _trigger = 1;
    private bool _fifosEnabled;
    private bool _transmitterPending;
    private bool _timeoutPending;
    private int _statusReads;

    /// <summary>Makes a serial port in its reset state.</summary>
    /// <param name="basePort">First of its eight ports.</param>
    /// <param name="clock">Virtual time, for the receiver's time-out.</param>
    /// <param name="interrupt">Its interrupt line.</param>
    /// <param name="transmit">Takes what it sends.</param>
    public Uart16550(ushort basePort, VirtualClock clock, InterruptLine interrupt, Action<byte> transmit)
    {
        _basePort = basePort;
        _clock = clock;
        _interrupt = interrupt;
        _transmit = transmit;
        _characterTimeout = clock.CreateTimer("UART character time-out", _ =>
        {
            _timeoutPending = true;
            UpdateInterrupt();
        });
    }

    /// <summary>Raised when <see cref="WantsInput"/> may have become true.</summary>
    public event Action? ReceiverReady;

    /// <summary>
    /// True while software listens and there is room: it has enabled the received-data interrupt, or does nothing but read the line
    /// status (<see cref="PollingReads"/> times in a row: who waits for the transmitter reads it once).
    /// </summary>
    public bool WantsInput =>
        _received.Count < (_fifosEnabled ? FifoDepth : 1)
        && (_modemControl & Loop) == 0
        && ((_interruptEnable & EnableReceived) != 0 || _statusReads >= PollingReads);

    /// <summary>So many reads of the line status, with no other access between them, mean that software polls for input.</summary>
    public static int PollingReads => 32;

    /// <summary>How long one character takes on the line, in nanoseconds: start, data, parity and stop bits at the divisor's rate.</summary>
    public ulong CharacterTime
    {
        get
        {
            var bits = 1 + 5 + (_lineControl & 3) + ((_lineControl & 0x08) != 0 ? 1 : 0) + ((_lineControl & 0x04) != 0 ? 2 : 1);
            return (ulong)bits * Math.Max(_divisor, (ushort)1) * VirtualClock.NanosecondsPerSecond / BaudClock;
        }
    }

    /// <summary>A character arrives on the line. Without room the newest is lost (FIFOs on) or overwrites (FIFOs off), and LSR says so.</summary>
    /// <param name="value">The character.</param>
    public void Receive(byte value)
    {
        if (_fifosEnabled ? _received.Count == FifoDepth : _received.Count == 1)
        {
            _lineStatus |= Overrun;
            if (!_fifosEnabled)
            {
                _received.Clear();
                _received.Enqueue(value);
            }
        }
        else
        {
            _received.Enqueue(value);
        }

        RestartTimeout();
        UpdateInterrupt();
    }

    /// <inheritdoc/>
    public override byte Read(ushort port)
    {
        var register = port - _basePort;
        if (register == 5)
        {
            if (_statusReads < PollingReads && ++_statusReads == PollingReads)
                ReceiverReady?.Invoke();
            return ReadLineStatus();
        }

        _statusReads = 0;
        switch (register)
        {
            case 0:
                return (_lineControl & DivisorAccess) != 0 ? (byte)_divisor : ReadReceived();
            case 1:
                return (_lineControl & DivisorAccess) != 0 ? (byte)(_divisor >> 8) : _interruptEnable;
            case 2:
                return ReadInterruptIdentification();
            case 3:
                return _lineControl;
            case 4:
                return _modemControl;
            case 6:
                return ReadModemStatus();
            default:
                return _scratch;
        }
    }

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        _statusReads = 0;
        switch (port - _basePort)
        {
            case 0 when (_lineControl & DivisorAccess) != 0:
                _divisor = (ushort)((_divisor & 0xFF00) | value);
                break;
            case 0:
                Transmit(value);
                break;
            case 1 when (_lineControl & DivisorAccess) != 0:
                _divisor = (ushort)((_divisor & 0x00FF) | (value << 8));
                break;
            case 1:
                WriteInterruptEnable(value);
                break;
            case 2:
                WriteFifoControl(value);
                break;
            case 3:
                _lineControl = value;
                break;
            case 4:
                WriteModemControl(value);
                break;
            case 7:
                _scratch = value;
                break;
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("serial port");
        stream.Transfer(ref _interruptEnable);
        stream.Transfer(ref _lineControl);
        stream.Transfer(ref _modemControl);
        stream.Transfer(ref _lineStatus);
        stream.Transfer(ref _modemStatus);
        stream.Transfer(ref _scratch);
        stream.Transfer(ref _lastReceived);
        stream.Transfer(ref _divisor);
        stream.Transfer(ref _trigger);
        stream.Transfer(ref _fifosEnabled);
        stream.Transfer(ref _transmitterPending);
        stream.Transfer(ref _timeoutPending);
        stream.Transfer(ref _statusReads);
        TransferReceived(stream);
        _characterTimeout.Transfer(stream);
        _interrupt.Transfer(stream);
    }

    private void Transmit(byte value)
    {
        if ((_modemControl & Loop) != 0)
            Receive(value);
        else
            _transmit(value);
        // Writing THR resets the interrupt; the character is gone at once, which sets it again.
        _transmitterPending = true;
        _interrupt.Set(false);
        UpdateInterrupt();
    }

    private byte ReadReceived()
    {
        if (!_received.TryDequeue(out var value))
            return _lastReceived;
        _lastReceived = value;
        _timeoutPending = false;
        RestartTimeout();
        UpdateInterrupt();
        if (WantsInput)
            ReceiverReady?.Invoke();
        return value;
    }

    private byte ReadLineStatus()
    {
        var value = (byte)(_lineStatus | (_received.Count != 0 ? DataReady : 0));
        if ((_lineStatus & LineErrors) != 0)
        {
            _lineStatus &= unchecked((byte)~LineErrors);
            UpdateInterrupt();
        }

        return value;
    }

    private byte ReadModemStatus()
    {
        var value = _modemStatus;
        _modemStatus &= 0xF0;
        UpdateInterrupt();
        return value;
    }

    private byte ReadInterruptIdentification()
    {
        var source = PendingSource;
        if (source == TransmitterPending)
        {
            _transmitterPending = false;
            UpdateInterrupt();
        }

        return (byte)(source | (_fifosEnabled ? 0xC0 : 0));
    }

    private void WriteInterruptEnable(byte value)
    {
        value &= 0x0F;
        if ((value & ~_interruptEnable & EnableTransmitter) != 0)
            _transmitterPending = true;
        _interruptEnable = value;
        UpdateInterrupt();
        if (WantsInput)
            ReceiverReady?.Invoke();
    }

    private void WriteFifoControl(byte value)
    {
        var enable = (value & 0x01) != 0;
        if (enable != _fifosEnabled || (enable && (value & 0x02) != 0))
        {
            _received.Clear();
            _timeoutPending = false;
            _characterTimeout.Disarm();
        }

        _fifosEnabled = enable;
        // The other bits are programmed only where FIFOs are enabled by the same write.
        if (enable)
            _trigger = (value >> 6) switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 };
        UpdateInterrupt();
        if (WantsInput)
            ReceiverReady?.Invoke();
    }

    private void WriteModemControl(byte value)
    {
        _modemControl = (byte)(value & 0x1F);
        var lines = ConnectedModemLines;
        if ((value & Loop) != 0)
        {
            // DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD.
            lines = (byte)(((value & 0x01) << 5) | ((value & 0x02) << 3) | ((value & 0x04) << 4) | ((value & 0x08) << 4));
        }

        var changed = (lines ^ _modemStatus) & 0xF0;
        // Of RI only the trailing edge counts.
        var deltas = (changed >> 4) & 0x0B;
        if ((changed & 0x40) != 0 && (lines & 0x40) == 0)
            deltas |= 0x04;
        _modemStatus = (byte)(lines | (_modemStatus & 0x0F) | deltas);
        UpdateInterrupt();
        if (WantsInput)
            ReceiverReady?.Invoke();
    }

    /// <summary>Four character times without a character in or out, with something in the FIFO, are a time-out.</summary>
    private void RestartTimeout()
    {
        if (_fifosEnabled && _received.Count != 0)
            _characterTimeout.Arm(_clock.Now + (4 * CharacterTime));
        else
            _characterTimeout.Disarm();
    }

    private void TransferReceived(StateStream stream)
    {
        var received = _received.ToArray();
        stream.Transfer(ref received, _fifosEnabled ? FifoDepth : 1);
        if (!stream.IsRestoring)
            return;
        _received.Clear();
        foreach (var value in received)
            _received.Enqueue(value);
    }

    private byte PendingSource
    {
        get
        {
            if ((_interruptEnable & EnableLineStatus) != 0 && (_lineStatus & LineErrors) != 0)
                return LineStatusPending;
            if ((_interruptEnable & EnableReceived) != 0)
            {
                if (_received.Count >= (_fifosEnabled ? _trigger : 1))
                    return ReceivedPending;
                if (_timeoutPending && _received.Count != 0)
                    return TimeoutPending;
            }

            if ((_interruptEnable & EnableTransmitter) != 0 && _transmitterPending)
                return TransmitterPending;
            return (_interruptEnable & EnableModemStatus) != 0 && (_modemStatus & 0x0F) != 0 ? ModemStatusPending : NothingPending;
        }
    }

    private void UpdateInterrupt() => _interrupt.Set(PendingSource != NothingPending && (_modemControl & Out2) != 0);
}
