# ELF32: the real-time clock: time registers and their formats, the memory, periodic, update and alarm interrupts.

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.section .data
    .balign 4
count:          .long 0
reasons:        .long 0                         # register C at the last interrupt

.section .text
code32
.macro cmos_read register
    outb 0x70, \register
    inb 0x71
.endm
.macro cmos_write register, value
    outb 0x70, \register
    outb 0x71, "\value"
.endm
on_rtc:
    pusha
    add dword ptr [count], 1
    cmos_read 0x0C
    mov [reasons], eax
    outb 0xA0, 0x20
    outb 0x20, 0x20
    popa
    iret
# The register's value, BCD or binary as AL is, must be below LIMIT and its digits decimal.
.macro decimal_below name, register, limit
    cmos_read \register
    mov ebx, eax
    and ebx, 15
    cmp ebx, 10
    setb bl
    cmp eax, \limit
    setb bh
    test bl, bh
    check_true "\name", nz
.endm
.macro interrupts_now
    sti
    mov ecx, 3000
.Lgive\@:
    in al, 0x80
    loop .Lgive\@
    cli
.endm

main:
    call faults32_init
    gate32 0x28, on_rtc
    pic_init 0x20, 0x28
    virtual_wire

    println "registers"
    cmos_read 0x0D
    and eax, 0x80
    check "the battery is good", eax, 0x80
    cmos_read 0x0B
    and eax, 0x86
    check "time runs, in BCD, 24 hours", eax, 0x02
1:  cmos_read 0x0A
    test al, 0x80
    jnz 1b
    check_true "an update ends", z
    decimal_below "seconds", 0, 0x60
    decimal_below "minutes", 2, 0x60
    decimal_below "hours", 4, 0x24
    decimal_below "day", 7, 0x32
    decimal_below "month", 8, 0x13
    cmos_read 0x32
    and eax, 0xF0
    cmp eax, 0x20
    check_true "century", e
    cmos_write 0x40, 0x5A
    cmos_write 0x41, 0xA5
    cmos_read 0x40
    check "the memory keeps what is written", eax, 0x5A
    cmos_read 0x41
    check "next to it", eax, 0xA5
    cmos_write 0x0B, 0x82                       # SET: stop updates
    cmos_write 0, 0x58
    cmos_write 2, 0x59
    cmos_write 4, 0x23
    cmos_write 7, 0x28
    cmos_write 8, 0x02
    cmos_write 9, 0x23
    cmos_read 0
    check "the time can be set", eax, 0x58
    cmos_read 0x0C
    cmos_write 0x0B, 0x02

    println "running"
    outb 0xA1, 0xFE
    outb 0x21, 0xFB
    cmos_write 0x0B, 0x12                       # an interrupt each second
2:  sti                                         # 23:59:58 on 28 February 2023: wait for the next day
    hlt
    cli
    cmos_read 0
    cmp eax, 3
    ja 2b
    cmos_write 0x0B, 0x02
    cmos_read 2
    check "minutes after midnight", eax, 0
    cmos_read 4
    check "hours", eax, 0
    cmos_read 7
    check "day", eax, 1
    cmos_read 8
    check "month", eax, 3

    println "interrupts"
    mov dword ptr [count], 0
    cmos_read 0x0C
    cmos_write 0x0A, 0x26                       # 1024 Hz
    cmos_write 0x0B, 0x42
    wait_until count, 8
    cmos_write 0x0B, 0x02
    mov eax, [reasons]
    and eax, 0xC0
    check "periodic", eax, 0xC0
    interrupts_now
    mov dword ptr [count], 0
    interrupts_now
    check "stopped", [count], 0
    cmos_read 0x0C
    cmos_write 0x0B, 0x12
    wait_until count, 1
    cmos_write 0x0B, 0x02
    mov eax, [reasons]
    and eax, 0x90
    check "update ended", eax, 0x90
    mov dword ptr [count], 0
    cmos_write 1, 0xC0                          # alarm: any second, minute and hour
    cmos_write 3, 0xC0
    cmos_write 5, 0xC0
    cmos_read 0x0C
    cmos_write 0x0B, 0x22
    wait_until count, 1
    cmos_write 0x0B, 0x02
    mov eax, [reasons]
    and eax, 0xA0
    check "alarm", eax, 0xA0
    cmos_read 0x0C
    cmos_read 0x0C
    and eax, 0xF0
    check "reading register C clears it", eax, 0
    finish
