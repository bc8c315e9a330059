# ELF32: the 8254 timer. Modes, latching, read-back, gate and output of channel 2, interrupts of channel 0.

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.section .data
ticks:          .long 0
first:          .long 0
second:         .long 0
tsc_one:        .long 0
tsc_two:        .long 0

.section .text
code32
on_tick:
    push eax
    add dword ptr [ticks], 1
    outb 0x20, 0x20
    pop eax
    iret

# Answers in EAX the latched count of channel 0 or 2.
.macro latch_count channel
    outb 0x43, \channel*0x40
    inb 0x40+\channel
    mov ecx, eax
    inb 0x40+\channel
    shl eax, 8
    or eax, ecx
.endm
.macro load_count channel, count
    mov eax, \count
    out 0x40 + \channel, al
    mov al, ah
    out 0x40 + \channel, al
.endm
# Answers in EAX the status byte of a channel.
.macro read_status channel
    outb 0x43, 0xE0|(2<<\channel)
    inb 0x40+\channel
.endm
# Lets some time pass without interrupts.
.macro pass_time
    mov ecx, 2000
.Lpass\@:
    in al, 0x80
    loop .Lpass\@
.endm

main:
    call faults32_init
    gate32 0x20, on_tick
    pic_init 0x20, 0x28
    virtual_wire

    println "channel 2, polled"
    outb 0x61, 0                                # gate low, speaker off
    outb 0x43, 0xB0                             # channel 2, both bytes, mode 0
    load_count 2, 0xFFFF
    inb 0x61
    and eax, 0x20
    check "mode 0: output low until the count ends", eax, 0
    latch_count 2
    mov [first], eax
    pass_time
    latch_count 2
    cmp eax, [first]
    check_true "gate low: the count stands", e
    outb 0x61, 1
    pass_time
    latch_count 2
    mov [second], eax
    cmp eax, [first]
    check_true "gate high: it falls", b
    pass_time
    outb 0x61, 0
    latch_count 2
    cmp eax, [second]
    check_true "and goes on falling", b
    mov [first], eax
    outb 0x43, 0xB0
    outb 0x61, 1
    load_count 2, 1000
    xor ebx, ebx
1:  inb 0x61
    add ebx, 1
    test al, 0x20
    jz 1b
    cmp ebx, 1
    check_true "mode 0: output rises at the end of the count", a
    read_status 2
    and eax, 0xBF
    check "status: output high, both bytes, mode 0", eax, 0xB0
    outb 0x61, 0

    println "reading counts"
    outb 0x43, 0x34                             # channel 0, both bytes, mode 2
    load_count 0, 0
    pass_time
    outb 0x43, 0x00                             # latch
    pass_time
    inb 0x40
    mov ebx, eax
    pass_time
    inb 0x40
    shl eax, 8
    or ebx, eax
    latch_count 0
    cmp eax, ebx
    check_true "a latched count does not move", ne
    read_status 0
    and eax, 0x3F
    check "status: both bytes, mode 2", eax, 0x34
    outb 0x43, 0xC2                             # read back status and count of channel 0
    inb 0x40
    and eax, 0x3F
    check "read-back: status comes first", eax, 0x34
    inb 0x40
    inb 0x40
    outb 0x43, 0x14                             # low byte only, mode 2
    outb 0x40, 0x50
    read_status 0
    and eax, 0x3F
    check "status: low byte, mode 2", eax, 0x14
    pass_time
    outb 0x43, 0x00
    inb 0x40
    cmp eax, 0x51
    check_true "low byte only: count stays in range", b
    outb 0x43, 0x36                             # mode 3
    load_count 0, 0x1000
    read_status 0
    and eax, 0x3F
    check "status: both bytes, mode 3", eax, 0x36
    latch_count 0
    test eax, 1
    check_true "mode 3: counts in steps of two", z

    println "channel 0, interrupts"
    outb 0x43, 0x30                             # mode 0: one interrupt
    outb 0x21, 0xFE
    load_count 0, 2000
    wait_until ticks, 1
    check "mode 0: one interrupt", [ticks], 1
    pass_time
    pass_time
    window_for_interrupts
    check "and no second one", [ticks], 1
    mov dword ptr [ticks], 0
    outb 0x43, 0x34                             # mode 2: periodic
    load_count 0, PIT_HZ/200
    wait_until ticks, 1
    rdtsc
    mov [tsc_one], eax
    wait_until ticks, 5
    rdtsc
    mov ebx, eax
    sub eax, [tsc_one]
    mov [tsc_one], eax                          # cycles of four periods
    wait_until ticks, 13
    rdtsc
    sub eax, ebx
    mov [tsc_two], eax                          # cycles of eight periods
    mov eax, [tsc_one]
    mov ecx, eax
    shr ecx, 1
    add eax, ecx
    cmp [tsc_two], eax
    check_true "mode 2: eight periods take more than six", a
    mov eax, [tsc_one]
    shl eax, 1
    add eax, [tsc_one]
    cmp [tsc_two], eax
    check_true "and less than twelve", b
    mov eax, [tsc_one]
    shr eax, 10
    test eax, eax
    check_true "the time-stamp counter moves with it", nz
    mov dword ptr [ticks], 0
    outb 0x43, 0x36                             # mode 3: periodic
    load_count 0, PIT_HZ/500
    wait_until ticks, 5
    check "mode 3: periodic interrupts", [ticks], 5
    outb 0x21, 0xFF
    mov dword ptr [ticks], 0
    pass_time
    window_for_interrupts
    check "masked: none", [ticks], 0
    finish
