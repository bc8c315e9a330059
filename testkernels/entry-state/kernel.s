# ELF32: the state at the entry point: what the ABI promises, and what each loader makes of the rest. The command line says
# whose profile to expect: profile=xen, qemu, firecracker, cloud-hypervisor or poison.

.set CUSTOM_ENTRY, 1
.include "kernel.inc"
.include "startinfo.inc"

.section .data
    .balign 4
at_eax:         .long 0
at_ebx:         .long 0
at_ecx:         .long 0
at_edx:         .long 0
at_esi:         .long 0
at_edi:         .long 0
at_ebp:         .long 0
at_esp:         .long 0
at_flags:       .long 0
at_eip:         .long 0
at_cr0:         .long 0
at_cr3:         .long 0
at_cr4:         .long 0
at_dr6:         .long 0
at_dr7:         .long 0
at_efer:        .long 0
at_cs:          .long 0
at_ds:          .long 0
at_es:          .long 0
at_ss:          .long 0
at_fs:          .long 0
at_gs:          .long 0
at_tr:          .long 0
at_ldtr:        .long 0
at_gdtr:        .fill 2, 4, 0
at_idtr:        .fill 2, 4, 0
at_fcw:         .long 0
at_mxcsr:       .long 0
through_cs:     .long 0
through_es:     .long 0
through_ss:     .long 0
a20_low:        .long 0
pattern:        .long 0x600DF00D

.section .text
code32
.globl pvh_entry
pvh_entry:
    mov [at_eax], eax
    mov [at_ebx], ebx
    mov [at_ecx], ecx
    mov [at_edx], edx
    mov [at_esi], esi
    mov [at_edi], edi
    mov [at_ebp], ebp
    mov [at_esp], esp
    mov [start_info], ebx
    mov esp, OFFSET stack_top
    pushf
    pop dword ptr [at_flags]
    push 2
    popf
    call here                                   # the base of CS, seen by the address that CALL pushes
here:
    pop dword ptr [at_eip]
    mov eax, cr0
    mov [at_cr0], eax
    mov eax, cr3
    mov [at_cr3], eax
    mov eax, cr4
    mov [at_cr4], eax
    mov eax, dr6
    mov [at_dr6], eax
    mov eax, dr7
    mov [at_dr7], eax
    mov [at_cs], cs
    mov [at_ds], ds
    mov [at_es], es
    mov [at_ss], ss
    mov [at_fs], fs
    mov [at_gs], gs
    str [at_tr]
    sldt [at_ldtr]
    sgdt [at_gdtr]
    sidt [at_idtr]
    fnstcw [at_fcw]
    mov ecx, 0xC0000080
    rdmsr
    mov [at_efer], eax
    # Bases and limits of the caches, before the first segment load. A wrong one ends in a triple fault here.
    mov eax, cs:[pattern]
    mov [through_cs], eax
    mov eax, es:[pattern]
    mov es:[through_es], eax
    mov eax, ss:[pattern]
    mov ss:[through_ss], eax
    mov ebx, 0xFFFFFFFF
    mov al, ds:[ebx]
    mov al, es:[ebx]
    mov al, ss:[ebx]
    mov al, cs:[ebx]
    mov ebx, 0x9000                             # A20: 0x9000 and 0x109000 are different places
    mov ecx, [ebx]
    mov edx, [ebx + 0x100000]
    mov dword ptr [ebx], 1
    mov dword ptr [ebx + 0x100000], 2
    mov eax, [ebx]
    mov [ebx], ecx
    mov [ebx + 0x100000], edx
    mov [a20_low], eax
    # Now tables of our own.
    lgdt [gdt_pointer]
    jmp KCODE32:own_segments
own_segments:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov eax, cr4
    or eax, 0x200
    mov cr4, eax
    stmxcsr [at_mxcsr]
    call console_init

    println "what the ABI promises"
    mov ebx, [at_ebx]
    check "EBX points to the magic number", [ebx], 0x336EC578
    check "EIP, so CS has base 0", [at_eip], "OFFSET here"
    mov eax, [at_cr0]
    and eax, ~0x10
    check "CR0: PE alone, but for ET", eax, 1
    check "CR4", [at_cr4], 0
    check "EFER", [at_efer], 0
    mov eax, [at_flags]
    and eax, 0x20300
    check "EFLAGS: VM, IF and TF are clear", eax, 0
    check "CS can be read, base 0", [through_cs], 0x600DF00D
    check "ES can be written, base 0", [through_es], 0x600DF00D
    check "SS can be written, base 0", [through_ss], 0x600DF00D
    println "ok   limits of 4 GiB"                # reaching this line is the proof
    check "A20 is on", [a20_low], 1
    mov eax, [at_dr7]
    and eax, 0xFF
    check "no breakpoint is set", eax, 0

    call find_command_line
    if_option "profile=xen", profile_xen
    if_option "profile=qemu", profile_qemu
    if_option "profile=firecracker", profile_firecracker
    if_option "profile=cloud-hypervisor", profile_cloud
    if_option "profile=poison", profile_poison
    println "FAIL the command line names no profile"
    jmp fail_off

.macro selectors code, data, fs
    check "CS", [at_cs], \code
    check "DS", [at_ds], \data
    check "ES", [at_es], \data
    check "SS", [at_ss], \data
    check "FS", [at_fs], \fs
    check "GS", [at_gs], \fs
    check "LDTR", [at_ldtr], 0
.endm
.macro registers_zero
    check "EAX", [at_eax], 0
    check "ECX", [at_ecx], 0
    check "EDX", [at_edx], 0
    check "ESI", [at_esi], 0
    check "EDI", [at_edi], 0
    check "EBP", [at_ebp], 0
    check "ESP", [at_esp], 0
.endm
.macro reset_values
    check "CR3", [at_cr3], 0
    check "DR6", [at_dr6], 0xFFFF0FF0
    check "DR7", [at_dr7], 0x400
    check "x87 control word", [at_fcw], 0x37F
    check "MXCSR", [at_mxcsr], 0x1F80
.endm
.macro limit_of name, register, want
    movzx eax, word ptr [\register]
    check "\name", eax, \want
.endm
.macro base_of name, register, want
    mov eax, [\register + 2]
    check "\name", eax, \want
.endm

profile_xen:
    println "Xen"
    check "CR0", [at_cr0], 0x11
    check "EFLAGS", [at_flags], 2
    selectors 0, 0, 0
    check "TR", [at_tr], 0
    registers_zero
    limit_of "GDTR limit", at_gdtr, 0
    base_of "GDTR base", at_gdtr, 0
    limit_of "IDTR limit", at_idtr, 0
    base_of "IDTR base", at_idtr, 0
    reset_values
    finish
profile_qemu:
    println "QEMU microvm"
    check "CR0", [at_cr0], 0x11
    mov eax, [at_flags]
    and eax, ~4
    check "EFLAGS, but for PF, a leftover of the firmware", eax, 2
    selectors 8, 0x10, 0x10
    check "EAX: Multiboot's magic number, although this is PVH", [at_eax], 0x2BADB002
    check "ECX: the entry point", [at_ecx], "OFFSET pvh_entry"
    check "ESP: the firmware's stack", [at_esp], 0x7B60
    limit_of "GDTR limit", at_gdtr, 0x27
    base_of "GDTR base: not usable", at_gdtr, 0xFFFFFFC1
    limit_of "IDTR limit", at_idtr, 0xFFFF
    base_of "IDTR base", at_idtr, 0
    reset_values
    finish
profile_firecracker:
    println "Firecracker"
    check "CR0", [at_cr0], 0x11
    jmp with_tables
profile_cloud:
    println "Cloud Hypervisor"
with_tables:
    check "EFLAGS", [at_flags], 2
    selectors 8, 0x10, 0x10
    registers_zero
    limit_of "GDTR limit", at_gdtr, 0x1F
    base_of "GDTR base", at_gdtr, 0x500
    limit_of "IDTR limit", at_idtr, 7
    base_of "IDTR base", at_idtr, 0x520
    mov ebx, 0x500
    check "null descriptor", [ebx], 0
    mov eax, [ebx + 12]
    and eax, 0xFFFFFEFF                         # accessed or not
    check "code descriptor", eax, 0x00CF9A00
    mov eax, [ebx + 20]
    and eax, 0xFFFFFEFF
    check "data descriptor", eax, 0x00CF9200
    reset_values
    finish
profile_poison:
    println "poison: this kernel relied on nothing"
    finish
