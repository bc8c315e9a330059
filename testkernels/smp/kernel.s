# ELF32: four processors: INIT and start-up messages, interprocessor interrupts, locked instructions, stale translations and changed
# code on other processors, one clock.

.include "kernel.inc"
.include "faults32.inc"
.include "irq.inc"

.set CPUS, 4
.set APIC_BASE, 0x1B
.set LAPIC_LDR, LAPIC + 0xD0
.set LAPIC_DFR, LAPIC + 0xE0
.set LAPIC_ICR_HIGH, LAPIC + 0x310

.set START, 0x50000                             # where the others start, and where one starts a second time
.set START_AGAIN, 0x51000

.set PING, 0x40
.set PONG, 0x41
.set ANSWER, 0x42
.set SHOOTDOWN, 0x43

.set TO_MANY, 0x4000                            # level: assert, as ICR wants it
.set LOGICAL, 0x800
.set SELF, 0x40000
.set ALL, 0x80000
.set OTHERS, 0xC0000

.set WINDOW, 0x40000000
.set ROUNDS, 10000
.set PATCHES, 200

.section .bss
    .balign 4096
page_directory: .space 4096
window_table:   .space 4096
page_a:         .space 4096
page_b:         .space 4096
ap_stacks:      .space CPUS * 4096

.section .data
    .balign 4
alive:          .long 0                         # a bit for each processor that has started
starts:         .long 0
wrong_ids:      .long 0
boot_flags:     .long 0
sequence:       .long 0                         # changes when there is work
work:           .long 0
done:           .long 0
pings:          .fill CPUS, 4, 0
nmis:           .fill CPUS, 4, 0
seen:           .fill CPUS, 4, 0
pongs:          .long 0
answers:        .long 0
acks:           .long 0
shared:         .long 0
lock_word:      .long 0
guarded:        .long 0
seen_patch:     .long 0
entered:        .long 0
beat:           .long 0
before:         .long 0
violations:     .long 0
    .balign 8
last_time:      .quad 0

.section .text

# Runs in real mode at START and START_AGAIN.
    .code16
    .balign 16, 0x90
start:
    cli
    mov ax, cs
    mov ds, ax
    mov ds:[start_cs - start], ax
    lgdt ds:[start_gdt - start]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                            # jmp KCODE32:ap_entry, 32-bit operand
    .long ap_entry
    .word KCODE32
start_cs:       .word 0
    .balign 4
start_gdt:
    .word gdt_end - gdt - 1
    .long gdt
start_end:

code32
ap_entry:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov esi, [LAPIC_ID]
    shr esi, 24
    and esi, CPUS - 1
    imul esp, esi, 4096                         # stacks of their own
    add esp, OFFSET ap_stacks + 4096
    lidt [idt32_pointer]
    mov eax, 1
    cpuid
    shr ebx, 24
    cmp ebx, esi
    je 1f
    lock add dword ptr [wrong_ids], 1
1:  mov ecx, APIC_BASE
    rdmsr
    and eax, 0x100
    lock or [boot_flags], eax
    call apic_on
    mov edi, [sequence]
    lock add dword ptr [starts], 1
    lock bts [alive], esi
    sti
ap_loop:
    cmp [sequence], edi
    jne 1f
    pause
    jmp ap_loop
1:  mov edi, [sequence]
    push esi
    push edi
    call [work]
    pop edi
    pop esi
    lock add dword ptr [done], 1
    jmp ap_loop

# EAX = this processor's number.
own_number:
    mov eax, [LAPIC_ID]
    shr eax, 24
    and eax, CPUS - 1
    ret

# Enables the local APIC and gives it the logical identifier 1 << number.
apic_on:
    call own_number
    mov ecx, eax
    mov eax, 1 << 24
    shl eax, cl
    mov dword ptr [LAPIC_DFR], 0xFFFFFFFF
    mov [LAPIC_LDR], eax
    mov dword ptr [LAPIC_SVR], 0x1FF
    ret

# Lets the other processors call a routine with ESI = their number, and waits until all have returned.
.macro on_others routine, number=CPUS-1
    begin_on_others \routine
    wait_for done, \number
.endm
.macro begin_on_others routine
    mov dword ptr [done], 0
    mov dword ptr [work], OFFSET \routine
    lock add dword ptr [sequence], 1
.endm
.macro wait_for counter, n
.Lwait\@:
    pause
    cmp dword ptr [\counter], \n
    jb .Lwait\@
.endm
.macro send command, destination=0
    mov dword ptr [LAPIC_ICR_HIGH], (\destination) << 24
    mov dword ptr [LAPIC_ICR], \command
.endm
.macro wait_some times=500
    sti
    mov ecx, \times
.Lsome\@:
    pause                                       # an emulator that runs one processor after the other goes on with the next one here
    loop .Lsome\@
    cli
.endm

# Interrupt handlers.
on_ping:
    push eax
    call own_number
    lock add dword ptr [pings + eax * 4], 1
    mov dword ptr [LAPIC_EOI], 0
    pop eax
    iret
on_nmi:
    push eax
    call own_number
    lock add dword ptr [nmis + eax * 4], 1
    pop eax
    iret
on_pong:
    lock add dword ptr [pongs], 1
    mov dword ptr [LAPIC_EOI], 0
    send ANSWER
    iret
on_answer:
    lock add dword ptr [answers], 1
    mov dword ptr [LAPIC_EOI], 0
    iret
on_shootdown:
    invlpg [WINDOW]
    lock add dword ptr [acks], 1
    mov dword ptr [LAPIC_EOI], 0
    iret

# What the others are asked to do.
count_up:
    mov ecx, ROUNDS
1:  mov eax, 1
    lock xadd [shared], eax
    loop 1b
    ret
count_guarded:
    mov ecx, ROUNDS / 4
1:  call acquire
    mov eax, [guarded]
    add eax, 1
    mov [guarded], eax
    mov dword ptr [lock_word], 0
    loop 1b
    ret
acquire:
    mov eax, 1
    xchg [lock_word], eax
    test eax, eax
    jz 1f
    pause
    jmp acquire
1:  ret
serve_pongs:                                    # the second processor alone
    cmp esi, 1
    jne 3f
    cli
1:  cmp dword ptr [pongs], 100
    jae 2f
    sti
    hlt
    cli
    jmp 1b
2:  sti
3:  ret
paging_on:
    mov eax, cr4
    or eax, 0x10                                # PSE
    mov cr4, eax
    mov eax, OFFSET page_directory
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    ret
read_window:
    mov eax, [WINDOW]
    mov [seen + esi * 4], eax
    ret
watch_clock:
    mov ecx, 500
1:  push ecx
    call acquire
    rdtsc
    cmp edx, [last_time + 4]
    ja 3f
    jb 2f
    cmp eax, [last_time]
    jae 3f
2:  add dword ptr [violations], 1
3:  mov [last_time], eax
    mov [last_time + 4], edx
    mov dword ptr [lock_word], 0
    pop ecx
    loop 1b
    ret
follow_patches:                                 # the second processor alone
    cmp esi, 1
    jne 3f
1:  call patched
    cmp eax, [seen_patch]
    je 2f
    mov [seen_patch], eax
    cmp eax, PATCHES
    je 3f
2:  xor eax, eax
    cpuid                                       # as the manual asks of who executes what another processor changes
    jmp 1b
3:  ret
    .balign 4, 0x90
    .byte 0x90, 0x90, 0x90
patched:
    mov eax, 0x7FFFFFFF                         # the constant, aligned, is what changes
    ret
endless:                                        # the third processor alone
    cmp esi, 2
    jne 1f
    mov dword ptr [entered], 1
    jmp endless_loop
1:  ret
    .balign 4, 0x90
endless_loop:
    jmp endless_loop
    ret
beat_for_ever:                                  # the fourth processor alone
    cmp esi, 3
    jne 2f
1:  lock add dword ptr [beat], 1
    jmp 1b
2:  ret

# EAX = the array at EBX, four bits for each processor, which starts anew.
pack:
    xor eax, eax
    mov ecx, CPUS
1:  shl eax, 4
    or eax, [ebx + ecx * 4 - 4]
    mov dword ptr [ebx + ecx * 4 - 4], 0
    loop 1b
    ret
.macro check_packed name, array, want
    mov ebx, OFFSET \array
    call pack
    check "\name", eax, \want
.endm

main:
    call faults32_init
    gate32 2, on_nmi
    gate32 PING, on_ping
    gate32 PONG, on_pong
    gate32 ANSWER, on_answer
    gate32 SHOOTDOWN, on_shootdown
    outb 0x21, 0xFF
    outb 0xA1, 0xFF
    mov esi, OFFSET start
    mov edi, START
    mov ecx, OFFSET start_end - start
    rep movsb
    mov esi, OFFSET start
    mov edi, START_AGAIN
    mov ecx, OFFSET start_end - start
    rep movsb
    call apic_on

    println "start"
    send OTHERS+TO_MANY+0x500
    wait_some
    check "after INIT nobody has started", [starts], 0
    send OTHERS+TO_MANY+0x600+(START>>12)
    wait_for alive, 0xE
    send OTHERS+TO_MANY+0x600+(START_AGAIN>>12)
    wait_some
    check "three more processors are alive", [alive], 0xE
    check "a second start-up message is ignored", [starts], 3
    movzx eax, word ptr [START+(start_cs-start)]
    check "they start in real mode at the page that the message names", eax, START>>4
    check "CPUID and local APIC agree about their numbers", [wrong_ids], 0
    check "none calls itself the boot processor", [boot_flags], 0
    mov ecx, APIC_BASE
    rdmsr
    and eax, 0x100
    check "but this one", eax, 0x100

    println "locked instructions"
    begin_on_others count_up
    call count_up
    wait_for done, CPUS-1
    check "LOCK XADD", [shared], ROUNDS*CPUS
    begin_on_others count_guarded
    call count_guarded
    wait_for done, CPUS-1
    check "a lock by XCHG", [guarded], ROUNDS/4*CPUS

    println "messages"
    send TO_MANY+PING, 2
    wait_some
    check_packed "by identifier", pings, 0x0100
    send TO_MANY+LOGICAL+PING, 6
    wait_some
    check_packed "by logical identifiers", pings, 0x0110
    send TO_MANY+PING, 0xFF
    wait_some
    check_packed "to everybody", pings, 0x1111
    send OTHERS+TO_MANY+PING
    wait_some
    check_packed "to all others", pings, 0x1110
    send ALL+TO_MANY+PING
    wait_some
    check_packed "to all", pings, 0x1111
    send SELF+TO_MANY+PING
    wait_some
    check_packed "to itself", pings, 0x0001
    send TO_MANY+PING, 9
    wait_some
    check_packed "to nobody", pings, 0
    send TO_MANY+LOGICAL+0x100+PING, 0xE
    wait_some
    mov eax, [pings+4]
    add eax, [pings+8]
    add eax, [pings+12]
    check "lowest priority: to one of three", eax, 1
    mov dword ptr [pings+4], 0
    mov dword ptr [pings+8], 0
    mov dword ptr [pings+12], 0
    send OTHERS+TO_MANY+0x400
    wait_some
    check_packed "NMI to all others", nmis, 0x1110
    begin_on_others serve_pongs
    xor edi, edi
1:  add edi, 1
    send TO_MANY+PONG, 1
2:  cmp [answers], edi
    jae 3f
    sti
    hlt
    cli
    jmp 2b
3:  cmp edi, 100
    jne 1b
    wait_for done, CPUS-1
    check "a hundred messages to a halted processor and back", [answers], 100

    println "translations"
    mov edi, OFFSET page_directory
    mov eax, 0x83                               # 4 MiB, writable
    mov ecx, 1024
    cld
4:  stosd
    add eax, 0x400000
    loop 4b
    mov dword ptr [page_directory + (WINDOW >> 22) * 4], OFFSET window_table + 3
    mov dword ptr [window_table], OFFSET page_a + 3
    mov dword ptr [page_a], 0xAAAAAAAA
    mov dword ptr [page_b], 0xBBBBBBBB
    call paging_on
    on_others paging_on
    on_others read_window
    check "all read through the first translation", [seen+4], 0xAAAAAAAA
    mov dword ptr [window_table], OFFSET page_b + 3
    invlpg [WINDOW]
    send OTHERS+TO_MANY+SHOOTDOWN
    wait_for acks, CPUS-1
    on_others read_window
    check "after the shootdown through the second: processor 1", [seen+4], 0xBBBBBBBB
    check "processor 2", [seen+8], 0xBBBBBBBB
    check "processor 3", [seen+12], 0xBBBBBBBB

    println "code"
    begin_on_others follow_patches
    xor edi, edi
5:  add edi, 1
    mov [patched + 1], edi
6:  pause
    cmp [seen_patch], edi
    jne 6b
    cmp edi, PATCHES
    jne 5b
    wait_for done, CPUS-1
    check "every change is seen", [seen_patch], PATCHES
    begin_on_others endless
    wait_for entered, 1
    wait_for done, 2
    wait_some 3                                 # each may last as long as an emulator lets a processor run
    check "a processor is in an endless loop", [done], 2
    mov word ptr [endless_loop], 0x9090
    wait_for done, CPUS-1
    check "and out of it once another overwrites the loop", [done], CPUS-1

    println "time"
    begin_on_others watch_clock
    call watch_clock
    wait_for done, CPUS-1
    check "no time stamp is older than one before it on another processor", [violations], 0

    println "INIT"
    begin_on_others beat_for_ever
    wait_for beat, 1000
    send TO_MANY+0x500, 3
    mov eax, [beat]
    mov [before], eax
    wait_some
    mov eax, [beat]
    check "it stops a processor", eax, [before]
    mov dword ptr [alive], 0
    send TO_MANY+PING, 3
    wait_some
    check_packed "which takes no interrupt then", pings, 0
    send TO_MANY+0x600+(START_AGAIN>>12), 3
    wait_for alive, 8
    check "it starts again", [starts], 4
    movzx eax, word ptr [START_AGAIN+(start_cs-start)]
    check "at another page", eax, START_AGAIN>>4
    mov dword ptr [shared], 0
    on_others count_up
    check "and works", [shared], ROUNDS*(CPUS-1)
    finish
