using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.Power;

/// <summary>
/// The 8042 keyboard controller of a PC/AT (IBM technical reference, 1984, section 4) with nothing plugged in: it answers its own
/// commands, and pulses the reset line.
/// </summary>
/// <remarks>
/// <code>
/// 0x64 read   7 parity error | 6 time-out | 5 second device | 4 not locked | 3 command | 2 self-test passed | 1 input full | 0 output full
/// 0x64 write  command          0x60 read  output          0x60 write  command's argument, or a byte for the keyboard
/// </code>
/// </remarks>
public sealed class KeyboardController : BytePortDevice, IStateful
{
    private const byte OutputFull = 0x01;
    private const byte SelfTestPassed = 0x04;
    private const byte LastWriteWasCommand = 0x08;
    private const byte NotLocked = 0x10;
    private const byte SecondDevice = 0x20;
    private const byte TimeOut = 0x40;
    private const byte ResetLine = 0x01;
    private const byte A20Line = 0x02;
    private const byte Resend = 0xFE;

    private readonly IPowerControl _power;
    private readonly A20Gate _a20;
    private byte _status = SelfTestPassed | NotLocked;
    private byte _output;
    private byte _commandByte = 0x30; // Both devices disabled.
    private byte _outputPort = ResetLine;
    private byte _awaitedBy;

    /// <summary>Makes the controller.</summary>
    /// <param name="power">What its reset line acts on.</param>
    /// <param name="a20">What its A20 line acts on.</param>
    public KeyboardController(IPowerControl power, A20Gate a20)
    {
        _power = power;
        _a20 = a20;
    }

    /// <inheritdoc/>
    public override byte Read(ushort port)
    {
        if (port == AddressMap.KeyboardCommand)
            return _status;
        _status &= unchecked((byte)~(OutputFull | SecondDevice | TimeOut));
        return _output;
    }

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        if (port == AddressMap.KeyboardCommand)
        {
            _status |= LastWriteWasCommand;
            Command(value);
        }
        else
        {
            _status &= unchecked((byte)~LastWriteWasCommand);
            Data(value);
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("keyboard controller");
        stream.Transfer(ref _status);
        stream.Transfer(ref _output);
        stream.Transfer(ref _commandByte);
        stream.Transfer(ref _outputPort);
        stream.Transfer(ref _awaitedBy);
    }

    private void Command(byte command)
    {
        _awaitedBy = 0;
        switch (command)
        {
            case 0x20:
                Answer(_commandByte);
                break;
            case 0x60 or 0xD1 or 0xD2 or 0xD3 or 0xD4:
                _awaitedBy = command;
                break;
            case 0xA7:
                _commandByte |= 0x20;
                break;
            case 0xA8:
                _commandByte &= 0xDF;
                break;
            case 0xA9 or 0xAB: // Interface tests: passed.
                Answer(0);
                break;
            case 0xAA:
                Answer(0x55);
                break;
            case 0xAD:
                _commandByte |= 0x10;
                break;
            case 0xAE:
                _commandByte &= 0xEF;
                break;
            case 0xC0: // Input port: keyboard not inhibited.
                Answer(0x80);
                break;
            case 0xD0:
                Answer((byte)((_outputPort & ~A20Line) | (_a20.IsOpen ? A20Line : 0)));
                break;
            case 0xDD:
                _a20.IsOpen = false;
                break;
            case 0xDF:
                _a20.IsOpen = true;
                break;
            case >= 0xF0 when (command & ResetLine) == 0: // Pulse output lines: a clear bit pulses its line low.
                _power.Reset();
                break;
        }
    }

    private void Data(byte value)
    {
        var awaitedBy = _awaitedBy;
        _awaitedBy = 0;
        switch (awaitedBy)
        {
            case 0x60:
                _commandByte = value;
                break;
            case 0xD1:
                _outputPort = value;
                _a20.IsOpen = (value & A20Line) != 0;
                if ((value & ResetLine) == 0)
                    _power.Reset();
                break;
            case 0xD2:
                Answer(value);
                break;
            case 0xD3:
                Answer(value, SecondDevice);
                break;
            case 0xD4: // For a mouse that is not there.
                Answer(Resend, SecondDevice | TimeOut);
                break;
            default: // For a keyboard that is not there.
                Answer(Resend, TimeOut);
                break;
        }
    }

    private void Answer(byte value, int status = 0)
    {
        _output = value;
        _status = (byte)((_status & ~(SecondDevice | TimeOut)) | OutputFull | status);
    }
}
