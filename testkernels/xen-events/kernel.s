# ELF32: events: bits and selectors, masks, upcalls by a vector of the vCPU and by the domain's callback, polling, timers, then the FIFO ABI.

.include "kernel.inc"
.include "faults32.inc"
.include "xen.inc"

.set HOLE, 0xE0000
.set SHARED, HOLE<<12                           # shared_info, in the layout of 32-bit domains
.set PENDING, SHARED+0x800
.set MASK, SHARED+0x880
.set SELECTOR, SHARED+4

.set LAPIC_TPR, 0xFEE00080
.set LAPIC_EOI, 0xFEE000B0
.set LAPIC_SVR, 0xFEE000F0
.set VECTOR, 0x40
.set CALLBACK, 0x50

.set CLOSE, 3
.set SEND, 4
.set BIND_IPI, 7
.set UNMASK, 9
.set PRIORITY, 13

.section .bss
    .balign 4096
control:        .space 4096
words:          .space 4096
upcalls:        .space 4                        # interrupts by the vCPU's vector
callbacks:      .space 4                        # and by the callback
clear_after:    .space 4                        # callbacks after which upcall_pending is cleared
ports:          .space 16
time:           .space 8
start:          .space 8

.section .text
code32

by_vector:
    add dword ptr [upcalls], 1
    mov dword ptr [LAPIC_EOI], 0
    iretd

by_callback:
    add dword ptr [callbacks], 1
    push eax
    mov eax, [callbacks]
    cmp eax, [clear_after]
    jb 1f
    mov byte ptr [SHARED], 0
1:  pop eax
    iretd

# Forgets what is pending: the selector, the upcall and a port's bits.
.macro forget
    mov byte ptr [SHARED], 0
    mov dword ptr [SELECTOR], 0
    mov dword ptr [PENDING], 0
.endm

.macro upcall name, value
    push eax
    movzx eax, byte ptr [SHARED]
    check "\name", eax, \value
    pop eax
.endm

# Lets interrupts come for a moment.
.macro listen
    sti
    nop
    nop
    nop
    cli
.endm

.macro now
    must HVM_OP, 10, (OFFSET time)
.endm

# poll NAME, COUNT, TIMEOUT-LOW, TIMEOUT-HIGH: the ports in `ports`.
.macro poll name, result, count, low=0, high=0
    mov dword ptr [argument], OFFSET ports
    mov dword ptr [argument + 4], \count
    mov dword ptr [argument + 8], \low
    mov dword ptr [argument + 12], \high
    gives "\name", \result, SCHED_OP, 3, (OFFSET argument)
.endm

# Puts the time in NANOSECONDS from now into `argument`.
.macro deadline nanoseconds
    now
    mov eax, [time]
    mov edx, [time + 4]
    mov [start], eax
    add eax, \nanoseconds
    adc edx, 0
    mov [argument], eax
    mov [argument + 4], edx
    mov dword ptr [argument + 8], 0
.endm

# EAX = nanoseconds since `deadline`.
.macro elapsed
    now
    mov eax, [time]
    sub eax, [start]
.endm

.macro event_word name, port, value
    check "\name", [words+4*\port], \value
.endm

main:
    call faults32_init
    gate32 VECTOR, by_vector
    gate32 CALLBACK, by_callback
    in_words SELF, 0, 1, 0
    must HVM_OP, 0, (OFFSET argument)
    in_words SELF, 0, 0, HOLE
    must MEMORY_OP, 7, (OFFSET argument)

    println "bits"
    event "a first port", 0, BIND_IPI, 0, 0
    event "and a second", 0, BIND_IPI, 0, 0
    event "sending", 0, SEND, 3
    check "it is pending", [PENDING], 1<<3
    check "its word is selected", [SELECTOR], 1
    upcall "so is an upcall", 1
    mov byte ptr [SHARED], 0
    event "sending again", 0, SEND, 3
    upcall "changes nothing", 0
    event "sending to the other", 0, SEND, 4
    check "both are pending", [PENDING], 3<<3
    upcall "the word was selected before", 0
    forget
    mov dword ptr [MASK], 1 << 3
    event "sending to a masked one", 0, SEND, 3
    check "it is pending", [PENDING], 1<<3
    check "its word is not selected", [SELECTOR], 0
    upcall "nor is an upcall", 0
    event "unmasking it", 0, UNMASK, 3
    check "the mask is clear", [MASK], 0
    check "the word is selected", [SELECTOR], 1
    upcall "now it is", 1
    mov byte ptr [SHARED], 0
    mov dword ptr [SELECTOR], 0
    event "unmasking it again", 0, UNMASK, 3
    upcall "changes nothing", 0
    mov dword ptr [MASK], -1
    must EVENT_CHANNEL_OP, CLOSE, (OFFSET argument)
    check "a closed port is not pending", [PENDING], 0
    mov dword ptr [MASK], 0
    event "a port again", 0, BIND_IPI, 0, 0
    listen
    check "no interrupt came so far", [upcalls], 0

    println "a vector of the vCPU"
    in_words 0, VECTOR
    gives "before the APIC is on", 0, HVM_OP, 23, (OFFSET argument)
    listen
    check "nothing comes", [upcalls], 0
    forget
    event "an event", 0, SEND, 3
    listen
    check "nothing comes", [upcalls], 0
    mov dword ptr [LAPIC_SVR], 0x1FF
    listen
    check "it comes when the APIC is on", [upcalls], 1
    forget
    listen
    check "it comes once", [upcalls], 1
    event "the next", 0, SEND, 3
    listen
    check "comes", [upcalls], 2
    listen
    check "once, though it is pending", [upcalls], 2
    event "sent again", 0, SEND, 4
    listen
    check "nothing new comes", [upcalls], 2
    forget
    mov dword ptr [LAPIC_TPR], 0x40
    event "below the priority", 0, SEND, 3
    listen
    check "it waits", [upcalls], 2
    mov dword ptr [LAPIC_TPR], 0
    listen
    check "and comes", [upcalls], 3
    forget
    in_words 0, VECTOR
    gives "setting the vector again", 0, HVM_OP, 23, (OFFSET argument)
    listen
    check "is an upcall of its own", [upcalls], 4

    println "waiting"
    mov dword ptr [ports], 3
    mov dword ptr [ports + 4], 4
    event "an event", 0, SEND, 3
    poll "polling for it", 0, 1
    listen
    check "its interrupt is there", [upcalls], 5
    forget
    mov dword ptr [MASK], 3 << 3
    deadline 50000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "polling for 50 us", 0, 2, eax, edx
    elapsed
    cmp eax, 50000
    check_true "takes them", ae
    cmp eax, 60000
    check_true "and not much more", b
    event "a masked event", 0, SEND, 4
    poll "need not be waited for", 0, 2
    forget
    mov dword ptr [MASK], 0

    println "timers"
    event "the timer's port", 0, 1, 0, 0, 0
    mov dword ptr [ports], 5
    mov dword ptr [MASK], 1 << 5
    deadline 30000
    gives "a deadline", 0, VCPU_OP, 8, 0, (OFFSET argument)
    check "nothing yet", [PENDING], 0
    poll "polling", 0, 1
    check "the timer", [PENDING], 1<<5
    elapsed
    cmp eax, 30000
    check_true "took its time", ae
    cmp eax, 40000
    check_true "and not much more", b
    forget
    in_words 1, 0, 0
    gives "a deadline in the past", 0, VCPU_OP, 8, 0, (OFFSET argument)
    check "has come", [PENDING], 1<<5
    forget
    deadline 30000
    must VCPU_OP, 8, 0, (OFFSET argument)
    gives "no deadline", 0, VCPU_OP, 9, 0
    deadline 100000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "polling", 0, 1, eax, edx
    check "nothing came", [PENDING], 0
    deadline 30000
    mov eax, [argument]
    mov edx, [argument + 4]
    gives "set_timer_op", 0, SET_TIMER_OP, eax, edx
    poll "polling", 0, 1
    check "the timer", [PENDING], 1<<5
    elapsed
    cmp eax, 30000
    check_true "took its time", ae
    forget
    # Long ago it ticked last: the first tick of a period comes at once, unless the domain is younger than that.
    deadline 5000000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "five milliseconds", 0, 1, eax, edx
    deadline 0
    in_words 1000000, 0
    gives "a period of one", 0, VCPU_OP, 6, 0, (OFFSET argument)
    check "begins with a tick", [PENDING], 1<<5
    mov ebx, 3
1:  mov dword ptr [PENDING], 0
    in_words (OFFSET ports), 1, 0, 0
    must SCHED_OP, 3, (OFFSET argument)
    sub ebx, 1
    jnz 1b
    elapsed
    cmp eax, 3000000
    check_true "three more take three milliseconds", ae
    cmp eax, 3100000
    check_true "and not much more", b
    gives "no period", 0, VCPU_OP, 7, 0
    forget
    deadline 3000000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "polling", 0, 1, eax, edx
    check "nothing came", [PENDING], 0
    mov dword ptr [MASK], 0
    deadline 20000
    must VCPU_OP, 8, 0, (OFFSET argument)
    mov dword ptr [upcalls], 0
    sti
    gives "blocking", 0, SCHED_OP, 1
    cli
    check "until the interrupt", [upcalls], 1
    forget
    deadline 20000
    must VCPU_OP, 8, 0, (OFFSET argument)
    sti
    hlt
    cli
    check "HLT too", [upcalls], 2
    forget

    println "the callback"
    mov dword ptr [upcalls], 0
    mov dword ptr [clear_after], 3
    in_words SELF, 0, CALLBACK, 2<<24
    gives "a vector for all vCPUs", 0, HVM_OP, 0, (OFFSET argument)
    listen
    check "is told to the vCPU's own", [upcalls], 1
    check "not by itself", [callbacks], 0
    event "an event", 0, SEND, 3
    mov dword ptr [LAPIC_TPR], 0xF0
    listen
    check "comes until the upcall is cleared", [callbacks], 3
    upcall "it is", 0
    check "the APIC's priority is nothing to it", [upcalls], 1
    mov dword ptr [LAPIC_TPR], 0
    listen
    check "but to the vCPU's own", [upcalls], 2
    check "all have come", [callbacks], 3
    in_words SELF, 0, 1, 0
    gives "an interrupt line in its place", 0, HVM_OP, 0, (OFFSET argument)
    forget
    event "an event", 0, SEND, 3
    listen
    check "comes by the vector still", [callbacks], 4
    forget

    println "FIFO"
    event "an event from before", 0, SEND, 4
    mov eax, OFFSET control
    shr eax, 12
    in_words eax, 0, 0, 0, 0, 0
    gives "a control block", 0, EVENT_CHANNEL_OP, 11, (OFFSET argument)
    field "link bits", 16, 17
    in_words eax, 0, 0, 0, 0, 0
    gives "a second", EINVAL, EVENT_CHANNEL_OP, 11, (OFFSET argument)
    mov byte ptr [SHARED], 0
    check "nothing is ready", [control], 0
    event "an event without a place", 0, SEND, 3
    mov eax, OFFSET words
    shr eax, 12
    in_words eax, 0
    gives "a page of words", 0, EVENT_CHANNEL_OP, 12, (OFFSET argument)
    event_word "the one without a place", 3, 0xA0000004
    event_word "is before the one of old", 4, 0xA0000000
    check "the queue of priority 7 is ready", [control], 1<<7
    check "its head", [control+8+4*7], 3
    upcall "an upcall", 1
    event "sending again", 0, SEND, 3
    event_word "changes nothing", 3, 0xA0000004
    # Taking the first off, as a guest does.
    mov dword ptr [words + 4 * 3], 0
    mov dword ptr [control + 8 + 4 * 7], 4
    event "sending once more", 0, SEND, 3
    event_word "it is last", 4, 0xA0000003
    event_word "and pending", 3, 0xA0000000
    mov dword ptr [words + 4 * 3], 0
    mov dword ptr [words + 4 * 4], 0
    mov dword ptr [control], 0
    mov byte ptr [SHARED], 0
    event "a priority", 0, PRIORITY, 3, 2
    event "none so low", EINVAL, PRIORITY, 3, 16
    event "none of a free port", EACCES, PRIORITY, 20, 2
    event "sending", 0, SEND, 3
    event "to another", 0, SEND, 4
    check "two queues are ready", [control], (1<<2)+(1<<7)
    check "the head of one", [control+8+4*2], 3
    check "and of the other", [control+8+4*7], 4
    mov dword ptr [words + 4 * 3], 0x40000000
    mov dword ptr [control], 0
    mov byte ptr [SHARED], 0
    event "sending to a masked one", 0, SEND, 3
    event_word "it is pending", 3, 0xC0000000
    check "not ready", [control], 0
    event "unmasking it", 0, UNMASK, 3
    event_word "it is linked", 3, 0xA0000000
    check "and ready", [control], 1<<2
    upcall "with an upcall", 1
    event "closing it", 0, CLOSE, 3
    event_word "it stays in its queue", 3, 0x20000000
    event "a new port", 0, BIND_IPI, 0, 0
    field "is another", 4, 6
    mov dword ptr [words + 4 * 3], 0
    event "a port again", 0, BIND_IPI, 0, 0
    field "is the closed one", 4, 3
    mov dword ptr [ports], 3
    mov dword ptr [words + 4 * 3], 0x40000000
    deadline 20000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "polling", 0, 1, eax, edx
    event "a masked event", 0, SEND, 3
    poll "need not be waited for", 0, 1
    event "reset", 0, 10, SELF
    event "no FIFO any more", EOPNOTSUPP, 12, 0x100, 0
    forget
    event "ports begin anew", 0, BIND_IPI, 0, 0
    field "with", 4, 1
    event "and events", 0, SEND, 1
    check "in their bits", [PENDING], 1<<1
    finish
