using System.Globalization;
using Emu.Cpu;
using Emu.Machine;
using Emu.Machine.Hooks;

namespace Emu.Host.Explaining;

/// <summary>
/// Tells how a kernel sets up what interrupts it and what it measures time with: the 8259A pair, the 8254, the I/O APIC, the local APIC's registers in
/// memory, the ACPI timer and the real-time clock. Each thing is told the first time.
/// </summary>
/// <remarks>
/// It listens through the machine's hooks, which change nothing, and knows of the chips what was written to them: what they hold besides is nobody's
/// business here. Those of the local APIC that are MSRs come to <see cref="LocalApicNarrator"/> from the processor.
/// </remarks>
internal sealed class ControllerNarrator
{
    private const ushort MasterCommand = 0x20, SlaveCommand = 0xA0, PitFirst = 0x40, PitControl = 0x43, ClockIndex = 0x70, ClockData = 0x71, AcpiTimer = 0x608;
    private const ulong IoApicBase = 0xFEC0_0000, LocalApicBase = 0xFEE0_0000, PageSize = 0x1000;
    private const uint IoApicVersion = 1, FirstEntry = 0x10;
    private const int IoApicPins = 24;

    /// <summary>Pins of the I/O APIC whose routes are told; a hypervisor may route all.</summary>
    private const int MostRoutes = 8;

    /// <summary>The 8254's input, in Hz: a third of a television's colour carrier.</summary>
    private const double PitFrequency = 1_193_181.67;

    private static readonly string[] IrqNames =
    [
        "the 8254 timer", "the keyboard", "the second 8259A", "COM2", "COM1", "a parallel port", "a floppy drive", "a parallel port", "the real-time clock", "ACPI",
        "a device", "a device", "the mouse", "the coprocessor", "a disk", "a disk",
    ];

    private readonly BootNarrator _narrator;
    private readonly Manual _manual;
    private readonly LocalApicNarrator _localApic;
    private readonly Pic _master = new(), _slave = new();
    private readonly Counter[] _counters = [new(), new(), new()];
    private readonly uint[] _entries = new uint[IoApicPins * 2];
    private uint _index;
    private byte _clockIndex;
    private int _letThrough;
    private int _routes;
    private PvhMachine? _machine;

    /// <summary>Makes a narrator.</summary>
    public ControllerNarrator(BootNarrator narrator, Manual manual, LocalApicNarrator localApic)
    {
        _narrator = narrator;
        _manual = manual;
        _localApic = localApic;
    }

    /// <summary>Listens to a machine from its first instruction on.</summary>
    public void Attach(PvhMachine machine)
    {
        _machine = machine;
        foreach (Pic chip in (Pic[])[_master, _slave])
            chip.Reset();
        foreach (Counter counter in _counters)
            counter.Reset();
        for (int pin = 0; pin < IoApicPins; pin++)
            (_entries[2 * pin], _entries[(2 * pin) + 1]) = (RouteMask, 0);
        MachineHooks hooks = machine.Hooks;
        hooks.OnMmio(LocalApicBase, PageSize, TakeLocalApic);
        if (machine.XenDomain is not null)
            return;
        hooks.OnPorts(MasterCommand, 2, TakePic);
        hooks.OnPorts(SlaveCommand, 2, TakePic);
        hooks.OnPorts(PitFirst, 4, TakePit);
        hooks.OnPorts(ClockIndex, 2, TakeClock);
        hooks.OnPorts(AcpiTimer, 1, TakeAcpiTimer);
        hooks.OnMmio(IoApicBase, PageSize, TakeIoApic);
    }

    private const uint RouteMask = 1U << 16;

    private Vcpu Vcpu => _machine!.CurrentVcpu;

    private void Tell(string title, string text, ManualSection manual, params ReadOnlySpan<Fact> facts) =>
        _narrator.TellController(Vcpu, title, text, manual, [.. facts]);

    private void TakeLocalApic(DeviceAccess access)
    {
        if (access.IsWrite && (access.Address & 0xF) == 0 && access.Size >= 4)
            _localApic.Written(Vcpu, (uint)(access.Address - LocalApicBase) >> 4, (uint)access.Value, isX2Apic: false);
    }

    private void TakePic(DeviceAccess access)
    {
        // A word to both ports of a chip is nothing that programs do.
        if (!access.IsWrite || access.Size != 1)
            return;
        bool isMaster = access.Address < SlaveCommand;
        Pic chip = isMaster ? _master : _slave;
        byte value = (byte)access.Value;
        if ((access.Address & 1) == 0)
        {
            if ((value & 0x10) != 0)
                chip.Begin(value);
            else if ((value & 0x18) == 0 && (value & 0x20) != 0 && _narrator.IsFirst("pic eoi"))
                Tell(
                    "An 8259A is told that an interrupt is over",
                    "EOI: the handler has done its work. Only now does the controller let interrupts of the same and lower priority through again.",
                    _manual.Pic,
                    new Fact("port", $"0x{access.Address:x2} ← 0x{value:x2}"));
        }
        else if (chip.Step != 0)
        {
            if (chip.Continue(value) && _narrator.IsFirst(isMaster ? "pic master" : "pic slave", chip.Base))
                TellPic(chip, isMaster);
        }
        else
        {
            chip.Mask = value;
            TellMasks();
        }
    }

    private void TellPic(Pic chip, bool isMaster)
    {
        byte last = (byte)(chip.Base + 7);
        Tell(
            isMaster
                ? $"The first 8259A interrupt controller is set up: IRQ 0–7 become vectors 0x{chip.Base:x2}–0x{last:x2}"
                : $"The second 8259A is set up: IRQ 8–15 become vectors 0x{chip.Base:x2}–0x{last:x2}",
            "A row of initialisation words says which vectors the chip's eight inputs have, and how the two chips are wired to each other."
            + (chip.Base < 0x20
                ? " These are vectors of exceptions, as the first PCs had it: a handler cannot tell the two apart."
                : " Vectors below 0x20 belong to exceptions, so kernels choose higher ones."),
            _manual.Pic,
            new Fact("end of interrupt", chip.IsAutomatic ? "automatic" : "by the handler (EOI)"),
            new Fact("wired", chip.IsSingle ? "alone" : isMaster ? $"a second chip at the inputs 0b{Convert.ToString(chip.Cascade, 2)}" : $"at input {chip.Cascade & 7} of the first"));
    }

    private void TellMasks()
    {
        if (_master.Mask == 0xFF && _slave.Mask is 0xFF or null && _narrator.IsFirst("pic masked"))
        {
            Tell(
                "The 8259As let nothing through",
                "All inputs are masked: until the kernel opens one, no device reaches the processor this way. Kernels that use the APICs instead leave it so.",
                _manual.Pic,
                new Fact("masks", _slave.Mask is null ? "first chip 0xff" : "0xff, 0xff"));
        }

        // The second chip's inputs count once the input is open at which it is; that is IRQ 2, which is no device's.
        int open = (_master.Mask is { } first ? ~first & 0xFB : 0) | (_slave.Mask is { } second ? (~second & 0xFF) << 8 : 0);
        int news = open & ~_letThrough;
        if (news == 0)
            return;
        _letThrough |= news;
        List<int> numbers = [.. Enumerable.Range(0, 16).Where(irq => (news >> irq & 1) != 0)];
        Tell(
            numbers is [int only] ? $"The 8259As let IRQ {only} through: {IrqNames[only]}" : $"The 8259As let IRQ {string.Join(", ", numbers)} through",
            "The mask bit of an input is clear: its device can interrupt from now on, once RFLAGS.IF is set.",
            _manual.Pic,
            new Fact("masks", $"{Mask(_master)}, {Mask(_slave)}"),
            new Fact("on a PC", string.Join(", ", numbers.Select(irq => $"IRQ {irq} is {IrqNames[irq]}"))));

        static string Mask(Pic chip) => chip.Mask is { } mask ? $"0x{mask:x2}" : "as it was";
    }

    private void TakePit(DeviceAccess access)
    {
        if (!access.IsWrite || access.Size != 1)
            return;
        byte value = (byte)access.Value;
        if (access.Address == PitControl)
        {
            // Number 3 is the read-back command; without access bits it is a latch.
            if (value >> 6 != 3 && (value & 0x30) != 0)
                _counters[value >> 6].Control(value);
            return;
        }

        int channel = (int)(access.Address - PitFirst);
        Counter counter = _counters[channel];
        if (!counter.Load(value) || !_narrator.IsFirst($"pit {channel}", (ulong)counter.Mode))
            return;
        int count = counter.Count == 0 ? 0x1_0000 : counter.Count;
        string time = BootNarrator.Duration((ulong)(count / PitFrequency * 1e9));
        bool repeats = counter.Mode is 2 or 3;
        string text = channel switch
        {
            0 when repeats => "Channel 0 is wired to IRQ 0: whenever it has counted to the end it interrupts, and begins anew. That is the oldest clock tick of a PC.",
            0 => "Channel 0 is wired to IRQ 0: it interrupts once, when it has counted to the end. A tick that went on before ends with this.",
            1 => "Channel 1 refreshed the memory of the first PCs. Today it is free.",
            _ => "Channel 2 is the loudspeaker's, but its rate is known and its output can be read at port 0x61: kernels use it as a stop-watch to find out how "
                + "fast the time-stamp counter or the local APIC's timer runs.",
        };
        Tell(
            $"The 8254 timer's channel {channel} is set up: {ModeName(counter.Mode)}",
            text,
            _manual.Pit,
            new Fact("mode", counter.Mode.ToString(CultureInfo.InvariantCulture)),
            new Fact("count", string.Create(CultureInfo.InvariantCulture, $"{count:N0} at 1,193,182 Hz: {(repeats ? $"every {time}, {PitFrequency / count:F1} times a second" : time)}")));
    }

    private static string ModeName(int mode) => mode switch
    {
        0 => "interrupt on terminal count",
        1 => "one-shot that the gate starts",
        2 => "rate generator",
        3 => "square wave",
        4 => "strobe that software starts",
        _ => "strobe that the gate starts",
    };

    private void TakeClock(DeviceAccess access)
    {
        if (access.IsWrite && access.Address == ClockIndex)
            _clockIndex = (byte)(access.Value & 0x7F);
        else if (!access.IsWrite && access.Address == ClockData && _clockIndex is 0 or 2 or 4 or 6 or 7 or 8 or 9 && _narrator.IsFirst("rtc"))
            Tell(
                "The date is read from the real-time clock",
                "The battery-backed clock knows seconds to years, mostly in binary-coded decimal. Kernels read it once and count on by themselves.",
                _manual.RealTimeClock,
                new Fact("register", $"0x{_clockIndex:x2}, by ports 0x70 and 0x71"));
    }

    private void TakeAcpiTimer(DeviceAccess access)
    {
        if (!access.IsWrite && _narrator.IsFirst("pm timer"))
            Tell(
                "The ACPI timer is read",
                "A counter that cannot be stopped or set, at 3.579545 MHz whatever the processor does: a measure for clocks whose rate is not known.",
                _manual.AcpiTimer,
                new Fact("port", $"0x{AcpiTimer:x}"));
    }

    private void TakeIoApic(DeviceAccess access)
    {
        ulong offset = access.Address & 0xFF;
        if (offset == 0 && access.IsWrite)
        {
            _index = (byte)access.Value;
            return;
        }

        if (offset != 0x10)
            return;
        if (!access.IsWrite)
        {
            if (_index == IoApicVersion && _narrator.IsFirst("ioapic version"))
                Tell(
                    "The I/O APIC is found",
                    "It takes the interrupts of devices and sends each as a message to a processor's local APIC; the 8259As can do that for one processor only.",
                    _manual.IoApic,
                    new Fact("version register", string.Create(CultureInfo.InvariantCulture, $"0x{access.Value:x}: {(access.Value >> 16 & 0xFF) + 1} inputs")));
            return;
        }

        uint at = _index - FirstEntry;
        if (at >= _entries.Length)
            return;
        _entries[at] = (uint)access.Value;
        int pin = (int)at / 2;
        uint low = _entries[2 * pin];
        // The half with the mask may come first; the destination is looked at when both are there.
        if ((at & 1) != 0 || (low & RouteMask) != 0 || _routes >= MostRoutes || !_narrator.IsFirst("ioapic", (ulong)pin))
            return;
        _routes++;
        TellRoute(pin, low, _entries[(2 * pin) + 1] >> 24);
    }

    private void TellRoute(int pin, uint low, uint destination)
    {
        byte vector = (byte)low;
        uint mode = low >> 8 & 7;
        string source = pin switch { 2 => IrqNames[0], < 16 => IrqNames[pin], _ => "a PCI device" };
        List<Fact> facts =
        [
            new("message", mode is 0 or 1 ? $"vector 0x{vector:x2}, {LocalApicNarrator.DeliveryName(mode)}" : LocalApicNarrator.DeliveryName(mode)),
            new("goes to", (low & (1 << 11)) != 0 ? $"the logical destination 0x{destination:x2}" : $"APIC {destination}"),
            new("line", $"{((low & (1 << 13)) != 0 ? "active low" : "active high")}, {((low & (1 << 15)) != 0 ? "level" : "edge")}"),
        ];
        if (mode is 0 or 1 && _narrator.HandlerOf(Vcpu, vector) is { } handler)
            facts.Add(new Fact("handler", handler));
        Tell(
            $"The I/O APIC routes input {pin}: {source}",
            (pin == 2 ? "The timer's IRQ 0 is at input 2, as the ACPI tables say. " : "")
            + (mode == 7 ? "The message only says that an 8259A has something: the processor asks that one for the vector." : "Its redirection entry is no longer masked: interrupts come from there from now on.")
            + (_routes == MostRoutes ? " Further inputs are not told." : ""),
            _manual.IoApic,
            [.. facts]);
    }

    /// <summary>What is known of an 8259A.</summary>
    private sealed class Pic
    {
        /// <summary>The initialisation word that comes next, 2 to 4; 0 for none.</summary>
        public int Step { get; private set; }

        public byte Base { get; private set; }

        public byte Cascade { get; private set; }

        public bool IsSingle { get; private set; }

        public bool IsAutomatic { get; private set; }

        /// <summary>The mask; null where none was written.</summary>
        public byte? Mask { get; set; }

        private bool HasFourth { get; set; }

        public void Reset() => (Step, Mask) = (0, null);

        public void Begin(byte word)
        {
            (HasFourth, IsSingle, IsAutomatic) = ((word & 1) != 0, (word & 2) != 0, false);
            Step = 2;
        }

        /// <summary>Takes the next word.</summary>
        /// <returns>True where it was the last.</returns>
        public bool Continue(byte word)
        {
            switch (Step)
            {
                case 2:
                    Base = (byte)(word & 0xF8);
                    Step = !IsSingle ? 3 : HasFourth ? 4 : 0;
                    break;
                case 3:
                    Cascade = word;
                    Step = HasFourth ? 4 : 0;
                    break;
                default:
                    IsAutomatic = (word & 2) != 0;
                    Step = 0;
                    break;
            }

            return Step == 0;
        }
    }

    /// <summary>What is known of a channel of the 8254.</summary>
    private sealed class Counter
    {
        private int _access;
        private bool _hasLow;
        private byte _low;

        public int Mode { get; private set; }

        public int Count { get; private set; }

        public void Reset() => (_access, _hasLow) = (0, false);

        public void Control(byte word)
        {
            _access = word >> 4 & 3;
            // Modes 6 and 7 are 2 and 3.
            Mode = (word >> 1 & 7) is var mode and > 5 ? mode - 4 : word >> 1 & 7;
            _hasLow = false;
        }

        /// <summary>Takes a byte of the count.</summary>
        /// <returns>True where the count is whole.</returns>
        public bool Load(byte value)
        {
            switch (_access)
            {
                case 1:
                    Count = value;
                    return true;
                case 2:
                    Count = value << 8;
                    return true;
                case 3 when _hasLow:
                    Count = value << 8 | _low;
                    _hasLow = false;
                    return true;
                case 3:
                    (_low, _hasLow) = (value, true);
                    return false;
                default:
                    return false;
            }
        }
    }
}
