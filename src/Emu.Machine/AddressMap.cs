namespace Emu.Machine;

/// <summary>
/// Where everything lies: guest-physical addresses first, then I/O ports, each in ascending order. Nothing else in the machine
/// states an address.
/// </summary>
/// <remarks>
/// <code>
/// guest-physical                      what
/// 0x0000_0000 - 0x0009_FFFF           RAM
/// 0x000A_0000 - 0x000D_FFFF           RAM that the map does not offer (a PC has its video window and option ROMs here)
/// 0x000E_0000 - 0x000F_FFFF           reserved: ACPI tables, the RSDP at the start, where a legacy scan finds it too
/// 0x000F_FFF0 - 0x000F_FFFF           in it, the restart instructions of the firmware that is not there
/// 0x000E_0000 - 0x000F_FFFF           where the machine starts from a ROM, the end of that instead
/// 0x0010_0000 - 0xBFFF_FFFF           RAM, up to the size of memory
/// 0xFEA0_0200 - 0xFEA0_0202           sleep control, sleep status, reset (as QEMU's microvm has them)
/// 0xFEC0_0000 - 0xFEC0_0FFF           I/O APIC, 24 pins
/// 0xFEE0_0000 - 0xFEE0_0FFF           local APIC of the accessing vCPU (movable by IA32_APIC_BASE)
/// 0xFF00_0000 - 0xFF00_FFFF           scratch memory of the test device *
/// 0xFF00_0000 - 0xFFFF_FFFF           the ROM, where there is one, so that it ends here
/// 0x1_0000_0000 -                     the RAM that does not fit below 3 GiB
///
/// port                                what                                            IRQ (GSI)
/// 0x020-0x021, 0x0A0-0x0A1            8259A pair
/// 0x040-0x043                         8254 interval timer                             0 (2)
/// 0x060, 0x064                        keyboard controller (no keyboard behind it)
/// 0x061                               system control port B: gate and output of timer channel 2
/// 0x070-0x071                         MC146818 real-time clock and CMOS               8
/// 0x080, 0x0ED                        POST code and delay port: writes vanish
/// 0x190                               second POST code port, where the machine starts from a ROM
/// 0x092                               system control port A: fast reset
/// 0x0E0-0x0E3, 0x0E4-0x0E7            scratch register and flush port of the test device *
/// 0x0E9                               debug console
/// 0x0F4                               isa-debug-exit
/// 0x3F8-0x3FF                         16550A, COM1                                    4
/// 0x4D0-0x4D1                         edge/level control of the 8259A pair
/// 0x600-0x605                         ACPI fixed hardware: PM1a event and control blocks     9
/// 0x608-0x60B                         ACPI PM timer
/// 0xCF8-0xCFB                         no PCI; the byte at 0xCF9 is the reset control
/// 0x2000-0x2017                       interrupt lines of the test device *            each its own (0: 2)
/// </code>
/// What has a star is there only with <see cref="MachineOptions.TestDevices"/>. Only a kernel that is booted as a BIOS boots one (Multiboot)
/// is told of the fixed hardware: to others ACPI is hardware-reduced, as on QEMU's microvm. The <c>xen</c> profile has the local APIC, the debug
/// console and isa-debug-exit only; all else is Xen's own run-time ABI.
/// </remarks>
public static class AddressMap
{
    /// <summary>End of conventional memory: RAM that the memory map offers stops here.</summary>
    public const ulong ConventionalMemoryEnd = 0xA_0000;

    /// <summary>ACPI tables; the RSDP comes first.</summary>
    public const ulong AcpiTables = 0xE_0000;

    /// <summary>F000:FFF0, where a processor begins after reset and a kernel jumps to restart the machine.</summary>
    public const ulong ResetVector = 0xF_FFF0;

    /// <summary>End of the ACPI tables' area (exclusive), where extended memory begins.</summary>
    public const ulong ExtendedMemory = 0x10_0000;

    /// <summary>Low RAM ends here at the latest; devices live above, the rest of RAM at <see cref="HighMemory"/>.</summary>
    public const ulong LowMemoryLimit = 0xC000_0000;

    /// <summary>Sleep control, sleep status and reset registers, one byte each.</summary>
    public const ulong SleepRegisters = 0xFEA0_0200;

    /// <summary>The I/O APIC's page.</summary>
    public const ulong IoApic = 0xFEC0_0000;

    /// <summary>The local APIC's page after reset.</summary>
    public const ulong LocalApic = 0xFEE0_0000;

    /// <summary>The test device's scratch memory.</summary>
    public const ulong TestMemory = 0xFF00_0000;

    /// <summary>RAM that does not fit below <see cref="LowMemoryLimit"/>.</summary>
    public const ulong HighMemory = 0x1_0000_0000;

    /// <summary>First 8259A: command, data.</summary>
    public const ushort MasterPic = 0x20;

    /// <summary>8254: three counters and the control word.</summary>
    public const ushort IntervalTimer = 0x40;

    /// <summary>Keyboard controller: data.</summary>
    public const ushort KeyboardData = 0x60;

    /// <summary>System control port B.</summary>
    public const ushort SystemControlB = 0x61;

    /// <summary>Keyboard controller: status and command.</summary>
    public const ushort KeyboardCommand = 0x64;

    /// <summary>Real-time clock: index, data.</summary>
    public const ushort RealTimeClock = 0x70;

    /// <summary>Power-on self-test code.</summary>
    public const ushort PostCode = 0x80;

    /// <summary>System control port A.</summary>
    public const ushort SystemControlA = 0x92;

    /// <summary>Second 8259A: command, data.</summary>
    public const ushort SlavePic = 0xA0;

    /// <summary>The test device's scratch register.</summary>
    public const ushort TestRegister = 0xE0;

    /// <summary>The test device's flush port.</summary>
    public const ushort TestFlush = 0xE4;

    /// <summary>Debug console.</summary>
    public const ushort DebugConsole = 0xE9;

    /// <summary>A port without a function that software writes to for a delay.</summary>
    public const ushort DelayPort = 0xED;

    /// <summary>isa-debug-exit.</summary>
    public const ushort DebugExit = 0xF4;

    /// <summary>Power-on self-test code, where PS/2 machines and test programs write it.</summary>
    public const ushort SecondPostCode = 0x190;

    /// <summary>16550A, COM1.</summary>
    public const ushort Com1 = 0x3F8;

    /// <summary>Edge/level control registers of the 8259A pair.</summary>
    public const ushort EdgeLevelControl = 0x4D0;

    /// <summary>ACPI's PM1a event block; the control block follows it.</summary>
    public const ushort FixedHardware = 0x600;

    /// <summary>ACPI PM timer.</summary>
    public const ushort PmTimer = 0x608;

    /// <summary>The test device's interrupt lines, one port each.</summary>
    public const ushort TestLines = 0x2000;

    /// <summary>The double word that would address PCI configuration space; the reset control register lies in it.</summary>
    public const ushort PciAddress = 0xCF8;

    /// <summary>Reset control.</summary>
    public const ushort ResetControl = 0xCF9;

    /// <summary>ISA interrupt of the interval timer's channel 0.</summary>
    public const int TimerIrq = 0;

    /// <summary>ISA interrupt of COM1.</summary>
    public const int Com1Irq = 4;

    /// <summary>ISA interrupt of the real-time clock.</summary>
    public const int RealTimeClockIrq = 8;

    /// <summary>ISA interrupt of ACPI's fixed hardware (SCI): the only one that is level triggered.</summary>
    public const int SystemControlIrq = 9;

    /// <summary>The I/O APIC's pin of ISA interrupt 0; every other ISA interrupt has the pin of its number.</summary>
    public const int TimerPin = 2;
}
