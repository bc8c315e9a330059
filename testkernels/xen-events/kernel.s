# ELF64: events: bits and selectors, masks, upcalls by a vector of the vCPU and by the domain's callback, polling, timers, then the FIFO ABI; in 32-bit
# mode, or by the word `mode=64` in 64-bit mode.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "startinfo.inc"
.include "xen.inc"

.set HOLE, 0x60000                              # a frame without memory that 64-bit code can name as a displacement
.set SHARED, HOLE<<12                           # shared_info, in the layout of the domain's width
.set PENDING, SHARED+0x800
.set MASK32, SHARED+0x880
.set MASK64, SHARED+0xA00
.set SELECTOR32, SHARED+4
.set SELECTOR64, SHARED+8

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
found:          .space 4

.section .text

# The handlers of one width.
.macro handlers width, accumulator, return
by_vector\width:
    push \accumulator
    add dword ptr [upcalls], 1
    apic LAPIC_EOI, 0
    pop \accumulator
    \return
by_callback\width:
    push \accumulator
    add dword ptr [callbacks], 1
    mov eax, [callbacks]
    cmp eax, [clear_after]
    jb 1f
    mov byte ptr [SHARED], 0
1:  pop \accumulator
    \return
.endm

# Forgets what is pending: the selector, the upcall and a port's bits.
.macro forget
    mov byte ptr [SHARED], 0
    mov dword ptr [SELECTOR], 0
    mov dword ptr [PENDING], 0
.endm

# upcall NAME, VALUE: upcall_pending. Changes EAX.
.macro upcall name, value
    movzx eax, byte ptr [SHARED]
    mov [found], eax
    check32 "\name", [found], \value
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

# polled COUNT, TIMEOUT-LOW, TIMEOUT-HIGH: the structure for a poll of the ports in `ports`.
.macro polled count, low=0, high=0
    in_number 8, 16, \low
    in_number 12, 20, \high
    in_word 0, 0, (OFFSET ports)
    in_number 4, 8, \count
.endm

# poll NAME, RESULT, COUNT, TIMEOUT-LOW, TIMEOUT-HIGH: the ports in `ports`.
.macro poll name, result, count, low=0, high=0
    polled \count, \low, \high
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
    check32 "\name", [words+4*\port], \value
.endm

.macro everything
    in_words SELF, 0, 1, 0
    must HVM_OP, 0, (OFFSET argument)
    in_words SELF, 0
    in_word 8, 8, 0
    in_word 12, 16, HOLE
    must MEMORY_OP, 7, (OFFSET argument)

    println "bits"
    event "a first port", 0, BIND_IPI, 0, 0
    event "and a second", 0, BIND_IPI, 0, 0
    event "sending", 0, SEND, 3
    check32 "it is pending", [PENDING], 1<<3
    check32 "its word is selected", [SELECTOR], 1
    upcall "so is an upcall", 1
    mov byte ptr [SHARED], 0
    event "sending again", 0, SEND, 3
    upcall "changes nothing", 0
    event "sending to the other", 0, SEND, 4
    check32 "both are pending", [PENDING], 3<<3
    upcall "the word was selected before", 0
    forget
    mov dword ptr [MASK], 1 << 3
    event "sending to a masked one", 0, SEND, 3
    check32 "it is pending", [PENDING], 1<<3
    check32 "its word is not selected", [SELECTOR], 0
    upcall "nor is an upcall", 0
    event "unmasking it", 0, UNMASK, 3
    check32 "the mask is clear", [MASK], 0
    check32 "the word is selected", [SELECTOR], 1
    upcall "now it is", 1
    mov byte ptr [SHARED], 0
    mov dword ptr [SELECTOR], 0
    event "unmasking it again", 0, UNMASK, 3
    upcall "changes nothing", 0
    mov dword ptr [MASK], -1
    must EVENT_CHANNEL_OP, CLOSE, (OFFSET argument)
    check32 "a closed port is not pending", [PENDING], 0
    mov dword ptr [MASK], 0
    event "a port again", 0, BIND_IPI, 0, 0
    listen
    check32 "no interrupt came so far", [upcalls], 0

    println "a vector of the vCPU"
    in_words 0, VECTOR
    gives "before the APIC is on", 0, HVM_OP, 23, (OFFSET argument)
    listen
    check32 "nothing comes", [upcalls], 0
    forget
    event "an event", 0, SEND, 3
    listen
    check32 "nothing comes", [upcalls], 0
    apic LAPIC_SVR, 0x1FF
    listen
    check32 "it comes when the APIC is on", [upcalls], 1
    forget
    listen
    check32 "it comes once", [upcalls], 1
    event "the next", 0, SEND, 3
    listen
    check32 "comes", [upcalls], 2
    listen
    check32 "once, though it is pending", [upcalls], 2
    event "sent again", 0, SEND, 4
    listen
    check32 "nothing new comes", [upcalls], 2
    forget
    apic LAPIC_TPR, 0x40
    event "below the priority", 0, SEND, 3
    listen
    check32 "it waits", [upcalls], 2
    apic LAPIC_TPR, 0
    listen
    check32 "and comes", [upcalls], 3
    forget
    in_words 0, VECTOR
    gives "setting the vector again", 0, HVM_OP, 23, (OFFSET argument)
    listen
    check32 "is an upcall of its own", [upcalls], 4

    println "waiting"
    mov dword ptr [ports], 3
    mov dword ptr [ports + 4], 4
    event "an event", 0, SEND, 3
    poll "polling for it", 0, 1
    listen
    check32 "its interrupt is there", [upcalls], 5
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
    check32 "nothing yet", [PENDING], 0
    poll "polling", 0, 1
    check32 "the timer", [PENDING], 1<<5
    elapsed
    cmp eax, 30000
    check_true "took its time", ae
    cmp eax, 40000
    check_true "and not much more", b
    forget
    in_words 1, 0, 0
    gives "a deadline in the past", 0, VCPU_OP, 8, 0, (OFFSET argument)
    check32 "has come", [PENDING], 1<<5
    forget
    deadline 30000
    must VCPU_OP, 8, 0, (OFFSET argument)
    gives "no deadline", 0, VCPU_OP, 9, 0
    deadline 100000
    mov eax, [argument]
    mov edx, [argument + 4]
    poll "polling", 0, 1, eax, edx
    check32 "nothing came", [PENDING], 0
    deadline 30000
.if BITS == 64
    mov rdi, [argument]
    mov eax, SET_TIMER_OP
    call hypercall
    check "set_timer_op", rax, 0
.else
    mov eax, [argument]
    mov edx, [argument + 4]
    gives "set_timer_op", 0, SET_TIMER_OP, eax, edx
.endif
    poll "polling", 0, 1
    check32 "the timer", [PENDING], 1<<5
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
    check32 "begins with a tick", [PENDING], 1<<5
    mov ebx, 3
1:  mov dword ptr [PENDING], 0
    polled 1
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
    check32 "nothing came", [PENDING], 0
    mov dword ptr [MASK], 0
    deadline 20000
    must VCPU_OP, 8, 0, (OFFSET argument)
    mov dword ptr [upcalls], 0
    sti
    gives "blocking", 0, SCHED_OP, 1
    cli
    check32 "until the interrupt", [upcalls], 1
    forget
    deadline 20000
    must VCPU_OP, 8, 0, (OFFSET argument)
    sti
    hlt
    cli
    check32 "HLT too", [upcalls], 2
    forget

    println "the callback"
    mov dword ptr [upcalls], 0
    mov dword ptr [clear_after], 3
    in_words SELF, 0, CALLBACK, 2<<24
    gives "a vector for all vCPUs", 0, HVM_OP, 0, (OFFSET argument)
    listen
    check32 "is told to the vCPU's own", [upcalls], 1
    check32 "not by itself", [callbacks], 0
    event "an event", 0, SEND, 3
    apic LAPIC_TPR, 0xF0
    listen
    check32 "comes until the upcall is cleared", [callbacks], 3
    upcall "it is", 0
    check32 "the APIC's priority is nothing to it", [upcalls], 1
    apic LAPIC_TPR, 0
    listen
    check32 "but to the vCPU's own", [upcalls], 2
    check32 "all have come", [callbacks], 3
    in_words SELF, 0, 1, 0
    gives "an interrupt line in its place", 0, HVM_OP, 0, (OFFSET argument)
    forget
    event "an event", 0, SEND, 3
    listen
    check32 "comes by the vector still", [callbacks], 4
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
    check32 "nothing is ready", [control], 0
    event "an event without a place", 0, SEND, 3
    mov eax, OFFSET words
    shr eax, 12
    in_words eax, 0
    gives "a page of words", 0, EVENT_CHANNEL_OP, 12, (OFFSET argument)
    event_word "the one without a place", 3, 0xA0000004
    event_word "is before the one of old", 4, 0xA0000000
    check32 "the queue of priority 7 is ready", [control], 1<<7
    check32 "its head", [control+8+4*7], 3
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
    check32 "two queues are ready", [control], (1<<2)+(1<<7)
    check32 "the head of one", [control+8+4*2], 3
    check32 "and of the other", [control+8+4*7], 4
    mov dword ptr [words + 4 * 3], 0x40000000
    mov dword ptr [control], 0
    mov byte ptr [SHARED], 0
    event "sending to a masked one", 0, SEND, 3
    event_word "it is pending", 3, 0xC0000000
    check32 "not ready", [control], 0
    event "unmasking it", 0, UNMASK, 3
    event_word "it is linked", 3, 0xA0000000
    check32 "and ready", [control], 1<<2
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
    check32 "in their bits", [PENDING], 1<<1

    println "further words"
    # Ports up to 70: in 64-bit words one of them is in the first word's upper half and one in the second.
1:  in_words 0, 0
    must EVENT_CHANNEL_OP, BIND_IPI, (OFFSET argument)
    cmp dword ptr [argument + 4], 70
    jb 1b
    forget
    event "sending to port 40", 0, SEND, 40
    check32 "its bit", [PENDING+4], 1<<8
    check32 "its word", [SELECTOR], 1<<(40/BITS)
    forget
    event "sending to port 70", 0, SEND, 70
    check32 "its bit", [PENDING+8], 1<<6
    check32 "its word", [SELECTOR], 1<<(70/BITS)
    mov dword ptr [PENDING + 8], 0
    mov dword ptr [MASK + 8], 1 << 6
    forget
    event "sending to it while it is masked", 0, SEND, 70
    check32 "selects nothing", [SELECTOR], 0
    event "unmasking it", 0, UNMASK, 70
    check32 "its mask", [MASK+8], 0
    check32 "its word", [SELECTOR], 1<<(70/BITS)
    upcall "an upcall", 1
.endm

code32
handlers 32, eax, iretd
.set MASK, MASK32
.set SELECTOR, SELECTOR32
main:
    call faults32_init
    call find_command_line
    if_option "mode=64", by_64
    gate32 VECTOR, by_vector32
    gate32 CALLBACK, by_callback32
    everything
    finish
by_64:
    enter_long_mode long

code64
handlers 64, rax, iretq
.set MASK, MASK64
.set SELECTOR, SELECTOR64
long:
    start64
    gate64 VECTOR, by_vector64
    gate64 CALLBACK, by_callback64
    everything
    finish
