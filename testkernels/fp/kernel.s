# ELF64: the floating-point environment a kernel must save and restore, and arithmetic in it: x87 in 80 bits, MMX, SSE,
# FXSAVE and XSAVE, control bits, exceptions noted and delivered.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.section .data
    .balign 16
three:          .double 3.0
two:            .double 2.0
tenth:          .quad 0x3FB999999999999A
float_half:     .float 2.5
quads:          .quad 0x1111222233334444, 0x5555666677778888
max_double:     .quad 0x7FEFFFFFFFFFFFFF
denormal:       .quad 0x0000000000000001
signalling:     .quad 0x7FF0000000000001
negative:       .double -1.0
dwords:         .long 1, -2, 3, -4
word_value:     .word 0
round_up:       .word 0x0B7F
round_down:     .word 0x077F
round_zero:     .word 0x0F7F
single_precision: .word 0x007F
mxcsr:          .long 0
.section .bss
    .balign 64
area:           .space 4096
area2:          .space 4096
result:         .space 64

.section .text
code64
# The 80-bit number in ST0 is stored, popped and compared: significand, then sign and exponent.
.macro st0_is name, exponent, significand
    fstp tbyte ptr [result]
    mov rax, [result]
    mov rdx, \significand
    check "\name", rax, rdx
    movzx eax, word ptr [result + 8]
    check "  sign and exponent", rax, \exponent
.endm
.macro status_is name, mask, want
    fnstsw ax
    and eax, \mask
    check "\name", rax, \want
.endm
.macro low_is name, register, want
    movq rax, \register
    mov rdx, \want
    check "\name", rax, rdx
.endm
.macro clear_mxcsr
    mov dword ptr [mxcsr], 0x1F80
    ldmxcsr [mxcsr]
.endm
.macro mxcsr_is name, want
    stmxcsr [mxcsr]
    mov eax, [mxcsr]
    check "\name", rax, \want
.endm

code32
main:
    enter_long_mode mode64
code64
mode64:
    start64
    mov rax, cr0
    and eax, ~0xC
    or eax, 0x22                                # MP, NE; not EM, TS
    mov cr0, rax
    mov rax, cr4
    or eax, 0x600
    mov cr4, rax

    println "x87"
    fninit
    fnstcw [word_value]
    movzx eax, word ptr [word_value]
    check "control word after FNINIT", rax, 0x37F
    status_is "status word", 0xFFFF, 0
    fnstenv [area]
    movzx eax, word ptr [area + 8]
    check "tag word: all empty", rax, 0xFFFF
    fldpi
    st0_is "pi", 0x4000, 0xC90FDAA22168C235
    fldl2e
    st0_is "log2 of e", 0x3FFF, 0xB8AA3B295C17F0BC
    fldln2
    st0_is "ln 2", 0x3FFE, 0xB17217F7D1CF79AC
    fld1
    fld qword ptr [three]
    fdivp st(1), st
    st0_is "1 / 3 in 64 bits of significand", 0x3FFD, 0xAAAAAAAAAAAAAAAB
    fld qword ptr [two]
    fsqrt
    st0_is "square root of 2", 0x3FFF, 0xB504F333F9DE6484
    fld qword ptr [tenth]
    fld qword ptr [three]
    fmulp st(1), st
    st0_is "0.1 times 3", 0x3FFD, 0x9999999999999C00
    fldcw [single_precision]
    fld1
    fld qword ptr [three]
    fdivp st(1), st
    st0_is "1 / 3 with precision control of 24 bits", 0x3FFD, 0xAAAAAB0000000000
    fninit
    fldcw [round_up]
    fld1
    fld qword ptr [three]
    fdivp st(1), st
    st0_is "1 / 3 rounded up", 0x3FFD, 0xAAAAAAAAAAAAAAAB
    fldcw [round_down]
    fld1
    fld qword ptr [three]
    fdivp st(1), st
    st0_is "1 / 3 rounded down", 0x3FFD, 0xAAAAAAAAAAAAAAAA
    fninit
    fld dword ptr [float_half]
    fist dword ptr [result]
    mov eax, [result]
    check "2.5 to the nearest even", rax, 2
    fldcw [round_up]
    fist dword ptr [result]
    mov eax, [result]
    check "rounded up", rax, 3
    fldcw [round_zero]
    fistp dword ptr [result]
    mov eax, [result]
    check "rounded to zero", rax, 2
    fninit
    fld qword ptr [max_double]
    fistp dword ptr [result]
    mov eax, [result]
    mov edx, 0x80000000
    check "too large for 32 bits: the indefinite", rax, rdx
    status_is "invalid is noted", 0x3F, 1
    fnclex
    fld1
    fldz
    fdivp st(1), st
    st0_is "1 / 0", 0x7FFF, 0x8000000000000000
    status_is "divide by zero is noted", 0x3F, 4
    fnclex
    fld qword ptr [negative]
    fsqrt
    st0_is "square root of -1: the indefinite", 0xFFFF, 0xC000000000000000
    fnclex
    fld qword ptr [signalling]
    st0_is "a signalling number is made quiet by the conversion", 0x7FFF, 0xC000000000000800
    status_is "invalid is noted", 0x3F, 1
    fnclex
    fld qword ptr [denormal]
    st0_is "a denormal double is normal in 80 bits", 0x3BCD, 0x8000000000000000
    status_is "denormal operand is noted", 0x3F, 2
    fninit
    fstp st(0)
    status_is "popping an empty stack: stack fault, underflow", 0x241, 0x41
    fnclex
    fninit
    mov ecx, 9
1:  fld1
    sub ecx, 1
    jnz 1b
    status_is "a ninth push: stack fault, overflow", 0x241, 0x241
    st0_is "and the indefinite", 0xFFFF, 0xC000000000000000
    fninit
    fld1
    fld qword ptr [two]
    fcom st(1)
    status_is "FCOM greater", 0x4500, 0
    fxch st(1)
    fcom st(1)
    status_is "FCOM less", 0x4500, 0x100
    fcomi st, st(1)
    check_true "FCOMI below", b
    fcom st(0)
    status_is "FCOM equal", 0x4500, 0x4000
    fninit
    fld qword ptr [two]
    fld qword ptr [three]
    fld st(0)
    fmulp st(1), st
    fprem
    st0_is "9 remainder 2", 0x3FFF, 0x8000000000000000
    fninit
    fld qword ptr [three]
    fbstp tbyte ptr [result]
    mov rax, [result]
    check "packed decimal", rax, 3

    println "MMX"
    fninit
    movq mm0, [quads]
    paddw mm0, mm0
    movq [result], mm0
    mov rax, [result]
    mov rdx, 0x2222444466668888
    check "PADDW", rax, rdx
    fnstenv [area]
    movzx eax, word ptr [area + 8]
    and eax, 3
    check "the tag says in use", rax, 2
    emms
    fnstenv [area]
    movzx eax, word ptr [area + 8]
    check "EMMS empties all", rax, 0xFFFF

    println "SSE"
    clear_mxcsr
    fninit
    movsd xmm0, [tenth]
    addsd xmm0, [two]
    low_is "0.1 + 2", xmm0, 0x4000CCCCCCCCCCCD
    mxcsr_is "inexact is noted", 0x1FA0
    clear_mxcsr
    movsd xmm0, [max_double]
    addsd xmm0, [max_double]
    low_is "overflow", xmm0, 0x7FF0000000000000
    mxcsr_is "overflow and inexact are noted", 0x1FA8
    clear_mxcsr
    movsd xmm0, [denormal]
    addsd xmm0, [denormal]
    low_is "denormals", xmm0, 2
    mxcsr_is "denormal operand is noted", 0x1F82
    mov dword ptr [mxcsr], 0x9FC0               # flush to zero, denormals are zeros
    ldmxcsr [mxcsr]
    movsd xmm0, [denormal]
    addsd xmm0, [denormal]
    low_is "denormals are zeros", xmm0, 0
    clear_mxcsr
    mov dword ptr [mxcsr], 0x5F80               # round up
    ldmxcsr [mxcsr]
    movss xmm0, [float_half]
    cvtss2si eax, xmm0
    check "CVTSS2SI rounds up", rax, 3
    cvttss2si eax, xmm0
    check "CVTTSS2SI does not", rax, 2
    clear_mxcsr
    movsd xmm0, [max_double]
    cvtsd2si rax, xmm0
    mov rdx, 0x8000000000000000
    check "too large: the indefinite", rax, rdx
    mxcsr_is "invalid is noted", 0x1F81
    clear_mxcsr
    sqrtsd xmm0, [two]
    low_is "square root of 2", xmm0, 0x3FF6A09E667F3BCD
    movups xmm1, [quads]
    pshufd xmm2, xmm1, 0x1B
    low_is "PSHUFD", xmm2, 0x7777888855556666
    cvtdq2pd xmm3, [dwords]
    low_is "CVTDQ2PD", xmm3, 0x3FF0000000000000
    mov dword ptr [mxcsr], 0x10000
    faults "LDMXCSR, reserved bit", V_GP, 0, ldmxcsr [mxcsr]

    println "FXSAVE and FXRSTOR"
    clear_mxcsr
    fninit
    fldpi
    movups xmm0, [quads]
    movups xmm15, [quads]
    fxsave [area]
    movzx eax, word ptr [area]
    check "control word", rax, 0x37F
    movzx eax, byte ptr [area + 4]
    check "abridged tags: one in use", rax, 0x80
    mov eax, [area + 24]
    check "MXCSR", rax, 0x1F80
    mov rax, [area + 32]
    mov rdx, 0xC90FDAA22168C235
    check "ST0", rax, rdx
    mov rax, [area + 160 + 15 * 16]
    mov rdx, 0x1111222233334444
    check "XMM15", rax, rdx
    fninit
    xorps xmm0, xmm0
    xorps xmm15, xmm15
    mov dword ptr [mxcsr], 0x1FBF
    ldmxcsr [mxcsr]
    fxrstor [area]
    low_is "XMM0 is back", xmm0, 0x1111222233334444
    low_is "XMM15", xmm15, 0x1111222233334444
    st0_is "ST0", 0x4000, 0xC90FDAA22168C235
    mxcsr_is "MXCSR", 0x1F80
    mov dword ptr [area + 24], 0xFFFF0000
    faults "FXRSTOR, MXCSR with reserved bits", V_GP, 0, fxrstor [area]
    faults "FXSAVE, misaligned", V_GP, 0, fxsave [area + 8]

    println "XSAVE"
    mov eax, 1
    cpuid
    bt ecx, 26
    check_true "CPUID has it", c
    faults "XGETBV without CR4.OSXSAVE", V_UD, NOCODE, xgetbv
    mov rax, cr4
    or eax, 0x40000
    mov cr4, rax
    mov eax, 1
    cpuid
    bt ecx, 27
    check_true "CPUID shows CR4.OSXSAVE", c
    xor ecx, ecx
    xgetbv
    check "XCR0: x87 alone", rax, 1
    xor ecx, ecx
    xor edx, edx
    mov eax, 2
    faults "XCR0 without x87", V_GP, 0, xsetbv
    mov eax, 4 + 1
    faults "AVX without SSE", V_GP, 0, xsetbv
    mov eax, 3
    passes "x87 and SSE", xsetbv
    mov edi, OFFSET area
    mov ecx, 1024
    xor eax, eax
    rep stosd
    fninit
    fld1
    movups xmm7, [quads]
    mov eax, 3
    xor edx, edx
    xsave [area]
    mov rax, [area + 512]
    and eax, 3
    check "the header names both parts", rax, 3
    mov rax, [area + 160 + 7 * 16 + 8]
    mov rdx, 0x5555666677778888
    check "XMM7", rax, rdx
    xorps xmm7, xmm7
    fninit
    mov eax, 2
    xor edx, edx
    xrstor [area]
    low_is "SSE alone restored: XMM7", xmm7, 0x1111222233334444
    fnstenv [result]
    movzx eax, word ptr [result + 8]
    check "x87 left empty", rax, 0xFFFF
    mov eax, 1
    xor edx, edx
    xrstor [area]
    st0_is "then x87", 0x3FFF, 0x8000000000000000
    mov qword ptr [area + 512], 1               # SSE part is in its initial state
    mov eax, 3
    xor edx, edx
    xrstor [area]
    low_is "a part that is not named is initialized", xmm7, 0
    fninit
    mov qword ptr [area + 512], 0x8000
    mov eax, 3
    xor edx, edx
    faults "XRSTOR, a part XCR0 lacks", V_GP, 0, xrstor [area]
    ring3_faults "XSETBV in ring 3", V_GP, 0, xsetbv
    finish
