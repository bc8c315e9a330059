using Emu.Cpu.Snapshots;

namespace Emu.Machine.Interrupts;

/// <summary>
/// One 8259A programmable interrupt controller (Intel data sheet 231468) with the edge/level register that chip sets add to it.
/// </summary>
/// <remarks>
/// <code>
/// A0=0  ICW1  x x x 1 LTIM ADI SNGL IC4        A0=1  ICW2  vector base 7:3
/// A0=0  OCW2  R SL EOI 0 0 L2 L1 L0            A0=1  ICW3  master: inputs with a slave; slave: its number
/// A0=0  OCW3  0 ESMM SMM 0 1 P RR RIS          A0=1  ICW4  0 0 0 SFNM BUF M/S AEOI uPM
///                                              A0=1  OCW1  interrupt mask
/// </code>
/// </remarks>
public sealed class Pic8259 : IStateful
{
    private const byte SpuriousLevel = 7;

    private readonly bool _isMaster;
    private readonly Action<bool> _outputChanged;

    private byte _lines;
    private byte _requests;
    private byte _inService;
    private byte _mask;
    private byte _levelTriggered;
    private byte _vectorBase;
    private byte _cascade;
    private byte _highestPriority;
    private int _initializationStep;
    private bool _needsIcw4;
    private bool _isSingle;
    private bool _autoEoi;
    private bool _rotateOnAutoEoi;
    private bool _specialMask;
    private bool _specialFullyNested;
    private bool _readsInService;
    private bool _poll;
    private bool _output;

    /// <summary>Makes a chip in its reset state.</summary>
    /// <param name="isMaster">True for the first of the pair, whose input 2 is the second's output.</param>
    /// <param name="outputChanged">Called with the new level of INT on every change.</param>
    public Pic8259(bool isMaster, Action<bool> outputChanged)
    {
        _isMaster = isMaster;
        _outputChanged = outputChanged;
    }

    /// <summary>The INT output.</summary>
    public bool Output => _output;

    /// <summary>Edge/level control: a set bit makes the input level triggered. The system's own inputs (0, 1, 2; 8, 13) stay edge triggered.</summary>
    public byte EdgeLevelControl
    {
        get => _levelTriggered;
        set
        {
            _levelTriggered = (byte)(value & (_isMaster ? 0xF8 : 0xDE));
            _requests = (byte)((_requests & ~_levelTriggered) | (_lines & _levelTriggered));
            Update();
        }
    }

    /// <summary>Drives an input.</summary>
    /// <param name="input">0–7.</param>
    /// <param name="high">The level.</param>
    public void SetInput(int input, bool high)
    {
        var bit = (byte)(1 << input);
        var wasHigh = (_lines & bit) != 0;
        if (high)
        {
            _lines |= bit;
            if (!wasHigh || (_levelTriggered & bit) != 0)
                _requests |= bit;
        }
        else
        {
            // An input must stay high until it is acknowledged, in either mode.
            _lines &= (byte)~bit;
            _requests &= (byte)~bit;
        }

        Update();
    }

    /// <summary>The interrupt-acknowledge cycle.</summary>
    /// <returns>The input that is acknowledged, 0–7, or null: a spurious interrupt, which is reported as input 7 but not in service.</returns>
    public int? Acknowledge()
    {
        if (Candidate() is not { } input)
            return null;
        var bit = (byte)(1 << input);
        if ((_levelTriggered & bit) == 0)
            _requests &= (byte)~bit;
        if (!_autoEoi)
            _inService |= bit;
        else if (_rotateOnAutoEoi)
            _highestPriority = (byte)((input + 1) & 7);
        // INT falls with the acknowledge cycle and rises again where more is pending, so that a cascaded chip's master sees an edge.
        SetOutput(false);
        Update();
        return input;
    }

    /// <summary>The vector of an input.</summary>
    /// <param name="input">What <see cref="Acknowledge"/> answered.</param>
    /// <returns>The vector.</returns>
    public byte VectorOf(int? input) => (byte)(_vectorBase | (input ?? SpuriousLevel));

    /// <summary>Reads the chip.</summary>
    /// <param name="a0">Address line 0.</param>
    /// <returns>The mask for A0=1, else the request or in-service register as OCW3 chose; after a poll command the poll word.</returns>
    public byte Read(bool a0)
    {
        if (_poll)
        {
            _poll = false;
            return Acknowledge() is { } input ? (byte)(0x80 | input) : (byte)0;
        }

        return a0 ? _mask : _readsInService ? _inService : _requests;
    }

    /// <summary>Writes the chip.</summary>
    /// <param name="a0">Address line 0.</param>
    /// <param name="value">A command word.</param>
    public void Write(bool a0, byte value)
    {
        if (a0)
            WriteData(value);
        else if ((value & 0x10) != 0)
            BeginInitialization(value);
        else if ((value & 0x08) != 0)
            WriteOcw3(value);
        else
            WriteOcw2(value);
        Update();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Transfer(ref _lines);
        stream.Transfer(ref _requests);
        stream.Transfer(ref _inService);
        stream.Transfer(ref _mask);
        stream.Transfer(ref _levelTriggered);
        stream.Transfer(ref _vectorBase);
        stream.Transfer(ref _cascade);
        stream.Transfer(ref _highestPriority);
        stream.Transfer(ref _initializationStep);
        stream.Transfer(ref _needsIcw4);
        stream.Transfer(ref _isSingle);
        stream.Transfer(ref _autoEoi);
        stream.Transfer(ref _rotateOnAutoEoi);
        stream.Transfer(ref _specialMask);
        stream.Transfer(ref _specialFullyNested);
        stream.Transfer(ref _readsInService);
        stream.Transfer(ref _poll);
        stream.Transfer(ref _output);
    }

    private void BeginInitialization(byte icw1)
    {
        // The edge sense is reset: an edge-triggered input needs a new low-to-high transition.
        _requests &= _levelTriggered;
        _inService = 0;
        _mask = 0;
        _highestPriority = 0;
        _specialMask = false;
        _readsInService = false;
        _poll = false;
        _needsIcw4 = (icw1 & 0x01) != 0;
        _isSingle = (icw1 & 0x02) != 0;
        if (!_needsIcw4)
        {
            _autoEoi = false;
            _specialFullyNested = false;
        }

        _rotateOnAutoEoi = false;
        _initializationStep = 2;
    }

    private void WriteData(byte value)
    {
        switch (_initializationStep)
        {
            case 2:
                _vectorBase = (byte)(value & 0xF8);
                _initializationStep = !_isSingle ? 3 : _needsIcw4 ? 4 : 0;
                break;
            case 3:
                _cascade = value;
                _initializationStep = _needsIcw4 ? 4 : 0;
                break;
            case 4:
                _specialFullyNested = (value & 0x10) != 0;
                _autoEoi = (value & 0x02) != 0;
                _initializationStep = 0;
                break;
            default:
                _mask = value;
                break;
        }
    }

    private void WriteOcw2(byte value)
    {
        var level = value & 7;
        switch (value >> 5)
        {
            case 0: // Rotate in automatic EOI mode: clear.
                _rotateOnAutoEoi = false;
                break;
            case 1: // Non-specific EOI.
                EndOfInterrupt(HighestInService(), rotate: false);
                break;
            case 3: // Specific EOI.
                EndOfInterrupt(level, rotate: false);
                break;
            case 4: // Rotate in automatic EOI mode: set.
                _rotateOnAutoEoi = true;
                break;
            case 5: // Rotate on non-specific EOI.
                EndOfInterrupt(HighestInService(), rotate: true);
                break;
            case 6: // Set priority: the level becomes the lowest.
                _highestPriority = (byte)((level + 1) & 7);
                break;
            case 7: // Rotate on specific EOI.
                EndOfInterrupt(level, rotate: true);
                break;
        }
    }

    private void WriteOcw3(byte value)
    {
        if ((value & 0x40) != 0)
            _specialMask = (value & 0x20) != 0;
        _poll = (value & 0x04) != 0;
        if ((value & 0x02) != 0)
            _readsInService = (value & 0x01) != 0;
    }

    private void EndOfInterrupt(int? level, bool rotate)
    {
        if (level is not { } ended)
            return;
        _inService &= (byte)~(1 << ended);
        if (rotate)
            _highestPriority = (byte)((ended + 1) & 7);
    }

    /// <summary>The in-service level of the highest priority; in special mask mode masked levels do not count.</summary>
    private int? HighestInService()
    {
        var active = _specialMask ? _inService & ~_mask : _inService;
        for (var i = 0; i < 8; i++)
        {
            var level = (_highestPriority + i) & 7;
            if ((active & (1 << level)) != 0)
                return level;
        }

        return null;
    }

    /// <summary>The request that would be acknowledged now: unmasked, and above everything in service.</summary>
    private int? Candidate()
    {
        var requests = _requests & ~_mask;
        if (requests == 0)
            return null;
        for (var i = 0; i < 8; i++)
        {
            var level = (_highestPriority + i) & 7;
            var bit = 1 << level;
            var served = (_inService & bit) != 0;
            if ((requests & bit) != 0 && (!served || IsNestedCascade(bit)))
                return level;
            // In special mask mode, what is in service holds back its own level only.
            if (served && !_specialMask && !IsNestedCascade(bit))
                return null;
        }

        return null;
    }

    /// <summary>Special fully nested mode: a slave in service may interrupt again with a higher one of its own inputs.</summary>
    private bool IsNestedCascade(int bit) => _specialFullyNested && _isMaster && (_cascade & bit) != 0;

    private void Update() => SetOutput(_initializationStep == 0 && Candidate() is not null);

    private void SetOutput(bool output)
    {
        if (output == _output)
            return;
        _output = output;
        _outputChanged(output);
    }
}
