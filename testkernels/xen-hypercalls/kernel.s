# ELF64: what each hypercall of a PVH domain answers, wrong arguments above all: first to 32-bit code, then to 64-bit code. Two vCPUs.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "xen.inc"

.set LIST, scratch
.set HOLE, 0xE0000                              # a frame without memory
.set OWN_ID, 1
.set STRANGER, 99

.section .bss
    .balign 4096
scratch:        .space 4096
page:           .space 4096
other:          .space 4096
before:         .space 8

.section .text
code32

.macro each_version
    println "xen_version"
    gives "version", 0x40011, XEN_VERSION, 0
    gives "extra version", 0, XEN_VERSION, 1, (OFFSET scratch)
    check "it reads", [scratch], 0x372E
    gives "capabilities to nowhere", EFAULT, XEN_VERSION, 3, NOWHERE
    gives "changeset", 0, XEN_VERSION, 4, (OFFSET scratch)
    in_words 0, 0
    gives "features", 0, XEN_VERSION, 6, (OFFSET argument)
    field "they are", 4, 0x12305
    in_words 1
    gives "features of the next word", EINVAL, XEN_VERSION, 6, (OFFSET argument)
    gives "page size", 4096, XEN_VERSION, 7
    gives "page size with an argument", EINVAL, XEN_VERSION, 7, (OFFSET scratch)
    gives "handle", 0, XEN_VERSION, 8, (OFFSET scratch)
    gives "command line", 0, XEN_VERSION, 9, (OFFSET scratch)
    mov eax, [scratch + 1]
.if BITS == 64
    check "it is denied", rax, 0x696E6564
.else
    check "it is denied", eax, 0x696E6564
.endif
    gives "build id", EPERM, XEN_VERSION, 10
    gives "an unknown query", ENOSYS, XEN_VERSION, 11, (OFFSET scratch)
.endm

.macro each_console
    println "console_io"
    gives "reading", EPERM, CONSOLE_IO, 1, 1, (OFFSET scratch)
    gives "an unknown operation", EPERM, CONSOLE_IO, 2, 1, (OFFSET scratch)
    gives "writing from nowhere", EFAULT, CONSOLE_IO, 0, 1, NOWHERE
    gives "writing nothing", 0, CONSOLE_IO, 0, 0, NOWHERE
.endm

.macro each_scheduler
    println "sched_op, set_timer_op, vm_assist"
    gives "yield", 0, SCHED_OP, 0
    gives "shutdown from nowhere", EFAULT, SCHED_OP, 2, NOWHERE
    gives "poll from nowhere", EFAULT, SCHED_OP, 3, NOWHERE
    in_word 0, 0, (OFFSET scratch)
    in_number 4, 8, 129
    in_words (OFFSET scratch)
    gives "poll of 129 ports", EINVAL, SCHED_OP, 3, (OFFSET argument)
    in_number 4, 8, 1
    mov dword ptr [scratch], 60
    gives "poll of a free port", EINVAL, SCHED_OP, 3, (OFFSET argument)
    mov dword ptr [scratch], 0x10000
    gives "poll of no port", EINVAL, SCHED_OP, 3, (OFFSET argument)
    in_word 0, 0, NOWHERE
    gives "poll of ports from nowhere", EFAULT, SCHED_OP, 3, (OFFSET argument)
    in_word 0, 0, (OFFSET scratch)
    in_number 4, 8, 0
    in_number 8, 16, 1
    in_number 12, 20, 0
    gives "poll of nothing until a past time", 0, SCHED_OP, 3, (OFFSET argument)
    in_words STRANGER, 0
    gives "shutdown of no domain", ESRCH, SCHED_OP, 4, (OFFSET argument)
    in_words OWN_ID, 0
    gives "shutdown of this domain from outside", EPERM, SCHED_OP, 4, (OFFSET argument)
    in_words 0, 0
    gives "shutdown of the control domain", EPERM, SCHED_OP, 4, (OFFSET argument)
    gives "shutdown code from nowhere", EFAULT, SCHED_OP, 5, NOWHERE
    in_words 1, 10
    gives "a watchdog that nobody has", EINVAL, SCHED_OP, 6, (OFFSET argument)
    in_words 0, 1000
    gives "the first watchdog", 1, SCHED_OP, 6, (OFFSET argument)
    gives "the second", 2, SCHED_OP, 6, (OFFSET argument)
    gives "a third", ENOSPC, SCHED_OP, 6, (OFFSET argument)
    in_words 3, 1000
    gives "a watchdog that there is not", EINVAL, SCHED_OP, 6, (OFFSET argument)
    in_words 1, 0
    gives "stopping one", 0, SCHED_OP, 6, (OFFSET argument)
    in_words 2, 0
    gives "stopping the other", 0, SCHED_OP, 6, (OFFSET argument)
    gives "pinning", EPERM, SCHED_OP, 7, (OFFSET argument)
    gives "an unknown operation", ENOSYS, SCHED_OP, 8, (OFFSET argument)
    gives "no timer", 0, SET_TIMER_OP, 0, 0
    gives "the runstate bit", 0, VM_ASSIST, 0, 5
    gives "without it", 0, VM_ASSIST, 1, 5
    gives "neither", ENOSYS, VM_ASSIST, 2, 5
    gives "an assist for PV guests", EINVAL, VM_ASSIST, 0, 0
    gives "one that there is not", EINVAL, VM_ASSIST, 0, 64
.endm

.macro each_event
    println "event_channel_op"
    .irp operation, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
    gives "operation \operation from nowhere", EFAULT, EVENT_CHANNEL_OP, \operation, NOWHERE
    .endr
    gives "an unknown operation", ENOSYS, EVENT_CHANNEL_OP, 15, NOWHERE
    event "an IPI for no vCPU", ENOENT, 7, 2, 0
    event "an IPI", 0, 7, 1, 0
    field "gets port", 4, 3
    event "its status", 0, 5, SELF, 3, 0, 0
    field "says", 8, 5
    field "for vCPU", 12, 1
    event "sending to it", 0, 4, 3
    event "moving it", EINVAL, 8, 3, 0
    event "closing it", 0, 3, 3
    event "closing it again", EINVAL, 3, 3
    event "sending to a free port", EINVAL, 4, 3
    event "sending to port 0", EINVAL, 4, 0
    event "sending to no port", EINVAL, 4, -1
    event "unmasking a free port", 0, 9, 3
    event "unmasking no port", EINVAL, 9, 0x10000
    event "a virtual interrupt that there is not", EINVAL, 1, 24, 0, 0
    event "a global one for another vCPU", EINVAL, 1, 2, 1, 0
    event "one for no vCPU", ENOENT, 1, 0, 2, 0
    event "the timer's", 0, 1, 0, 0, 0
    field "gets port", 8, 3
    event "the timer's again", EEXIST, 1, 0, 0, 0
    event "sending to it", EINVAL, 4, 3
    event "closing it", 0, 3, 3
    event "a physical interrupt", 0, 2, 5, 0, 0
    event "the same again", EEXIST, 2, 5, 0, 0
    event "one that there is not", EINVAL, 2, 1000, 0, 0
    event "closing it", 0, 3, 3
    event "a port for the control domain", 0, 6, SELF, 0
    field "is", 4, 3
    event "sending before anybody is there", 0, 4, 3
    event "moving it", 0, 8, 3, 1
    event "moving it to no vCPU", ENOENT, 8, 3, 2
    event "its status", 0, 5, SELF, 3, 0, 0
    field "says", 8, 1
    field "for vCPU", 12, 1
    event "binding it oneself", EINVAL, 0, SELF, 3, 0
    event "closing it", 0, 3, 3
    event "a port for oneself", 0, 6, SELF+(SELF<<16), 0
    event "binding it", 0, 0, SELF, 3, 0
    field "gives port", 8, 4
    event "its status", 0, 5, SELF, 4, 0, 0, 0, 0
    field "says", 8, 2
    field "with port", 20, 3
    event "closing one end", 0, 3, 4
    event "leaves the other", 0, 5, SELF, 3, 0, 0
    field "to wait", 8, 1
    event "closing that", 0, 3, 3
    event "binding a port of the control domain", EINVAL, 0, 0, 1, 0
    event "of no domain", ESRCH, 0, STRANGER, 1, 0
    event "a port of the control domain", EPERM, 6, 0, 0
    event "status there", EPERM, 5, 0, 1, 0, 0
    event "reset there", EPERM, 10, 0
    event "a port of no domain", ESRCH, 6, STRANGER, 0
    event "status there", ESRCH, 5, STRANGER, 1, 0, 0
    event "status of port 0", 0, 5, SELF, 0, 0, 0
    field "says", 8, 0
    event "status of no port", EINVAL, 5, SELF, 0x10000, 0, 0
    event "a priority without queues", ENOSYS, 13, 1, 3
    event "more words without queues", EOPNOTSUPP, 12, 0x100, 0
    event "a control block of no vCPU", ENOENT, 11, 0x100, 0, 0, 2, 0, 0
    event "one across pages", EINVAL, 11, 0x100, 0, 4032, 0, 0, 0
    event "one that is not aligned", EINVAL, 11, 0x100, 0, 4, 0, 0, 0
    event "one without memory", EINVAL, 11, HOLE, 0, 0, 0, 0, 0
.endm

.macro each_vcpu
    println "vcpu_op"
    gives "no vCPU", ENOENT, VCPU_OP, 3, 2
    gives "this vCPU is up", 1, VCPU_OP, 3, 0
    gives "the other is not", 0, VCPU_OP, 3, 1
    gives "nor can it be", EINVAL, VCPU_OP, 1, 1
    gives "it is down already", 0, VCPU_OP, 2, 1
    gives "a state from nowhere", EFAULT, VCPU_OP, 0, 1, NOWHERE
    gives "this vCPU has a state", EEXIST, VCPU_OP, 0, 0, (OFFSET argument)
    in_words 2, 0
    gives "a state of no mode", EINVAL, VCPU_OP, 0, 1, (OFFSET argument)
    gives "runstate to nowhere", EFAULT, VCPU_OP, 4, 0, NOWHERE
    gives "runstate", 0, VCPU_OP, 4, 0, (OFFSET scratch)
    check "it runs", [scratch], 0
    gives "that of the other", 0, VCPU_OP, 4, 1, (OFFSET scratch)
    check "it is offline", [scratch], 3
    in_words 999999, 0
    gives "a period that is too short", EINVAL, VCPU_OP, 6, 0, (OFFSET argument)
    in_words 0, 0x80000000
    gives "one that is too long", EINVAL, VCPU_OP, 6, 0, (OFFSET argument)
    gives "a period from nowhere", EFAULT, VCPU_OP, 6, 0, NOWHERE
    gives "no period", 0, VCPU_OP, 7, 0
    gives "a deadline from nowhere", EFAULT, VCPU_OP, 8, 0, NOWHERE
    gives "a deadline of the other vCPU", EINVAL, VCPU_OP, 8, 1, (OFFSET argument)
    gives "no deadline", 0, VCPU_OP, 9, 0
    gives "none for the other", EINVAL, VCPU_OP, 9, 1
    gives "a vcpu_info from nowhere", EFAULT, VCPU_OP, 10, 0, NOWHERE
    in_words 0x100, 0, 4040, 0
    gives "one across pages", ENXIO, VCPU_OP, 10, 0, (OFFSET argument)
    in_words 0x100, 0, 2, 0
    gives "one that is not aligned", ENXIO, VCPU_OP, 10, 0, (OFFSET argument)
    in_words HOLE, 0, 0, 0
    gives "one without memory", EINVAL, VCPU_OP, 10, 0, (OFFSET argument)
    gives "an NMI with an argument", EINVAL, VCPU_OP, 11, 0, (OFFSET argument)
    gives "the physical processor", EINVAL, VCPU_OP, 12, 0, (OFFSET argument)
    gives "an area for the time from nowhere", EFAULT, VCPU_OP, 13, 0, NOWHERE
    gives "an unknown operation", ENOSYS, VCPU_OP, 14, 0, (OFFSET argument)
.endm

.macro parameter name, result, operation, index, value=0, domain=SELF
    in_words \domain, \index, \value, 0
    gives "\name", \result, HVM_OP, \operation, (OFFSET argument)
.endm

.macro each_hvm
    println "hvm_op"
    .irp operation, 0, 1, 9, 10, 11, 15, 23
    gives "operation \operation from nowhere", EFAULT, HVM_OP, \operation, NOWHERE
    .endr
    parameter "the store's frame", 0, 1, 1
    field "is", 8, 0xFEFFC
    parameter "the store's port", 0, 1, 2
    field "is", 8, 1
    parameter "the console's frame", 0, 1, 17
    field "is", 8, 0xFEFFF
    parameter "the console's port", 0, 1, 18
    field "is", 8, 2
    parameter "writing the store's frame", EPERM, 0, 1, 5
    parameter "the toolstack's", EPERM, 1, 31
    parameter "one of old", EINVAL, 1, 4
    parameter "one that there is not", EINVAL, 1, 39
    parameter "the PM timer's place", ENODEV, 0, 19, 1
    parameter "an FPU of 3 bytes", EINVAL, 0, 36, 3
    parameter "of the control domain", EPERM, 1, 1, 0, 0
    parameter "of no domain", ESRCH, 1, 1, 0, STRANGER
    parameter "of this domain by number", 0, 1, 1, 0, OWN_ID
    gives "flushing", 0, HVM_OP, 5, 0
    gives "flushing some", EINVAL, HVM_OP, 5, (OFFSET argument)
    in_words SELF, 0, 0, 0
    gives "a page table that dies", EINVAL, HVM_OP, 9, (OFFSET argument)
    in_words 0, 0, 0, 0
    gives "one of the control domain", EOPNOTSUPP, HVM_OP, 9, (OFFSET argument)
    gives "time", 0, HVM_OP, 10, (OFFSET argument)
    in_words 0x1000
    gives "tracing too large a number", EINVAL, HVM_OP, 11, (OFFSET argument)
    in_words SELF, 0, 0x10, 0
    gives "the type of memory", 0, HVM_OP, 15, (OFFSET argument)
    field "is RAM", 0, SELF
    in_words SELF, 0, HOLE, 0
    gives "the type of a hole", 0, HVM_OP, 15, (OFFSET argument)
    field "is device memory", 0, SELF+(2<<16)
    in_words 0, 15
    gives "an exception as upcall", EINVAL, HVM_OP, 23, (OFFSET argument)
    in_words 2, 16
    gives "an upcall of no vCPU", ENOENT, HVM_OP, 23, (OFFSET argument)
    gives "a request to nobody", 0, HVM_OP, 24, 0
    gives "one with an argument", EINVAL, HVM_OP, 24, (OFFSET argument)
    gives "another view of memory", EOPNOTSUPP, HVM_OP, 25, (OFFSET argument)
    gives "an unknown operation", ENOSYS, HVM_OP, 2, (OFFSET argument)
.endm

.macro place name, result, space, index, gfn, domain=SELF
    in_words \domain, \space
    in_word 8, 8, \index
    in_word 12, 16, \gfn
    gives "\name", \result, MEMORY_OP, 7, (OFFSET argument)
.endm

# reserve NAME, RESULT, OPERATION, COUNT, ORDER: frames are in the list.
.macro reserve name, result, operation, count, order=0, list=LIST
    in_word 0, 0, (OFFSET \list)
    in_word 4, 8, \count
    in_number 8, 16, \order
    in_number 12, 20, 0
    in_number 16, 24, SELF
    gives "\name", \result, MEMORY_OP, \operation, (OFFSET argument)
.endm

.macro frames first, second
.if BITS == 64
    mov dword ptr [LIST], \first
    mov dword ptr [LIST + 4], 0
    mov dword ptr [LIST + 8], \second
    mov dword ptr [LIST + 12], 0
.else
    mov dword ptr [LIST], \first
    mov dword ptr [LIST + 4], \second
.endif
.endm

.macro each_memory
    println "memory_op"
    .irp operation, 3, 4, 7, 9, 13, 14, 15, 16, 17, 21, 23, 26, 27
    gives "operation \operation from nowhere", EFAULT, MEMORY_OP, \operation, NOWHERE
    .endr
    gives "reservations from nowhere", 0, MEMORY_OP, 6, NOWHERE
    gives "going on with one", 5, MEMORY_OP, 6+(5<<6), NOWHERE
    in_words SELF
    gives "the highest frame", 0xFEFFF, MEMORY_OP, 14, (OFFSET argument)
    in_words 0
    gives "of the control domain", EPERM, MEMORY_OP, 14, (OFFSET argument)
    in_words STRANGER
    gives "of no domain", ESRCH, MEMORY_OP, 14, (OFFSET argument)
    gives "going on with what is short", EINVAL, MEMORY_OP, 14+64, (OFFSET argument)
    place "shared_info of another number", EINVAL, 0, 1, HOLE
    place "a page of another domain", ENOSYS, 4, 0, HOLE
    place "a device's registers", EACCES, 5, 0, HOLE
    place "something unknown", EINVAL, 9, 0, HOLE
    place "a frame without memory", EINVAL, 2, HOLE, HOLE+1
    place "in the control domain", EPERM, 0, 0, HOLE, 0
    place "in no domain", ESRCH, 0, 0, HOLE, STRANGER
    place "over the local APIC", EPERM, 0, 0, 0xFEE00
    in_words SELF
    in_word 4, 8, HOLE
    gives "removing what is not there", ENOENT, MEMORY_OP, 15, (OFFSET argument)
    in_words SELF
    xen MEMORY_OP, 3, (OFFSET argument)
    mov [before], eax
    frames 0x2000, 0x2001
    reserve "giving two pages back", 2, 1, 2
    in_words SELF
    xen MEMORY_OP, 3, (OFFSET argument)
    sub [before], eax
    check "makes a difference of", [before], 2
    reserve "giving them back again", 0, 1, 2
    reserve "too many at once", 0, 1, 1, 10
    frames 0x2000, HOLE+8
    reserve "getting them elsewhere", 2, 6, 2
    frames HOLE+9, HOLE+8
    reserve "getting more", 0, 6, 1
    frames HOLE+8, 0
    reserve "giving one back", 1, 1, 1
    frames 0x2001, 0
    reserve "getting it where it was", 1, 6, 1
    reserve "more pages somewhere", 0, 0, 1
    gives "machine addresses", ENOSYS, MEMORY_OP, 12, (OFFSET argument)
    gives "the machine's map", ENOSYS, MEMORY_OP, 10, (OFFSET argument)
    gives "another domain's resources", EACCES, MEMORY_OP, 28, (OFFSET argument)
    gives "an unknown operation", ENOSYS, MEMORY_OP, 40, (OFFSET argument)
    in_words 1
    in_word 4, 8, (OFFSET scratch)
    gives "one entry of the map", 0, MEMORY_OP, 9, (OFFSET argument)
    check "it begins at", [scratch], 0
    check "and is of RAM", [scratch+16], 1
.endm

.macro entry index, number, first, second
.if BITS == 64
    mov dword ptr [scratch + \index * 64], \number
    mov dword ptr [scratch + \index * 64 + 4], 0
    mov dword ptr [scratch + \index * 64 + 16], \first
    mov dword ptr [scratch + \index * 64 + 20], 0
    mov dword ptr [scratch + \index * 64 + 24], \second
    mov dword ptr [scratch + \index * 64 + 28], 0
.else
    mov dword ptr [scratch + \index * 32], \number
    mov dword ptr [scratch + \index * 32 + 8], \first
    mov dword ptr [scratch + \index * 32 + 12], \second
.endif
.endm

.macro answer name, index, value
.if BITS == 64
    check "\name", [scratch+\index*64+8], \value
.else
    check "\name", [scratch+\index*32+4], \value
.endif
.endm

.macro each_multicall
    println "multicall"
    entry 0, XEN_VERSION, 0, 0
    entry 1, 99, 0, 0
    entry 2, MULTICALL, (OFFSET scratch), 1
    entry 3, VCPU_OP, 3, 1
    gives "four calls", 0, MULTICALL, (OFFSET scratch), 4
    answer "the first", 0, 0x40011
    answer "the second", 1, ENOSYS
    answer "one within", 2, EINVAL
    answer "the last", 3, 0
    gives "calls from nowhere", EFAULT, MULTICALL, NOWHERE, 1
    gives "no calls", 0, MULTICALL, NOWHERE, 0
.endm

.macro each_other
    println "what is not for this domain"
    in_words 0, 0x03000001
    gives "platform_op", EPERM, 7, (OFFSET argument)
    in_words 0, 1
    gives "of another version", EACCES, 7, (OFFSET argument)
    gives "from nowhere", EFAULT, 7, NOWHERE
    in_words 0, 0x15
    gives "sysctl", EPERM, 35, (OFFSET argument)
    in_words 2, 0x15, OWN_ID
    gives "domctl", EPERM, 36, (OFFSET argument)
    in_words 2, 0x15, STRANGER
    gives "of no domain", ESRCH, 36, (OFFSET argument)
    in_words 2, 1, OWN_ID
    gives "of another version", EACCES, 36, (OFFSET argument)
    gives "mmuext_op", EINVAL, 26, (OFFSET argument), 1, 0, SELF
    gives "of this domain by number", ESRCH, 26, (OFFSET argument), 1, 0, OWN_ID
    gives "xsm_op", ENOSYS, 27, (OFFSET argument)
    gives "physdev_op", ENOSYS, 33, 13, (OFFSET argument)
    gives "argo_op", ENOSYS, 39
    gives "xenpmu_op", EOPNOTSUPP, 40
    gives "dm_op without anything", ENODATA, 41, OWN_ID, 0
    gives "with too much", E2BIG, 41, OWN_ID, 3
    gives "of this domain", EPERM, 41, OWN_ID, 1, (OFFSET argument)
    gives "of no domain", ESRCH, 41, STRANGER, 1, (OFFSET argument)
    gives "hypfs_op", EPERM, 42
    .irp number, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 16, 19, 22, 23, 25, 28, 30, 31, 37, 38, 43, 48, 55, 63
    gives "number \number", ENOSYS, \number
    .endr
.endm

.macro everything
    each_version
    each_console
    each_scheduler
    each_event
    each_vcpu
    each_hvm
    each_memory
    each_multicall
    each_other
.endm

main:
    call faults32_init
    println "--- 32-bit"
    everything
    enter_long_mode long
code64
long:
    start64
    println "--- 64-bit"
    everything
    mov eax, XEN_VERSION
    bts rax, 40
    xor edi, edi
    call hypercall
    check "a number of 64 bits", rax, ENOSYS
    finish
