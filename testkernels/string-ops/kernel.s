# ELF64: string instructions with REP: page faults in the middle with exact RCX, RSI and RDI, restart, both directions,
# address sizes, overlap, single stepping.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set PAGE_A, WINDOW + 0x4000                    # present
.set PAGE_B, WINDOW + 0x5000                    # absent or present, as a test needs it
.set PAGE_C, WINDOW + 0x3000                    # the same, below PAGE_A

.section .bss
    .balign 4096
frame_a:        .space 4096
frame_b:        .space 4096
frame_c:        .space 4096
source:         .space 4096
.section .data
    .balign 8
saved_rsp:      .quad 0
abc:            .ascii "abcdefgh"

.section .text
code64
.macro map_b
    mov eax, OFFSET frame_b + 3
    mov [window_table + 5 * 8], rax
.endm
.macro unmap_b
    mov qword ptr [window_table + 5 * 8], 0
    invlpg [PAGE_B]
.endm
.macro map_c
    mov eax, OFFSET frame_c + 3
    mov [window_table + 3 * 8], rax
.endm
.macro unmap_c
    mov qword ptr [window_table + 3 * 8], 0
    invlpg [PAGE_C]
.endm
.macro load count, from, to
    mov ecx, \count
    mov esi, \from
    mov edi, \to
.endm
.macro registers_are count, from, to
    check "  RCX", rcx, "\count"
    check "  RSI", rsi, "\from"
    check "  RDI", rdi, "\to"
.endm
# Clears the three frames, keeps RCX, RSI, RDI.
.macro clear_frames
    push rcx
    push rdi
    push rax
    mov edi, OFFSET frame_a
    mov ecx, 3 * 512
    xor eax, eax
    rep stosq
    pop rax
    pop rdi
    pop rcx
.endm

code32
main:
    enter_long_mode mode64
code64
mode64:
    start64
    mov eax, OFFSET frame_a + 3
    mov [window_table + 4 * 8], rax
    xor ecx, ecx
1:  mov [source + rcx], cl
    add ecx, 1
    cmp ecx, 4096
    jne 1b

    println "MOVS forward into an absent page"
    load 100, "OFFSET source", PAGE_A+0xFC0
    faults "REP MOVSB", V_PF, 2, rep movsb
    check "CR2", [fault_cr2], PAGE_B
    registers_are 36, "OFFSET source+64", PAGE_B
    movzx eax, byte ptr [frame_a + 0xFFF]
    check "the last byte before it is there", rax, 63
    map_b
    passes "mapped, it goes on", rep movsb
    registers_are 0, "OFFSET source+100", PAGE_B+36
    movzx eax, byte ptr [frame_b + 35]
    check "the last byte", rax, 99
    unmap_b
    load 20, "OFFSET source", PAGE_A+0xFC4
    faults "REP MOVSQ, element across the boundary", V_PF, 2, rep movsq
    check "CR2", [fault_cr2], PAGE_B
    registers_are 13, "OFFSET source+56", PAGE_A+0xFFC
    mov eax, [frame_a + 0xFFC]
    mov ecx, 0x3F3E3D3C
    check "the element is not begun", rax, rcx
    mov ecx, 13
    map_b
    passes "mapped, it goes on", rep movsq
    registers_are 0, "OFFSET source+160", PAGE_A+0x1064
    mov eax, [frame_a + 0xFFC]
    mov ecx, 0x3B3A3938
    check "the element is whole", rax, rcx
    unmap_b
    load 10, PAGE_A+0xFF0, "OFFSET frame_c"
    faults "REP MOVSD from an absent page", V_PF, 0, rep movsd
    registers_are 6, PAGE_B, "OFFSET frame_c+16"
    load 10, PAGE_A+0xFFB, "OFFSET frame_c"
    faults "REP MOVSW, element across the boundary", V_PF, 0, rep movsw
    check "CR2", [fault_cr2], PAGE_B
    registers_are 8, PAGE_A+0xFFF, "OFFSET frame_c+4"

    println "backward"
    std
    load 50, "OFFSET source+99", PAGE_A+9
    arm behind_back
at_back:
    rep movsb
behind_back:
    fault_was "REP MOVSB, DF", V_PF, 2, at_back
    check "CR2", [fault_cr2], PAGE_C+0xFFF
    registers_are 40, "OFFSET source+89", PAGE_C+0xFFF
    std
    load 5, "OFFSET source+96", PAGE_A+8
    arm behind_back_q
at_back_q:
    rep movsq
behind_back_q:
    fault_was "REP MOVSQ, DF", V_PF, 2, at_back_q
    registers_are 3, "OFFSET source+80", PAGE_A-8
    map_c
    std
    rep movsq
    cld
    registers_are 0, "OFFSET source+56", PAGE_A-32
    movzx eax, byte ptr [frame_c + 0xFE8]
    check "the last element", rax, 64
    unmap_c

    println "STOS, LODS, SCAS, CMPS"
    clear_frames
    load 0x40, 0, PAGE_A+0xFE0
    mov al, 0x77
    faults "REP STOSB", V_PF, 2, rep stosb
    check "  RCX", rcx, 0x20
    check "  RDI", rdi, PAGE_B
    movzx eax, byte ptr [frame_a + 0xFFF]
    check "stored up to there", rax, 0x77
    load 3, PAGE_A+0xFF8, 0
    faults "REP LODSQ", V_PF, 0, rep lodsq
    check "  RCX", rcx, 2
    check "  RSI", rsi, PAGE_B
    mov rdx, 0x7777777777777777
    check "  RAX: the last element", rax, rdx
    load 0x40, 0, PAGE_A+0xFE0
    mov al, 0x77
    faults "REPE SCASB", V_PF, 0, repe scasb
    check "  RCX", rcx, 0x20
    check "  RDI", rdi, PAGE_B
    load 0x40, 0, PAGE_A+0xFD0
    repe scasb
    check_true "REPE SCASB ends at a difference", ne
    check "  RCX", rcx, 0x3F
    check "  RDI", rdi, PAGE_A+0xFD1
    load 0x40, 0, PAGE_A+0xFD0
    repne scasb
    check_true "REPNE SCASB ends at a match", e
    check "  RCX", rcx, 0x2F
    check "  RDI", rdi, PAGE_A+0xFE1
    load 0x100, PAGE_A+0xF80, "OFFSET frame_c"
    repe cmpsb
    check_true "REPE CMPSB ends at a difference", a
    registers_are 0x9F, PAGE_A+0xFE1, "OFFSET frame_c+0x61"
    mov byte ptr [frame_c + 0x60], 0x77
    load 0x100, PAGE_A+0xFE0, "OFFSET frame_c+0x60"
    mov dword ptr [frame_c + 0x61], 0x77777777
    repe cmpsb
    check "difference behind five bytes", rcx, 0x100-6
    load 0x100, PAGE_A+0xFE0, PAGE_A+0xFE0
    faults "REPE CMPSB of equal text into an absent page", V_PF, 0, repe cmpsb
    registers_are 0xE0, PAGE_B, PAGE_B

    println "counts of 0 and 1"
    load 0, PAGE_B, PAGE_B
    passes "REP MOVSB, RCX 0, touches nothing", rep movsb
    registers_are 0, PAGE_B, PAGE_B
    cmp ecx, 1
    repe cmpsb
    check_true "REPE CMPSB, RCX 0, leaves the flags", c
    load 5, PAGE_B, PAGE_B
    faults "MOVSB without REP", V_PF, 0, movsb
    registers_are 5, PAGE_B, PAGE_B
    load 5, "OFFSET source", PAGE_A
    movsq
    registers_are 5, "OFFSET source+8", PAGE_A+8

    println "overlap and address size"
    clear_frames
    mov rax, [abc]
    mov [frame_a], rax
    load 40, PAGE_A, PAGE_A+3
    rep movsb
    movzx eax, byte ptr [frame_a + 42]
    check "overlapping bytes repeat the pattern", rax, 'a'
    movzx eax, byte ptr [frame_a + 40]
    check "of three", rax, 'b'
    mov rax, 0x1122334455667788
    mov [frame_a], rax
    load 4, PAGE_A, PAGE_A+4
    rep movsq
    mov eax, [frame_a + 32]
    check "overlapping quadwords", rax, 0x62616362
    mov rcx, 0x700000003
    mov rsi, 0x500000000
    add rsi, OFFSET source
    mov rdi, 0x900000000 + PAGE_A
    passes "32-bit addresses", .byte 0x67, 0xF3, 0xA4
    registers_are 0, "OFFSET source+3", PAGE_A+3
    load 16, "OFFSET source", PAGE_A
    passes "operand size prefix with REX.W: quadwords", .byte 0xF3, 0x66, 0x48, 0xA5
    check "  RSI", rsi, "OFFSET source+128"
    load 3, "OFFSET source", PAGE_A
    passes "the last of REPNE and REP counts", .byte 0xF2, 0xF3, 0xA4
    check "  RCX", rcx, 0

    println "single step"
    load 3, "OFFSET source", PAGE_A
    arm stepped_once
    pushf
    or dword ptr [rsp], 0x100
    popf
at_step:
    rep movsb
stepped_once:
    fault_was "REP MOVSB traps after an iteration, at itself", V_DB, NOCODE, at_step
    registers_are 2, "OFFSET source+1", PAGE_A+1
    load 1, "OFFSET source", PAGE_A
    arm stepped_last
    pushf
    or dword ptr [rsp], 0x100
    popf
    rep movsb
stepped_last:
    fault_was "after the last one, behind itself", V_DB, NOCODE, stepped_last
    registers_are 0, "OFFSET source+1", PAGE_A+1
    load 0, "OFFSET source", PAGE_A
    arm stepped_none
    pushf
    or dword ptr [rsp], 0x100
    popf
    rep movsb
stepped_none:
    fault_was "with RCX 0, behind itself", V_DB, NOCODE, stepped_none

    println "write protection"
    mov eax, OFFSET frame_b + 1
    mov [window_table + 5 * 8], rax
    mov rax, cr0
    or eax, 0x10000
    mov cr0, rax
    load 10, "OFFSET source", PAGE_A+0xFFC
    faults "REP MOVSB into a read-only page", V_PF, 3, rep movsb
    registers_are 6, "OFFSET source+4", PAGE_B
    finish
