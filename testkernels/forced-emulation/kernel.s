# ELF64: Xen's forced emulation prefix, UD2 and "xen": undefined on a processor; with the option, what follows is executed, and faults
# are its own.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.macro prefix
    .byte 0x0F, 0x0B
    .ascii "xen"
.endm

.set ABSENT, WINDOW + 0x5000

.section .data
    .balign 8
bound:          .long 0, 1
known:          .long 0

.section .text
code32
.globl main
main:
    call faults32_init
    println "32-bit"
    mov ebx, 0
    arm tried
at_trial:
    prefix
    mov ebx, 1
tried:
    mov dword ptr [recover_ip], 0
    mov [known], ebx
    cmp ebx, 0
    jne known32
    fault_was "the prefix is undefined", V_UD, NOCODE, at_trial
    jmp go_long
known32:
    println "the prefix is known"
    mov eax, 5
    prefix
    add eax, 6
    check "an instruction behind it", eax, 11
    mov eax, 7
    arm bound_done
    prefix
at_bound:
    bound eax, [bound]
bound_done:
    fault_was "a fault is reported behind it", V_BR, NOCODE, at_bound
    arm ud2_done
    prefix
at_ud2:
    ud2
ud2_done:
    fault_was "UD2 is what it was", V_UD, NOCODE, at_ud2
go_long:
    enter_long_mode long

code64
long:
    start64
    println "64-bit"
    cmp dword ptr [known], 0
    jne known64
    arm undefined64
at_trial64:
    prefix
    nop
undefined64:
    fault_was "the prefix is undefined", V_UD, NOCODE, at_trial64
    finish
known64:
    mov eax, 5
    prefix
    add rax, 6
    check "an instruction behind it", rax, 11
    arm load_done
    prefix
at_load:
    mov rax, [ABSENT]
load_done:
    fault_was "a fault is reported behind it", V_PF, 0, at_load
    arm step_done
    pushf
    or dword ptr [rsp], 0x100
    popf
    prefix
    nop
step_done:
    fault_was "a single step takes both", V_DB, NOCODE, step_done
    finish
