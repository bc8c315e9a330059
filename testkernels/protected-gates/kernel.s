# ELF32: protected mode beyond flat segments: interrupt, trap, call and task gates with changes of privilege, the checks of
# descriptors and selectors, hardware task switches, the I/O permission bitmap.

.include "kernel.inc"
.include "faults32.inc"
.include "segments.inc"

.set CONFORMING,  SLOT0                         # ring 0, conforming, readable code
.set CODE1,       SLOT0 + 0x08 + 1              # ring 1 code
.set DATA1,       SLOT0 + 0x10 + 1              # ring 1 data
.set EXECUTE_ONLY, SLOT0 + 0x18
.set READ_ONLY,   SLOT0 + 0x20
.set ABSENT_CODE, SLOT0 + 0x28
.set CALL0,       SLOT0 + 0x30 + 3              # call gate, DPL 3, to ring 0, two parameters
.set CALL0_CLOSED, SLOT0 + 0x38                 # the same, DPL 0
.set CALL_ABSENT, SLOT0 + 0x40
.set CALL_NULL,   SLOT0 + 0x48
.set CALL_DATA,   SLOT0 + 0x50
.set CALL_TO_ABSENT, SLOT0 + 0x58
.set CALL1,       SLOT0 + 0x60 + 3              # call gate to ring 1
.set CALL16,      SLOT0 + 0x68                  # 16-bit call gate
.set TASK_A,      SLOT0 + 0x70                  # 32-bit task
.set TASK_GATE,   SLOT0 + 0x78
.set TASK_SMALL,  SLOT0 + 0x80
.set LDT,         SLOT0 + 0x88
.set CODE_SMALL,  SLOT0 + 0x98                  # code segment of 4 KiB at main
.set CODE16,      SLOT0 + 0xA0
.set BASE16,      0x100000
.set LDT_DATA,    0x0C                          # entry 1 of the local table
.set BITMAP_LENGTH, 0x90 / 8 + 1                # permission for ports up to 0x8F

.section .data
    .balign 8
local_table:    .quad 0
    .quad 0x00CF92000000FFFF
seen_flags:     .long 0
seen_stack:     .long 0
seen_ss:        .long 0
seen_frame:     .fill 8, 4, 0
seen_parameters: .long 0, 0
seen_error:     .long 0
task_runs:      .long 0
task_flags:     .long 0
task_cr0:       .long 0
task_link:      .long 0
task_eax:       .long 0
real_esp:       .long 0
esp_before:     .long 0

.section .bss
    .balign 16
    .space 1024
ring1_stack_top:
    .space 1024
task_stack_top:
task_a:         .space 104
    .balign 16
wide_tss:       .space 104 + 32

.section .text
code32
.macro set_flags bits
    push \bits
    popf
.endm

# Handlers for gates: record what they see.
on_gate:
    pushf
    pop dword ptr [seen_flags]
    iret
on_gate_from_ring3:
    push ebp
    mov ebp, esp
    push eax
    push ds
    mov eax, KDATA
    mov ds, eax
    pushf
    pop dword ptr [seen_flags]
    mov eax, [ebp + 4]
    mov [seen_frame], eax
    mov eax, [ebp + 8]
    mov [seen_frame + 4], eax
    mov eax, [ebp + 12]
    mov [seen_frame + 8], eax
    mov eax, [ebp + 16]
    mov [seen_frame + 12], eax
    mov eax, [ebp + 20]
    mov [seen_frame + 16], eax
    mov [seen_ss], ss
    lea eax, [ebp + 24]
    mov [seen_stack], eax
    pop ds
    pop eax
    pop ebp
    iret
on_gate16:
    mov [seen_stack], esp
    .byte 0x66, 0xCF                            # IRET with 16-bit operands: IP, CS, FLAGS

# Ring 0 procedure behind a call gate with two parameters.
called0:
    push ebp
    mov ebp, esp
    push eax
    push ds
    mov eax, KDATA
    mov ds, eax
    mov [seen_ss], ss
    mov eax, [ebp + 4]
    mov [seen_frame], eax                       # EIP, CS, parameters, ESP, SS
    mov eax, [ebp + 8]
    mov [seen_frame + 4], eax
    mov eax, [ebp + 12]
    mov [seen_parameters], eax
    mov eax, [ebp + 16]
    mov [seen_parameters + 4], eax
    mov eax, [ebp + 20]
    mov [seen_frame + 8], eax
    mov eax, [ebp + 24]
    mov [seen_frame + 12], eax
    pop ds
    pop eax
    pop ebp
    retf 8
# Procedure for calls without change of privilege.
called_same:
    mov ecx, cs
    retf
called_ring1:
    mov ecx, cs
    retf
called16:
    mov [seen_stack], esp
    .byte 0x66, 0xCB                            # RETF with 16-bit operands

# A task: records how it was entered, then returns to its caller; entered again, it continues behind the IRET.
task_entry:
    pushf
    pop dword ptr [task_flags]
    mov [task_eax], eax
    mov eax, cr0
    mov [task_cr0], eax
    movzx eax, word ptr [task_a]
    mov [task_link], eax
    add dword ptr [task_runs], 1
    iret
task_resumes:
    add dword ptr [task_runs], 16
    jmp TSS:0

# Entered through a task gate in the interrupt table, with an error code.
task_fault_entry:
    pop dword ptr [seen_error]
    mov ecx, [tss32 + 32]                       # EIP of the interrupted task
    add dword ptr [tss32 + 32], 2               # step over its two bytes
    iret
    jmp task_fault_entry

# Fills TASK_A to start at ENTRY.
.macro fill_task32 entry
    push edi
    mov edi, OFFSET task_a
    mov ecx, 26
    xor eax, eax
    rep stosd
    pop edi
    mov dword ptr [task_a + 32], OFFSET \entry
    mov dword ptr [task_a + 36], 2
    mov dword ptr [task_a + 40], 0xA0A0A0A0     # EAX
    mov dword ptr [task_a + 56], OFFSET task_stack_top
    mov dword ptr [task_a + 72], KDATA          # ES
    mov dword ptr [task_a + 76], KCODE32
    mov dword ptr [task_a + 80], KDATA
    mov dword ptr [task_a + 84], KDATA
    mov dword ptr [task_a + 88], KDATA
    mov dword ptr [task_a + 92], KDATA
    mov word ptr [task_a + 102], 104
    segment TASK_A, task_a, 103, 0x89
.endm
.macro access_byte selector
    movzx eax, byte ptr [gdt + ((\selector) & 0xFFF8) + 5]
.endm
# Runs an instruction in ring 3 that is expected to come back to the INT3 behind it.
.macro in_ring3 name, instruction:vararg
    ring3_passes "\name", \instruction
.endm

main:
    call faults32_init
    segment CONFORMING, 0, 0xFFFFF, 0x9E, 0xC0
    segment CODE1, 0, 0xFFFFF, 0xBA, 0xC0
    segment DATA1, 0, 0xFFFFF, 0xB2, 0xC0
    segment EXECUTE_ONLY, 0, 0xFFFFF, 0x98, 0xC0
    segment READ_ONLY, 0, 0xFFFFF, 0x90, 0xC0
    segment ABSENT_CODE, 0, 0xFFFFF, 0x1A, 0xC0
    segment LDT, local_table, 15, 0x82
    gate CALL0, KCODE32, called0, 0xEC, 2
    gate CALL0_CLOSED, KCODE32, called_same, 0x8C
    gate CALL_ABSENT, KCODE32, called_same, 0x6C
    gate CALL_NULL, 0, called_same, 0xEC
    gate CALL_DATA, KDATA, called_same, 0xEC
    gate CALL_TO_ABSENT, ABSENT_CODE, called_same, 0xEC
    gate CALL1, CODE1, called_ring1, 0xEC
    gate32 0x30, on_gate, 0x8E
    gate32 0x31, on_gate, 0x8F
    gate32 0x32, on_gate_from_ring3, 0xEE
    gate32 0x34, called_same, 0x8E, CODE1

    println "interrupt and trap gates"
    set_flags 0x202
    int 0x30
    set_flags 2
    mov eax, [seen_flags]
    and eax, 0x300
    check "interrupt gate clears IF", eax, 0
    set_flags 0x202
    int 0x31
    set_flags 2
    mov eax, [seen_flags]
    and eax, 0x300
    check "trap gate keeps IF", eax, 0x200
    set_flags 0x4002
    int 0x31
    pushf
    pop ebx
    set_flags 2
    mov eax, [seen_flags]
    and eax, 0x4000
    check "both clear NT", eax, 0
    and ebx, 0x4000
    check "IRET brings it back", ebx, 0x4000
    .set USER_FLAGS, 0x202
    mov dword ptr [seen_frame + 12], 0
    in_ring3 "INT from ring 3 and back", int 0x32
    .set USER_FLAGS, 2
    check "stack segment of ring 0", [seen_ss], KDATA
    check "stack pointer of ring 0", [seen_stack], "OFFSET trap_stack_top"
    check "saved CS", [seen_frame+4], UCODE32
    check "saved SS", [seen_frame+16], UDATA
    check "saved ESP", [seen_frame+12], "OFFSET user_stack_top"
    mov eax, [seen_frame + 8]
    and eax, 0x200
    check "saved IF", eax, 0x200
    check "INT3 frame: ESP is unchanged", [fault_sp], "OFFSET user_stack_top"
    mov [real_esp], esp
    # A 16-bit gate has and saves 16 bits of IP: this kernel lies above 64 KiB, so use a code segment with a base.
    segment CODE16, BASE16, 0xFFFF, 0x9A, 0x40
    gate32 0x33, on_gate16-BASE16, 0x86, CODE16
    jmp CODE16:in_based_segment - BASE16
in_based_segment:
    int 0x33
    jmp KCODE32:back_from_based
back_from_based:
    mov eax, [real_esp]
    sub eax, [seen_stack]
    check "16-bit gate pushes six bytes", eax, 6
    faults "INT to less privileged code", V_GP, CODE1-1, int 0x34

    println "data segment checks"
    mov eax, EXECUTE_ONLY
    faults "DS, execute-only code", V_GP, EXECUTE_ONLY, mov ds, eax
    mov eax, KCODE32
    passes "ES, readable code", mov es, eax
    mov eax, KDATA
    mov es, eax
    mov eax, READ_ONLY
    faults "SS, read-only data", V_GP, READ_ONLY, mov ss, eax
    mov eax, KDATA + 3
    faults "SS, RPL is not CPL", V_GP, KDATA, mov ss, eax
    passes "ES, RPL 3 of ring 3 data at ring 0", push UDATA
    pop es
    mov eax, KDATA
    mov es, eax
    mov eax, KDATA
    ring3_faults "ring 3: DS of ring 0", V_GP, KDATA, mov ds, eax
    mov eax, TSS
    faults "DS, system segment", V_GP, TSS, mov ds, eax
    mov eax, LDT_DATA
    faults "LDT selector without LDT", V_GP, LDT_DATA, mov gs, eax
    mov eax, LDT
    lldt ax
    mov eax, LDT_DATA
    passes "LDT selector", mov gs, eax
    mov ebx, gs
    check "GS", ebx, LDT_DATA
    mov eax, 0x14
    faults "beyond the LDT", V_GP, 0x14, mov gs, eax
    xor eax, eax
    mov gs, eax
    access_byte READ_ONLY
    check "accessed bit before", eax, 0x90
    mov eax, READ_ONLY
    mov gs, eax
    access_byte READ_ONLY
    check "accessed bit after a load", eax, 0x91
    xor eax, eax
    mov gs, eax

    println "LAR, LSL, VERR, VERW, ARPL"
    mov ecx, KDATA
    lar eax, ecx
    check_true "LAR of data", z
    and eax, 0xF0FF00
    check "its rights", eax, 0xC09300
    lsl eax, ecx
    check_true "LSL of data", z
    check "its limit", eax, 0xFFFFFFFF
    mov ecx, TSS
    lsl eax, ecx
    check "LSL of the TSS", eax, 103
    mov ecx, CALL0
    lar eax, ecx
    check_true "LAR of a call gate", z
    lsl eax, ecx
    check_true "LSL of a call gate fails", nz
    mov ecx, 0xFFF8
    lar eax, ecx
    check_true "LAR beyond the table fails", nz
    xor ecx, ecx
    lar eax, ecx
    check_true "LAR of null fails", nz
    mov ecx, KDATA + 3
    lar eax, ecx
    check_true "LAR with RPL above DPL fails", nz
    mov ecx, CONFORMING + 3
    lar eax, ecx
    check_true "LAR of conforming code never does", z
    mov eax, KDATA
    verr ax
    check_true "VERR of data", z
    verw ax
    check_true "VERW of data", z
    mov eax, READ_ONLY
    verw ax
    check_true "VERW of read-only data fails", nz
    mov eax, EXECUTE_ONLY
    verr ax
    check_true "VERR of execute-only code fails", nz
    mov eax, KCODE32
    verr ax
    check_true "VERR of readable code", z
    verw ax
    check_true "VERW of code fails", nz
    mov eax, 0x10
    mov ecx, 0x0B
    arpl ax, cx
    check_true "ARPL raises", z
    check "RPL", eax, 0x13
    arpl ax, cx
    check_true "ARPL leaves", nz

    println "far calls and jumps"
    mov ecx, 0
    call CONFORMING:called_same
    check "CALL conforming at ring 0", ecx, CONFORMING
    in_ring3 "CALL conforming from ring 3", call CONFORMING:called_same
    check "it runs at ring 3", [fault_cx], CONFORMING+3
    ring3_faults "CALL non-conforming ring 0 from ring 3", V_GP, KCODE32, call KCODE32:called_same
    faults "JMP to ring 3 code at ring 0", V_GP, UCODE32-3, jmp UCODE32:called_same
    faults "JMP, RPL above CPL", V_GP, KCODE32, ljmp KCODE32+3, OFFSET called_same
    faults "CALL an absent segment", V_NP, ABSENT_CODE, call ABSENT_CODE:0
    segment CODE_SMALL, main, 0xFFF, 0x9A, 0x40
    faults "JMP beyond the limit", V_GP, 0, jmp CODE_SMALL:0x1000
    faults "CALL beyond the limit", V_GP, 0, call CODE_SMALL:0x2000
    mov [esp_before], esp
    push 0
    push CODE_SMALL
    push 0x1000
    faults "RETF beyond the limit", V_GP, 0, retf
    mov esp, [esp_before]
    push KCODE32 + 1
    push OFFSET called_same
    .byte 0xEB, 0                               # a jump to the next instruction
    push UDATA
    add esp, 12
    push UDATA
    push OFFSET user_stack_top
    push UCODE32
    push OFFSET retf_target
    arm retf_done
    retf
retf_target:
    mov ecx, ds
    int3
retf_done:
    fault_was "RETF to ring 3", V_BP, NOCODE, retf_done
    check "it left ring 3 without ring 0 data", [fault_cx], 0
    mov esp, [esp_before]

    println "call gates"
    arm call_gate_done
    push UDATA
    pop ds
    push UDATA
    push OFFSET user_stack_top
    push 2
    push UCODE32
    push OFFSET call_gate_user
    iret
call_gate_user:
    push 0x2222
    push 0x1111
    call CALL0:0x12345678                       # the offset is not looked at
call_gate_returned:
    mov ecx, esp
    int3
call_gate_done:
    fault_was "CALL through a gate from ring 3", V_BP, NOCODE, call_gate_done
    check "first parameter", [seen_parameters], 0x1111
    check "second parameter", [seen_parameters+4], 0x2222
    check "saved EIP", [seen_frame], "OFFSET call_gate_returned"
    check "saved CS", [seen_frame+4], UCODE32
    check "saved ESP: at the parameters", [seen_frame+8], "OFFSET user_stack_top-8"
    check "saved SS", [seen_frame+12], UDATA
    check "stack segment of ring 0", [seen_ss], KDATA
    check "RETF 8 took the parameters off", [fault_cx], "OFFSET user_stack_top"
    ring3_faults "gate of ring 0 from ring 3", V_GP, CALL0_CLOSED, call CALL0_CLOSED:0
    faults "absent gate", V_NP, CALL_ABSENT, call CALL_ABSENT:0
    faults "gate to null", V_GP, 0, call CALL_NULL:0
    faults "gate to data", V_GP, KDATA, call CALL_DATA:0
    faults "gate to an absent segment", V_NP, ABSENT_CODE, call CALL_TO_ABSENT:0
    ring3_faults "JMP through a gate to more privilege", V_GP, KCODE32, jmp CALL0:0
    xor ecx, ecx
    call CALL0_CLOSED:0
    check "gate within ring 0", ecx, KCODE32
    # Ring 1: its stack comes from the TSS; a bad one is #TS, which ring 0 can still take.
    mov dword ptr [tss32 + 12], OFFSET ring1_stack_top
    mov dword ptr [tss32 + 16], DATA1
    in_ring3 "gate to ring 1", call CALL1:0
    check "it runs at ring 1", [fault_cx], CODE1
    mov dword ptr [tss32 + 16], KDATA
    ring3_faults "ring 1 stack of another ring", V_TS, KDATA, call CALL1:0
    mov dword ptr [tss32 + 16], 0
    ring3_faults "ring 1 stack null", V_TS, 0, call CALL1:0
    mov dword ptr [tss32 + 16], DATA1
    and byte ptr [gdt + DATA1 - 1 + 5], 0x7F
    ring3_faults "ring 1 stack absent", V_SS, DATA1-1, call CALL1:0
    or byte ptr [gdt + DATA1 - 1 + 5], 0x80
    mov [real_esp], esp
    gate CALL16, CODE16, called16-BASE16, 0x84
    jmp CODE16:in_based_segment2 - BASE16
in_based_segment2:
    .byte 0x66, 0x9A                            # CALL ptr16:16
    .word 0, CALL16
    jmp KCODE32:back_from_based2
back_from_based2:
    mov eax, [real_esp]
    sub eax, [seen_stack]
    check "16-bit gate pushes four bytes", eax, 4

    println "task switches"
    clts
    fill_task32 task_entry
    mov eax, 0x11111111
    call TASK_A:0
    check "CALL to a task and IRET back", [task_runs], 1
    check "its EAX came from its TSS", [task_eax], 0xA0A0A0A0
    mov ebx, [task_flags]
    and ebx, 0x4000
    check "NT was set", ebx, 0x4000
    check "the link named us", [task_link], TSS
    mov ebx, [task_cr0]
    and ebx, 8
    check "CR0.TS was set", ebx, 8
    check "our EAX survived", eax, 0x11111111
    pushf
    pop eax
    and eax, 0x4000
    check "NT is clear again", eax, 0
    str eax
    check "TR", eax, TSS
    access_byte TSS
    check "we are busy", eax, 0x8B
    access_byte TASK_A
    check "the task is not", eax, 0x89
    check "its EIP was saved behind the IRET", [task_a+32], "OFFSET task_resumes"
    jmp TASK_A:0
    check "JMP to it continues there, and JMP comes back", [task_runs], 17
    pushf
    pop eax
    and eax, 0x4000
    check "JMP sets no NT", eax, 0
    access_byte TASK_A
    check "nor leaves the task busy", eax, 0x89
    faults "JMP to ourselves, who are busy", V_GP, TSS, jmp TSS:0
    segment TASK_SMALL, task_a, 102, 0x89
    faults "a TSS too small", V_TS, TASK_SMALL, call TASK_SMALL:0
    segment TASK_SMALL, task_a, 103, 0x09
    faults "a TSS not present", V_NP, TASK_SMALL, call TASK_SMALL:0
    gate TASK_GATE, TASK_A, 0, 0x85
    fill_task32 task_entry
    mov dword ptr [task_runs], 0
    call TASK_GATE:0
    check "CALL through a task gate", [task_runs], 1
    # A fault through a task gate: the error code is on the new task's stack.
    fill_task32 task_fault_entry
    gate32 13, 0, 0x85, TASK_A
    mov eax, 0xFFF8
    mov ds, eax                                 # 2 bytes: #GP(0xfff8)
    gate32 13, "fault_stubs32+13*16"
    check "#GP through a task gate: error code", [seen_error], 0xFFF8
    check "its stack holds nothing more", [task_a+56], "OFFSET task_stack_top"
    # T bit: a debug trap once the new task is in.
    fill_task32 task_entry
    mov byte ptr [task_a + 100], 1
    gate32 1, on_debug_in_task
    mov dword ptr [task_runs], 0
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    call TASK_A:0
    gate32 1, "fault_stubs32+16"
    check "T bit: the trap came before the task's first instruction", [seen_error], "OFFSET task_entry"
    mov eax, dr6
    check "DR6.BT", eax, 0xFFFF8FF0
    mov eax, 0xFFFF0FF0
    mov dr6, eax
    clts

    println "I/O permissions"
    # A TSS with a bitmap that opens ports 0x80 to 0x83 and 0x87.
    mov esi, OFFSET tss32
    mov edi, OFFSET wide_tss
    mov ecx, 26
    rep movsd
    mov ecx, BITMAP_LENGTH
    mov al, 0xFF
    rep stosb
    mov byte ptr [wide_tss + 104 + 16], 0x70
    mov word ptr [wide_tss + 102], 104
    segment TSS, wide_tss, 103+BITMAP_LENGTH, 0x89
    mov eax, TSS
    ltr ax
    in_ring3 "IN from an open port", in al, 0x80
    in_ring3 "OUT to an open port", out 0x83, al
    in_ring3 "four open ports at once", in eax, 0x80
    ring3_faults "a closed port", V_GP, 0, in al, 0x84
    in_ring3 "the last open port", in al, 0x87
    ring3_faults "two ports, the second closed", V_GP, 0, in ax, 0x83
    ring3_faults "four ports, the first open", V_GP, 0, in eax, 0x83
    ring3_faults "two ports, the second beyond the bitmap's byte", V_GP, 0, in ax, 0x87
    ring3_faults "beyond the bitmap", V_GP, 0, in al, 0x98

    println "POPF and privilege"
    .set USER_FLAGS, 2
    arm popf_done
    to_ring3 popf_at_0
popf_at_0:
    push 0x3202
    popf
    int3
popf_done:
    fault_was "ring 3 POPF", V_BP, NOCODE, popf_done
    mov eax, [fault_flags]
    and eax, 0x3200
    check "changes neither IOPL nor IF", eax, 0
    .set USER_FLAGS, 0x3002
    arm popf_done_3
    to_ring3 popf_at_3
popf_at_3:
    push 0x202
    popf
    int3
popf_done_3:
    fault_was "ring 3 POPF with IOPL 3", V_BP, NOCODE, popf_done_3
    mov eax, [fault_flags]
    and eax, 0x3200
    check "changes IF, not IOPL", eax, 0x3200
    finish

on_debug_in_task:
    pop dword ptr [seen_error]
    push dword ptr [seen_error]
    iret
