# ELF32: the I/O APIC at 0xFEC00000: registers, edge and level triggering, masking, with the UART (input 4) and the
# timer (input 2, as the ISA override of PC platforms has it).

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.set IOAPIC, 0xFEC00000
.set UART_VECTOR, 0x54
.set TIMER_VECTOR, 0x52
.set LEVEL, 0x8000
.set MASKED, 0x10000
.set REMOTE_IRR, 0x4000

.section .data
    .balign 4
uart_count:     .long 0
timer_count:    .long 0
quiet_uart:     .long 1                         # whether the handler takes the UART's reason away
quiet_after:    .long 0                         # or does so at this count
entry_seen:     .long 0

.section .text
code32
.macro write_register index, value
    mov dword ptr [IOAPIC], \index
    mov dword ptr [IOAPIC + 16], \value
.endm
.macro read_register index
    mov dword ptr [IOAPIC], \index
    mov eax, [IOAPIC + 16]
.endm
.macro redirect input, value
    write_register 0x11+2*\input, 0             # destination: APIC 0
    write_register 0x10+2*\input, "\value"
.endm
on_uart:
    pusha
    add dword ptr [uart_count], 1
    mov dword ptr [IOAPIC], 0x10 + 2 * 4
    mov eax, [IOAPIC + 16]
    mov [entry_seen], eax
    mov eax, [uart_count]
    cmp eax, [quiet_after]
    je 1f
    cmp dword ptr [quiet_uart], 0
    je 2f
1:  outb COM1+1, 0
2:  mov dword ptr [LAPIC_EOI], 0
    popa
    iret
on_timer:
    add dword ptr [timer_count], 1
    push eax
    mov dword ptr [LAPIC_EOI], 0
    pop eax
    iret
.macro interrupts_now
    sti
    mov ecx, 3000
.Lgive\@:
    in al, 0x80
    loop .Lgive\@
    cli
.endm
.macro raise_uart
    outb COM1+4, 0x0B
    outb COM1+1, 2
.endm

main:
    call faults32_init
    gate32 UART_VECTOR, on_uart
    gate32 TIMER_VECTOR, on_timer
    pic_init 0x20, 0x28
    mov dword ptr [LAPIC_SVR], 0x1FF

    println "registers"
    read_register 1
    mov ebx, eax
    shr ebx, 16
    and ebx, 0xFF
    check "24 inputs", ebx, 23
    read_register 0x10+2*4
    and eax, MASKED
    check "input 4 is masked at entry", eax, MASKED
    write_register 0x10+2*4, MASKED+LEVEL+0xA0
    read_register 0x10+2*4
    check "an entry reads back", eax, MASKED+LEVEL+0xA0
    write_register 0x11+2*4, 0x07000000
    read_register 0x11+2*4
    check "its destination too", eax, 0x07000000
    write_register 0x10+2*4, MASKED+REMOTE_IRR+0x1000+0x54
    read_register 0x10+2*4
    check "remote IRR and delivery status cannot be written", eax, MASKED+0x54
    write_register 0, 0x05000000
    read_register 0
    check "identifier", eax, 0x05000000
    write_register 0, 0

    println "edge"
    redirect 4, UART_VECTOR
    raise_uart
    interrupts_now
    check "one interrupt", [uart_count], 1
    raise_uart
    interrupts_now
    check "another edge, another one", [uart_count], 2
    mov dword ptr [quiet_uart], 0
    raise_uart
    interrupts_now
    check "the line stays up: one only", [uart_count], 3
    outb COM1+1, 0
    mov dword ptr [quiet_uart], 1

    println "level"
    mov dword ptr [uart_count], 0
    mov dword ptr [quiet_uart], 0
    mov dword ptr [quiet_after], 5
    redirect 4, LEVEL+UART_VECTOR
    raise_uart
    interrupts_now
    check "it comes again until the line falls", [uart_count], 5
    mov eax, [entry_seen]
    and eax, REMOTE_IRR
    check "remote IRR inside the handler", eax, REMOTE_IRR
    read_register 0x10+2*4
    and eax, REMOTE_IRR
    check "and not after it", eax, 0
    mov dword ptr [quiet_after], 0
    mov dword ptr [quiet_uart], 1

    println "masking"
    mov dword ptr [uart_count], 0
    redirect 4, MASKED+LEVEL+UART_VECTOR
    raise_uart
    interrupts_now
    check "masked: none", [uart_count], 0
    redirect 4, LEVEL+UART_VECTOR
    interrupts_now
    check "level: unmasking delivers it", [uart_count], 1

    println "the timer"
    redirect 2, TIMER_VECTOR
    outb 0x43, 0x34
    outb 0x40, 0x00
    outb 0x40, 0x10
    wait_until timer_count, 5
    check "five interrupts", [timer_count], 5
    write_register 0x10+2*2, MASKED
    interrupts_now
    mov dword ptr [timer_count], 0
    interrupts_now
    check "masked: none", [timer_count], 0

    println "destination"
    mov dword ptr [uart_count], 0
    write_register 0x11+2*4, 0x0E000000         # no such processor
    write_register 0x10+2*4, UART_VECTOR
    raise_uart
    interrupts_now
    check "to nobody", [uart_count], 0
    outb COM1+1, 0
    mov dword ptr [LAPIC + 0xE0], 0xFFFFFFFF
    mov dword ptr [LAPIC + 0xD0], 0x02000000
    write_register 0x11+2*4, 0x02000000
    write_register 0x10+2*4, 0x800+UART_VECTOR
    raise_uart
    interrupts_now
    check "logical destination", [uart_count], 1
    finish
