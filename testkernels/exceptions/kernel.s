# ELF64: every exception by its exact vector, error code and saved instruction pointer, first in 32-bit protected
# mode, then in 64-bit mode.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set ABSENT_DATA, SLOT0
.set ABSENT_CODE, SLOT0 + 0x08
.set ABSENT_TSS,  SLOT0 + 0x10
.set SMALL_TABLE_INT, 0x27

.section .data
    .balign 64
aligned:        .fill 64, 1, 0
bounds:         .long 10, 20
one:            .long 0x3F800000
mxcsr_unmasked: .long 0x1F80 & ~0x200           # divide by zero unmasked
mxcsr_default:  .long 0x1F80
fcw_unmasked:   .word 0x037B                    # divide by zero unmasked
short_idt:
    .word SMALL_TABLE_INT * 8 - 1
    .long idt32
short_idt64:
    .word SMALL_TABLE_INT * 16 - 1
    .long idt64, 0

.section .text
code32

# Checks DR6 against the expected value and clears it. BITS-dependent.
.macro check_dr6 name, want
.if BITS == 64
    mov rax, dr6
    mov ecx, \want
    check "\name", rax, rcx
    mov eax, 0xFFFF0FF0
    mov dr6, rax
.else
    mov eax, dr6
    check "\name", eax, \want
    mov eax, 0xFFFF0FF0
    mov dr6, eax
.endif
.endm
.macro set_dr number, value
    mov eax, \value
.if BITS == 64
    mov dr\number, rax
.else
    mov dr\number, eax
.endif
.endm
# The control registers; sets and clears bits.
.macro cr_set register, bits
.if BITS == 64
    mov rax, \register
    or eax, \bits
    mov \register, rax
.else
    mov eax, \register
    or eax, \bits
    mov \register, eax
.endif
.endm
.macro cr_clear register, bits
.if BITS == 64
    mov rax, \register
    and eax, ~(\bits)
    mov \register, rax
.else
    mov eax, \register
    and eax, ~(\bits)
    mov \register, eax
.endif
.endm

# What both modes have in common.
.macro common_exceptions accumulator, stack
    # --- #DE
    xor edx, edx
    mov eax, 1
    xor ecx, ecx
    faults "DIV by zero", V_DE, NOCODE, div ecx
    mov edx, 1
    mov ecx, 1
    faults "DIV overflow", V_DE, NOCODE, div ecx
    mov eax, 0x80000000
    mov edx, 0xFFFFFFFF
    mov ecx, 0xFFFFFFFF
    faults "IDIV of the smallest number by -1", V_DE, NOCODE, idiv ecx
    mov eax, 0x8000
    mov ecx, 0x80
    faults "8-bit DIV overflow", V_DE, NOCODE, div cl
    check "operands survive", \accumulator, 0x8000

    # --- #DB
    set_dr 6, 0xFFFF0FF0
    arm .Lstepped\@
    pushf
    or dword ptr [\stack], 0x100
    popf
    nop                                         # TF takes effect behind this instruction
.Lbehind_nop\@:
    nop
.Lstepped\@:
    fault_was "single step", V_DB, NOCODE, .Lbehind_nop\@
    check_dr6 "single step: DR6", 0xFFFF4FF0
    traps "ICEBP", V_DB, NOCODE, .byte 0xF1
    check_dr6 "ICEBP: DR6", 0xFFFF0FF0
    set_dr 0, "OFFSET aligned + 4"
    set_dr 7, 0x000D0402                        # DR0: write, 4 bytes, global
    passes "watched word, read", mov eax, [aligned + 4]
    traps "watched word, write", V_DB, NOCODE, mov dword ptr [aligned + 4], 5
    check_dr6 "watched word: DR6", 0xFFFF0FF1
    traps "watched word, byte write inside", V_DB, NOCODE, mov byte ptr [aligned + 7], 5
    check_dr6 "watched word: DR6", 0xFFFF0FF1
    passes "neighbour word, write", mov dword ptr [aligned + 8], 5
    set_dr 7, 0x000F0402                        # read or write
    traps "watched word, read", V_DB, NOCODE, mov eax, [aligned + 4]
    check_dr6 "watched word: DR6", 0xFFFF0FF1
    set_dr 1, "OFFSET .Lbreak_here\@"
    set_dr 7, 0x00000408                        # DR1: execute
    arm .Lbroke\@
    nop
.Lbreak_here\@:
    nop
.Lbroke\@:
    fault_was "instruction breakpoint", V_DB, NOCODE, .Lbreak_here\@
    check_dr6 "instruction breakpoint: DR6", 0xFFFF0FF2
    set_dr 7, 0x00002400                        # GD
    arm .Lguarded\@
.Lguard\@:
    mov \accumulator, dr0
.Lguarded\@:
    fault_was "debug registers guarded", V_DB, NOCODE, .Lguard\@
    check_dr6 "guard: DR6", 0xFFFF2FF0
    set_dr 7, 0x00000400

    # --- #BP, #UD
    traps "INT3", V_BP, NOCODE, int3
    traps "INT 3, two bytes", V_BP, NOCODE, .byte 0xCD, 3
    faults "UD2", V_UD, NOCODE, ud2
    faults "UD1", V_UD, NOCODE, .byte 0x0F, 0xB9, 0xC0
    faults "LOCK without a memory destination", V_UD, NOCODE, .byte 0xF0, 0x01, 0xC8
    faults "LOCK on an instruction that has none", V_UD, NOCODE, .byte 0xF0, 0x8B, 0x00
    faults "MOV CS", V_UD, NOCODE, .byte 0x8E, 0xC8
    faults "LEA of a register", V_UD, NOCODE, .byte 0x8D, 0xC0
    faults "CMPXCHG8B of a register", V_UD, NOCODE, .byte 0x0F, 0xC7, 0xC8

    # --- #NM and #UD by the control bits of the FPU
    cr_set cr4, 0x600                           # OSFXSR, OSXMMEXCPT
    cr_set cr0, 0x22                            # MP, NE
    fninit
    cr_set cr0, 8                               # TS
    faults "x87 with CR0.TS", V_NM, NOCODE, fnop
    faults "SSE with CR0.TS", V_NM, NOCODE, xorps xmm0, xmm0
    faults "WAIT with CR0.TS and CR0.MP", V_NM, NOCODE, fwait
    cr_clear cr0, 2
    passes "WAIT with CR0.TS without CR0.MP", fwait
    clts
    cr_set cr0, 4                               # EM
    faults "x87 with CR0.EM", V_NM, NOCODE, fnop
    faults "SSE with CR0.EM", V_UD, NOCODE, xorps xmm0, xmm0
    cr_clear cr0, 4
    cr_set cr0, 2
    cr_clear cr4, 0x200
    faults "SSE without CR4.OSFXSR", V_UD, NOCODE, xorps xmm0, xmm0
    cr_set cr4, 0x200

    # --- #MF, #XM
    fninit
    fldcw [fcw_unmasked]
    fld1
    fldz
    passes "x87 division by zero is only noted", fdivp st(1), st
    faults "#MF comes at the next waiting instruction", V_MF, NOCODE, fld1
    passes "and not at a non-waiting one", fnstsw ax
    faults "WAIT is one", V_MF, NOCODE, fwait
    fnclex
    fninit
    ldmxcsr [mxcsr_unmasked]
    xorps xmm1, xmm1
    movss xmm0, [one]
    faults "SSE division by zero, unmasked", V_XM, NOCODE, divss xmm0, xmm1
    ldmxcsr [mxcsr_unmasked]
    cr_clear cr4, 0x400
    faults "the same without CR4.OSXMMEXCPT", V_UD, NOCODE, divss xmm0, xmm1
    cr_set cr4, 0x400
    ldmxcsr [mxcsr_default]

    # --- #NP, #SS, #GP by selector
    mov dword ptr [gdt + ABSENT_DATA], 0x0000FFFF
    mov dword ptr [gdt + ABSENT_DATA + 4], 0x00CF1200
    mov dword ptr [gdt + ABSENT_CODE], 0x0000FFFF
    mov dword ptr [gdt + ABSENT_CODE + 4], 0x00CF1A00
    mov dword ptr [gdt + ABSENT_TSS], 0x00000067
    mov dword ptr [gdt + ABSENT_TSS + 4], 0x00000900
    mov eax, ABSENT_DATA
    faults "MOV DS, absent segment", V_NP, ABSENT_DATA, mov ds, eax
    faults "MOV SS, absent segment", V_SS, ABSENT_DATA, mov ss, eax
    mov eax, ABSENT_TSS
    faults "LTR, absent segment", V_NP, ABSENT_TSS, ltr ax
    mov eax, 0xFFF8
    faults "MOV DS beyond the table", V_GP, 0xFFF8, mov ds, eax
    mov eax, 0xFFFB
    faults "MOV ES beyond the table: RPL is no part of the code", V_GP, 0xFFF8, mov es, eax
    mov eax, 0xFFFF
    faults "MOV FS beyond the local table: TI is", V_GP, 0xFFFC, mov fs, eax
    mov eax, KCODE32
    faults "MOV SS, code segment", V_GP, KCODE32, mov ss, eax
    mov eax, UDATA
    faults "MOV SS, wrong privilege", V_GP, UDATA-3, mov ss, eax
    xor eax, eax
    faults "LTR, null", V_GP, 0, ltr ax
    mov byte ptr [gdt + TSS + 5], 0x89
    mov eax, TSS
    ltr ax                                      # for a processor that took the null
    mov eax, KDATA
    faults "LTR, not a TSS", V_GP, KDATA, ltr ax
    faults "LLDT, not a table", V_GP, KDATA, lldt ax
    mov eax, TSS
    faults "LTR, busy TSS", V_GP, TSS, ltr ax

    # --- #GP otherwise
    faults "INT to an empty descriptor", V_GP, 0x60*8+2, int 0x60
    mov ecx, 0xBADBAD
    faults "RDMSR of no register", V_GP, 0, rdmsr
    movaps xmm0, [aligned]
    faults "MOVAPS, misaligned", V_GP, 0, movaps xmm0, [aligned + 4]
    passes "MOVUPS, misaligned", movups xmm0, [aligned + 4]

    # --- ring 3
    ring3_faults "ring 3: CLI", V_GP, 0, cli
    ring3_faults "ring 3: HLT", V_GP, 0, hlt
    ring3_faults "ring 3: IN", V_GP, 0, in al, 0x80
    ring3_faults "ring 3: OUT", V_GP, 0, out 0x80, al
    ring3_faults "ring 3: MOV CR0", V_GP, 0, mov \accumulator, cr0
    ring3_faults "ring 3: RDMSR", V_GP, 0, rdmsr
    ring3_faults "ring 3: INVLPG", V_GP, 0, invlpg [aligned]
    ring3_faults "ring 3: INT through a closed gate", V_GP, 0x20*8+2, int 0x20
    ring3_faults "ring 3: CLTS", V_GP, 0, clts
    ring3_faults "ring 3: WBINVD", V_GP, 0, wbinvd
    ring3_faults "ring 3: LMSW", V_GP, 0, lmsw ax
    ring3_faults "ring 3: LGDT", V_GP, 0, lgdt [aligned]
    ring3_faults "ring 3: MOV DR7", V_GP, 0, mov \accumulator, dr7
    ring3_passes "ring 3: INT3", nop
    .set USER_FLAGS, 0x3002                     # IOPL 3
    ring3_passes "ring 3 with IOPL 3: CLI", cli
    ring3_passes "ring 3 with IOPL 3: OUT", out 0x80, al
    .set USER_FLAGS, 0x40002                    # AC
    ring3_passes "ring 3: misaligned, CR0.AM clear", mov eax, [aligned + 1]
    cr_set cr0, 0x40000                         # AM
    ring3_faults "ring 3: misaligned, CR0.AM set", V_AC, 0, mov eax, [aligned + 1]
    ring3_passes "ring 3: aligned, CR0.AM set", mov eax, [aligned + 4]
    .set USER_FLAGS, 2
    ring3_passes "ring 3: misaligned without EFLAGS.AC", mov eax, [aligned + 1]
    cr_clear cr0, 0x40000
.endm

main:
    call faults32_init
    println "protected mode"
    common_exceptions eax, esp

    # --- what only 32-bit mode has
    mov eax, 0x1234
    faults "AAM 0", V_DE, NOCODE, .byte 0xD4, 0
    mov eax, 0x7FFFFFFF
    add eax, 1
    traps "INTO with OF", V_OF, NOCODE, into
    xor eax, eax
    passes "INTO without OF", into
    mov eax, 21
    faults "BOUND above", V_BR, NOCODE, bound eax, [bounds]
    mov eax, 9
    faults "BOUND below", V_BR, NOCODE, bound eax, [bounds]
    mov eax, 20
    passes "BOUND at the limit", bound eax, [bounds]
    faults "BOUND of a register", V_UD, NOCODE, .byte 0x62, 0xC0
    faults "JMP FAR, absent code segment", V_NP, ABSENT_CODE, jmp ABSENT_CODE:0
    faults "JMP FAR, data segment", V_GP, KDATA, jmp KDATA:0
    faults "JMP FAR, null", V_GP, 0, jmp 0:0
    xor eax, eax
    faults "MOV SS, null", V_GP, 0, mov ss, eax
    mov eax, 0x20000011
    faults "MOV CR0, NW without CD", V_GP, 0, mov cr0, eax
    lidt [short_idt]
    faults "INT beyond the table", V_GP, SMALL_TABLE_INT*8+2, int SMALL_TABLE_INT
    faults "INT inside the table", V_GP, SMALL_TABLE_INT*8+10, int SMALL_TABLE_INT + 1
    lidt [idt32_pointer]
    # IRET with NT goes to the task that the TSS links to.
    mov word ptr [tss32], 0xFFF8
    pushf
    or dword ptr [esp], 0x4000
    popf
    faults "IRET with NT, link beyond the table", V_TS, 0xFFF8, iret
    pushf
    or dword ptr [esp], 0x4000
    popf
    mov word ptr [tss32], KDATA
    faults "IRET with NT, link to a data segment", V_TS, KDATA, iret
    # With #GP's gate absent its delivery raises #NP: contributory upon contributory.
    mov byte ptr [idt32 + 13 * 8 + 5], 0x0E
    mov eax, 0xFFF8
    aborts "#GP whose gate is absent", V_DF, 0, mov ds, eax
    mov byte ptr [idt32 + 13 * 8 + 5], 0x8E
    # #DE then #NP likewise; #BP is benign, so #NP stands alone.
    mov byte ptr [idt32 + 5], 0x0E
    xor ecx, ecx
    aborts "#DE whose gate is absent", V_DF, 0, div ecx
    mov byte ptr [idt32 + 5], 0x8E
    mov byte ptr [idt32 + 3 * 8 + 5], 0x0E
    faults "INT3 whose gate is absent", V_NP, 3*8+2, int3
    mov byte ptr [idt32 + 3 * 8 + 5], 0xEE
    mov byte ptr [idt32 + 6 * 8 + 5], 0x0E
    faults "#UD whose gate is absent: EXT is set", V_NP, 6*8+3, ud2
    mov byte ptr [idt32 + 6 * 8 + 5], 0x8E

    println "64-bit mode"
    enter_long_mode mode64
code64
mode64:
    start64
    common_exceptions rax, rsp
    mov rax, 0x8000000000000000
    faults "non-canonical load", V_GP, 0, mov rcx, [rax]
    faults "non-canonical store", V_GP, 0, mov [rax], rcx
    mov rbp, rax
    faults "non-canonical load through RBP", V_SS, 0, mov rcx, [rbp]
    faults "non-canonical call", V_GP, 0, call rax
    faults "non-canonical jump", V_GP, 0, jmp rax
    # A fault on a stack that cannot take its frame needs a stack of its own.
    gate64 12, "fault_stubs64+12*16", 0x8E, 1
    gate64 13, "fault_stubs64+13*16", 0x8E, 1
    arm .Lpush_back
    mov rsp, rax
.Lpush_at:
    push rax
.Lpush_back:
    fault_was "PUSH on a non-canonical stack, #SS with IST", V_SS, 0, .Lpush_at
    gate64 12, "fault_stubs64+12*16"
    gate64 13, "fault_stubs64+13*16"
    gate64 8, "fault_stubs64+8*16", 0x8E, 1
    mov rax, 0x8000000000000000
    arm .Lpush_twice
    mov rsp, rax
    push rax
.Lpush_twice:
    mov dword ptr [recover_ip], 0
    mov dword ptr [fault_ip], 0
    fault_was "the same without: #DF with IST", V_DF, 0, 0
    gate64 8, "fault_stubs64+8*16"
    faults "PUSH ES does not exist", V_UD, NOCODE, .byte 0x06
    faults "AAM does not exist", V_UD, NOCODE, .byte 0xD4, 10
    faults "INTO does not exist", V_UD, NOCODE, .byte 0xCE
    faults "PUSHA does not exist", V_UD, NOCODE, .byte 0x60
    faults "far JMP with immediate does not exist", V_UD, NOCODE, .byte 0xEA, 0, 0, 0, 0, 8, 0
    faults "LDS does not exist", V_UD, NOCODE, .byte 0xC5, 0x00
    xor eax, eax
    passes "MOV SS, null, at CPL 0", mov ss, eax
    mov eax, KDATA
    mov ss, eax
    mov rcx, cr0
    bts rcx, 32
    faults "MOV CR0, high bits", V_GP, 0, mov cr0, rcx
    mov ecx, EFER
    xor edx, edx
    mov eax, 0x400
    faults "WRMSR, EFER.LME off under paging", V_GP, 0, wrmsr
    mov eax, 0x2500
    mov edx, 1
    faults "WRMSR, EFER reserved bits", V_GP, 0, wrmsr
    mov ecx, 0xC0000100
    mov edx, 0x80000000
    faults "WRMSR, FS base non-canonical", V_GP, 0, wrmsr
    pushf
    or dword ptr [rsp], 0x4000
    popf
    faults "IRETQ with NT", V_GP, 0, iretq
    lidt [short_idt64]
    faults "INT beyond the table", V_GP, SMALL_TABLE_INT*8+2, int SMALL_TABLE_INT
    lidt [idt64_pointer]
    mov dword ptr [window_table], 0
    faults "load from an absent page", V_PF, 0, mov eax, [WINDOW]
    check "CR2", [fault_cr2], WINDOW
    faults "store to an absent page", V_PF, 2, mov [WINDOW + 0xFFF], al
    check "CR2", [fault_cr2], WINDOW+0xFFF
    mov byte ptr [idt64 + 14 * 16 + 5], 0x0E
    aborts "#PF whose gate is absent", V_DF, 0, mov eax, [WINDOW]
    mov byte ptr [idt64 + 14 * 16 + 5], 0x8E
    # QEMU's TCG does not survive these, so they are last.
    mov rcx, 1 << 60
    faults "MOV CR3, reserved high bits", V_GP, 0, mov cr3, rcx
    mov rcx, cr4
    and rcx, ~0x20
    faults "MOV CR4, PAE off", V_GP, 0, mov cr4, rcx
    mov rax, cr0
    and eax, ~1
    faults "MOV CR0, PG without PE", V_GP, 0, mov cr0, rax
    mov rax, cr4
    or eax, 0x80000000
    faults "MOV CR4, reserved bit", V_GP, 0, mov cr4, rax
    finish
