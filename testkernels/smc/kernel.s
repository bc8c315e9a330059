# ELF64: self-modifying code. The processor runs what memory holds now: in the same block, on the next page, through
# another mapping, after remapping, in another mode.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set CODE_A, WINDOW + 0x4000                    # two pages of code
.set CODE_B, WINDOW + 0x5000
.set ALIAS_A, WINDOW + 0x104000                 # the first one again
.set CODE16, SLOT0

.section .bss
    .balign 4096
frame_a:        .space 4096
frame_b:        .space 4096
frame_c:        .space 4096
.section .data
    .balign 16
ret_code:       .byte 0xB8, 1, 0, 0, 0, 0xC3    # MOV EAX, 1; RET
    .balign 16
ret_code2:      .byte 0xB8, 2, 0, 0, 0, 0xC3
    .balign 16
sixteen:        .byte 0xB8, 7, 0, 0, 0, 0xC3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90

.section .text
code64
# Writes MOV EAX, VALUE; RET at ADDRESS.
.macro put_function address, value
    mov byte ptr [\address], 0xB8
    mov dword ptr [\address + 1], \value
    mov byte ptr [\address + 5], 0xC3
.endm
.macro call_at address
    mov edx, \address
    call rdx
.endm

# The same bytes in three modes: XOR EAX, EAX; 40 is INC EAX, or a REX prefix of the NOP behind it.
code32
mode_bytes:
    .byte 0x31, 0xC0, 0x40, 0x90, 0xC3
in_compat:
    call mode_bytes
    mov ebx, eax
    push KCODE64
    push OFFSET from_compat
    retf
# B8 takes four bytes of constant in 32-bit code and two in 16-bit code.
width_bytes:
    .byte 0xB8, 0x34, 0x12, 0xEB, 0x00, 0xEB, 0x00, 0xC3

main:
    # 16-bit code at the same linear address as 32-bit code, while paging is off.
    mov eax, OFFSET main
    mov word ptr [gdt + CODE16], 0xFFFF
    mov [gdt + CODE16 + 2], ax
    shr eax, 16
    mov [gdt + CODE16 + 4], al
    mov byte ptr [gdt + CODE16 + 5], 0x9A
    mov byte ptr [gdt + CODE16 + 6], 0
    mov [gdt + CODE16 + 7], ah
    println "modes"
    xor eax, eax
    call width_bytes
    check "as 32-bit code", eax, 0x00EB1234
    xor eax, eax
    jmp CODE16:sixteen_bit - main
.code16
sixteen_bit:
    .byte 0xB8, 0x34, 0x12, 0xEB, 0x00, 0xEB, 0x00
    .byte 0x66, 0xEA                            # JMP ptr16:32
    .long from_sixteen
    .word KCODE32
.code32
from_sixteen:
    check "the like as 16-bit code", eax, 0x1234
    # The very same linear address in 16-bit mode: width_bytes ends in RETN, of 16 bits there.
    mov eax, OFFSET width_bytes
    mov word ptr [gdt + CODE16 + 2], ax
    shr eax, 16
    mov [gdt + CODE16 + 4], al
    mov byte ptr [width_bytes + 7], 0xCC        # INT3 there takes us back
    call faults32_init
    xor eax, eax
    arm from_sixteen_again
    jmp CODE16:0
from_sixteen_again:
    mov dword ptr [recover_ip], 0
    mov byte ptr [width_bytes + 7], 0xC3
    check "the same bytes as 16-bit code", eax, 0x1234
    xor eax, eax
    call width_bytes
    check "and as 32-bit code again", eax, 0x00EB1234
    call mode_bytes
    check "40 in protected mode is INC", eax, 1
    enter_long_mode mode64
code64
mode64:
    start64
    call mode_bytes
    check "in 64-bit mode a prefix", rax, 0
    push KCODE32
    push OFFSET in_compat
    rex.w retf
from_compat:
    mov eax, ebx
    check "in compatibility mode INC", rax, 1
    call mode_bytes
    check "in 64-bit mode again a prefix", rax, 0

    println "the same block"
    mov dword ptr [next_constant + 1], 0x22222222
next_constant:
    mov eax, 0x11111111
    check "the very next instruction", rax, 0x22222222
    mov ecx, 0x44444444
    mov dword ptr [later_constant + 1], ecx
    add ecx, 1
    xor edx, edx
    add edx, ecx
later_constant:
    mov eax, 0x33333333
    check "a later one", rax, 0x44444444
    mov byte ptr [opcode_change], 0x29          # ADD becomes SUB
    mov eax, 10
    mov ecx, 3
opcode_change:
    add eax, ecx
    check "an opcode", rax, 7
    mov byte ptr [jump_change + 1], 0
    mov eax, 5
jump_change:
    jmp over
    mov eax, 6
over:
    check "a branch target", rax, 6
    mov word ptr [length_change], 0x9090        # a two-byte instruction becomes two
    mov eax, 8
    mov ecx, 1
length_change:
    add eax, ecx
    check "instruction boundaries", rax, 8

    println "loops"
    mov ecx, 1000
    xor eax, eax
    mov dword ptr [loop_constant + 1], 0
patch_loop:
    add dword ptr [loop_constant + 1], 1
loop_constant:
    .byte 0x05, 0, 0, 0, 0                      # ADD EAX, imm32
    sub ecx, 1
    jnz patch_loop
    check "a constant that grows each time", rax, 500500
    # Two functions' worth of code in turn at one place.
    mov ebp, 500
    xor ebx, ebx
rewrite_loop:
    put_function frame_a, 3
    call_at "OFFSET frame_a"
    add ebx, eax
    put_function frame_a, 5
    call_at "OFFSET frame_a"
    add ebx, eax
    sub ebp, 1
    jnz rewrite_loop
    check "two functions in turn at one place", rbx, 4000
    # Data beside code, on the same page.
    put_function frame_a, 9
    mov ecx, 300
    xor ebx, ebx
data_loop:
    mov [frame_a + 64], ecx
    call_at "OFFSET frame_a"
    add ebx, eax
    add ebx, [frame_a + 64]
    sub ecx, 1
    jnz data_loop
    check "data beside the code", rbx, 300*9+45150

    println "ways to write"
    put_function frame_a, 0
    call_at "OFFSET frame_a"
    mov ecx, 6
    mov esi, OFFSET ret_code
    mov edi, OFFSET frame_a
    rep movsb
    call_at "OFFSET frame_a"
    check "REP MOVSB", rax, 1
    mov eax, 0x90909090
    mov ecx, 3
    mov edi, OFFSET frame_a
    mov dword ptr [frame_a + 8], 0xC3C3C3C3
    rep stosd
    mov eax, 77
    mov byte ptr [frame_a + 11], 0xC3
    call_at "OFFSET frame_a"
    check "REP STOSD", rax, 77
    mov rax, cr4
    or eax, 0x600
    mov cr4, rax
    movups xmm0, [sixteen]
    movups [frame_a], xmm0
    call_at "OFFSET frame_a"
    check "MOVUPS", rax, 7
    put_function frame_a, 0x10
    call_at "OFFSET frame_a"
    mov al, 0x20
    xchg [frame_a + 1], al
    call_at "OFFSET frame_a"
    check "XCHG", rax, 0x20
    mov eax, 0x20
    mov ecx, 0x30
    lock cmpxchg [frame_a + 1], ecx
    call_at "OFFSET frame_a"
    check "LOCK CMPXCHG", rax, 0x30
    lock add dword ptr [frame_a + 1], 1
    call_at "OFFSET frame_a"
    check "LOCK ADD", rax, 0x31
    mov rbx, rsp
    mov esp, OFFSET frame_a + 8
    mov rax, [ret_code2]
    push rax
    mov rsp, rbx
    call_at "OFFSET frame_a"
    check "PUSH", rax, 2
    mov byte ptr [frame_a], 0xCC
    arm int3_ran
    call_at "OFFSET frame_a"
int3_ran:
    fault_was "a breakpoint put in", V_BP, NOCODE, frame_a+1
    mov byte ptr [frame_a], 0xB8
    call_at "OFFSET frame_a"
    check "and taken out", rax, 2

    println "pages"
    mov eax, OFFSET frame_a + 3
    mov [window_table + 4 * 8], rax
    mov [window_table + 0x104 * 8], rax
    mov eax, OFFSET frame_b + 3
    mov [window_table + 5 * 8], rax
    mov byte ptr [CODE_A + 0xFFE], 0xB8         # MOV EAX, imm32 across the boundary
    mov byte ptr [CODE_A + 0xFFF], 0x01
    mov dword ptr [CODE_B], 0xC3000000
    call_at CODE_A+0xFFE
    check "an instruction across two pages", rax, 1
    mov byte ptr [CODE_B + 1], 0x55
    call_at CODE_A+0xFFE
    check "its part on the second page written", rax, 0x00550001
    mov byte ptr [CODE_A + 0xFFF], 0x77
    call_at CODE_A+0xFFE
    check "its part on the first", rax, 0x00550077
    mov dword ptr [CODE_A + 0xFFE], 0x00010005  # both at once: ADD EAX, 0x00000100
    mov eax, 0
    call_at CODE_A+0xFFE
    check "one store to both", rax, 0x00000100
    put_function CODE_A, 0x100
    call_at CODE_A
    mov dword ptr [ALIAS_A + 1], 0x200
    cpuid                                       # serialize: the store went to another linear address
    call_at CODE_A
    check "written through another mapping", rax, 0x200
    mov dword ptr [frame_a + 1], 0x300
    cpuid
    call_at CODE_A
    check "and through the one-to-one mapping", rax, 0x300
    call_at ALIAS_A
    check "run through another mapping", rax, 0x300
    # Another frame at the same address.
    put_function frame_c, 0x400
    mov eax, OFFSET frame_c + 3
    mov [window_table + 4 * 8], rax
    invlpg [CODE_A]
    call_at CODE_A
    check "another frame at the address", rax, 0x400
    mov eax, OFFSET frame_a + 3
    mov [window_table + 4 * 8], rax
    mov rax, cr3
    mov cr3, rax
    call_at CODE_A
    check "and the first one again", rax, 0x300
    mov dword ptr [frame_c + 1], 0x500          # the frame that is not mapped there now
    call_at CODE_A
    check "a store to the frame that is away", rax, 0x300
    mov eax, OFFSET frame_c + 3
    mov [window_table + 4 * 8], rax
    invlpg [CODE_A]
    call_at CODE_A
    check "shows when it is back", rax, 0x500
    # The code's page table entry loses presence: the next call faults, whatever was translated.
    mov qword ptr [window_table + 4 * 8], 0
    invlpg [CODE_A]
    arm gone_page
    call_at CODE_A
gone_page:
    fault_was "a page that is gone", V_PF, 0, CODE_A
    finish
