# ELF32: the local APIC by its timer: xAPIC and x2APIC, one-shot, periodic and TSC-deadline, priorities, self-IPI.

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.set VECTOR, 0x50
.set HIGH_VECTOR, 0x70
.set SPURIOUS, 0xFF
.set APIC_BASE, 0x1B
.set DEADLINE, 0x6E0

.section .data
    .balign 4
ticks:          .long 0
high_ticks:     .long 0
order:          .long 0
isr_seen:       .long 0
ppr_seen:       .long 0
x2apic_mode:    .long 0
eoi_in_handler: .long 1
first:          .long 0
second:         .long 0

.section .text
code32
.macro wr32 address, value
    mov dword ptr [\address], \value
.endm
.macro wrmsr32 index, value
    mov ecx, \index
    mov eax, \value
    xor edx, edx
    wrmsr
.endm

on_tick:
    pusha
    add dword ptr [ticks], 1
    shl dword ptr [order], 4
    or dword ptr [order], 1
    cmp dword ptr [x2apic_mode], 0
    jne 1f
    mov eax, [LAPIC_ISR + (VECTOR / 32) * 16]
    mov [isr_seen], eax
    mov eax, [LAPIC_PPR]
    mov [ppr_seen], eax
    cmp dword ptr [eoi_in_handler], 0
    je 2f
    wr32 LAPIC_EOI, 0
    jmp 2f
1:  wrmsr32 0x80B, 0
2:  popa
    iret
on_high:
    pusha
    add dword ptr [high_ticks], 1
    shl dword ptr [order], 4
    or dword ptr [order], 2
    wr32 LAPIC_EOI, 0
    popa
    iret

.macro wait_some
    mov ecx, 3000
.Lsome\@:
    in al, 0x80
    loop .Lsome\@
.endm
.macro interrupts_now
    sti
    wait_some
    cli
.endm

main:
    call faults32_init
    gate32 VECTOR, on_tick
    gate32 HIGH_VECTOR, on_high
    outb 0x21, 0xFF
    outb 0xA1, 0xFF

    println "at entry"
    mov eax, 1
    cpuid
    bt edx, 9
    check_true "CPUID has an APIC", c
    mov ecx, APIC_BASE
    rdmsr
    and eax, 0xFFFFFF00
    check "APIC base: at 0xFEE00000, enabled, bootstrap processor", eax, 0xFEE00900
    mov eax, [LAPIC_VERSION]
    movzx eax, al
    and eax, 0xF0
    check "version: integrated", eax, 0x10
    mov eax, [LAPIC_VERSION]
    shr eax, 16
    and eax, 0xFF
    cmp eax, 3
    check_true "at least four local vectors", ae
    mov eax, [LAPIC_LVT_TIMER]
    check "the timer is masked", eax, 0x10000
    mov eax, [LAPIC_TPR]
    check "task priority", eax, 0

    println "one shot"
    wr32 LAPIC_SVR, 0x100+SPURIOUS
    wr32 LAPIC_TPR, 0
    wr32 LAPIC_TIMER_DIVIDE, 0xB                # by 1
    mov eax, [LAPIC_TIMER_DIVIDE]
    check "divide register reads back", eax, 0xB
    wr32 LAPIC_LVT_TIMER, VECTOR
    wr32 LAPIC_TIMER_INITIAL, 100000
    mov eax, [LAPIC_TIMER_CURRENT]
    cmp eax, 100000
    check_true "the count starts at its value", be
    wait_until ticks, 1
    check "one interrupt", [ticks], 1
    mov eax, [LAPIC_TIMER_CURRENT]
    check "the count is at rest", eax, 0
    check "in service inside the handler", [isr_seen], 1<<(VECTOR&31)
    check "processor priority inside the handler", [ppr_seen], VECTOR&0xF0
    mov eax, [LAPIC_PPR]
    check "and after the end", eax, 0
    interrupts_now
    check "no second one", [ticks], 1
    wr32 LAPIC_TIMER_INITIAL, 0x40000000
    mov eax, [LAPIC_TIMER_CURRENT]
    mov [first], eax
    wait_some
    mov eax, [LAPIC_TIMER_CURRENT]
    cmp eax, [first]
    check_true "it counts down", b
    wr32 LAPIC_TIMER_INITIAL, 0
    mov eax, [LAPIC_TIMER_CURRENT]
    check "an initial count of 0 stops it", eax, 0
    mov dword ptr [ticks], 0
    wr32 LAPIC_LVT_TIMER, 0x10000+VECTOR
    wr32 LAPIC_TIMER_INITIAL, 10
    interrupts_now
    check "masked: none", [ticks], 0

    println "the divider"
    wr32 LAPIC_LVT_TIMER, VECTOR
    wr32 LAPIC_TIMER_DIVIDE, 0xB
    rdtsc
    mov [first], eax
    wr32 LAPIC_TIMER_INITIAL, 1000000
    wait_until ticks, 1
    rdtsc
    sub eax, [first]
    mov [first], eax
    wr32 LAPIC_TIMER_DIVIDE, 2                  # by 8
    rdtsc
    mov [second], eax
    wr32 LAPIC_TIMER_INITIAL, 1000000
    wait_until ticks, 2
    rdtsc
    sub eax, [second]
    mov [second], eax
    mov ecx, [first]
    shl ecx, 2
    cmp eax, ecx
    check_true "by 8 takes more than four times as long", a
    shl ecx, 2
    cmp eax, ecx
    check_true "and less than sixteen times", b
    wr32 LAPIC_TIMER_DIVIDE, 0xB

    println "periodic"
    mov dword ptr [ticks], 0
    wr32 LAPIC_LVT_TIMER, 0x20000+VECTOR
    wr32 LAPIC_TIMER_INITIAL, 200000
    wait_until ticks, 5
    check "five interrupts", [ticks], 5
    wr32 LAPIC_TIMER_INITIAL, 0
    interrupts_now
    mov dword ptr [ticks], 0
    interrupts_now
    check "stopped", [ticks], 0

    println "requests and priorities"
    wr32 LAPIC_LVT_TIMER, VECTOR
    wr32 LAPIC_TIMER_INITIAL, 10
    wait_some
    mov eax, [LAPIC_IRR + (VECTOR / 32) * 16]
    check "with IF clear it waits in the request register", eax, 1<<(VECTOR&31)
    interrupts_now
    check "and comes with IF set", [ticks], 1
    mov eax, [LAPIC_IRR + (VECTOR / 32) * 16]
    check "the request is gone", eax, 0
    wr32 LAPIC_TPR, VECTOR&0xF0
    mov eax, [LAPIC_PPR]
    check "task priority shows in the processor priority", eax, VECTOR&0xF0
    wr32 LAPIC_TIMER_INITIAL, 10
    interrupts_now
    check "task priority of its class holds it back", [ticks], 1
    wr32 LAPIC_TPR, (VECTOR&0xF0)-0x10
    interrupts_now
    check "a lower one lets it through", [ticks], 2
    wr32 LAPIC_TPR, 0
    mov dword ptr [order], 0
    wr32 LAPIC_ICR, 0x40000+VECTOR
    wr32 LAPIC_ICR, 0x40000+HIGH_VECTOR
    interrupts_now
    check "self-IPIs: the higher vector first", [order], 0x21
    mov dword ptr [order], 0
    mov dword ptr [eoi_in_handler], 0
    wr32 LAPIC_ICR, 0x40000+VECTOR
    interrupts_now
    wr32 LAPIC_ICR, 0x40000+VECTOR
    interrupts_now
    check "not ended: the same vector waits", [order], 0x1
    wr32 LAPIC_ICR, 0x40000+HIGH_VECTOR
    interrupts_now
    check "a higher one does not", [order], 0x12
    mov dword ptr [eoi_in_handler], 1
    wr32 LAPIC_EOI, 0
    interrupts_now
    check "after the end it comes", [order], 0x121
    mov eax, [LAPIC_ISR + (VECTOR / 32) * 16]
    check "nothing is in service", eax, 0
    wr32 LAPIC_ICR, 0x40000+VECTOR
    mov eax, [LAPIC_ICR]
    and eax, 0x1000
    check "delivery status is idle", eax, 0
    interrupts_now

    println "software disable"
    mov dword ptr [ticks], 0
    wr32 LAPIC_SVR, SPURIOUS
    mov eax, [LAPIC_LVT_TIMER]
    and eax, 0x10000
    check "it masks the local vectors", eax, 0x10000
    wr32 LAPIC_TIMER_INITIAL, 10
    interrupts_now
    check "no interrupt", [ticks], 0
    wr32 LAPIC_SVR, 0x100+SPURIOUS

    println "TSC deadline"
    mov eax, 1
    cpuid
    bt ecx, 24
    check_true "CPUID has it", c
    jnc .Lno_deadline
    mov dword ptr [ticks], 0
    wr32 LAPIC_LVT_TIMER, 0x40000+VECTOR
    rdtsc
    add eax, 500000
    adc edx, 0
    mov ecx, DEADLINE
    wrmsr
    rdmsr
    or eax, edx
    check_true "the deadline is armed", nz
    wait_until ticks, 1
    mov ecx, DEADLINE
    rdmsr
    or eax, edx
    check "after it the register is 0", eax, 0
    rdtsc
    mov ecx, DEADLINE
    wrmsr
    interrupts_now
    check "a deadline in the past fires at once", [ticks], 2
    wr32 LAPIC_TIMER_INITIAL, 10
    interrupts_now
    check "the initial count means nothing now", [ticks], 2
    rdtsc
    add edx, 1
    mov ecx, DEADLINE
    wrmsr
    xor eax, eax
    xor edx, edx
    wrmsr
    rdmsr
    or eax, edx
    check "writing 0 disarms", eax, 0
.Lno_deadline:

    println "x2APIC"
    mov eax, 1
    cpuid
    bt ecx, 21
    check_true "CPUID has it", c
    jnc .Lno_x2apic
    mov ecx, 0x802
    faults "its registers do not exist before", V_GP, 0, rdmsr
    wr32 LAPIC_LVT_TIMER, 0x10000
    mov ecx, APIC_BASE
    rdmsr
    or eax, 0x400
    passes "enabling it", wrmsr
    mov dword ptr [x2apic_mode], 1
    mov ecx, 0x802
    rdmsr
    mov [first], eax
    mov eax, 1
    cpuid
    shr ebx, 24
    check "identifier as CPUID has it", [first], ebx
    mov ecx, 0x803
    rdmsr
    and eax, 0xF0
    check "version", eax, 0x10
    mov dword ptr [ticks], 0
    wrmsr32 0x83E, 0xB
    wrmsr32 0x832, VECTOR
    wrmsr32 0x838, 10000
    wait_until ticks, 1
    check "one shot", [ticks], 1
    wrmsr32 0x83F, VECTOR
    interrupts_now
    check "self-IPI register", [ticks], 2
    mov ecx, 0x830
    mov eax, 0x40000+VECTOR
    xor edx, edx
    wrmsr
    interrupts_now
    check "command register, to itself", [ticks], 3
    mov ecx, 0x80B
    mov eax, 1
    faults "end of interrupt with a value", V_GP, 0, wrmsr
    mov ecx, 0x802
    faults "the identifier cannot be written", V_GP, 0, wrmsr
    mov ecx, 0x80E
    faults "destination format does not exist", V_GP, 0, rdmsr
    mov ecx, 0x808
    mov eax, 0x100
    faults "task priority, reserved bits", V_GP, 0, wrmsr
    mov ecx, APIC_BASE
    rdmsr
    and eax, ~0x400
    faults "back to xAPIC directly", V_GP, 0, wrmsr
    and eax, ~0x800
    passes "switching off", wrmsr
    or eax, 0x400
    faults "x2APIC without the global enable", V_GP, 0, wrmsr
    mov ecx, APIC_BASE
    rdmsr
    and eax, ~0x400
    or eax, 0x800
    passes "switching on as xAPIC", wrmsr
    mov dword ptr [x2apic_mode], 0
    mov eax, [LAPIC_SVR]
    and eax, 0x100
    check "starts disabled by software again", eax, 0
.Lno_x2apic:
    finish
