# ELF64: a second vCPU by VCPUOP_initialise in 32-bit, 16-bit and 64-bit states, by the local APIC's messages, up and down and up again; states that
# are none. Two vCPUs. The boot vCPU runs in 32-bit mode, or by the word `mode=64` in 64-bit mode.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "startinfo.inc"
.include "xen.inc"

.set LAPIC_ICR, 0xFEE00300
.set LAPIC_ICR_HIGH, 0xFEE00310
.set LAPIC_SVR, 0xFEE000F0
.set VCPU1_APIC, 2 << 24                        # twice the vCPU's number
.set INIT, 0xC500
.set DEASSERT, 0x8500
.set SIPI, 0x600
.set REAL, 0x9000                               # where real mode starts: vector 9
.set CALLBACK, 0x50
.set LOW, 0x8000                                # what real mode reads and writes

.set INITIALISE, 0
.set UP, 1
.set DOWN, 2
.set IS_UP, 3

# vcpu_hvm_context: the union begins at 8.
.set U, 8

.section .bss
    .balign 4096
ap_stack:       .space 4096
ap_stack_top:
    .balign 16
context:        .space 128
recorded:       .space 64                       # what the second vCPU found
stage:          .space 4                        # how far it is
permit:         .space 4                        # how far it may go

.section .text
code32

# Waits until the second vCPU has come to a stage.
.macro at_stage number
.Lstage\@:
    pause
    cmp dword ptr [stage], \number
    jne .Lstage\@
.endm

# Waits until real mode has written what it found.
.macro wait_real
.Lreal\@:
    pause
    cmp dword ptr [LOW + 0x30], 1
    jne .Lreal\@
    mov dword ptr [LOW + 0x30], 0
.endm

.macro allow number
    mov dword ptr [permit], \number
.endm

.macro icr value
    apic LAPIC_ICR_HIGH, VCPU1_APIC
    apic LAPIC_ICR, \value
.endm

# A good 32-bit state: flat segments, as at the entry of a kernel. Changes EAX, ECX and EDI.
.macro make32 entry
    mov edi, OFFSET context
    mov ecx, 32
    xor eax, eax
    rep stosd
    mov dword ptr [context + U + 0], 0xA0A0A0A0 # EAX ECX EDX EBX ESP EBP ESI EDI
    mov dword ptr [context + U + 4], 0xC1C1C1C1
    mov dword ptr [context + U + 8], 0xD2D2D2D2
    mov dword ptr [context + U + 12], 0xB3B3B3B3
    mov dword ptr [context + U + 16], OFFSET ap_stack_top
    mov dword ptr [context + U + 20], 0xB5B5B5B5
    mov dword ptr [context + U + 24], 0x51515151
    mov dword ptr [context + U + 28], 0xD1D1D1D1
    mov dword ptr [context + U + 32], \entry
    mov dword ptr [context + U + 36], 0x02
    mov dword ptr [context + U + 40], 0x11
    mov dword ptr [context + U + 84], -1        # limits of CS DS SS ES TR
    mov dword ptr [context + U + 88], -1
    mov dword ptr [context + U + 92], -1
    mov dword ptr [context + U + 96], -1
    mov dword ptr [context + U + 100], 0x67
    mov word ptr [context + U + 104], 0xC9B     # attributes
    mov word ptr [context + U + 106], 0xC93
    mov word ptr [context + U + 108], 0xC93
    mov word ptr [context + U + 110], 0xC93
    mov word ptr [context + U + 112], 0x8B
.endm

# wrong NAME, WIDTH, OFFSET, VALUE: a good state but for one number.
.macro wrong name, width, offset, value, result=EINVAL
    make32 (OFFSET ap32)
    mov \width ptr [context + \offset], \value
    gives "\name", \result, VCPU_OP, INITIALISE, 1, (OFFSET context)
.endm

.macro everything
    apic LAPIC_SVR, 0x1FF
    println "states that are none"
    gives "from nowhere", EFAULT, VCPU_OP, INITIALISE, 1, NOWHERE
    gives "of no vCPU", ENOENT, VCPU_OP, INITIALISE, 2, (OFFSET context)
    wrong "no mode", dword, 0, 2
    wrong "something after the mode", dword, 4, 1
    wrong "something before EFER", dword, U+52, 1
    wrong "something at the end", word, U+118, 1
    wrong "a bit of CR4 that there is not", dword, U+48, 0x80000000
    wrong "a bit of EFER that there is not", dword, U+56, 2
    wrong "long mode active, but not enabled", dword, U+56, 0x400
    wrong "null CS", word, U+104, 0
    wrong "data in CS", word, U+104, 0xC93
    wrong "CS that is not present", word, U+104, 0xC1B
    wrong "bits beyond the attributes", word, U+104, 0x1C9B
    wrong "null SS", word, U+108, 0
    wrong "SS that cannot be written", word, U+108, 0xC91
    wrong "SS of another privilege", word, U+108, 0xCF3
    wrong "DS that cannot be read", word, U+106, 0xC99
    wrong "DS of less privilege", word, U+106, 0xCF3
    wrong "a system segment in ES", word, U+110, 0xC83
    wrong "null TR", word, U+112, 0
    wrong "TR of 16 bits", word, U+112, 0x83
    wrong "code in TR", word, U+112, 0x9B
    wrong "64-bit mode without paging", dword, 0, 1
    make32 0x10000
    mov dword ptr [context + U + 84], 0xF
    gives "EIP beyond the limit", EINVAL, VCPU_OP, INITIALISE, 1, (OFFSET context)
    gives "none of them counts", EINVAL, VCPU_OP, UP, 1

    println "32-bit state"
    make32 (OFFSET ap32)
    mov word ptr [context + U + 106], 0xC93
    mov word ptr [context + U + 110], 0         # ES may be null
    mov word ptr [context + U + 112], 0x89
    gives "initialise", 0, VCPU_OP, INITIALISE, 1, (OFFSET context)
    gives "a second time", EEXIST, VCPU_OP, INITIALISE, 1, (OFFSET context)
    gives "it is not up", 0, VCPU_OP, IS_UP, 1
    gives "up", 0, VCPU_OP, UP, 1
    at_stage 1
    gives "it is up", 1, VCPU_OP, IS_UP, 1
    gives "up once more", 0, VCPU_OP, UP, 1
    check32 "EAX", [recorded], 0xA0A0A0A0
    check32 "ECX", [recorded+4], 0xC1C1C1C1
    check32 "EDX", [recorded+8], 0xD2D2D2D2
    check32 "EBX", [recorded+12], 0xB3B3B3B3
    check32 "ESP", [recorded+16], (OFFSET ap_stack_top)
    check32 "EBP", [recorded+20], 0xB5B5B5B5
    check32 "ESI", [recorded+24], 0x51515151
    check32 "EDI", [recorded+28], 0xD1D1D1D1
    check32 "CR0", [recorded+32], 0x11
    check32 "selectors are null", [recorded+36], 0
    check32 "its APIC's number", [recorded+40], 2
    allow 1
    # It goes down by itself; when it is up again it goes on.
1:  xen VCPU_OP, IS_UP, 1
    test eax, eax
    jnz 1b
    check_true "it went down", z
    gives "up again", 0, VCPU_OP, UP, 1
    at_stage 2
    gives "it goes on", 1, VCPU_OP, IS_UP, 1
    gives "down from here", 0, VCPU_OP, DOWN, 1
    gives "it is down", 0, VCPU_OP, IS_UP, 1
    mov dword ptr [stage], 0
    allow 2
    mov ecx, 2000
2:  pause
    sub ecx, 1
    jnz 2b
    check32 "it does nothing", [stage], 0
    gives "and up", 0, VCPU_OP, UP, 1
    at_stage 3
    check32 "it goes on where it was", [stage], 3

    println "messages of the local APIC"
    icr SIPI+9
    mov ecx, 2000
3:  pause
    sub ecx, 1
    jnz 3b
    check32 "a start-up message means nothing to it", [stage], 3
    icr INIT
    icr DEASSERT
    gives "INIT takes it down", 0, VCPU_OP, IS_UP, 1
    gives "it has no state", EINVAL, VCPU_OP, UP, 1
    mov esi, OFFSET real_start                  # real mode starts at 9000:0000
    mov edi, REAL
    mov ecx, OFFSET real_length
    rep movsb
    icr SIPI+9
    icr SIPI+9
    wait_real
    check32 "CS", [LOW+0x20], 0x900
    check32 "CR0", [LOW+0x24], 0x10
    gives "it is up", 1, VCPU_OP, IS_UP, 1
    gives "it has a state", EEXIST, VCPU_OP, INITIALISE, 1, (OFFSET context)

    println "16-bit state"
    icr INIT
    icr DEASSERT
    make32 0
    mov dword ptr [context + U + 40], 0x10      # CR0 without PE
    mov dword ptr [context + U + 16], 0x8000
    mov dword ptr [context + U + 64], REAL      # CS
    mov dword ptr [context + U + 68], 0x8000    # DS
    mov dword ptr [context + U + 84], 0xFFFF
    mov dword ptr [context + U + 88], 0xFFFF
    mov dword ptr [context + U + 92], 0xFFFF
    mov dword ptr [context + U + 96], 0xFFFF
    mov word ptr [context + U + 104], 0x9B
    mov word ptr [context + U + 106], 0x93
    mov word ptr [context + U + 108], 0x93
    mov word ptr [context + U + 110], 0x93
    gives "initialise", 0, VCPU_OP, INITIALISE, 1, (OFFSET context)
    mov dword ptr [LOW + 0x10], 0x1234ABCD
    gives "up", 0, VCPU_OP, UP, 1
    wait_real
    check32 "CS is null", [LOW+0x20], 0
    check32 "CR0", [LOW+0x24], 0x10
    check32 "through DS", [LOW+0x28], 0x1234ABCD

    println "an upcall from before it had a state"
    mov word ptr [4 * CALLBACK], OFFSET real_handler
    mov word ptr [4 * CALLBACK + 2], REAL >> 4
    in_words SELF, 0, CALLBACK, 2<<24
    gives "a callback", 0, HVM_OP, 0, (OFFSET argument)
    event "a port of the second vCPU", 0, 7, 1, 0
    event "an event", 0, 4, 3
    icr INIT
    icr DEASSERT
    mov dword ptr [LOW + 0x30], 0
    mov dword ptr [LOW + 0x34], 0
    icr SIPI+9
    wait_real
    mov ecx, 1000
5:  pause
    sub ecx, 1
    jnz 5b
    check32 "comes when it lets interrupts come", [LOW+0x34], 1

    println "64-bit state"
    icr INIT
    icr DEASSERT
.if BITS == 32
    call build_page_tables
.endif
    mov edi, OFFSET context
    mov ecx, 32
    xor eax, eax
    rep stosd
    mov dword ptr [context], 1
    mov dword ptr [context + U], 0xA0A0A0A0     # RAX
    mov dword ptr [context + U + 4], 0xFEDCBA98
    mov dword ptr [context + U + 32], OFFSET ap_stack_top
    mov dword ptr [context + U + 64], OFFSET ap64
    mov dword ptr [context + U + 72], 2
    mov dword ptr [context + U + 80], 0x80000011
    mov dword ptr [context + U + 88], OFFSET pml4
    mov dword ptr [context + U + 96], 0x20
    mov dword ptr [context + U + 104], 0x100
    mov dword ptr [context + U + 68], 0x8000
    gives "an address that is none", EINVAL, VCPU_OP, INITIALISE, 1, (OFFSET context)
    mov dword ptr [context + U + 68], 0
    mov dword ptr [context + U + 96], 0
    gives "without PAE", EINVAL, VCPU_OP, INITIALISE, 1, (OFFSET context)
    mov dword ptr [context + U + 96], 0x20
    mov dword ptr [context + U + 104], 0
    gives "without long mode", EINVAL, VCPU_OP, INITIALISE, 1, (OFFSET context)
    mov dword ptr [context + U + 104], 0x100
    gives "initialise", 0, VCPU_OP, INITIALISE, 1, (OFFSET context)
    gives "up", 0, VCPU_OP, UP, 1
    at_stage 21
    check32 "lower half of RAX", [recorded], 0xA0A0A0A0
    check32 "upper half of RAX", [recorded+4], 0xFEDCBA98
    check32 "EFER", [recorded+8], 0x500
    check32 "its hypercalls are of 64 bits", [recorded+16], -2
    check32 "and", [recorded+20], -1
    gives "down", 0, VCPU_OP, DOWN, 1
    gives "it is down", 0, VCPU_OP, IS_UP, 1
.endm

main:
    call faults32_init
    call find_command_line
    if_option "mode=64", by_64
    everything
    finish
by_64:
    enter_long_mode long
code64
long:
    start64
    everything
    finish

code32
# The second vCPU in 32-bit mode: what it found, then as far as it is allowed to go.
ap32:
    mov [recorded], eax
    mov [recorded + 4], ecx
    mov [recorded + 8], edx
    mov [recorded + 12], ebx
    mov [recorded + 16], esp
    mov [recorded + 20], ebp
    mov [recorded + 24], esi
    mov [recorded + 28], edi
    mov eax, cr0
    mov [recorded + 32], eax
    mov eax, ds
    mov ecx, ss
    or eax, ecx
    mov ecx, cs
    or eax, ecx
    mov [recorded + 36], eax
    mov eax, 1
    cpuid
    shr ebx, 24
    mov [recorded + 40], ebx
    mov dword ptr [stage], 1
1:  pause
    cmp dword ptr [permit], 1
    jb 1b
    mov eax, VCPU_OP
    mov ebx, DOWN
    mov ecx, 1
    call hypercall
    mov dword ptr [stage], 2
2:  pause
    cmp dword ptr [permit], 2
    jb 2b
    mov dword ptr [stage], 3
3:  pause
    jmp 3b

code64
ap64:
    mov [recorded], rax
    mov ecx, EFER
    rdmsr
    mov [recorded + 8], eax
    mov eax, VCPU_OP
    mov edi, IS_UP
    mov esi, 77
    call hypercall
    mov [recorded + 16], rax
    mov dword ptr [stage], 21
1:  pause
    jmp 1b

# Runs in real mode at REAL.
    .code16
    .balign 16, 0x90
real_start:
    mov bx, cs
    mov edx, cr0
    mov esi, ds:[0x10]
    xor ax, ax
    mov ds, ax
    movzx ebx, bx
    mov ds:[LOW + 0x20], ebx
    mov ds:[LOW + 0x24], edx
    mov ds:[LOW + 0x28], esi
    mov dword ptr ds:[LOW + 0x30], 1
    sti
1:  jmp 1b
.set real_handler, . - real_start
    mov dword ptr ds:[LOW + 0x34], 1
1:  jmp 1b
.set real_length, . - real_start
code32
