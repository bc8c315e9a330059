# ROM64K: what a processor finds after reset, and what a ROM is: the state of every register, code at both places where the ROM
# shows, writes that vanish, a GDT in ROM, and the way through protected and 64-bit mode back to real mode.

.intel_syntax noprefix
.set COM1, 0x3F8
.set DEBUG_EXIT, 0xF4
.set PASSED, 42                                 # exit status 85
.set FAILED, 16                                 # exit status 33, as of all test kernels
.set LOW, 0xF0000                               # where the ROM shows below 1 MiB
.set HIGH, 0xFFFF0000                           # where it shows below 4 GiB
.set R, 0x500                                   # results, in RAM
.set STACK, 0x7000
.set TABLES, 0x10000                            # page tables: PML4, PDPT, PD of the first GiB, PD of the fourth
.set PATTERN, 0x0BADF00D
.set FLAT_DATA, 8
.set FLAT_CODE, 16
.set ROM_CODE, 24
.set LONG_CODE, 32
.set UNTOUCHED, 40                              # loaded, and still not marked accessed: it lies in ROM

# check NAME, WANT: EAX must be WANT.
.macro check name, want
    mov ecx, \want
    call report
    .asciz "\name"
.endm

.section .text
.code16

# The first instructions after the jump at the reset vector: CS has the base 0xFFFF0000, and DS has the base 0.
start:
    mov [R], eax
    mov [R + 4], edx
    mov [R + 8], esp
    mov esp, STACK
    pushfd
    pop eax
    mov [R + 12], eax
    or ebx, ecx
    or ebx, esi
    or ebx, edi
    or ebx, ebp
    or [R + 8], ebx
    mov eax, cr0
    mov [R + 16], eax
    xor eax, eax
    mov ax, cs
    mov [R + 20], eax
    mov ax, ds
    mov bx, es
    or ax, bx
    mov bx, ss
    or ax, bx
    mov bx, fs
    or ax, bx
    mov bx, gs
    or ax, bx
    mov [R + 24], eax
    sidt [R + 28]
    mov eax, dr6
    mov [R + 36], eax
    mov eax, dr7
    mov [R + 40], eax
    mov dword ptr [failures], 0
    call uart_init
    mov eax, [R]
    check "EAX", 0
    mov eax, 1
    cpuid
    xor eax, [R + 4]
    check "EDX less the signature", 0
    mov eax, [R + 8]
    check "all other registers", 0
    mov eax, [R + 12]
    check "EFLAGS", 2
    mov eax, [R + 16]
    check "CR0", 0x60000010
    mov eax, [R + 20]
    check "CS", 0xF000
    mov eax, [R + 24]
    check "all other segments", 0
    movzx eax, word ptr [R + 28]
    check "limit of IDTR", 0xFFFF
    mov eax, [R + 30]
    check "base of IDTR", 0
    mov eax, [R + 36]
    check "DR6", 0xFFFF0FF0
    mov eax, [R + 40]
    check "DR7", 0x400

    .byte 0xEA                                  # JMP 0xF000:below: the base becomes 0xF0000
    .word below, 0xF000
below:
    xor eax, eax
    mov ax, cs
    check "CS below 1 MiB", 0xF000

    # Writes to ROM vanish, by every kind of instruction.
    mov ax, cs
    mov es, ax
    mov dword ptr es:[cell], 0x5A5A5A5A
    mov eax, es:[cell]
    check "MOV", PATTERN
    mov eax, 0x12345678
    xchg eax, es:[cell]
    check "XCHG reads", PATTERN
    mov eax, es:[cell]
    check "and does not write", PATTERN
    lock add dword ptr es:[cell], 3
    mov eax, es:[cell]
    check "LOCK ADD", PATTERN
    neg dword ptr es:[cell]
    mov eax, es:[cell]
    check "NEG", PATTERN
    mov di, OFFSET cell
    mov cx, 8
    mov al, 0x77
    rep stosb
    mov eax, es:[cell + 4]
    check "REP STOSB", 0xCAFED00D
    mov si, OFFSET other
    mov di, OFFSET cell
    mov cx, 2
    rep movsd es:[di], cs:[si]
    mov eax, es:[cell]
    check "REP MOVSD", PATTERN
    mov eax, es:[PAGE_END - 2]
    mov dword ptr es:[PAGE_END - 2], 0x99999999
    xor eax, es:[PAGE_END - 2]
    check "across pages", 0
    mov ss, ax                                  # a stack in ROM: what is pushed is not what is popped
    mov ax, cs
    mov ss, ax
    mov sp, OFFSET cell + 2
    push 0x1111
    pop ax
    mov bx, 0
    mov ss, bx
    mov sp, STACK
    movzx eax, ax
    check "PUSH and POP", "PATTERN & 0xFFFF"
    mov byte ptr cs:[patched + 1], 0x22
patched:
    mov al, 0x11
    movzx eax, al
    check "code stays as it is", 0x11

    # An interrupt through the vector table in RAM, to a handler in ROM.
    mov word ptr [0x40 * 4], OFFSET handler
    mov word ptr [0x40 * 4 + 2], 0xF000
    xor eax, eax
    int 0x40
    check "INT", 0x4040

    # Protected mode, with a GDT in ROM.
    lgdt cs:[gdt_pointer]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                            # JMP ROM_CODE:protected
    .long protected
    .word ROM_CODE
back:
    xor eax, eax
    mov ds, ax
    mov ss, ax
    mov es, ax
    mov sp, STACK
    mov eax, [R]
    check "protected: ROM below 1 MiB", PATTERN
    mov eax, [R + 4]
    check "ROM below 4 GiB", PATTERN
    mov eax, [R + 8]
    check "after MOV below 1 MiB", PATTERN
    mov eax, [R + 12]
    check "after MOV below 4 GiB", PATTERN
    mov eax, [R + 16]
    check "after INC below 4 GiB", PATTERN
    mov eax, [R + 20]
    check "LAR of a descriptor in ROM", 0x9200
    mov eax, [R + 24]
    and eax, 0xFFFF0000
    check "code below 4 GiB", HIGH
    mov eax, [R + 28]
    and eax, 0xFFFF0000
    check "64-bit code below 1 MiB", LOW
    mov eax, [R + 32]
    and eax, 0xFFFF0000
    check "64-bit code below 4 GiB", HIGH
    mov eax, [R + 36]
    check "64-bit writes vanish", PATTERN
    mov eax, [R + 40]
    check "and CMPXCHG8B", PATTERN
    mov ebx, OFFSET cell + HIGH
    mov eax, fs:[ebx]
    check "real mode: FS kept its limit", PATTERN

    # The A20 gate: with it closed, the second MiB is the first.
    mov ax, 0xFFFF
    mov es, ax
    mov dword ptr [0x900], 1
    mov dword ptr es:[0x910], 2
    mov eax, [0x900]
    check "A20 open", 1
    in al, 0x92
    and al, 0xFC
    out 0x92, al
    mov eax, es:[0x910]
    check "A20 closed", 1
    mov dword ptr es:[0x910], 3
    in al, 0x92
    and al, 0xFE
    or al, 2
    out 0x92, al
    mov eax, [0x900]
    check "a write went to the first MiB", 3
    mov eax, es:[0x910]
    check "A20 open again", 2

    cmp dword ptr [failures], 0
    jne 1f
    mov si, OFFSET text_pass
    call puts
    mov al, PASSED
    jmp 2f
1:  mov si, OFFSET text_failed
    call puts
    mov al, FAILED
2:  out DEBUG_EXIT, al
3:  cli
    hlt
    jmp 3b

handler:
    mov ax, 0x4040
    iret

.set failures, 0x4FC

# Compares EAX with ECX and says so under the name that follows the call.
report:
    pop si
    push es
    push eax
    cmp eax, ecx
    jne 1f
    push si
    mov si, OFFSET text_ok
    call puts
    pop si
    call puts
    push si
    mov si, OFFSET text_is
    call puts
    pop si
    call put_hex
    jmp 2f
1:  inc dword ptr [failures]
    push si
    mov si, OFFSET text_fail
    call puts
    pop si
    call puts
    push si
    mov si, OFFSET text_got
    call puts
    call put_hex
    mov si, OFFSET text_want
    call puts
    pop si
    mov eax, ecx
    call put_hex
2:  mov al, 10
    call putc
    pop eax
    pop es
    jmp si

# Writes the string at CS:SI; leaves SI behind its end.
puts:
    push ax
1:  lods al, byte ptr cs:[si]
    test al, al
    jz 2f
    call putc
    jmp 1b
2:  pop ax
    ret

putc:
    push dx
    push ax
    mov dx, COM1 + 5
1:  in al, dx
    test al, 0x20
    jz 1b
    pop ax
    mov dx, COM1
    out dx, al
    pop dx
    ret

# Writes EAX in hexadecimal without leading zeros.
put_hex:
    push bx
    push cx
    push edx
    mov edx, eax
    mov cx, 8
1:  cmp cx, 1
    je 2f
    test edx, 0xF0000000
    jnz 2f
    shl edx, 4
    dec cx
    jmp 1b
2:  rol edx, 4
    mov bx, dx
    and bx, 15
    mov al, cs:[digits + bx]
    call putc
    loop 2b
    pop edx
    pop cx
    pop bx
    ret

uart_init:
    mov dx, COM1 + 1
    xor al, al
    out dx, al
    mov dx, COM1 + 3
    mov al, 0x80
    out dx, al
    mov dx, COM1
    mov al, 1
    out dx, al
    inc dx
    xor al, al
    out dx, al
    mov dx, COM1 + 3
    mov al, 3
    out dx, al
    ret

.code32
protected:
    mov eax, FLAT_DATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov esp, STACK
    mov eax, [LOW + cell]
    mov [R], eax
    mov eax, [HIGH + cell]
    mov [R + 4], eax
    mov dword ptr [LOW + cell], 0x31313131
    mov eax, [LOW + cell]
    mov [R + 8], eax
    mov dword ptr [HIGH + cell], 0x41414141
    mov eax, [HIGH + cell]
    mov [R + 12], eax
    inc dword ptr [HIGH + cell]
    mov eax, [HIGH + cell]
    mov [R + 16], eax
    mov eax, UNTOUCHED
    mov gs, eax
    lar ecx, eax
    mov [R + 20], ecx
    .byte 0xEA                                  # JMP FLAT_CODE:HIGH + above
    .long HIGH + above
    .word FLAT_CODE
above:
    call high_here
high_here:
    pop eax
    mov [R + 24], eax

    # 64-bit mode: the first 2 MiB and the last 2 MiB below 4 GiB, as large pages.
    mov edi, TABLES
    xor eax, eax
    mov ecx, 0x1000
    rep stosd
    mov dword ptr [TABLES], TABLES + 0x1003
    mov dword ptr [TABLES + 0x1000], TABLES + 0x2003
    mov dword ptr [TABLES + 0x1018], TABLES + 0x3003
    mov dword ptr [TABLES + 0x2000], 0x83
    mov dword ptr [TABLES + 0x3FF8], 0xFFE00083
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, TABLES
    mov cr3, eax
    mov ecx, 0xC0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    .byte 0xEA                                  # JMP LONG_CODE:LOW + in_long
    .long LOW + in_long
    .word LONG_CODE
.code64
in_long:
    lea rax, [rip]
    mov [R + 28], eax
    mov eax, OFFSET in_high + HIGH
    jmp rax
in_high:
    lea rax, [rip]
    mov [R + 32], eax
    mov eax, OFFSET cell + HIGH
    mov dword ptr [rax], 0x51515151
    mov ecx, [rax]
    mov [R + 36], ecx
    mov rsi, rax
    mov eax, [rsi]
    mov edx, [rsi + 4]
    xor ebx, ebx
    xor ecx, ecx
    cmpxchg8b [rsi]
    mov eax, [rsi]
    mov [R + 40], eax
    jmp far ptr [rip + out_of_long]
out_of_long:
    .long LOW + compatibility
    .word FLAT_CODE
.code32
compatibility:
    mov eax, cr0
    and eax, 0x7FFFFFFF
    mov cr0, eax
    mov ecx, 0xC0000080
    rdmsr
    and eax, ~0x100
    wrmsr
    xor eax, eax
    mov cr4, eax
    .byte 0xEA                                  # JMP CODE16:to_real
    .long to_real
    .word CODE16
.code16
to_real:
    mov eax, cr0
    and al, 0xFE
    mov cr0, eax
    .byte 0xEA                                  # JMP 0xF000:back
    .word back, 0xF000

    .balign 8
gdt:
    .quad 0
    .quad 0x00CF93000000FFFF                    # flat data
    .quad 0x00CF9B000000FFFF                    # flat code
    .quad 0x00409B0F0000FFFF                    # 32-bit code in the ROM below 1 MiB
    .quad 0x00AF9B000000FFFF                    # 64-bit code
    .quad 0x000092000000FFFF                    # data, not accessed
    .quad 0x00009B0F0000FFFF                    # 16-bit code in the ROM below 1 MiB
gdt_end:
.set CODE16, 48
gdt_pointer:
    .word gdt_end - gdt - 1
    .long LOW + gdt

    .balign 8
cell:       .long PATTERN, 0xCAFED00D
other:      .long 0x11111111, 0x22222222
digits:     .ascii "0123456789abcdef"
text_ok:    .asciz "ok   "
text_is:    .asciz ": 0x"
text_fail:  .asciz "FAIL "
text_got:   .asciz ": got 0x"
text_want:  .asciz ", want 0x"
text_pass:  .asciz "PASS\n"
text_failed: .asciz "FAIL\n"

.set PAGE_END, 0x2000
    .org PAGE_END - 2
    .long 0x87654321

    .org 0xFFF0
reset:
    .byte 0xE9                                  # JMP start, in the segment of the reset
    .word start - (reset + 3)
    .org 0x10000
