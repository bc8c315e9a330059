# ELF64: a domain that rearranges its memory: shared_info over RAM and in a hole, pages that move under data, page tables and running code, pages
# that are given back and come again. What was translated, cached or compiled from the old page must not be used again.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "xen.inc"

.set SPARE, 0x2000                              # frames of RAM that nobody uses: 32 MiB
.set SPARE_ADDRESS, SPARE<<12
.set HOLE, 0xE0000                              # frames without memory
.set HOLE_ADDRESS, HOLE<<12
.set SHARED_INFO, 0
.set GFN, 2
.set ROUNDS, 300

.section .bss
    .balign 4096
list:           .space 64
count:          .space 8

.section .text
code32

.macro place name, result, space, index, gfn
    in_words SELF, \space
    in_word 8, 8, \index
    in_word 12, 16, \gfn
    gives "\name", \result, MEMORY_OP, 7, (OFFSET argument)
.endm

# Moves a page without a line about it.
.macro move index, gfn
    in_words SELF, GFN
    in_word 8, 8, \index
    in_word 12, 16, \gfn
    must MEMORY_OP, 7, (OFFSET argument)
.endm

.macro reserve name, result, operation, gfn
    in_word 0, 0, (OFFSET list)
    in_word 4, 8, 1
    in_number 8, 16, 0
    in_number 12, 20, 0
    in_number 16, 24, SELF
    mov dword ptr [list], \gfn
    mov dword ptr [list + 4], 0
    gives "\name", \result, MEMORY_OP, \operation, (OFFSET argument)
.endm

# memory NAME, ADDRESS, VALUE: 32 bits at an address.
.macro memory name, address, value
.if BITS == 64
    push rax
    push rbx
    mov ebx, \address
    movsxd rax, dword ptr [rbx]
    check "\name", rax, \value
    pop rbx
    pop rax
.else
    push ebx
    mov ebx, \address
    check "\name", [ebx], \value
    pop ebx
.endif
.endm

.macro set_memory address, value
.if BITS == 64
    push rbx
    mov ebx, \address
    mov dword ptr [rbx], \value
    pop rbx
.else
    push ebx
    mov ebx, \address
    mov dword ptr [ebx], \value
    pop ebx
.endif
.endm

# Writes code that returns VALUE in EAX to an address: B8 imm32, C3.
.macro set_code address, value
    set_memory \address, 0xB8+((\value&0xFFFFFF)<<8)
    set_memory \address+4, 0xC300+((\value>>24)&0xFF)
.endm

.macro run name, address, value
.if BITS == 64
    push rbx
    mov ebx, \address
    call rbx
    mov eax, eax
    check "\name", rax, \value
    pop rbx
.else
    push ebx
    mov ebx, \address
    call ebx
    check "\name", eax, \value
    pop ebx
.endif
.endm

# Calls it often enough to be compiled, and adds up what it returns in ECX.
.macro run_often address
    xor ecx, ecx
    mov esi, ROUNDS
.if BITS == 64
    mov ebx, \address
1:  call rbx
.else
    mov ebx, \address
1:  call ebx
.endif
    add ecx, eax
    sub esi, 1
    jnz 1b
.endm

.macro sum name, value
.if BITS == 64
    check "\name", rcx, \value
.else
    check "\name", ecx, \value
.endif
.endm

.macro everything
    println "shared_info"
    set_memory SPARE_ADDRESS, 0x12345678
    set_memory HOLE_ADDRESS, 0x12345678
    memory "nothing is in a hole", HOLE_ADDRESS, -1
    place "over RAM", 0, SHARED_INFO, 0, SPARE
    memory "no upcall is pending", SPARE_ADDRESS, 0
    must EVENT_CHANNEL_OP, 7, (OFFSET zeros)
    must EVENT_CHANNEL_OP, 4, (OFFSET three)
    memory "an event shows there", SPARE_ADDRESS+0x800, 8
    place "into a hole", 0, SHARED_INFO, 0, HOLE
    memory "the event goes along", HOLE_ADDRESS+0x800, 8
    memory "nothing is where it was", SPARE_ADDRESS+0x800, -1
    must EVENT_CHANNEL_OP, 3, (OFFSET three)
    memory "Xen finds the page there", HOLE_ADDRESS+0x800, 0
    place "into the next", 0, SHARED_INFO, 0, HOLE+1
    set_memory HOLE_ADDRESS+0x1000, 0
    reserve "RAM where it was first", 1, 6, SPARE
    memory "is of zeros", SPARE_ADDRESS, 0

    println "data"
    set_memory SPARE_ADDRESS, 0x11111111
    set_memory SPARE_ADDRESS+0x1000, 0x22222222
    place "a page over another", 0, GFN, SPARE, SPARE+1
    memory "is what it was", SPARE_ADDRESS+0x1000, 0x11111111
    memory "and not where it was", SPARE_ADDRESS, -1
    place "into a hole", 0, GFN, SPARE+1, HOLE+16
    memory "is what it was", HOLE_ADDRESS+0x10000, 0x11111111
    set_memory HOLE_ADDRESS+0x10000, 0x33333333
    place "and home", 0, GFN, HOLE+16, SPARE
    memory "is what it became", SPARE_ADDRESS, 0x33333333
    reserve "the page that it took the place of", 1, 6, SPARE+1
    memory "is of zeros", SPARE_ADDRESS+0x1000, 0
    set_memory SPARE_ADDRESS+0x1000, 0x44444444
    reserve "giving it back", 1, 1, SPARE+1
    memory "leaves nothing", SPARE_ADDRESS+0x1000, -1
    set_memory SPARE_ADDRESS+0x1000, 0x55555555
    reserve "getting it", 1, 6, SPARE+1
    memory "gives zeros", SPARE_ADDRESS+0x1000, 0

    println "code"
    set_code SPARE_ADDRESS, 0x101
    set_code SPARE_ADDRESS+0x1000, 0x202
    run "one page", SPARE_ADDRESS, 0x101
    run "another", SPARE_ADDRESS+0x1000, 0x202
    place "one in the place of the other", 0, GFN, SPARE, SPARE+1
    run "runs there", SPARE_ADDRESS+0x1000, 0x101
    place "and in a hole", 0, GFN, SPARE+1, HOLE+16
    run "runs there", HOLE_ADDRESS+0x10000, 0x101
    set_code HOLE_ADDRESS+0x10000, 0x303
    run "changes there", HOLE_ADDRESS+0x10000, 0x303
    place "and home", 0, GFN, HOLE+16, SPARE
    run "is changed there", SPARE_ADDRESS, 0x303
    reserve "another page", 1, 6, SPARE+1
    set_code SPARE_ADDRESS+0x1000, 0x404
    run "runs", SPARE_ADDRESS+0x1000, 0x404

    println "code that runs often"
    set_code SPARE_ADDRESS, 3
    set_code SPARE_ADDRESS+0x1000, 5
    run_often SPARE_ADDRESS
    sum "before", 3*ROUNDS
    run_often SPARE_ADDRESS+0x1000
    sum "the other", 5*ROUNDS
    move SPARE, HOLE+16
    move SPARE+1, SPARE
    move HOLE+16, SPARE+1
    run_often SPARE_ADDRESS
    sum "after they changed places", 5*ROUNDS
    run_often SPARE_ADDRESS+0x1000
    sum "the other", 3*ROUNDS
    xor ecx, ecx
    mov edi, 40
2:  move SPARE, HOLE+16
    move SPARE+1, SPARE
    move HOLE+16, SPARE+1
    mov ebx, SPARE_ADDRESS
.if BITS == 64
    call rbx
    lea ecx, [rcx + rax]
    call rbx
    lea ecx, [rcx + rax]
.else
    call ebx
    add ecx, eax
    call ebx
    add ecx, eax
.endif
    sub edi, 1
    jnz 2b
    sum "forty changes", 40*(3+5)
    set_code SPARE_ADDRESS, 7
    run_often SPARE_ADDRESS
    sum "and one of the code", 7*ROUNDS

    println "code that takes its own place away"
    # Two pages with a routine that calls Xen and then says who it is: the call puts the second in the place of the first.
.if BITS == 64
    mov esi, OFFSET replacing64
.else
    mov esi, OFFSET replacing32
.endif
    mov edi, SPARE_ADDRESS
    mov ecx, replacing_length
    rep movsb
.if BITS == 64
    mov esi, OFFSET replacing64
.else
    mov esi, OFFSET replacing32
.endif
    mov edi, SPARE_ADDRESS + 0x1000
    mov ecx, replacing_length
    rep movsb
    mov byte ptr [SPARE_ADDRESS + 0x1000 + replacing_name], 2
    in_words SELF, GFN
    in_word 8, 8, (SPARE+1)
    in_word 12, 16, SPARE
.if BITS == 64
    mov edi, 7
    mov esi, OFFSET argument
.else
    mov ebx, 7
    mov ecx, OFFSET argument
.endif
    mov eax, MEMORY_OP
    mov edx, SPARE_ADDRESS
.if BITS == 64
    call rdx
    check "the rest is the other's", rax, 2
.else
    call edx
    check "the rest is the other's", eax, 2
.endif
    reserve "the page that went away", 1, 6, SPARE+1
.endm

# A hypercall whose arguments are in place, then a number: in both modes the same bytes but for the call.
.section .text
code32
    .balign 16, 0x90
replacing32:
    mov edx, OFFSET hypercall
    call edx
.Lname32:
    mov eax, 1
    ret
.set replacing_length, . - replacing32
.set replacing_name, .Lname32 + 1 - replacing32
code64
    .balign 16, 0x90
replacing64:
    mov edx, OFFSET hypercall
    call rdx
    mov eax, 1
    ret
code32

main:
    call faults32_init
    # One latches the layout of shared_info so.
    in_words SELF, 0, 1, 0
    must HVM_OP, 0, (OFFSET argument)
    println "--- 32-bit"
    everything
    enter_long_mode long
code64
long:
    start64
    in_words SELF, 0, 1, 0
    must HVM_OP, 0, (OFFSET argument)
    println "--- 64-bit"
    everything

    println "page tables"
    # The window's page table moves away, and another takes its place, without a flush by the guest.
    mov eax, SPARE_ADDRESS + 3
    mov [window_table], rax
    mov dword ptr [SPARE_ADDRESS], 0x66666666
    mov ebx, WINDOW
    mov eax, [rbx]
    check "through a table", rax, 0x66666666
    # A copy of the table whose first entry names the other page.
    mov eax, SPARE_ADDRESS + 0x1000 + 3
    mov [SPARE_ADDRESS + 0x2000], rax
    mov dword ptr [SPARE_ADDRESS + 0x1000], 0x77777777
    xor edx, edx
    mov eax, OFFSET window_table
    shr eax, 12
    mov dword ptr [argument], SELF
    mov dword ptr [argument + 4], GFN
    mov qword ptr [argument + 8], SPARE + 2
    mov [argument + 16], rax
    must MEMORY_OP, 7, (OFFSET argument)
    mov eax, [rbx]
    check "another table in its place", rax, 0x77777777
    # The page itself moves away under a translation that was used.
    move SPARE+1, HOLE+16
    mov eax, [rbx]
    not eax
    check "a page that went away", rax, 0
    finish

.section .data
    .balign 4
zeros:          .long 0, 0
three:          .long 3
