# ELF32: limits and types of data and stack segments at every access: expand-up and expand-down, byte and page granularity, null
# segments, read-only and execute-only ones, instruction fetch beyond CS's limit.

.include "kernel.inc"
.include "faults32.inc"
.include "segments.inc"

# The fault handler leaves a flat ES behind: it is loaded anew after every fault.
.macro in_es selector
    mov eax, \selector
    mov es, eax
.endm


.set UP,        SLOT0                           # 256 bytes
.set DOWN,      SLOT0 + 0x08                    # expand-down, 16 bits: 0x100 to 0xFFFF
.set DOWN_BIG,  SLOT0 + 0x10                    # expand-down, 32 bits: 0x1000 to 4 GiB
.set PAGES,     SLOT0 + 0x18                    # limit 1 in pages: 8 KiB
.set READ_ONLY, SLOT0 + 0x20
.set EXEC_ONLY, SLOT0 + 0x28
.set CODE_SHORT, SLOT0 + 0x30
.set STACK_UP,  SLOT0 + 0x38                    # up to 0x1FFFFF
.set CODE_READ, SLOT0 + 0x40

.section .bss
    .balign 4096
area:           .space 16384
.section .text
code32
main:
    call faults32_init
    segment UP, area, 0xFF, 0x92, 0x40
    segment DOWN, area, 0xFF, 0x96, 0
    segment DOWN_BIG, area, 0xFFF, 0x96, 0x40
    segment PAGES, area, 1, 0x92, 0xC0
    segment READ_ONLY, area, 0xFF, 0x90, 0x40
    segment EXEC_ONLY, 0, 0xFFFFF, 0x98, 0xC0
    segment CODE_READ, 0, 0xFFFFF, 0x9A, 0xC0
    segment STACK_UP, 0, 0x1FF, 0x92, 0xC0

    println "expand-up, 256 bytes"
    in_es UP
    passes "the last byte", mov al, es:[0xFF]
    faults "one beyond", V_GP, 0, mov al, es:[0x100]
    in_es UP
    passes "the last doubleword", mov eax, es:[0xFC]
    faults "a doubleword over the edge", V_GP, 0, mov eax, es:[0xFD]
    in_es UP
    faults "a store over the edge", V_GP, 0, mov es:[0xFE], eax
    in_es UP
    faults "far beyond", V_GP, 0, mov eax, es:[0xFFFFFFFC]
    in_es UP
    faults "a wrap-around from the top", V_GP, 0, mov eax, es:[0xFFFFFFFE]
    in_es UP
    mov edi, 0xF8
    mov ecx, 4
    cld
    faults "REP STOSD stops at the edge", V_GP, 0, rep stosd
    check "  ECX", ecx, 2
    check "  EDI", edi, 0x100

    println "expand-down"
    in_es DOWN
    faults "16 bits: the limit itself is outside", V_GP, 0, mov al, es:[0xFF]
    in_es DOWN
    passes "the first byte inside", mov al, es:[0x100]
    passes "the last one", mov al, es:[0x3FFF]
    faults "above 64 KiB", V_GP, 0, mov al, es:[0x10000]
    in_es DOWN_BIG
    faults "32 bits: inside the limit", V_GP, 0, mov al, es:[0xFFF]
    in_es DOWN_BIG
    passes "beyond it", mov al, es:[0x1000]
    passes "above 64 KiB", mov al, es:[0x10000]

    println "page granularity"
    in_es PAGES
    passes "the last byte of two pages", mov al, es:[0x1FFF]
    faults "one beyond", V_GP, 0, mov al, es:[0x2000]

    println "types"
    in_es READ_ONLY
    passes "read of read-only data", mov al, es:[0]
    faults "write to it", V_GP, 0, mov es:[0], al
    in_es READ_ONLY
    faults "read-modify-write of it", V_GP, 0, add byte ptr es:[0], 1
    passes "read of readable code", mov al, cs:[area]
    faults "write to code", V_GP, 0, mov cs:[area], al
    in_es 0
    faults "read through a null segment", V_GP, 0, mov al, es:[0]
    in_es 0
    faults "write through it", V_GP, 0, mov es:[area], al
    passes "LEA needs no segment", .byte 0x26, 0x8D, 0x05, 0, 0, 0, 0
    in_es KDATA
    jmp EXEC_ONLY:execute_only
execute_only:
    arm execute_only_done
execute_only_at:
    mov al, cs:[area]
execute_only_done:
    fault_was "read of execute-only code", V_GP, 0, execute_only_at
    jmp KCODE32:flat_again
flat_again:

    println "the stack segment"
    mov eax, STACK_UP
    mov ss, eax
    passes "PUSH inside", push eax
    pop eax
    mov ebp, 0x200000
    faults "access by EBP beyond the limit", V_SS, 0, mov al, [ebp]
    mov eax, STACK_UP
    mov ss, eax
    faults "with an SS prefix", V_SS, 0, mov al, ss:[0x200000]
    mov ebp, 0x1FFFFD
    mov eax, STACK_UP
    mov ss, eax
    faults "over the edge", V_SS, 0, mov eax, [ebp]
    mov eax, KDATA
    mov ss, eax

    println "fetching"
    segment CODE_SHORT, main, "OFFSET short_end-main-1", 0x9A, 0x40
    arm ran_out
    ljmp CODE_SHORT, short_code - main
short_code:
    mov eax, 0x1234
    nop
    nop
short_end:
    ud2
ran_out:
    fault_was "running over the end of the segment", V_GP, 0, "short_end-main"
    check "what lay inside has run", [fault_ax], 0x1234
    finish
