# ELF64: the ways between rings: SYSENTER and SYSEXIT in protected mode; SYSCALL, SYSRET, SYSENTER, SYSEXIT, IRET in all its
# forms, SWAPGS, interrupt stack tables and call gates in 64-bit mode.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set STAR, 0xC0000081
.set LSTAR, 0xC0000082
.set CSTAR, 0xC0000083
.set SFMASK, 0xC0000084
.set FS_BASE, 0xC0000100
.set GS_BASE, 0xC0000101
.set KERNEL_GS_BASE, 0xC0000102
.set SYSENTER_CS, 0x174
.set SYSENTER_ESP, 0x175
.set SYSENTER_EIP, 0x176
.set CALL_GATE, SLOT0 + 3                       # 16 bytes
.set BOTH_BITS, SLOT0 + 0x10                    # code with L and D

.section .data
    .balign 8
seen_rcx:       .quad 0
seen_r11:       .quad 0
seen_rsp:       .quad 0
seen_cs:        .quad 0
seen_ss:        .quad 0
seen_flags:     .quad 0
seen_frame:     .fill 6, 8, 0
is_intel:       .quad 0                         # SYSENTER everywhere, SYSCALL in 64-bit mode only
exit_form:      .quad 0                         # how the SYSCALL handler goes back
gs_words:       .quad 0x1111, 0x2222
zero:           .quad 0

.section .bss
    .balign 16
    .space 2048
entry_stack_top:
    .space 2048
odd_stack_top:

.section .text
code32
.macro write_msr index, value
    mov ecx, \index
    mov eax, \value
    xor edx, edx
    wrmsr
.endm

sysenter_entry32:
    mov [seen_rsp], esp
    mov [seen_cs], cs
    mov [seen_ss], ss
    mov eax, KDATA
    mov ds, eax
    pushf
    pop dword ptr [seen_flags]
    mov edx, OFFSET sysexit_target32
    mov ecx, OFFSET user_stack_top - 64
    sysexit
.macro msr_is name, index, want
    mov ecx, \index
    rdmsr
.if BITS == 64
    shl rdx, 32
    or rax, rdx
    check "\name", rax, "\want"
.else
    check "\name", eax, "\want"
.endif
.endm

main:
    xor eax, eax
    cpuid
    cmp ebx, 0x756E6547                         # "Genu"ineIntel
    jne 1f
    mov dword ptr [is_intel], 1
1:  call faults32_init

    println "SYSENTER and SYSEXIT in protected mode"
    write_msr SYSENTER_CS, 0
    ring3_faults "SYSENTER without a code segment", V_GP, 0, sysenter
    faults "SYSEXIT without one", V_GP, 0, sysexit
    write_msr SYSENTER_CS, 0x08
    write_msr SYSENTER_ESP, "OFFSET entry_stack_top"
    write_msr SYSENTER_EIP, "OFFSET sysenter_entry32"
    msr_is "SYSENTER_ESP reads back", SYSENTER_ESP, "OFFSET entry_stack_top"
    .set USER_FLAGS, 0x202
    arm sysenter_done32
    to_ring3 sysenter_user32
sysenter_user32:
    sysenter
sysexit_target32:
    mov ebx, esp
    mov ecx, cs
    mov edx, ss
    int3
sysenter_done32:
    .set USER_FLAGS, 2
    fault_was "SYSENTER from ring 3 and SYSEXIT back", V_BP, NOCODE, sysenter_done32
    check "CS inside", [seen_cs], 0x08
    check "SS inside", [seen_ss], 0x10
    check "ESP inside", [seen_rsp], "OFFSET entry_stack_top"
    mov eax, [seen_flags]
    and eax, 0x200
    check "IF is clear inside", eax, 0
    check "CS after", [fault_cx], 0x18+3
    check "SS after", [fault_dx], 0x20+3
    check "ESP after", [fault_bx], "OFFSET user_stack_top-64"
    ring3_faults "SYSEXIT in ring 3", V_GP, 0, sysexit
    faults "SWAPGS does not exist here", V_UD, NOCODE, .byte 0x0F, 0x01, 0xF8

    enter_long_mode mode64

# --- compatibility mode pieces, called in ring 3 through IRET or SYSRET
compat_syscall:
    syscall
    int3
compat_syscall_end:
compat_ring0:
    mov ecx, 0x5A5A5A5A
    push KCODE64
    push OFFSET from_compat_ring0
    retf
compat_swapgs:
    .byte 0x0F, 0x01, 0xF8
    int3
compat_probe:
    mov ecx, cs
    mov ebx, esp
    int3
compat_probe_end:

code64
# SYSCALL arrives here: note everything, then go back as exit_form says.
syscall_entry:
    mov [seen_rcx], rcx
    mov [seen_r11], r11
    mov [seen_rsp], rsp
    mov [seen_cs], cs
    mov [seen_ss], ss
    mov esp, OFFSET entry_stack_top
    pushf
    pop qword ptr [seen_flags]
    cmp qword ptr [exit_form], 1
    je 1f
    mov rsp, [seen_rsp]
    sysretq
1:  mov rsp, [seen_rsp]
    sysretd
compat_entry:
    mov [seen_rcx], rcx
    mov [seen_cs], cs
    mov rsp, [recover_sp]
    jmp after_compat
sysenter_entry64:
    mov [seen_rsp], rsp
    mov [seen_cs], cs
    mov [seen_ss], ss
    cmp qword ptr [exit_form], 1
    je 1f
    mov edx, OFFSET sysexit_target64
    mov ecx, OFFSET user_stack_top - 128
    .byte 0x48, 0x0F, 0x35                      # SYSEXIT to 64-bit mode
1:  mov edx, OFFSET compat_probe
    mov ecx, OFFSET user_stack_top - 192
    .byte 0x0F, 0x35                            # SYSEXIT to compatibility mode
# An interrupt handler that notes its frame.
note_frame:
    mov [seen_rsp], rsp
    mov [seen_ss], ss
    push rax
    mov rax, [rsp + 8]
    mov [seen_frame], rax
    mov rax, [rsp + 16]
    mov [seen_frame + 8], rax
    mov rax, [rsp + 24]
    mov [seen_frame + 16], rax
    mov rax, [rsp + 32]
    mov [seen_frame + 24], rax
    mov rax, [rsp + 40]
    mov [seen_frame + 32], rax
    pop rax
    iretq
called_far:
    mov [seen_rsp], rsp
    mov [seen_ss], ss
    mov rax, [rsp]
    mov [seen_frame], rax
    mov rax, [rsp + 8]
    mov [seen_frame + 8], rax
    mov rax, [rsp + 16]
    mov [seen_frame + 16], rax
    mov rax, [rsp + 24]
    mov [seen_frame + 24], rax
    rex.w retf

# IRETQ with this frame
.macro iretq_to cs, target, flags, ss, sp
    push \ss
    push \sp
    push \flags
    push \cs
    push \target
    iretq
.endm

mode64:
    start64
    println "SYSCALL and SYSRET"
    mov ecx, STAR
    xor eax, eax
    mov edx, 0x00180008
    wrmsr
    write_msr LSTAR, "OFFSET syscall_entry"
    write_msr CSTAR, "OFFSET compat_entry"
    write_msr SFMASK, 0x40600                   # AC, DF and IF, of which the test sets DF and IF
    mov ecx, LSTAR
    mov eax, 0
    mov edx, 0x80000000
    faults "LSTAR takes canonical addresses only", V_GP, 0, wrmsr
    write_msr LSTAR, "OFFSET syscall_entry"
    ring3_faults "SYSCALL without EFER.SCE", V_UD, NOCODE, syscall
    faults "SYSRET without EFER.SCE", V_UD, NOCODE, sysretq
    mov ecx, EFER
    rdmsr
    or eax, 1
    wrmsr
    ring3_faults "SYSRET in ring 3", V_GP, 0, sysretq
    .set USER_FLAGS, 0x602
    arm syscall_done
    to_ring3 syscall_user
syscall_user:
    syscall
syscall_back:
    mov ebx, cs
    mov edi, ss
    mov rsi, rsp
    int3
syscall_done:
    .set USER_FLAGS, 2
    fault_was "SYSCALL from ring 3 and SYSRET back", V_BP, NOCODE, syscall_done
    check "RCX: the return address", [seen_rcx], "OFFSET syscall_back"
    mov rax, [seen_r11]
    and eax, 0x600
    check "R11: the flags", rax, 0x600
    mov rax, [seen_flags]
    and eax, 0x600
    check "SFMASK cleared them", rax, 0
    check "CS inside", [seen_cs], 0x08
    check "SS inside", [seen_ss], 0x10
    check "RSP is not touched", [seen_rsp], "OFFSET user_stack_top"
    check "CS after", [fault_bx], 0x28+3
    check "SS after", [fault_di], 0x20+3
    check "RSP after", [fault_si], "OFFSET user_stack_top"
    mov rax, [fault_flags]
    and eax, 0x600
    check "flags after", rax, 0x600
    arm sysret_filter
    mov ecx, OFFSET sysret_lands
    mov r11d, 0x3F7FD7 & ~0x4500                # everything but TF, DF, NT; with RF, VM and IOPL
    sysretq
sysret_lands:
    int3
sysret_filter:
    fault_was "SYSRET to ring 3 with odd flags", V_BP, NOCODE, sysret_filter
    mov rax, [fault_flags]
    and eax, 0x20000
    check "VM is not taken from R11", rax, 0
    mov rax, [fault_flags]
    and eax, 0x3002
    check "IOPL is", rax, 0x3002
    mov qword ptr [exit_form], 1
    arm sysretd_done
    mov ecx, OFFSET compat_probe
    mov r11d, 2
    mov esp, OFFSET user_stack_top
    sysretd
sysretd_done:
    fault_was "SYSRET to compatibility mode", V_BP, NOCODE, compat_probe_end
    check "CS there", [fault_cx], 0x18+3
    mov qword ptr [exit_form], 0
    mov rcx, 0x8000000000000000
    mov r11d, 2
    aborts "SYSRET to a non-canonical address", V_GP, 0, sysretq
    mov qword ptr [seen_cs], 0
    mov [recover_sp], rsp
    cmp qword ptr [is_intel], 0
    jne on_intel
    mov qword ptr [exit_form], 1
    mov dword ptr [fault_vector], -1
    iretq_to UCODE32, "OFFSET compat_syscall", 2, UDATA, "OFFSET user_stack_top"
after_compat:
    mov eax, KDATA
    mov ss, eax
    check "SYSCALL from compatibility mode as the vendor has it", [seen_rcx], "OFFSET compat_syscall+2"
    jmp compat_tested
on_intel:
    arm compat_refused
    iretq_to UCODE32, "OFFSET compat_syscall", 2, UDATA, "OFFSET user_stack_top"
compat_refused:
    mov dword ptr [recover_ip], 0
    cmp dword ptr [fault_vector], V_UD
    mov eax, 0
    mov ecx, OFFSET compat_syscall + 2
    cmove eax, ecx
    check "SYSCALL from compatibility mode as the vendor has it", rax, "OFFSET compat_syscall+2"
compat_tested:
    mov qword ptr [exit_form], 0

    println "SYSENTER and SYSEXIT in 64-bit mode"
    write_msr SYSENTER_CS, 0x08
    write_msr SYSENTER_ESP, "OFFSET entry_stack_top"
    write_msr SYSENTER_EIP, "OFFSET sysenter_entry64"
    mov qword ptr [seen_cs], 0
    mov qword ptr [seen_ss], 0
    mov qword ptr [seen_rsp], 0
    arm sysenter_done64
    to_ring3 sysenter_user64
sysenter_user64:
    sysenter
sysexit_target64:
    mov rbx, rsp
    mov ecx, cs
    int3
sysenter_done64:
    cmp qword ptr [is_intel], 0
    je sysenter_on_amd
    fault_was "SYSENTER as the vendor has it", V_BP, NOCODE, sysenter_done64
    check "CS after", [fault_cx], 0x28+3
    check "RSP after", [fault_bx], "OFFSET user_stack_top-128"
    check "RSP inside", [seen_rsp], "OFFSET entry_stack_top"
    check "CS inside", [seen_cs], 0x08
    mov qword ptr [exit_form], 1
    arm sysexit_compat
    to_ring3 sysenter_user64
sysexit_compat:
    fault_was "SYSEXIT to compatibility mode", V_BP, NOCODE, compat_probe_end
    check "CS there", [fault_cx], 0x18+3
    mov qword ptr [exit_form], 0
    jmp sysenter_tested
sysenter_on_amd:
    fault_was "SYSENTER as the vendor has it", V_UD, NOCODE, sysenter_user64
sysenter_tested:

    println "IRET"
    mov dword ptr [gdt + BOTH_BITS], 0x0000FFFF
    mov dword ptr [gdt + BOTH_BITS + 4], 0x00EF9A00
    mov rbx, rsp
    iretq_to KCODE64, "OFFSET iret_same", 0x4002, 0, "OFFSET odd_stack_top-3"
iret_same:
    mov rax, rsp
    mov ecx, ss
    mov rsp, rbx
    mov edx, KDATA
    mov ss, edx
    check "IRETQ within ring 0 takes RSP, of any alignment", rax, "OFFSET odd_stack_top-3"
    check "and a null SS", rcx, 0
    push 2
    popf
    arm iret_compat
    iretq_to UCODE32, "OFFSET compat_probe", 2, UDATA, "OFFSET user_stack_top-16"
iret_compat:
    fault_was "IRETQ to compatibility mode, ring 3", V_BP, NOCODE, compat_probe_end
    check "CS there", [fault_cx], 0x18+3
    check "ESP there", [fault_bx], "OFFSET user_stack_top-16"
    check "saved CS", [fault_cs], 0x18+3
    mov [recover_sp], rsp
    iretq_to KCODE32, "OFFSET compat_ring0", 2, KDATA, "OFFSET entry_stack_top"
from_compat_ring0:
    mov rsp, [recover_sp]
    mov eax, KDATA
    mov ss, eax
    check "IRETQ to compatibility mode, ring 0, and RETF back", rcx, 0x5A5A5A5A
    mov rbx, rsp
    push UDATA
    push OFFSET user_stack_top
    push 2
    push UCODE64
    push OFFSET ring3_int3
    arm iretq_user
    iretq
ring3_int3:
    int3
iretq_user:
    fault_was "IRETQ to ring 3", V_BP, NOCODE, iretq_user
    # IRETD in 64-bit mode: 32-bit frame, still with SS and ESP.
    sub rsp, 20
    mov dword ptr [rsp], OFFSET ring3_int3
    mov dword ptr [rsp + 4], UCODE64
    mov dword ptr [rsp + 8], 2
    mov dword ptr [rsp + 12], OFFSET user_stack_top
    mov dword ptr [rsp + 16], UDATA
    arm iretd_user
    .byte 0xCF
iretd_user:
    mov rsp, rbx
    fault_was "IRETD to ring 3 and 64-bit mode", V_BP, NOCODE, iretq_user
.macro bad_iret name, vector, error, cs, target, ss
    push \ss
    push OFFSET user_stack_top
    push 2
    push \cs
    push \target
    faults "\name", \vector, \error, iretq
    mov rsp, rbx
.endm
    bad_iret "to a null CS", V_GP, 0, 0, 0, UDATA
    bad_iret "to a data segment", V_GP, KDATA, KDATA, 0, KDATA
    bad_iret "to L and D", V_GP, BOTH_BITS, BOTH_BITS, 0, KDATA
    bad_iret "to ring 3 with a null SS", V_GP, 0, UCODE32, 0, 0
    bad_iret "to ring 3 with SS of ring 0", V_GP, KDATA, UCODE64, 0, KDATA
    bad_iret "beyond the table", V_GP, 0xFFF8, 0xFFF8, 0, KDATA
    push KDATA
    push OFFSET user_stack_top
    push 2
    push KCODE64
    mov rax, 0x8000000000000000
    push rax
    faults "to a non-canonical address", V_GP, 0, iretq
    mov rsp, rbx
    push UDATA
    push OFFSET user_stack_top
    push 0x40202
    push UCODE64
    push OFFSET ring3_iret
    arm iret_ring3_done
    iretq
ring3_iret:                                     # within ring 3: IF and IOPL are not for it
    push UDATA
    push OFFSET user_stack_top
    push 0x3002
    push UCODE64
    push OFFSET ring3_int3
    iretq
iret_ring3_done:
    fault_was "IRETQ within ring 3", V_BP, NOCODE, iretq_user
    mov rax, [fault_flags]
    and eax, 0x3200
    check "leaves IF and IOPL", rax, 0x200

    println "SWAPGS and segment bases"
    write_msr GS_BASE, "OFFSET gs_words"
    write_msr KERNEL_GS_BASE, "OFFSET gs_words+8"
    mov rax, gs:[0]
    check "GS base", rax, 0x1111
    swapgs
    mov rax, gs:[0]
    check "after SWAPGS", rax, 0x2222
    msr_is "GS base MSR", GS_BASE, "OFFSET gs_words+8"
    msr_is "kernel GS base MSR", KERNEL_GS_BASE, "OFFSET gs_words"
    swapgs
    ring3_faults "SWAPGS in ring 3", V_GP, 0, swapgs
    arm compat_swap
    iretq_to UCODE32, "OFFSET compat_swapgs", 2, UDATA, "OFFSET user_stack_top"
compat_swap:
    fault_was "SWAPGS in compatibility mode", V_UD, NOCODE, compat_swapgs
    mov ecx, FS_BASE
    mov eax, 0x9ABCDEF0
    mov edx, 0x00001234
    wrmsr
    msr_is "FS base of 64 bits", FS_BASE, [fs_value]
    mov eax, KDATA
    mov fs, eax
    msr_is "loading FS puts the descriptor's base", FS_BASE, [zero]

    println "stacks of interrupts"
    gate64 0x30, note_frame, 0xEE
    gate64 0x31, note_frame, 0x8E, 1
    mov rbx, rsp
    mov esp, OFFSET odd_stack_top - 3
    int 0x30
    mov rsp, rbx
    check "within ring 0 the stack is aligned first", [seen_rsp], "OFFSET odd_stack_top-16-40"
    check "saved RSP is as it was", [seen_frame+24], "OFFSET odd_stack_top-3"
    check "saved SS", [seen_frame+32], KDATA
    check "saved CS", [seen_frame+8], KCODE64
    int 0x31
    check "IST 1", [seen_rsp], "OFFSET ist_stack_top-40"
    check "SS stays within ring 0", [seen_ss], KDATA
    ring3_passes "INT from ring 3", int 0x30
    check "ring 0 stack", [seen_rsp], "OFFSET trap64_stack_top-40"
    check "SS is null", [seen_ss], 0
    check "saved SS", [seen_frame+32], UDATA
    check "saved CS", [seen_frame+8], UCODE64
    check "saved RSP", [seen_frame+24], "OFFSET user_stack_top"

    println "call gates"
    # A 64-bit gate takes two entries.
    mov eax, OFFSET called_far
    mov [gdt + SLOT0], ax
    mov word ptr [gdt + SLOT0 + 2], KCODE64
    mov word ptr [gdt + SLOT0 + 4], 0xEC00
    shr eax, 16
    mov [gdt + SLOT0 + 6], ax
    mov qword ptr [gdt + SLOT0 + 8], 0
    ring3_passes "from ring 3", call fword ptr [far_pointer]
    check "ring 0 stack", [seen_rsp], "OFFSET trap64_stack_top-32"
    check "SS is null", [seen_ss], 0
    check "saved CS", [seen_frame+8], UCODE64
    check "saved RSP", [seen_frame+16], "OFFSET user_stack_top"
    check "saved SS", [seen_frame+24], UDATA
    mov dword ptr [gdt + SLOT0 + 12], 0x0100
    ring3_faults "upper type field not 0", V_GP, SLOT0, call fword ptr [far_pointer]
    mov dword ptr [gdt + SLOT0 + 12], 0
    mov word ptr [gdt + SLOT0 + 2], KCODE32
    ring3_faults "to 32-bit code", V_GP, KCODE32, call fword ptr [far_pointer]
    finish
.section .data
fs_value:       .quad 0x000012349ABCDEF0
far_pointer:    .long 0
    .word CALL_GATE
