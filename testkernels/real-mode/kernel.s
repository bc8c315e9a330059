# ELF32: from protected mode to real mode and back: segments by shifting, the interrupt vector table, exceptions without error
# codes, segment caches that outlive the switch, a stack that wraps at 64 KiB, addresses above 1 MiB.

.include "kernel.inc"
.include "faults32.inc"
.include "segments.inc"

.set LOW, 0x8000                                # where the 16-bit code runs
.set CODE16, SLOT0
.set DATA16, SLOT0 + 8

.section .data
real_idt:
    .word 0x3FF
    .long 0
saved_esp:      .long 0
    .balign 4
r:              .fill 24, 4, 0                  # results, brought back from RESULTS
.set RESULTS, LOW + 0x1000

.section .text
code32
main:
    call faults32_init
    segment CODE16, LOW, 0xFFFF, 0x9A
    segment DATA16, 0, 0xFFFF, 0x92
    mov esi, OFFSET real_code
    mov edi, LOW
    mov ecx, OFFSET real_code_end - real_code
    rep movsb
    mov edi, RESULTS
    mov ecx, 24
    mov eax, 0x11111111
    rep stosd
    mov dword ptr [0x100010], 0xFEEDFACE
    # Vectors: offset, segment.
    mov word ptr [0 * 4], OFFSET real_divide - real_code
    mov word ptr [0 * 4 + 2], LOW >> 4
    mov word ptr [6 * 4], OFFSET real_undefined - real_code
    mov word ptr [6 * 4 + 2], LOW >> 4
    mov word ptr [13 * 4], OFFSET real_protection - real_code
    mov word ptr [13 * 4 + 2], LOW >> 4
    mov word ptr [0x40 * 4], OFFSET real_int - real_code
    mov word ptr [0x40 * 4 + 2], LOW >> 4
    mov [saved_esp], esp
    println "to real mode"
    lidt [real_idt]
    mov eax, DATA16                             # limits of 64 KiB, as real mode has them
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov gs, eax
    mov eax, KDATA                              # FS keeps its 4 GiB
    mov fs, eax
    jmp CODE16:0

real_return:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov esp, [saved_esp]
    lidt [idt32_pointer]
    mov esi, RESULTS
    mov edi, OFFSET r
    mov ecx, 24
    rep movsd
    println "and back"
    check "MSW: PE was clear", [r], 0x10
    check "CS is a segment", [r+4], LOW>>4
    check "DS times 16 is its base", [r+8], 0x12345678
    check "INT pushed FLAGS, CS, IP", [r+12], 6
    check "IF was clear in the handler", [r+16], 0
    check "IRET brought IF back", [r+20], 0x200
    check "#DE went to vector 0", [r+24], 1
    check "and saved the address of DIV", [r+28], "OFFSET at_div-real_code"
    check "#UD went to vector 6", [r+32], 1
    check "0xFFFF:0x20 is 0x100010", [r+36], 0xFEEDFACE
    check "FS kept its limit: 32-bit offsets", [r+40], 0xFEEDFACE
    check "far CALL and RETF", [r+44], 0x55
    check "PUSH of 16 bits", [r+48], 2
    check "PUSHFD has no VM", [r+56], 0
    check "ARPL does not exist", [r+60], 1
    check "stack wraps at 64 KiB", [r+64], 0x4242
    # And it still works.
    faults "protected mode again", V_UD, NOCODE, ud2
    finish

.code16
real_code:
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA                                  # JMP LOW>>4 : real_start
    .word real_start - real_code, LOW >> 4
real_start:
    xor ax, ax
    mov ss, ax
    mov sp, 0x7000
    mov ax, RESULTS >> 4
    mov es, ax
    smsw ax
    movzx eax, ax
    mov es:[0], eax
    xor eax, eax
    mov ax, cs
    mov es:[4], eax
    mov ax, LOW >> 4                            # data beside the code
    mov ds, ax
    mov eax, [real_data - real_code]
    mov es:[8], eax
    # INT and IRET.
    mov bp, sp
    sti
    int 0x40
    pushf
    pop ax
    cli
    and eax, 0x200
    mov es:[20], eax
    # Exceptions.
    mov dword ptr es:[24], 0
    mov dword ptr es:[32], 0
    xor cx, cx
    mov ax, 1
    xor dx, dx
at_div:
    div cx
    .byte 0x0F, 0x0B                            # UD2
    # Above 1 MiB.
    mov ax, 0xFFFF
    mov gs, ax
    mov eax, gs:[0x20]
    mov es:[36], eax
    mov ebx, 0x100010
    mov eax, fs:[ebx]
    mov es:[40], eax
    # Far call.
    .byte 0x9A
    .word real_far - real_code, LOW >> 4
    movzx ax, al
    movzx eax, ax
    mov es:[44], eax
    mov cx, sp
    push ax
    sub cx, sp
    pop ax
    movzx ecx, cx
    mov es:[48], ecx
    pushfd
    pop eax
    and eax, 0x20000
    mov es:[56], eax
    mov dword ptr es:[60], 0
    mov dword ptr es:[32], 0
    .byte 0x63, 0xC0                            # ARPL: #UD in real mode
    mov eax, es:[32]
    mov es:[60], eax
    mov sp, 0
    push 0x4242                                 # at 0xFFFE
    mov bx, 0xFFFE
    movzx eax, word ptr ss:[bx]
    mov es:[64], eax
    mov dword ptr es:[32], 1
    mov sp, 0x7000
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                            # JMP KCODE32:real_return
    .long real_return
    .word KCODE32
real_int:
    mov ax, bp
    sub ax, sp
    movzx eax, ax
    mov es:[12], eax
    pushf
    pop ax
    and eax, 0x200
    mov es:[16], eax
    iret
real_divide:
    mov dword ptr es:[24], 1
    mov bp, sp
    movzx eax, word ptr [bp]
    mov es:[28], eax
    mov cx, 1                                   # DIV runs again and works
    mov ax, 1
    iret
real_undefined:
    mov dword ptr es:[32], 1
    mov bp, sp
    add word ptr [bp], 2
    iret
real_protection:
    mov bp, sp
    add word ptr [bp], 2
    iret
real_far:
    mov al, 0x55
    retf
    .balign 4
real_data:      .long 0x12345678
real_code_end:
code32
