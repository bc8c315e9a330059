using Emu.Cpu;

namespace Emu.Host.Explaining;

/// <summary>Where the manuals tell of what a milestone is about: Intel's (SDM) or AMD's (APM), by the processor that the guest sees.</summary>
/// <remarks>
/// Section numbers are those of SDM order number 325384-077 (Volume 3) and APM 24593 revision 3.40 (Volume 2). Later SDMs have a chapter more
/// before "Paging", which moves the numbers behind it; titles have stayed.
/// </remarks>
internal sealed class Manual(CpuVendor vendor)
{
    private readonly bool _isAmd = vendor == CpuVendor.Amd;

    public ManualSection PvhEntry { get; } = new("Xen", "docs/misc/pvh.pandoc \"x86 HVM/PVH direct boot ABI\" and xen/include/public/arch-x86/hvm/start_info.h");

    public ManualSection Multiboot { get; } = new("Multiboot Specification 0.6.96", "3.2 \"Machine state\" and 3.3 \"Boot information format\"");

    public ManualSection Multiboot2 { get; } = new("Multiboot2 Specification 2.0", "3.3 \"I386 machine state\" and 3.6 \"Boot information\"");

    public ManualSection Reset => Of("9.1.4 \"First Instruction Executed\"", "14.1.5 \"Fetching the First Instruction\"");

    public ManualSection ProtectedMode => Of("9.9.1 \"Switching to Protected Mode\"", "14.4 \"Enabling Protected Mode\"");

    public ManualSection RealMode => Of("9.9.2 \"Switching Back to Real-Address Mode\"", "14.3 \"Initializing Real Mode\"");

    public ManualSection LongMode => Of("9.8.5 \"Initializing IA-32e Mode\"", "14.6 \"Enabling and Activating Long Mode\"");

    public ManualSection LongModeCode => Of("9.8.5.3 \"64-bit Mode and Compatibility Mode Operation\"; 3.4.5 \"Segment Descriptors\" (L bit)", "14.6.1 \"Activating Long Mode\"; 4.8.1 \"Code-Segment Descriptors\"");

    public ManualSection ControlRegisters => Of("2.5 \"Control Registers\"", "3.1 \"System-Control Registers\"");

    public ManualSection Efer => Of("2.2.1 \"Extended Feature Enable Register\"", "3.1.7 \"Extended Feature Enable Register (EFER)\"");

    public ManualSection ExtendedControl => Of("2.6 \"Extended Control Registers (Including XCR0)\"", "11.5.2 \"XFEATURE_ENABLED_MASK\"");

    public ManualSection PagingModes => Of("4.1 \"Paging Modes and Control Bits\"", "5.1 \"Page Translation Overview\"");

    public ManualSection Paging32 => Of("4.3 \"32-Bit Paging\"", "5.2.1 \"CR3 Register\" and 5.2.2 \"Normal (Non-PAE) Paging\"");

    public ManualSection PagingPae => Of("4.4 \"PAE Paging\"", "5.2.3 \"PAE Paging\"");

    public ManualSection PagingLong => Of("4.5 \"4-Level Paging and 5-Level Paging\"", "5.3 \"Long-Mode Page Translation\"");

    public ManualSection GlobalTable => Of("2.4.1 \"Global Descriptor Table Register (GDTR)\" and 3.5.1 \"Segment Descriptor Tables\"", "4.6.1 \"Global Descriptor Table\" and 4.6.2 \"Global Descriptor-Table Register\"");

    public ManualSection LocalTable => Of("2.4.2 \"Local Descriptor Table Register (LDTR)\"", "4.6.3 \"Local Descriptor Table\"");

    public ManualSection InterruptTable => Of("6.10 \"Interrupt Descriptor Table (IDT)\" and 6.11 \"IDT Descriptors\"", "4.6.5 \"Interrupt Descriptor Table\"");

    public ManualSection InterruptTable64 => Of("6.14.1 \"64-Bit Mode IDT\"", "8.9.1 \"Interrupt Gates and Trap Gates\"");

    public ManualSection Task => Of("7.2.1 \"Task-State Segment (TSS)\" and 7.2.4 \"Task Register\"", "12.2 \"Task-Management Resources\"");

    public ManualSection Task64 => Of("7.7 \"Task Management in 64-bit Mode\"", "12.2.5 \"64-Bit Task State Segment\"");

    public ManualSection FarTransfer => Of("5.8.1 \"Direct Calls or Jumps to Code Segments\"", "4.11 \"Control-Transfer Privilege Checks\"");

    public ManualSection Exception => Of("6.12 \"Exception and Interrupt Handling\" and 6.15 \"Exception and Interrupt Reference\"", "8.2 \"Vectors\"");

    public ManualSection PageFault => Of("4.7 \"Page-Fault Exceptions\" and 6.15, Interrupt 14", "8.2.15 \"#PF—Page-Fault Exception (Vector 14)\" and 8.4.2 \"Page-Fault Error Code\"");

    public ManualSection Interrupt => Of("6.8.1 \"Masking Maskable Hardware Interrupts\" and 10.5 \"Handling Local Interrupts\"", "8.5 \"Priorities\" and 16.4 \"Local Interrupts\"");

    public ManualSection UserMode => Of("5.5 \"Privilege Levels\" and 5.8.6 \"Returning from a Called Procedure\"", "4.9 \"Segment-Protection Overview\"");

    public ManualSection SystemCall => Of("5.8.8 \"Fast System Calls in 64-Bit Mode\"", "6.1.1 \"SYSCALL and SYSRET\"");

    public ManualSection Startup => Of("8.4.3 \"MP Initialization Protocol Algorithm for MP Systems\" and 8.4.4 \"MP Initialization Example\"", "16.5 \"Interprocessor Interrupts (IPI)\"");

    public ManualSection Halt => new(_isAmd ? "AMD APM Vol. 3" : "Intel SDM Vol. 2A", "\"HLT—Halt\"");

    public ManualSection SpecificRegisters => Of("2.3 \"System Instructions\"; the registers: Vol. 4, chapter 2 \"Model-Specific Registers\"", "3.2 \"Model-Specific Registers (MSRs)\" and appendix A");

    public ManualSection LocalApic => Of("10.4 \"Local APIC\"", "16.3 \"Local APIC\"");

    public ManualSection LocalApicEnable => Of("10.4.3 \"Enabling or Disabling the Local APIC\" and 10.9 \"Spurious Interrupt\"", "16.3 \"Local APIC\"");

    public ManualSection LocalVectors => Of("10.5.1 \"Local Vector Table\"", "16.4 \"Local Interrupts\"");

    public ManualSection ApicTimer => Of("10.5.4 \"APIC Timer\"", "16.4 \"Local Interrupts\" (APIC timer)");

    public ManualSection Deadline => Of("10.5.4.1 \"TSC-Deadline Mode\"", "16.4 \"Local Interrupts\" (APIC timer)");

    public ManualSection InterruptCommand => Of("10.6.1 \"Interrupt Command Register (ICR)\"", "16.5 \"Interprocessor Interrupts (IPI)\"");

    public ManualSection EndOfInterrupt => Of("10.8.5 \"Signaling Interrupt Servicing Completion\"", "16.6 \"Local APIC Handling of Interrupts\"");

    public ManualSection Pic { get; } = new("Intel 8259A data sheet (231468)", "\"Programming the 8259A\"");

    public ManualSection Pit { get; } = new("Intel 8254 data sheet (231164)", "\"Programming the 8254\" and \"Mode Definitions\"");

    public ManualSection IoApic { get; } = new("Intel 82093AA data sheet (290566)", "3.0 \"Register Description\"");

    public ManualSection RealTimeClock { get; } = new("Motorola MC146818A data sheet", "\"Address Map\" and \"Time, Calendar, and Alarm Locations\"");

    public ManualSection AcpiTimer { get; } = new("ACPI Specification 6.4", "4.8.2.1 \"Power Management Timer\"");

    public ManualSection PageAttributes => Of("11.12 \"Page Attribute Table (PAT)\"", "7.8 \"Page-Attribute Table Mechanism\"");

    public ManualSection HypercallPage { get; } = new("Xen", "xen/include/public/arch-x86/cpuid.h (leaf 0x40000002) and docs/guest-guide/x86/hypercall-abi.rst");

    /// <summary>The header that has a hypercall's operations; named as in traces.</summary>
    public ManualSection HypercallHeader(string name) => new("Xen", name.Split('.')[0] switch
    {
        "event_channel_op" => "xen/include/public/event_channel.h",
        "grant_table_op" => "xen/include/public/grant_table.h",
        "memory_op" => "xen/include/public/memory.h",
        "hvm_op" => "xen/include/public/hvm/hvm_op.h and hvm/params.h",
        "sched_op" => "xen/include/public/sched.h",
        "vcpu_op" => "xen/include/public/vcpu.h",
        "xen_version" => "xen/include/public/version.h",
        "physdev_op" => "xen/include/public/physdev.h",
        "callback_op" => "xen/include/public/callback.h",
        "xsm_op" => "xen/include/public/xsm/flask_op.h",
        _ => "xen/include/public/xen.h",
    });

    private ManualSection Of(string intel, string amd) => _isAmd ? new ManualSection("AMD APM Vol. 2", amd) : new ManualSection("Intel SDM Vol. 3", intel);
}
