# ELF64: into long mode, through compatibility mode, out to protected mode and back in: what each step changes and keeps, what
# is refused, and what 64-bit mode does to operands, addresses and segments.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set BASED, SLOT0                               # data segment with base 0x1000 and limit 0xFF
.set BASED_CODE, SLOT0 + 8                      # 64-bit code with a base

.section .data
    .balign 8
value:          .quad 0x1122334455667788
saved:          .quad 0
.section .bss
    .balign 4096
work:           .space 4096

.section .text
code32
main:
    call faults32_init
    mov dword ptr [gdt + BASED], 0x100000FF
    mov dword ptr [gdt + BASED + 4], 0x00409200
    mov dword ptr [gdt + BASED_CODE], 0x1000FFFF
    mov dword ptr [gdt + BASED_CODE + 4], 0x00AF9A00
    println "the way in"
    call build_page_tables
    call build_tables64
    mov eax, OFFSET pml4
    mov cr3, eax
    mov ecx, EFER
    rdmsr
    or eax, 0x100
    wrmsr
    rdmsr
    and eax, 0x500
    check "LME is set, LMA is not", eax, 0x100
    mov eax, cr0
    or eax, 0x80000000
    faults "PG without PAE", V_GP, 0, mov cr0, eax
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    jmp in_compat                               # 32-bit code goes on: this is compatibility mode
in_compat:
    mov ecx, EFER
    rdmsr
    and eax, 0x500
    check "PG makes LMA", eax, 0x500
    mov eax, cr4
    and eax, 0x20
    check "the 32-bit code runs on", eax, 0x20
    mov ebx, 0xFFFFFFFF
    inc ebx                                     # 43: INC EBX here, a prefix in 64-bit mode
    check "40 to 4F are INC and DEC", ebx, 0
    call describe_tss64
    jmp KCODE64:first64

code64
first64:
    start64
    println "operands"
    mov rax, 0xFFFFFFFFFFFFFFFF
    mov eax, 1
    check "32-bit results clear the upper half", rax, 1
    mov rax, 0xFFFFFFFFFFFFFFFF
    mov ax, 1
    mov rdx, 0xFFFFFFFFFFFF0001
    check "16-bit results do not", rax, rdx
    mov rax, 0x1122334455667788
    mov ah, 0
    mov rdx, 0x1122334455660088
    check "nor do 8-bit ones", rax, rdx
    mov rsi, 0xFFFFFFFFFFFFFFFF
    mov sil, 1
    mov rdx, 0xFFFFFFFFFFFFFF01
    check "SIL with a REX prefix", rsi, rdx
    mov rax, 0xFFFFFFFFFFFFFFFF
    mov rdx, rax
    .byte 0x90
    check "90 is nothing at all", rax, rdx
    mov edx, edx
    .byte 0x87, 0xC0
    check "XCHG EAX, EAX in two bytes clears the upper half", rax, rdx
    mov eax, 0x80000000
    movsxd rax, eax
    mov rdx, 0xFFFFFFFF80000000
    check "MOVSXD", rax, rdx
    mov eax, 0x80000000
    cdqe
    check "CDQE", rax, rdx
    mov rcx, rsp
    push -1
    sub rcx, rsp
    pop rax
    check "PUSH is 8 bytes", rcx, 8
    mov rdx, 0xFFFFFFFFFFFFFFFF
    check "its constant is extended by sign", rax, rdx
    mov rcx, rsp
    .byte 0x66, 0x6A, 0xFF                      # PUSH of 16 bits
    sub rcx, rsp
    add rsp, 2
    check "or 2 with a prefix", rcx, 2
    mov rax, [rip + value]
    mov rdx, 0x1122334455667788
    check "addresses relative to RIP", rax, rdx
    mov rbx, 0xABCDEF0000000000
    add rbx, OFFSET value
    mov eax, [ebx]
    check "67: addresses of 32 bits", rax, 0x55667788
    mov rcx, 0x700000000
    mov eax, 5
    .byte 0x67, 0xE3, 0x05                      # JECXZ is taken, over the MOV
    mov eax, 6
    check "JECXZ looks at ECX", rax, 5
    mov rcx, 0x700000000
    mov eax, 5
    jrcxz over_rcx
    mov eax, 6
over_rcx:
    check "JRCXZ at RCX", rax, 6
    mov r8, 0x8888888888888888
    mov r15, 0xFFFFFFFFFFFFFFF1
    lea r9, [r8 + r15 * 2 + 3]
    mov rdx, 0x888888888888886D
    check "R8 to R15 in addresses", r9, rdx
    mov eax, 1
    mov ecx, 65
    shl rax, cl
    check "shift counts are of 6 bits", rax, 2

    println "segments"
    mov eax, BASED
    mov ds, eax
    mov rax, ds:[value]
    mov rdx, 0x1122334455667788
    check "DS: base and limit do not count", rax, rdx
    mov eax, BASED
    mov fs, eax
    mov qword ptr [work], 0x5A5A
    mov ebx, OFFSET work - 0x1000
    mov rax, fs:[rbx]
    check "FS: the base does, the limit does not", rax, 0x5A5A
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov rax, [value]
    check "null DS is as good", rax, rdx
    mov ecx, BASED_CODE
    push rcx
    push OFFSET based_lands
    rex.w retf
based_lands:
    xor ecx, ecx
    mov ecx, cs
    check "CS: the base does not", rcx, BASED_CODE
    push KCODE64
    push OFFSET normal_code
    rex.w retf
normal_code:

    println "through compatibility mode"
    mov r8, 0x0808080808080808
    mov rbx, 0x1111111122222222
    mov [saved], rsp
    push KCODE32
    push OFFSET compat_leg
    rex.w retf
code32
compat_leg:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov ecx, ebx
    mov edx, BASED
    mov fs, edx
    mov dword ptr [0x1010], 0x77777777
    mov esi, fs:[0x10]                          # the base counts here
    inc ecx
    .byte 0x9A                                  # CALL FAR to 64-bit code and back
    .long far64
    .word KCODE64
    jmp KCODE64:after_leg
code64
far64:
    mov edi, 0x6464
    .byte 0xCB                                  # RETF with a frame of 32 bits
after_leg:
    mov rsp, [saved]
    check "FS had its base", rsi, 0x77777777
    check "INC worked there", rcx, 0x22222223
    check "far CALL into 64-bit code, far RET out of it", rdi, 0x6464
    mov rdx, 0x0808080808080808
    check "R8 survives", r8, rdx
    mov rdx, 0x1111111122222222
    check "so does RBX", rbx, rdx

    println "the way out"
    mov rax, cr0
    btr rax, 31
    faults "PG off in 64-bit mode", V_GP, 0, mov cr0, rax
    push KCODE32
    push OFFSET leave
    rex.w retf
code32
leave:
    mov eax, cr0
    and eax, 0x7FFFFFFF
    mov cr0, eax
    jmp left
left:
    mov ecx, EFER
    rdmsr
    and eax, 0x500
    check "PG off in compatibility mode takes LMA", eax, 0x100
    rdmsr
    and eax, ~0x100
    wrmsr
    mov eax, cr4
    and eax, ~0x20
    passes "PAE off", mov cr4, eax
    call faults32_init
    faults "the 32-bit interrupt table serves again", V_UD, NOCODE, ud2

    println "and in again"
    mov ecx, EFER
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    call describe_tss64
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    jmp KCODE64:second64
code64
second64:
    start64
    mov ecx, EFER
    rdmsr
    and eax, 0x500
    check "LMA", rax, 0x500
    faults "the 64-bit interrupt table", V_UD, NOCODE, ud2
    finish
