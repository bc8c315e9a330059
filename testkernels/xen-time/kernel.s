# ELF64: Xen's time as a domain reads it: the PV clock in shared_info, in a vcpu_info of the guest's own and in an area for user space, the wallclock,
# runstates. First in the layouts of 32-bit code, then in those of 64-bit code. Two vCPUs.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "xen.inc"

.set HOLE, 0xE0000
.set SHARED, HOLE<<12
.set VCPU_TIME, 32                              # of a vcpu_info
.set LAPIC_SVR, 0xFEE000F0

.section .bss
    .balign 4096
own_info:       .space 4096
area:           .space 64                       # vcpu_time_info for user space
state:          .space 64                       # vcpu_runstate_info
copy:           .space 64
time:           .space 8
clock:          .space 8
stamp:          .space 8
earlier:        .space 8
ports:          .space 8

.section .text
code32

# Reads the PV clock at EBX into `clock`: system_time + ((TSC - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32. The counter ticks once a
# nanosecond, which the other numbers say; so only the lower 32 bits of the difference count here.
.macro read_clock place
    push \place
    rdtsc
    mov [stamp], eax
    pop \place
    mov eax, [stamp]
    sub eax, [\place + 8]
    mov cl, [\place + 28]
    shl eax, cl
    mul dword ptr [\place + 24]
    mov eax, edx
    add eax, [\place + 16]
    mov [clock], eax
.endm

# close NAME, LIMIT: `clock` and Xen's own time are no further apart.
.macro close name, limit
    xen HVM_OP, 10, (OFFSET time)
    mov eax, [time]
    sub eax, [clock]
    cmp eax, \limit
    check_true "\name", b
.endm

.macro even name, place
    mov eax, [\place]
    test eax, 1
    check_true "\name", z
.endm

# wait NANOSECONDS: polls nothing for so long, so that the vCPU is blocked.
.macro wait nanoseconds
    xen HVM_OP, 10, (OFFSET time)
    mov eax, [time]
    mov edx, [time + 4]
    add eax, \nanoseconds
    adc edx, 0
    in_word 0, 0, (OFFSET ports)
    in_number 4, 8, 0
    in_number 8, 16, eax
    in_number 12, 20, edx
    must SCHED_OP, 3, (OFFSET argument)
.endm

# The fields of vcpu_runstate_info behind the state; the first vCPU's times are below 4 s.
.macro runstate_field destination, where, offset
    mov \destination, [\where + \offset + (BITS / 8) - 4]
.endm
.set ENTERED, 4
.set RUNNING, 12
.set RUNNABLE, 20
.set BLOCKED, 28
.set OFFLINE, 36


.macro everything
.if BITS == 64
    .set WALLCLOCK, SHARED+0xC00
    .set WALLCLOCK_HIGH, SHARED+0xC0C
.else
    .set WALLCLOCK, SHARED+0x900
    .set WALLCLOCK_HIGH, SHARED+0x924
.endif
    in_words SELF, 0, 1, 0
    must HVM_OP, 0, (OFFSET argument)
    println "wallclock"
    mov ebx, WALLCLOCK
    even "the version is even", ebx
    mov eax, [ebx + 4]
    cmp eax, 0x5E000000
    check_true "it is later than 2019", a
    mov eax, [ebx + 8]
    cmp eax, 1000000000
    check_true "less than a second of nanoseconds", b
    mov ebx, WALLCLOCK_HIGH
    mov eax, [ebx]
    test eax, eax
    check_true "no upper half for some time", z

    println "runstate"
    gives "this vCPU's", 0, VCPU_OP, 4, 0, (OFFSET state)
    mov eax, [state]
    test eax, eax
    check_true "it runs", z
    runstate_field eax, state, RUNNING
    runstate_field ecx, state, RUNNABLE
    add eax, ecx
    runstate_field ecx, state, BLOCKED
    add eax, ecx
    runstate_field ecx, state, OFFLINE
    add eax, ecx
    mov [clock], eax
    close "the times are all the time", 20000
    gives "the other's", 0, VCPU_OP, 4, 1, (OFFSET state)
    mov eax, [state]
    cmp eax, 3
    check_true "it is offline", e
    runstate_field eax, state, OFFLINE
    mov [clock], eax
    close "all the time", 20000
    in_word 0, 0, (OFFSET state)
    gives "an area", 0, VCPU_OP, 5, 0, (OFFSET argument)
    mov eax, [state]
    test eax, eax
    check_true "is written at once", z
    runstate_field eax, state, BLOCKED
    mov [earlier], eax
    wait 1000000
    runstate_field eax, state, BLOCKED
    sub eax, [earlier]
    cmp eax, 990000                             # the call itself takes some
    check_true "a millisecond blocked counts", ae
    cmp eax, 1010000
    check_true "and not much more", b
    mov eax, [state]
    test eax, eax
    check_true "it runs again", z
    runstate_field eax, state, ENTERED
    mov [clock], eax
    close "since a moment ago", 20000
    in_word 0, 0, 0
    gives "no area", 0, VCPU_OP, 5, 0, (OFFSET argument)
    runstate_field eax, state, BLOCKED
    mov [earlier], eax
    wait 100000
    runstate_field eax, state, BLOCKED
    cmp eax, [earlier]
    check_true "is not written", e

    println "an area for user space"
    in_word 0, 0, (OFFSET area)
    gives "register", 0, VCPU_OP, 13, 0, (OFFSET argument)
    mov ebx, OFFSET area
    even "the version is even", ebx
    read_clock_at
    close "it is Xen's time", 20000
    in_word 0, 0, NOWHERE
    gives "an area without memory", 0, VCPU_OP, 13, 0, (OFFSET argument)
    in_word 0, 0, 0
    gives "no area", 0, VCPU_OP, 13, 0, (OFFSET argument)
.endm

.macro read_clock_at
.if BITS == 64
    read_clock rbx
.else
    read_clock ebx
.endif
.endm

main:
    call faults32_init
    in_words SELF, 0, 0, HOLE
    must MEMORY_OP, 7, (OFFSET argument)
    println "the PV clock"
    mov ebx, SHARED + VCPU_TIME
    even "the version is even", ebx
    mov eax, [ebx + 24]
    check "multiplier", eax, 0x80000000
    movzx eax, byte ptr [ebx + 28]
    check "shift", eax, 1
    movzx eax, byte ptr [ebx + 29]
    check "the counter is stable", eax, 1
    read_clock ebx
    close "it is Xen's time", 20000
    wait 3000000
    read_clock ebx
    close "also later", 20000
    mov ebx, SHARED + 31 * 64 + VCPU_TIME
    even "each of 32 has a clock", ebx
    mov ebx, SHARED + 64 + VCPU_TIME
    mov eax, [ebx + 24]
    check "that of the other vCPU", eax, 0x80000000
    # The counter set anew.
    mov ebx, SHARED + VCPU_TIME
    mov eax, [ebx]
    mov [earlier], eax
    mov ecx, 0x10
    mov eax, 0x12345678
    mov edx, 0x9A
    wrmsr
    mov eax, [ebx]
    sub eax, [earlier]
    check "a counter that is set writes the clock", eax, 2
    read_clock ebx
    close "it is Xen's time", 20000
    # A place of the guest's own.
    mov eax, OFFSET own_info
    shr eax, 12
    in_words eax, 0, 0x100, 0
    gives "a vcpu_info of one's own", 0, VCPU_OP, 10, 0, (OFFSET argument)
    mov ebx, OFFSET own_info + 0x100 + VCPU_TIME
    even "the version is even", ebx
    read_clock ebx
    close "it is Xen's time", 20000
    movzx eax, byte ptr [own_info + 0x100]
    check "an upcall is pending", eax, 1
    check "everything is selected", [own_info+0x108], -1
    gives "another", EINVAL, VCPU_OP, 10, 0, (OFFSET argument)
    println "--- 32-bit"
    everything
    enter_long_mode long
code64
long:
    start64
    println "--- 64-bit"
    everything
    finish
