using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;

namespace Emu.Machine.Interrupts;

/// <summary>The 82093AA I/O APIC (Intel data sheet 290566): 24 pins, each with a redirection entry.</summary>
/// <remarks>
/// <code>
/// 63:56 destination | 16 mask | 15 level triggered | 14 remote IRR (ro) | 13 active low | 12 delivery status (ro)
/// 11 logical destination | 10:8 delivery mode | 7:0 vector
/// </code>
/// Messages arrive at once, so the delivery status always reads as idle.
/// </remarks>
public sealed class IoApic : IMmioDevice, IStateful
{
    /// <summary>Number of pins.</summary>
    public const int PinCount = 24;

    private const ulong IndexRegister = 0x00;
    private const ulong DataRegister = 0x10;
    private const uint Version = 0x11;
    private const ulong MaskBit = 1UL << 16;
    private const ulong LevelBit = 1UL << 15;
    private const ulong RemoteIrrBit = 1UL << 14;
    private const ulong ActiveLowBit = 1UL << 13;
    private const ulong LogicalBit = 1UL << 11;
    private const ulong ReadOnlyBits = RemoteIrrBit | (1UL << 12);
    private const ulong WritableBits = 0xFF00_0000_0001_FFFF & ~ReadOnlyBits;

    private readonly ApicBus _bus;
    private readonly ulong[] _entries = new ulong[PinCount];
    private uint _lines;
    private uint _id;
    private byte _index;

    /// <summary>Makes an I/O APIC with all pins masked.</summary>
    /// <param name="bus">Where its messages go.</param>
    public IoApic(ApicBus bus)
    {
        _bus = bus;
        Array.Fill(_entries, MaskBit);
    }

    /// <summary>True where a pin is set up to deliver something that reaches a vCPU with interrupts disabled.</summary>
    public bool CanSendUnmaskable
    {
        get
        {
            foreach (var entry in _entries)
            {
                if ((entry & MaskBit) == 0 && ModeOf(entry) is DeliveryMode.Nmi or DeliveryMode.Init)
                    return true;
            }

            return false;
        }
    }

    /// <summary>A pin's redirection entry, as software reads it.</summary>
    /// <param name="pin">0–23.</param>
    /// <returns>Both halves.</returns>
    public ulong RedirectionEntry(int pin) => _entries[pin];

    /// <summary>Whether a pin is driven high.</summary>
    /// <param name="pin">0–23.</param>
    /// <returns>Whether it is.</returns>
    public bool IsHigh(int pin) => (_lines >> pin & 1) != 0;

    /// <summary>Drives a pin.</summary>
    /// <param name="pin">0–23.</param>
    /// <param name="high">The electrical level.</param>
    public void SetPin(int pin, bool high)
    {
        var bit = 1U << pin;
        var wasActive = IsActive(pin);
        _lines = high ? _lines | bit : _lines & ~bit;
        if (!wasActive && IsActive(pin))
            Request(pin);
    }

    /// <summary>A local APIC ended a level-triggered interrupt: pins with this vector may interrupt again.</summary>
    /// <param name="vector">Its vector.</param>
    public void EndOfInterrupt(byte vector)
    {
        for (var pin = 0; pin < PinCount; pin++)
        {
            if ((_entries[pin] & RemoteIrrBit) == 0 || (byte)_entries[pin] != vector)
                continue;
            _entries[pin] &= ~RemoteIrrBit;
            if (IsActive(pin))
                Request(pin);
        }
    }

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size) => (offset & ~0xFUL) switch
    {
        IndexRegister => _index,
        DataRegister => ReadIndexed(),
        _ => 0,
    };

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        switch (offset)
        {
            case IndexRegister:
                _index = (byte)value;
                break;
            case DataRegister:
                WriteIndexed((uint)value);
                break;
        }
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("I/O APIC");
        stream.Transfer<ulong>(_entries);
        stream.Transfer(ref _lines);
        stream.Transfer(ref _id);
        stream.Transfer(ref _index);
    }

    private static DeliveryMode ModeOf(ulong entry) => (DeliveryMode)((entry >> 8) & 7);

    private uint ReadIndexed()
    {
        switch (_index)
        {
            case 0:
            case 2: // Arbitration id: loaded from the id.
                return _id;
            case 1:
                return ((PinCount - 1) << 16) | Version;
            default:
                var pin = (_index - 0x10) >> 1;
                return (uint)pin >= PinCount ? 0 : (uint)(_entries[pin] >> ((_index & 1) * 32));
        }
    }

    private void WriteIndexed(uint value)
    {
        if (_index == 0)
        {
            _id = value & 0x0F00_0000;
            return;
        }

        var pin = (_index - 0x10) >> 1;
        if ((uint)pin >= PinCount)
            return;
        var entry = _entries[pin];
        var updated = (_index & 1) != 0
            ? (entry & 0xFFFF_FFFF) | ((ulong)value << 32)
            : (entry & 0xFFFF_FFFF_0000_0000) | value;
        updated = (updated & WritableBits) | (entry & ReadOnlyBits);
        // An edge-triggered entry has no remote IRR: changing to edge clears it, as software that lost an EOI relies on.
        if ((updated & LevelBit) == 0)
            updated &= ~RemoteIrrBit;
        var wasActive = IsActive(pin);
        _entries[pin] = updated;
        if (IsActive(pin) && ((updated & LevelBit) != 0 || !wasActive))
            Request(pin);
    }

    private bool IsActive(int pin) => ((_lines >> pin) & 1) != 0 != ((_entries[pin] & ActiveLowBit) != 0);

    /// <summary>Sends the pin's message. An edge at a masked pin is lost (data sheet, section 3.2.4, interrupt mask).</summary>
    private void Request(int pin)
    {
        var entry = _entries[pin];
        if ((entry & MaskBit) != 0 || (entry & RemoteIrrBit) != 0)
            return;
        var mode = ModeOf(entry);
        var level = (entry & LevelBit) != 0 && mode is DeliveryMode.Fixed or DeliveryMode.LowestPriority;
        if (level)
            _entries[pin] |= RemoteIrrBit;
        _bus.Send(new InterruptMessage(InterruptMessage.WidenDestination((byte)(entry >> 56)), (entry & LogicalBit) != 0, mode, (byte)entry, level));
    }
}
