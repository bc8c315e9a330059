# ELF32: the pair of 8259 interrupt controllers. Sources are the timer (IRQ 0), the UART's transmitter (IRQ 4) and the
# real-time clock (IRQ 8, behind the slave).

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.section .data
    .balign 4
count:          .fill 16, 4, 0                  # interrupts taken, by IRQ
order:          .long 0                         # IRQs in the order taken, one hexadecimal digit each, plus 1
isr_seen:       .long 0                         # in-service register inside the handler
send_eoi:       .long 1

.section .text
code32
.macro in_service base
    outb \base, 0x0B
    inb \base
.endm
.macro requests base
    outb \base, 0x0A
    inb \base
.endm

# irq_handler NUMBER: counts, records the order and what is in service, quiets its source, ends the interrupt.
.macro irq_handler number
on_irq\number:
    pusha
    add dword ptr [count + \number * 4], 1
    shl dword ptr [order], 4
    or dword ptr [order], \number + 1
    in_service 0xA0
    mov ecx, eax
    in_service 0x20
    mov ah, cl
    mov [isr_seen], eax
.if \number == 4
    outb COM1+1, 0
.endif
.if \number == 8
    outb 0x70, 0x0C                             # reading status C lets IRQ 8 fall
    inb 0x71
.endif
    cmp dword ptr [send_eoi], 0
    je .Lno_eoi\@
.if \number >= 8
    outb 0xA0, 0x20
.endif
    outb 0x20, 0x20
.Lno_eoi\@:
    popa
    iret
.endm
    irq_handler 0
    irq_handler 4
    irq_handler 8

# Makes the timer ask once, and waits until the controller has seen it (or has had time enough).
.macro raise_timer
    outb 0x43, 0x30
    outb 0x40, 200
    outb 0x40, 0
    mov ecx, 100000
.Lraise\@:
    requests 0x20
    test al, 1
    jnz .Lraised\@
    loop .Lraise\@
.Lraised\@:
.endm
.macro raise_uart
    outb COM1+4, 0x0B                           # OUT2 connects the interrupt line
    outb COM1+1, 2                              # transmitter empty
.endm
.macro clear_log
    mov dword ptr [order], 0
    mov dword ptr [count], 0
    mov dword ptr [count + 16], 0
    mov dword ptr [count + 32], 0
.endm
.macro interrupts_now
    sti
    mov ecx, 100
.Lgive\@:
    in al, 0x80
    loop .Lgive\@
    cli
.endm
.macro set_up mode=1
    pic_init 0x20, 0x28, \mode
    clear_log
.endm

main:
    call faults32_init
    gate32 0x20, on_irq0
    gate32 0x24, on_irq4
    gate32 0x28, on_irq8
    gate32 0x30, on_irq0
    virtual_wire

    println "masks and requests"
    set_up
    inb 0x21
    check "mask register reads back", eax, 0xFF
    outb 0x21, 0xA5
    inb 0x21
    check "so does another value", eax, 0xA5
    outb 0x21, 0xFF
    raise_timer
    interrupts_now
    check "masked: no interrupt", [count], 0
    requests 0x20
    and eax, 1
    check "but a request", eax, 1
    outb 0x21, 0xFE
    interrupts_now
    check "unmasked: one interrupt", [count], 1
    movzx eax, byte ptr [isr_seen]
    check "in service inside the handler", eax, 1
    in_service 0x20
    check "not after the end of interrupt", eax, 0
    requests 0x20
    and eax, 1
    check "the request is gone", eax, 0

    println "vectors"
    pic_init 0x30, 0x38
    clear_log
    mov word ptr [idt32 + 0x20 * 8 + 2], 0      # the old vector would now fault
    outb 0x21, 0xFE
    raise_timer
    interrupts_now
    check "moved to 0x30", [count], 1
    mov word ptr [idt32 + 0x20 * 8 + 2], KCODE32

    println "priority"
    set_up
    raise_timer
    raise_uart
    outb 0x21, 0xEE
    interrupts_now
    check "IRQ 0 before IRQ 4", [order], 0x15
    set_up
    mov dword ptr [send_eoi], 0
    outb 0x21, 0xEE
    raise_timer
    interrupts_now
    check "IRQ 0 is taken and not ended", [order], 0x1
    raise_uart
    interrupts_now
    check "IRQ 4 waits behind it", [order], 0x1
    in_service 0x20
    check "in service", eax, 1
    mov dword ptr [send_eoi], 1
    outb 0x20, 0x60                             # specific end of interrupt 0
    interrupts_now
    check "after the specific end it comes", [order], 0x15
    set_up
    mov dword ptr [send_eoi], 0
    outb 0x21, 0xEE
    raise_uart
    interrupts_now
    check "IRQ 4 is taken and not ended", [order], 0x5
    raise_timer
    interrupts_now
    check "IRQ 0 interrupts it", [order], 0x51
    in_service 0x20
    check "both in service", eax, 0x11
    mov dword ptr [send_eoi], 1
    outb 0x20, 0x20
    in_service 0x20
    check "the unspecific end takes the highest", eax, 0x10
    outb 0x20, 0x20
    in_service 0x20
    check "then the other", eax, 0
    set_up
    outb 0x20, 0xC0|2                           # lowest priority to IRQ 2: IRQ 3 is highest
    raise_timer
    raise_uart
    outb 0x21, 0xEE
    interrupts_now
    check "rotated: IRQ 4 before IRQ 0", [order], 0x51

    println "automatic end of interrupt"
    set_up 3
    mov dword ptr [send_eoi], 0
    outb 0x21, 0xFE
    raise_timer
    interrupts_now
    movzx eax, byte ptr [isr_seen]
    check "nothing in service inside the handler", eax, 0
    raise_timer
    interrupts_now
    check "the next one comes without an end of the first", [count], 2
    mov dword ptr [send_eoi], 1

    println "the slave"
    set_up
    outb 0x70, 0x0A
    outb 0x71, 0x26                             # periodic rate 1024 Hz
    outb 0x70, 0x0B
    inb 0x71
    or eax, 0x40
    mov ebx, eax
    outb 0x70, 0x0B
    mov eax, ebx
    out 0x71, al
    outb 0x70, 0x0C
    inb 0x71
    outb 0xA1, 0xFE
    outb 0x21, 0xFB
    wait_until count+32, 3
    outb 0x70, 0x0B
    mov eax, ebx
    and eax, ~0x40
    out 0x71, al
    check "IRQ 8 through the cascade", [order], 0x999
    movzx eax, word ptr [isr_seen]
    check "in service in both", eax, 0x104
    in_service 0x20
    mov ebx, eax
    in_service 0xA0
    or eax, ebx
    check "and in neither after both ends", eax, 0

    println "poll command"
    set_up
    raise_timer
    outb 0x21, 0xFE
    outb 0x20, 0x0C
    inb 0x20
    check "says which request", eax, 0x80
    in_service 0x20
    check "and puts it in service", eax, 1
    outb 0x20, 0x20
    finish
