using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Interrupts;
using Emu.Machine.Time;
using Emu.Machine.Timers;

namespace Emu.Machine.Power;

/// <summary>
/// The fixed hardware of ACPI that is not hardware-reduced (ACPI 6.5, section 4.8.3): the PM1a event and control blocks, and the system
/// control interrupt. There is no SMI_CMD, so the machine is always in ACPI mode.
/// </summary>
/// <remarks>
/// <code>
/// 0  PM1_STS  0 TMR_STS: the PM timer's highest bit has changed; a one that is written clears it
/// 2  PM1_EN   0 TMR_EN | 5 GBL_EN | 8 PWRBTN_EN | 9 SLPBTN_EN | 10 RTC_EN
/// 4  PM1_CNT  0 SCI_EN: always set | 1 BM_RLD | 2 GBL_RLS | 12:10 SLP_TYP, of which 5 is S5 | 13 SLP_EN
/// </code>
/// The tables say that there are no buttons and that the clock does not wake; nothing else can set a status bit.
/// </remarks>
public sealed class FixedHardware : BytePortDevice, IStateful
{
    /// <summary>Bytes of the event block: status and enable.</summary>
    public const int EventLength = 4;

    /// <summary>Bytes of the control block.</summary>
    public const int ControlLength = 2;

    /// <summary>Ports that all of it takes.</summary>
    public const int Length = EventLength + ControlLength;

    private const int TimerBit = 1;
    private const int EnableBits = 0x0721;
    private const byte SciEnable = 1;
    private const byte BusMasterReload = 2;

    // In the high byte of PM1_CNT.
    private const int SleepTypeMask = 0x1C;
    private const int SleepTypeShift = 2;
    private const int SleepEnable = 0x20;

    private readonly VirtualClock _clock;
    private readonly InterruptLine _sci;
    private readonly IPowerControl _power;
    private readonly VirtualTimer _overflow;

    private ulong _cleared;
    private ushort _enable;
    private byte _control;
    private byte _sleepType;

    /// <summary>Makes the registers.</summary>
    /// <param name="clock">What the PM timer counts.</param>
    /// <param name="sci">The system control interrupt: high while an enabled status bit is set.</param>
    /// <param name="power">What sleep acts on.</param>
    public FixedHardware(VirtualClock clock, InterruptLine sci, IPowerControl power)
    {
        _clock = clock;
        _sci = sci;
        _power = power;
        _overflow = clock.CreateTimer("ACPI PM timer's highest bit", _ => Update());
    }

    private int Status => PmTimer.HalfPeriods(_clock.Now) != _cleared ? TimerBit : 0;

    /// <inheritdoc/>
    public override byte Read(ushort port) => (port & 7) switch
    {
        0 => (byte)Status,
        2 => (byte)_enable,
        3 => (byte)(_enable >> 8),
        4 => (byte)(_control | SciEnable),
        5 => _sleepType,
        _ => 0,
    };

    /// <inheritdoc/>
    public override void Write(ushort port, byte value)
    {
        switch (port & 7)
        {
            case 0 when (value & TimerBit) != 0:
                _cleared = PmTimer.HalfPeriods(_clock.Now);
                break;
            case 2:
                _enable = (ushort)((_enable & 0xFF00) | (value & EnableBits));
                break;
            case 3:
                _enable = (ushort)((_enable & 0x00FF) | ((value << 8) & EnableBits));
                break;
            case 4:
                _control = (byte)(value & BusMasterReload);
                break;
            case 5:
                _sleepType = (byte)(value & SleepTypeMask);
                if ((value & SleepEnable) != 0 && _sleepType >> SleepTypeShift == SleepRegisters.SoftOff)
                    _power.PowerOff();
                break;
        }

        Update();
    }

    /// <inheritdoc/>
    public void Transfer(StateStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Section("ACPI registers");
        stream.Transfer(ref _cleared);
        stream.Transfer(ref _enable);
        stream.Transfer(ref _control);
        stream.Transfer(ref _sleepType);
        _sci.Transfer(stream);
        _overflow.Transfer(stream);
    }

    /// <summary>The interrupt follows status and enable bits; while it waits for the status bit, so does a timer.</summary>
    private void Update()
    {
        var isEnabled = (_enable & TimerBit) != 0;
        var isSet = Status != 0;
        _sci.Set(isEnabled && isSet);
        if (isEnabled && !isSet)
            _overflow.Arm(PmTimer.TimeOfHalfPeriod(_cleared + 1));
        else
            _overflow.Disarm();
    }
}
