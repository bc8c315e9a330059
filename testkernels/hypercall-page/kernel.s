# ELF64: Xen's hypercalls as a way of calling: CPUID leaves, the page and its MSR, both opcodes, 32-bit, compatibility and 64-bit mode, ring 3,
# unknown numbers, pointers through paging. Needs Xen's leaves.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set XEN_VERSION, 17
.set CONSOLE_IO, 18
.set SCHED_OP, 29
.set ENOSYS, -38
.set EPERM, -1
.set EFAULT, -14

.section .data
    .balign 8
version:        .quad 0
msr_index:      .quad 0
greeting:       .ascii "written by console_io in 64-bit mode\n"
greeting_end:
result:         .quad 0
.section .bss
    .balign 4096
page:           .space 4096
page64:         .space 4096
buffer:         .space 4096

.section .text
code32
.macro write_page_msr where
    mov ecx, [msr_index]
    mov eax, OFFSET \where
    xor edx, edx
.endm
# The opcode of this vendor, and of the other one.
.macro own_call
    cmp dword ptr [uses_vmmcall], 0
    jne .Lamd\@
    vmcall
    jmp .Lcalled\@
.Lamd\@:
    vmmcall
.Lcalled\@:
.endm

main:
    call faults32_init
    cmp dword ptr [xen_base], 0
    jne on_xen
    println "FAIL no leaf from 0x40000000 on says XenVMMXenVMM"
    jmp fail_off
on_xen:
    println "CPUID"
    mov eax, 1
    cpuid
    bt ecx, 31
    check_true "a hypervisor is present", c
    check "first leaf", [xen_base], 0x40000000
    mov eax, [xen_base]
    cpuid
    sub eax, [xen_base]
    cmp eax, 2
    check_true "at least two more leaves", ae
    mov eax, [xen_base]
    add eax, 1
    cpuid
    mov [version], eax
    shr eax, 16
    check "major version", eax, 4
    mov eax, [xen_base]
    add eax, 2
    cpuid
    mov [msr_index], ebx
    check "pages of hypercalls", eax, 1
    check "the page's MSR", ebx, 0x40000000

    println "the page"
    write_page_msr page
    passes "WRMSR fills it", wrmsr
    movzx eax, byte ptr [page]
    check "MOV EAX, imm32", eax, 0xB8
    check "the number", [page+17*32+1], 17
    movzx eax, word ptr [page + 17 * 32 + 5]
    check "VMCALL or VMMCALL begins", eax, 0x010F
    movzx eax, byte ptr [page + 17 * 32 + 7]
    mov ecx, 0xC1
    cmp dword ptr [uses_vmmcall], 0
    je 1f
    mov ecx, 0xD9
1:  cmp eax, ecx
    check_true "and ends as the vendor has it", e
    movzx eax, byte ptr [page + 17 * 32 + 8]
    check "RET", eax, 0xC3
    movzx eax, word ptr [page + 23 * 32]
    check "number 23, iret, is UD2", eax, 0x0B0F
    movzx eax, byte ptr [page + 127 * 32]
    check "the last of 128", eax, 0xB8
    write_page_msr page+8
    faults "an address within a page", V_GP, 0, wrmsr
    mov ecx, [msr_index]
    mov eax, 0xDFFFF000
    xor edx, edx
    faults "an address without memory", V_GP, 0, wrmsr
    mov ecx, [msr_index]
    rdmsr
    or eax, edx
    check "RDMSR answers 0", eax, 0

    println "protected mode"
    xor ebx, ebx
    xor ecx, ecx
    mov eax, OFFSET page + XEN_VERSION * 32
    call eax
    cmp eax, [version]
    check_true "xen_version through the page", e
    mov eax, XEN_VERSION
    mov ebx, 0
    mov ecx, 0x11111111
    mov edx, 0x22222222
    mov esi, 0x33333333
    mov edi, 0x44444444
    mov ebp, 0x55555555
    own_call
    cmp eax, [version]
    check_true "by the vendor's instruction", e
    check "ECX stays", ecx, 0x11111111
    check "EDX stays", edx, 0x22222222
    check "ESI stays", esi, 0x33333333
    check "EDI stays", edi, 0x44444444
    check "EBP stays", ebp, 0x55555555
    cmp dword ptr [uses_vmmcall], 0
    jne amd_vendor
    faults "the other vendor's instruction", V_UD, NOCODE, vmmcall
    jmp vendors_done
amd_vendor:
    faults "the other vendor's instruction", V_UD, NOCODE, vmcall
vendors_done:
    mov eax, 63
    own_call
    check "an unknown number", eax, ENOSYS
    mov eax, 0x10000
    own_call
    check "a large one", eax, ENOSYS
    mov eax, XEN_VERSION
    mov ebx, 99
    own_call
    check "an unknown operation", eax, ENOSYS
    mov eax, XEN_VERSION
    mov ebx, 7                                  # page size, which has no argument
    xor ecx, ecx
    own_call
    check "page size", eax, 4096
    mov eax, XEN_VERSION
    mov ebx, 1                                  # extra version, char[16]
    mov ecx, OFFSET buffer
    own_call
    check "extra version", eax, 0
    mov al, [buffer]
    cmp al, '.'
    check_true "begins with a dot", e
    arm ring3_called
    to_ring3 ring3_calls
ring3_calls:
    mov eax, XEN_VERSION
    xor ebx, ebx
    own_call
    int3
ring3_called:
    fault_was "from ring 3 no fault", V_BP, NOCODE, ring3_called
    mov eax, [fault_ax]
    check "but a refusal", eax, EPERM
    enter_long_mode mode64

compat:
    mov eax, XEN_VERSION
    xor ebx, ebx                                # the 32-bit registers count here, whatever RDI holds
    own_call
    mov [result], eax
    push KCODE64
    push OFFSET from_compat
    retf

code64
mode64:
    start64
    println "64-bit mode"
    write_page_msr page64
    passes "another page", wrmsr
    xor edi, edi
    mov ebx, 99                                 # RBX is no argument here
    mov eax, OFFSET page64 + XEN_VERSION * 32
    call rax
    cmp eax, [version]
    check_true "xen_version through the page", e
    mov edi, 7
    xor esi, esi
    mov eax, XEN_VERSION
    mov r10, 0x1010101010101010
    mov r8, 0x0808080808080808
    mov r9, 0x0909090909090909
    mov r11, 0x1111111111111111
    own_call
    check "page size by the vendor's instruction", rax, 4096
    mov rdx, 0x1111111111111111
    check "R11 stays", r11, rdx
    mov rdx, 0x1010101010101010
    check "R10 stays", r10, rdx
    check "RDI stays", rdi, 7
    mov eax, 63
    own_call
    check "an unknown number, in 64 bits", rax, ENOSYS
    cmp dword ptr [uses_vmmcall], 0
    jne amd_vendor64
    faults "the other vendor's instruction", V_UD, NOCODE, vmmcall
    jmp vendors_done64
amd_vendor64:
    faults "the other vendor's instruction", V_UD, NOCODE, vmcall
vendors_done64:
    # Pointers are virtual addresses.
    mov eax, OFFSET buffer + 3
    mov [window_table], rax
    mov qword ptr [buffer], 0
    mov eax, XEN_VERSION
    mov edi, 1
    mov esi, WINDOW
    own_call
    check "a pointer through the page tables", rax, 0
    mov al, [buffer]
    cmp al, '.'
    check_true "arrives in its frame", e
    mov eax, XEN_VERSION
    mov edi, 1
    mov esi, WINDOW + 0x1000
    own_call
    check "a pointer to an absent page", rax, EFAULT
    mov eax, XEN_VERSION
    mov edi, 1
    mov esi, WINDOW + 0xFFC
    own_call
    check "across into one", rax, EFAULT
    mov eax, CONSOLE_IO
    xor edi, edi
    mov esi, OFFSET greeting_end - greeting
    mov edx, OFFSET greeting
    own_call
    check "console_io answers 0", rax, 0
    push UDATA
    push OFFSET user_stack_top
    push 2
    push UCODE64
    push OFFSET ring3_calls64
    arm ring3_called64
    iretq
ring3_calls64:
    mov eax, XEN_VERSION
    xor edi, edi
    own_call
    int3
ring3_called64:
    fault_was "from ring 3 no fault", V_BP, NOCODE, ring3_called64
    mov rax, [fault_ax]
    check "but a refusal", rax, EPERM
    println "compatibility mode"
    mov edi, 7
    push KCODE32
    push OFFSET compat
    rex.w retf
from_compat:
    mov eax, [result]
    cmp eax, [version]
    check_true "arguments by the 32-bit rule", e
    finish
