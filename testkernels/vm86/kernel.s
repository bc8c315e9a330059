# ELF32: virtual-8086 mode without VME: entry by IRETD, segments by shifting, which instructions reach the monitor by IOPL,
# interrupts and exceptions out of it with their frames, the I/O permission bitmap, the way back in.

.include "kernel.inc"
.include "faults32.inc"
.include "segments.inc"

.set LOW, 0x8000
.set SEG, LOW >> 4
.set STACK_SEG, 0x0700
.set VM, 0x20000

.section .data
    .balign 4
seen_frame:     .fill 12, 4, 0                  # EIP CS EFLAGS ESP SS ES DS FS GS at the gate, then DS, ES, FS inside
.section .bss
    .balign 16
wide_tss:       .space 104 + 32

.section .text
code32
# Runs the 16-bit snippet in virtual-8086 mode with FLAGS besides VM; it ends with the exception that comes.
.macro to_vm86 snippet, flags
    push 0x4444                                 # GS
    push 0x3333                                 # FS
    push SEG                                    # DS
    push 0x2222                                 # ES
    push STACK_SEG                              # SS
    push 0x0FFE                                 # ESP
    push VM + 2 + \flags
    push SEG
    push OFFSET \snippet - low_code
    iret
.endm
# v86 NAME, VECTOR, ERROR, SNIPPET, FLAGS: the exception at the snippet's first instruction.
.macro v86 name, vector, error, snippet, flags=0
    arm .Lback\@
    to_vm86 \snippet, \flags
.Lback\@:
    fault_was "\name", \vector, \error, "\snippet-low_code"
.endm
# The snippet runs through to the HLT at its end, which is #GP.
.macro v86_passes name, snippet, end, flags=0
    arm .Lback\@
    to_vm86 \snippet, \flags
.Lback\@:
    fault_was "\name", V_GP, 0, "\end-low_code"
.endm

.macro check16 name, register, want
    movzx eax, word ptr [\register]
    check "\name", eax, \want
.endm

on_int:                                         # INT 0x40 out of virtual-8086 mode
    push eax
    push ds
    push es
    push fs
    mov eax, KDATA
    mov ds, eax
    pop dword ptr [seen_frame + 44]
    pop dword ptr [seen_frame + 40]
    pop dword ptr [seen_frame + 36]
    pop eax
    push esi
    push edi
    push ecx
    mov ecx, KDATA
    mov es, ecx
    lea esi, [esp + 12]
    mov edi, OFFSET seen_frame
    mov ecx, 9
    rep movs dword ptr es:[edi], dword ptr ss:[esi]
    pop ecx
    pop edi
    pop esi
    iret

main:
    call faults32_init
    mov esi, OFFSET low_code
    mov edi, LOW
    mov ecx, OFFSET low_code_end - low_code
    rep movsb
    gate32 0x40, on_int, 0xEE

    println "in and out"
    v86_passes "entry, some instructions, HLT to the monitor", run_some, run_some_end
    check "saved CS", [fault_cs], SEG
    check "saved SS", [fault_ss], STACK_SEG
    check "saved ESP", [fault_sp], 0x0FFE
    mov eax, [fault_flags]
    and eax, VM
    check "VM in the saved flags", eax, VM
    check16 "CX: DS times 16 is its base", fault_cx, 0x5678
    check16 "BX: CS is a segment", fault_bx, SEG
    check16 "DX: ES as given", fault_dx, 0x2222
    check16 "SI: FS as given", fault_si, 0x3333
    check16 "DI: GS as given", fault_di, 0x4444
    check "DS is null in the handler", [fault_ds], 0
    check "ES too", [fault_es], 0
    # The privilege stack: SS, ESP and the four data segments come on top of the usual frame.
    check "handler's frame begins nine doublewords below ESP0", [fault_handler_sp], "OFFSET trap_stack_top-36"
    mov ebx, [fault_handler_sp]
    check "ES on the stack", [ebx+20], 0x2222
    check "DS", [ebx+24], SEG
    check "FS", [ebx+28], 0x3333
    check "GS", [ebx+32], 0x4444

    println "IOPL 0: to the monitor"
    v86 "CLI", V_GP, 0, v_cli
    v86 "STI", V_GP, 0, v_sti
    v86 "PUSHF", V_GP, 0, v_pushf
    v86 "POPF", V_GP, 0, v_popf
    v86 "INT n", V_GP, 0, v_int
    v86 "IRET", V_GP, 0, v_iret
    v86 "HLT", V_GP, 0, v_hlt
    v86 "MOV CR0", V_GP, 0, v_mov_cr0
    v86 "LGDT", V_GP, 0, v_lgdt
    v86 "WBINVD", V_GP, 0, v_wbinvd
    v86 "IN without permission", V_GP, 0, v_in
    v86 "OUT without permission", V_GP, 0, v_out
    v86 "ARPL does not exist", V_UD, NOCODE, v_arpl
    v86 "nor does LLDT", V_UD, NOCODE, v_lldt
    v86 "nor LAR", V_UD, NOCODE, v_lar
    v86 "UD2", V_UD, NOCODE, v_ud2
    v86 "DIV by zero", V_DE, NOCODE, v_div
    arm back_int3
    to_vm86 v_int3, 0
back_int3:
    fault_was "INT3 goes through its gate", V_BP, NOCODE, "v_int3-low_code+1"
    v86_passes "SMSW is open", v_smsw, v_smsw_end

    println "IOPL 3: no monitor"
    v86_passes "CLI, STI, PUSHF, POPF", run_flags, run_flags_end, 0x3000
    check16 "BX: IF after CLI", fault_bx, 0
    check16 "CX: IF after POPF", fault_cx, 0x200
    check16 "DX: IOPL is not changed by POPF", fault_dx, 0x3000
    v86 "HLT still is", V_GP, 0, v_hlt, 0x3000
    v86_passes "INT through a gate of the IDT and back", run_int, run_int_end, 0x3000
    check "saved EIP", [seen_frame], "run_int+2-low_code"
    check "saved CS", [seen_frame+4], SEG
    check "saved SS", [seen_frame+16], STACK_SEG
    check "saved ES", [seen_frame+20], 0x2222
    check "saved GS", [seen_frame+32], 0x4444
    check "DS was null inside", [seen_frame+36], 0
    check "FS was null inside", [seen_frame+44], 0
    v86 "INT to a gate closed to ring 3", V_GP, 0x20*8+2, v_int_closed, 0x3000
    v86 "IN still asks the bitmap", V_GP, 0, v_in, 0x3000

    println "I/O permissions"
    mov esi, OFFSET tss32
    mov edi, OFFSET wide_tss
    mov ecx, 26
    rep movsd
    mov ecx, 32
    mov al, 0xFF
    rep stosb
    mov byte ptr [wide_tss + 104 + 16], 0xFE    # port 0x80 alone
    mov word ptr [wide_tss + 102], 104
    segment TSS, wide_tss, 135, 0x89
    mov eax, TSS
    ltr ax
    v86_passes "IN from the open port", v_in, v_in_end
    v86 "OUT to a closed one", V_GP, 0, v_out_81

    println "single step"
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    arm back_step
    to_vm86 run_some, 0x100
back_step:
    fault_was "TF given to IRETD", V_DB, NOCODE, "run_some_second-low_code"

    println "interrupted and resumed"
    v86_passes "segments and flags survive INT", run_resume, run_resume_end, 0x3000
    check16 "AX", fault_ax, 0x1234
    check16 "DX: ES", fault_dx, 0x2222
    finish

.code16
low_code:
run_some:
    mov cx, [low_data - low_code]
run_some_second:
    mov bx, cs
    mov dx, es
    mov si, fs
    mov di, gs
    push ax
    pop ax
run_some_end:
    hlt
v_cli:      cli
v_sti:      sti
v_pushf:    pushf
v_popf:     popf
v_int:      int 0x40
v_int_closed: int 0x20
v_iret:     iret
v_hlt:      hlt
v_mov_cr0:  mov eax, cr0
v_lgdt:     .byte 0x0F, 0x01, 0x16, 0, 0
v_wbinvd:   wbinvd
v_in:       in al, 0x80
v_in_end:   hlt
v_out:      out 0x80, al
v_out_81:   out 0x81, al
v_arpl:     .byte 0x63, 0xC0
v_lldt:     .byte 0x0F, 0x00, 0xD0
v_lar:      .byte 0x0F, 0x02, 0xC0
v_ud2:      ud2
v_int3:     int3
v_div:      div byte ptr [low_zero - low_code]
v_smsw:     smsw ax
v_smsw_end: hlt
run_flags:
    sti
    cli
    pushf
    pop bx
    and bx, 0x200
    push 0x0202
    popf
    pushf
    pop cx
    mov dx, cx
    and dx, 0x3000
    and cx, 0x200
    cli
run_flags_end:
    hlt
run_int:
    int 0x40
run_int_end:
    hlt
run_resume:
    mov ax, 0x1234
    mov ss:[0x100], ax
    int 0x40
    mov dx, es
    mov ax, ss:[0x100]
run_resume_end:
    hlt
low_zero:       .byte 0
    .balign 4
low_data:       .long 0x12345678
low_code_end:
code32
