# ELF32: the 16550 UART at 0x3F8: registers, divisor latch, loopback, FIFO, line and modem status, interrupts. Results are
# kept until the loopback is off, since the console is the same UART.

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.set DATA, COM1
.set IER, COM1 + 1
.set IIR, COM1 + 2
.set FCR, COM1 + 2
.set LCR, COM1 + 3
.set MCR, COM1 + 4
.set LSR, COM1 + 5
.set MSR, COM1 + 6
.set SCR, COM1 + 7

.section .data
    .balign 4
r:              .fill 40, 4, 0                  # results
count:          .long 0
cause:          .long 0

.section .text
code32
.macro keep index
    mov [r + \index * 4], eax
.endm
.macro drain
.Ldrain\@:
    inb LSR
    test al, 0x40                               # let the console finish
    jz .Ldrain\@
.endm
.macro some_time
    mov ecx, 3000
.Ltime\@:
    in al, 0x80
    loop .Ltime\@
.endm
on_uart:
    pusha
    add dword ptr [count], 1
    inb IIR
    mov [cause], eax
    inb DATA
    outb IER, 0
    outb 0x20, 0x20
    popa
    iret

main:
    call faults32_init
    gate32 0x24, on_uart
    pic_init 0x20, 0x28
    virtual_wire

    println "registers"
    drain
    outb SCR, 0x5A
    inb SCR
    keep 0
    outb LCR, 0x83
    outb DATA, 0x34
    outb IER, 0x12
    inb DATA
    keep 1
    inb IER
    keep 2
    inb LCR
    keep 3
    outb DATA, 1
    outb IER, 0
    outb LCR, 3
    outb IER, 0xFF
    inb IER
    keep 4
    outb IER, 0
    inb LSR
    keep 5
    inb IIR
    keep 6
    outb FCR, 7
    inb IIR
    keep 7
    outb FCR, 0
    inb IIR
    keep 8
    check "scratch register", [r], 0x5A
    check "divisor, low", [r+4], 0x34
    check "divisor, high", [r+8], 0x12
    check "line control", [r+12], 0x83
    check "interrupt enable has four bits", [r+16], 0x0F
    check "line status: transmitter empty", [r+20], 0x60
    check "no interrupt", [r+24], 1
    check "FIFOs on", [r+28], 0xC1
    check "FIFOs off", [r+32], 1

    println "loopback"
    drain
    outb MCR, 0x10
    inb MSR
    and eax, 0xF0
    keep 0
    outb MCR, 0x11
    inb MSR
    and eax, 0xF0
    keep 1
    outb MCR, 0x12
    inb MSR
    and eax, 0xF0
    keep 2
    outb MCR, 0x14
    inb MSR
    and eax, 0xF0
    keep 3
    outb MCR, 0x18
    inb MSR
    and eax, 0xF0
    keep 4
    inb LSR
    and eax, 1
    keep 6
    outb DATA, 0xC3
    some_time
    inb LSR
    and eax, 1
    keep 7
    inb DATA
    keep 8
    inb LSR
    and eax, 1
    keep 9
    outb DATA, 0x11
    some_time
    outb DATA, 0x22
    some_time
    inb LSR
    and eax, 3
    keep 10
    inb LSR
    and eax, 2
    keep 11
    inb DATA
    outb MCR, 0
    check "nothing set", [r], 0
    check "DTR is DSR", [r+4], 0x20
    check "RTS is CTS", [r+8], 0x10
    check "OUT1 is RI", [r+12], 0x40
    check "OUT2 is DCD", [r+16], 0x80
    check "no data yet", [r+24], 0
    check "data ready", [r+28], 1
    check "the byte", [r+32], 0xC3
    check "reading takes it", [r+36], 0
    check "a second byte overruns", [r+40], 3
    check "reading clears the overrun", [r+44], 0

    println "FIFO"
    drain
    outb FCR, 0x87                              # on, cleared, trigger at 8
    outb MCR, 0x10
    mov ebx, 0
1:  lea eax, [ebx + 0x30]
    mov edx, DATA
    out dx, al
    some_time
    add ebx, 1
    cmp ebx, 16
    jne 1b
    xor ebx, ebx
    mov dword ptr [r], 0
    mov dword ptr [r + 4], 0
2:  inb LSR
    test al, 1
    jz 3f
    inb DATA
    add [r], eax
    add dword ptr [r + 4], 1
    cmp dword ptr [r + 4], 20
    jne 2b
3:  outb DATA, 0x55
    some_time
    outb FCR, 3                                 # clear the receiver
    inb LSR
    and eax, 1
    keep 2
    outb MCR, 0
    outb FCR, 0
    check "sixteen bytes", [r+4], 16
    check "their sum", [r], 16*0x30+120
    check "cleared", [r+8], 0

    println "interrupts"
    drain
    outb 0x21, 0xEF
    outb MCR, 0x08
    outb IER, 2
    sti
    some_time
    cli
    outb MCR, 0
    check "transmitter empty", [count], 1
    check "its cause", [cause], 2
    drain
    drain
    outb MCR, 0x10
    outb IER, 1
    outb DATA, 0x42
    some_time
    inb IIR
    keep 0
    outb IER, 5
    outb DATA, 0x43                             # overrun
    some_time
    inb IIR
    keep 1
    inb LSR
    inb IIR
    keep 2
    inb DATA
    inb IIR
    keep 3
    outb IER, 2
    inb IIR
    keep 4
    inb IIR
    keep 5
    outb IER, 0
    outb MCR, 0
    check "IIR: data", [r], 4
    check "IIR: line status comes first", [r+4], 6
    check "IIR: then data", [r+8], 4
    check "IIR: then nothing", [r+12], 1
    check "IIR: transmitter empty", [r+16], 2
    check "reading IIR takes that away", [r+20], 1
    finish
