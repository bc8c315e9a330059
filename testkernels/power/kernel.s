# ELF32: the ways a guest ends its machine, one by command line: how=acpi, acpi-reset, 8042, debug-exit, halt, xen-poweroff,
# xen-reboot, xen-crash.

.include "kernel.inc"
.include "startinfo.inc"

.section .data
reason:         .long 0
.section .text
code32
main:
    call find_command_line
    if_option "how=acpi-reset", by_acpi_reset
    if_option "how=acpi", by_acpi
    if_option "how=8042", by_8042
    if_option "how=debug-exit", by_debug_exit
    if_option "how=halt", by_halt
    if_option "how=xen-poweroff", by_xen_poweroff
    if_option "how=xen-reboot", by_xen_reboot
    if_option "how=xen-crash", by_xen_crash
    println "FAIL the command line names no way"
    jmp fail_off
by_acpi:
    println "ACPI sleep control: S5"
    mov byte ptr [0xFEA00200], 0x34
    jmp still_here
by_acpi_reset:
    println "ACPI reset register"
    mov byte ptr [0xFEA00202], 0x42
    jmp still_here
by_8042:
    println "keyboard controller: pulse the reset line"
    mov al, 0xFE
    out 0x64, al
    jmp still_here
by_debug_exit:
    println "port 0xf4: 42, which makes exit status 85"
    mov al, 42
    out 0xF4, al
    jmp still_here
by_halt:
    println "HLT with interrupts off"
    cli
    hlt
    jmp still_here
by_xen_poweroff:
    println "sched_op(shutdown, poweroff)"
    jmp by_xen
by_xen_reboot:
    println "sched_op(shutdown, reboot)"
    mov dword ptr [reason], 1
    jmp by_xen
by_xen_crash:
    println "sched_op(shutdown, crash)"
    mov dword ptr [reason], 3
by_xen:
    mov eax, 29
    mov ebx, 2
    mov ecx, OFFSET reason
    call hypercall
still_here:
    mov ecx, 3000000
1:  in al, 0x80
    loop 1b
    println "FAIL the machine still runs"
    jmp fail_off
