using Emu.Cpu.Snapshots;
using Emu.Machine.Buses;
using Emu.Machine.Consoles;
using Emu.Machine.Firmware;
using Emu.Machine.Interrupts;
using Emu.Machine.Power;
using Emu.Machine.Serial;
using Emu.Machine.TestDevices;
using Emu.Machine.Time;
using Emu.Machine.Timers;

namespace Emu.Machine;

/// <summary>The devices of the <c>pc</c> profile, and the wires between them.</summary>
internal sealed class PcDevices : IStateful
{
    private const int IsaInterruptCount = 16;

    private readonly ApicBus _apicBus;
    private readonly PostCodePort? _post;
    private readonly A20Gate _a20;

    public PcDevices(
        VirtualClock clock, ApicBus apicBus, IPowerControl power, A20Gate a20, IConsoleSink console, DateTimeOffset clockStart, PostCodePort? post,
        bool testDevices)
    {
        _post = post;
        _a20 = a20;
        _apicBus = apicBus;
        Pic = new Pic8259Pair(PicOutputChanged);
        IoApic = new IoApic(apicBus);
        apicBus.Connect(IoApic);
        Timer = new Pit8254(clock, IsaLine(AddressMap.TimerIrq));
        Clock = new RealTimeClock(clock, IsaLine(AddressMap.RealTimeClockIrq), clockStart);
        Com1 = new Uart16550(AddressMap.Com1, clock, IsaLine(AddressMap.Com1Irq), console.Write);
        Keyboard = new KeyboardController(power, a20);
        SystemControlA = new SystemControlA(power, a20);
        ResetControl = new ResetControl(power);
        Sleep = new SleepRegisters(power);
        FixedHardware = new FixedHardware(clock, IsaLine(AddressMap.SystemControlIrq), power);
        PmTimer = new PmTimer(clock);
        if (testDevices)
            (TestDevice, TestMemory) = (new PcTestDevice(SetTestLine), new TestMemory());
    }

    public Pic8259Pair Pic { get; }

    public IoApic IoApic { get; }

    public Pit8254 Timer { get; }

    public RealTimeClock Clock { get; }

    public Uart16550 Com1 { get; }

    public KeyboardController Keyboard { get; }

    public SystemControlA SystemControlA { get; }

    public ResetControl ResetControl { get; }

    public SleepRegisters Sleep { get; }

    public FixedHardware FixedHardware { get; }

    public PmTimer PmTimer { get; }

    /// <summary>The test device; null without test devices.</summary>
    public PcTestDevice? TestDevice { get; }

    /// <summary>The memory of the test device; null without test devices.</summary>
    public TestMemory? TestMemory { get; }

    public void Claim(PortBus ports)
    {
        ports.Claim(Pic, AddressMap.MasterPic, 2);
        ports.Claim(Pic, AddressMap.SlavePic, 2);
        ports.Claim(Pic, AddressMap.EdgeLevelControl, 2);
        ports.Claim(Timer, AddressMap.IntervalTimer, 4);
        ports.Claim(Timer, AddressMap.SystemControlB, 1);
        ports.Claim(Keyboard, AddressMap.KeyboardData, 1);
        ports.Claim(Keyboard, AddressMap.KeyboardCommand, 1);
        ports.Claim(Clock, AddressMap.RealTimeClock, 2);
        ports.Claim(SystemControlA, AddressMap.SystemControlA, 1);
        ports.Claim(Com1, AddressMap.Com1, 8);
        ports.Claim(ResetControl, AddressMap.PciAddress, ResetControl.Length);
        var nothing = new WriteOnlyPort();
        ports.Claim(nothing, AddressMap.DelayPort, 1);
        ports.Claim(FixedHardware, AddressMap.FixedHardware, FixedHardware.Length);
        ports.Claim(PmTimer, AddressMap.PmTimer, PmTimer.Length);
        if (TestDevice is { } test)
        {
            ports.Claim(test, AddressMap.TestRegister, PcTestDevice.RegisterLength);
            ports.Claim(test, AddressMap.TestFlush, PcTestDevice.FlushLength);
            ports.Claim(test, AddressMap.TestLines, PcTestDevice.LineCount);
        }

        // Kernels write there for a delay; only what firmware says is worth a line.
        if (_post is null)
        {
            ports.Claim(nothing, AddressMap.PostCode, 1);
            return;
        }

        ports.Claim(_post, AddressMap.PostCode, 1);
        ports.Claim(_post, AddressMap.SecondPostCode, 1);
    }

    public void Claim(MmioBus memory)
    {
        memory.Claim(Sleep, AddressMap.SleepRegisters, SleepRegisters.Length);
        memory.Claim(IoApic, AddressMap.IoApic, 0x1000);
        if (TestMemory is { } test)
            memory.Claim(test, AddressMap.TestMemory, TestMemory.Length);
    }

    /// <summary>Transfers all devices but the local APICs; the clock comes before.</summary>
    /// <param name="stream">Where state goes to, or comes from.</param>
    public void Transfer(StateStream stream)
    {
        Pic.Transfer(stream);
        IoApic.Transfer(stream);
        Timer.Transfer(stream);
        Clock.Transfer(stream);
        Com1.Transfer(stream);
        _a20.Transfer(stream);
        Keyboard.Transfer(stream);
        SystemControlA.Transfer(stream);
        ResetControl.Transfer(stream);
        FixedHardware.Transfer(stream);
        TestDevice?.Transfer(stream);
        TestMemory?.Transfer(stream);
        _post?.Transfer(stream);
    }

    /// <summary>An ISA interrupt goes to the 8259A pair and to the I/O APIC; the 8259A pair's INT goes to LINT0 and to pin 0.</summary>
    public InterruptLine IsaLine(int irq) => new(high => SetIsaInterrupt(irq, high));

    private void SetIsaInterrupt(int irq, bool high)
    {
        Pic.SetIrq(irq, high);
        IoApic.SetPin(irq == AddressMap.TimerIrq ? AddressMap.TimerPin : irq, high);
    }

    /// <summary>The test device reaches the I/O APIC's pins above the ISA interrupts, too.</summary>
    private void SetTestLine(int line, bool high)
    {
        if (line < IsaInterruptCount)
            SetIsaInterrupt(line, high);
        else
            IoApic.SetPin(line, high);
    }

    private void PicOutputChanged(bool high)
    {
        IoApic.SetPin(0, high);
        foreach (var apic in _apicBus.LocalApics)
            apic.ExternalInterruptChanged(high);
    }
}
