# ELF64: the tour. Narrates what a PVH kernel finds at its entry and how it gets from there to 64-bit mode, to
# ring 3 and to the hypervisor. Every statement it makes is observed, and checked where the manuals decide it.

.set CUSTOM_ENTRY, 1
.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"

.set TIMER_VECTOR, 0x30
.set SYSCALL_INT, 0x3F

.section .data
    .balign 8
entry_eax:      .quad 0
entry_ebx:      .quad 0
entry_ecx:      .quad 0
entry_edx:      .quad 0
entry_esi:      .quad 0
entry_edi:      .quad 0
entry_ebp:      .quad 0
entry_esp:      .quad 0
entry_eflags:   .quad 0
entry_cr0:      .quad 0
entry_cr3:      .quad 0
entry_cr4:      .quad 0
entry_cs:       .quad 0
entry_ds:       .quad 0
entry_es:       .quad 0
entry_ss:       .quad 0
entry_tr:       .quad 0
start_magic:    .quad 0
start_version:  .quad 0
start_flags:    .quad 0
module_count:   .quad 0
module_list:    .quad 0
command_line:   .quad 0
rsdp:           .quad 0
map_address:    .quad 0
map_entries:    .quad 0
map_ram:        .quad 0                         # bytes of type 1
handled:        .quad 0                         # what the last handler saw
handled_error:  .quad 0
handled_cs:     .quad 0
ticks:          .quad 0
vendor:         .fill 16, 1, 0
brand:          .fill 52, 1, 0
    .balign 64
message:        .asciz "this sentence was read through the new page tables"

.section .bss
    .balign 4096
experiment_page: .space 4096
hypercall_page: .space 4096

.section .text
code32
.globl pvh_entry
pvh_entry:
    mov [entry_eax], eax
    mov [entry_ebx], ebx
    mov [entry_ecx], ecx
    mov [entry_edx], edx
    mov [entry_esi], esi
    mov [entry_edi], edi
    mov [entry_ebp], ebp
    mov [entry_esp], esp
    mov [start_info], ebx
    mov esp, OFFSET stack_top                   # a stack of our own, before anything is pushed
    pushf
    pop dword ptr [entry_eflags]
    push 2
    popf
    mov eax, cr0
    mov [entry_cr0], eax
    mov eax, cr3
    mov [entry_cr3], eax
    mov eax, cr4
    mov [entry_cr4], eax
    mov [entry_cs], cs
    mov [entry_ds], ds
    mov [entry_es], es
    mov [entry_ss], ss
    str [entry_tr]
    lgdt [gdt_pointer]
    jmp KCODE32:new_code_segment
new_code_segment:
    mov eax, KDATA
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    call console_init

# --- 1. entry ------------------------------------------------------------------------------------------------
    println "PVH tour: what a kernel sees when it is started without firmware"
    println ""
    println "1. The first instruction"
    print   "   The loader read the Xen note 18 (PHYS32_ENTRY) in this file and started at "
    print_hex "OFFSET pvh_entry"
    println "."
    print   "   CR0 = "
    print_hex [entry_cr0]
    println ": protected mode (bit 0) is on, paging (bit 31) is off."
    mov eax, [entry_cr0]
    and eax, 0x80000001
    mov ebx, 1
    call must_equal
    print   "   CR4 = "
    print_hex [entry_cr4]
    print   ", EFLAGS = "
    print_hex [entry_eflags]
    println ": no extension is enabled, interrupts are off."
    mov eax, [entry_cr4]
    xor ebx, ebx
    call must_equal
    mov eax, [entry_eflags]
    and eax, 0x20300                            # VM, IF, TF
    call must_equal
    print   "   CS = "
    print_hex [entry_cs]
    print   ", DS = "
    print_hex [entry_ds]
    print   ", ES = "
    print_hex [entry_es]
    print   ", SS = "
    print_hex [entry_ss]
    print   ", TR = "
    print_hex [entry_tr]
    println ": selectors of a table that is not ours."
    println "   What they hide is flat: base 0, limit 4 GiB. This code runs from such a segment."
    print   "   EAX = "
    print_hex [entry_eax]
    print   ", ECX = "
    print_hex [entry_ecx]
    print   ", EDX = "
    print_hex [entry_edx]
    print   ", ESI = "
    print_hex [entry_esi]
    print   ", EDI = "
    print_hex [entry_edi]
    print   ", EBP = "
    print_hex [entry_ebp]
    print   ", ESP = "
    print_hex [entry_esp]
    println ":"
    println "   the ABI promises nothing about these. It gives us no stack either: we set ESP to our own."
    print   "   EBX = "
    print_hex [entry_ebx]
    println ": the one register with a meaning. There lies hvm_start_info."
    println ""

# --- 2. start_info -------------------------------------------------------------------------------------------
    println "2. What the loader left us: hvm_start_info"
    call read_start_info
    print   "   magic "
    print_hex [start_magic]
    mov eax, [start_magic]
    mov ebx, 0x336EC578
    cmp eax, ebx
    jne 1f
    println " (the letters x E n 3, the E with its top bit set): we are a PVH guest."
1:  call must_equal
    print   "   version "
    print_decimal [start_version]
    print   ", flags "
    print_hex [start_flags]
    println ""
    cmp dword ptr [command_line], 0
    je 1f
    print   "   command line: '"
    mov esi, [command_line]
    call puts
    println "'"
    jmp 2f
1:  println "   command line: none"
2:  print   "   modules: "
    print_decimal [module_count]
    println ""
    mov ecx, [module_count]
    mov edi, [module_list]
3:  test ecx, ecx
    jz 4f
    print   "      "
    print_decimal "[edi + 8]"
    print   " bytes at "
    mov esi, edi
    call put_hex_at
    cmp dword ptr [edi + 16], 0
    je 5f
    print   ", with the text '"
    mov esi, [edi + 16]
    call puts
    print   "'"
5:  println ""
    add edi, 32
    sub ecx, 1
    jmp 3b
4:  cmp dword ptr [rsdp], 0
    je 1f
    print   "   ACPI tables: root pointer at "
    print_hex [rsdp]
    println ""
    jmp 2f
1:  println "   ACPI tables: none named"
2:  cmp dword ptr [map_entries], 0
    jne 1f
    println "   memory map: none (version 0 has no room for one; on Xen a hypercall tells)"
    jmp 2f
1:  call print_map
2:  println ""

# --- 3. processor --------------------------------------------------------------------------------------------
    println "3. The processor"
    xor eax, eax
    cpuid
    mov [vendor], ebx
    mov [vendor + 4], edx
    mov [vendor + 8], ecx
    print   "   CPUID calls it "
    mov esi, OFFSET vendor
    call puts
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000004
    jb 2f
    mov edi, OFFSET brand
    mov esi, 0x80000002
1:  mov eax, esi
    cpuid
    mov [edi], eax
    mov [edi + 4], ebx
    mov [edi + 8], ecx
    mov [edi + 12], edx
    add edi, 16
    add esi, 1
    cmp esi, 0x80000005
    jne 1b
    print   ", '"
    mov esi, OFFSET brand
0:  cmp byte ptr [esi], ' '
    jne 1f
    add esi, 1
    jmp 0b
1:  call puts
    print   "'"
2:  println "."
    print   "   It can do:"
    mov eax, 1
    cpuid
    mov esi, OFFSET features_edx
    mov eax, edx
    call print_features
    mov esi, OFFSET features_ecx
    mov eax, ecx
    call print_features
    mov eax, 0x80000001
    cpuid
    mov esi, OFFSET features_ext
    mov eax, edx
    call print_features
    println ""
    test edx, 1 << 29
    jnz 1f
    println "   No 64-bit mode: the tour ends here."
    finish
1:  println ""

# --- 4. segments and exceptions ------------------------------------------------------------------------------
    println "4. Tables of our own"
    print   "   LGDT: descriptor table at "
    print_hex "OFFSET gdt"
    print   "; a far jump loaded CS = "
    mov eax, cs
    print_hex eax
    print   ", moves loaded DS = ES = SS = "
    mov eax, ds
    print_hex eax
    println "."
    call faults32_init
    gate32 3, on_breakpoint32
    gate32 6, on_undefined32
    gate32 0, on_divide32
    str eax
    print   "   LIDT: interrupt table at "
    print_hex "OFFSET idt32"
    print   ". LTR: task state segment "
    print_hex eax
    print   " at "
    print_hex "OFFSET tss32"
    print   ", its descriptor is now busy (type "
    movzx ebx, byte ptr [gdt + TSS + 5]
    and ebx, 15
    print_hex ebx
    println ")."
    mov eax, 11
    call must_equal
    println "   Now three exceptions, each to our handler and back with IRET:"
    int3
after_int3:
    mov eax, [handled]
    mov ebx, OFFSET after_int3
    print   "      INT3: #BP reports the address behind it, "
    print_hex eax
    println " (a trap)."
    call must_equal
at_ud2:
    ud2
    mov eax, [handled]
    mov ebx, OFFSET at_ud2
    print   "      UD2: #UD reports its own address, "
    print_hex eax
    println " (a fault); the handler stepped over it."
    call must_equal
    mov eax, 100
    xor edx, edx
    xor ecx, ecx
    div ecx                                     # the handler sets ECX to 7 and lets DIV run again
    print   "      DIV by 0: #DE; the handler put 7 into ECX and DIV ran again: 100 / 7 = "
    print_decimal eax
    print   " remainder "
    print_decimal edx
    println "."
    mov ebx, 14
    call must_equal
    println ""

# --- 5. long mode --------------------------------------------------------------------------------------------
    println "5. To 64-bit mode"
    call build_page_tables
    print   "   Page tables: PML4 at "
    print_hex "OFFSET pml4"
    print   ", its entry 0 is "
    print_hex [pml4]
    println "; 2 MiB pages map 4 GiB one to one."
    println "   CR4.PAE on, CR3 loaded, EFER.LME on (WRMSR 0xc0000080), then CR0.PG on:"
    enter_long_mode in_long_mode, 1             # SCE too, for SYSCALL

code64
in_long_mode:
    start64
    mov ecx, EFER
    rdmsr
    print   "   and a far jump to CS = "
    xor ebx, ebx
    mov ebx, cs
    print_hex rbx
    print   ". EFER = "
    mov ebx, eax
    print_hex rbx
    println ": bit 10, LMA, says that long mode is active."
    and eax, 0x500
    mov ebx, 0x500
    call must_equal
    mov rax, 0x0123456789ABCDEF
    print   "   A 64-bit register holds "
    print_hex rax
    println "."

    # 4 KiB pages of our own making: one present from the start, one mapped on demand.
    mov eax, OFFSET message
    and eax, 0xFFFFF000
    or eax, 1
    mov [window_table], rax
    print   "   A page table entry "
    print_hex rax
    print   " maps "
    print_hex WINDOW
    print   ": '"
    mov esi, OFFSET message
    and esi, 0xFFF
    add esi, WINDOW
    call puts
    println "'."
    gate64 14, on_page_fault64
    mov eax, 0x12345678
    mov [WINDOW + 0x1234], eax                  # not mapped yet: faults once, the handler maps it
    print   "   A store to "
    mov rbx, [handled]
    print_hex rbx
    print   " raised #PF("
    print_hex [handled_error]
    println "): not present, a write. The handler mapped a page and the store ran again."
    mov eax, [handled_error]
    mov ebx, 2
    call must_equal
    mov eax, [experiment_page + 0x234]
    print   "   In that page now: "
    mov ebx, eax
    print_hex rbx
    print   ". The processor itself marked the entry accessed and dirty: "
    mov rbx, [window_table + 8]
    print_hex rbx
    println "."
    mov eax, [experiment_page + 0x234]
    mov ebx, 0x12345678
    call must_equal
    mov eax, [window_table + 8]
    and eax, 0x60
    mov ebx, 0x60
    call must_equal
    println ""

# --- 6. ring 3 -----------------------------------------------------------------------------------------------
    println "6. To ring 3 and back"
    mov ecx, 0xC0000081                         # STAR: kernel CS 0x08, user base 0x18
    xor eax, eax
    mov edx, 0x00180008
    wrmsr
    mov ecx, 0xC0000082                         # LSTAR
    mov eax, OFFSET on_syscall
    xor edx, edx
    wrmsr
    mov ecx, 0xC0000084                         # SFMASK
    mov eax, 0x600
    xor edx, edx
    wrmsr
    gate64 13, on_protection64
    gate64 SYSCALL_INT, on_leave_ring3, 0xEE
    push UDATA
    push OFFSET stack_top - 8192
    push 0x202
    push UCODE64
    push OFFSET ring3
    iretq
ring3:                                          # CPL 3 from here to INT 0x3F
    mov ebx, cs
    cli                                         # not for ring 3: #GP, the handler steps over it
    mov rdx, [handled_cs]
    mov r12, rdx
    mov eax, 42
    mov edi, 1000
    syscall
    mov r13, rax
    int SYSCALL_INT
back_in_ring0:
    mov rsp, [tss64 + 4]
    mov eax, KDATA
    mov ss, eax
    mov esp, OFFSET stack_top
    print   "   IRETQ went to ring 3: CS = "
    print_hex rbx
    println " (its low two bits are the privilege level)."
    print   "   There CLI raised #GP(0); the saved CS was "
    print_hex r12
    println "; our handler stepped over it."
    println "   SYSCALL entered the kernel at LSTAR with number 42, argument 1000, return address in RCX;"
    print   "   SYSRET brought back the answer "
    print_decimal r13d
    println ". INT 0x3f ended the visit."
    mov eax, ebx
    mov ebx, UCODE64
    call must_equal
    mov eax, r12d
    call must_equal
    mov eax, r13d
    mov ebx, 1042
    call must_equal
    println ""

# --- 7. timer ------------------------------------------------------------------------------------------------
    println "7. Time"
    mov eax, 1
    cpuid
    test edx, 1 << 9
    jz no_apic
    mov ecx, 0x1B
    rdmsr
    test eax, 1 << 11
    jz no_apic
    test eax, 1 << 10
    jnz no_apic                                 # x2APIC mode: no registers in memory
    and eax, 0xFFFFF000
    mov edi, eax
    gate64 TIMER_VECTOR, on_timer64
    mov al, 0xFF                                # an old-style interrupt controller, if any, keeps quiet
    out 0x21, al
    out 0xA1, al
    mov dword ptr [rdi + 0xF0], 0x1FF           # software enable
    mov dword ptr [rdi + 0x80], 0
    mov dword ptr [rdi + 0x3E0], 11             # divide by 1
    mov dword ptr [rdi + 0x320], TIMER_VECTOR   # one shot
    rdtsc
    mov esi, eax
    mov dword ptr [rdi + 0x380], 20000
wait_tick:
    cmp qword ptr [ticks], 0
    jne ticked
    sti
    hlt
    cli
    jmp wait_tick
ticked:
    print   "   The local APIC at "
    mov eax, edi
    print_hex rax
    print   " counted 20000 down, its interrupt came through vector "
    print_hex TIMER_VECTOR
    println ""
    println "   and woke the processor from HLT."
    mov eax, [ticks]
    mov ebx, 1
    call must_equal
    jmp time_done
no_apic:
    println "   No local APIC with registers in memory: no timer to show."
time_done:
    println ""

# --- 8. hypervisor -------------------------------------------------------------------------------------------
    println "8. The hypervisor"
    cmp dword ptr [xen_base], 0
    jne on_xen
    println "   No leaf from 0x40000000 on says XenVMMXenVMM: PVH is a way to boot and needs no Xen to run on."
    println "   So there are no hypercalls, and you read this through the serial port at 0x3f8."
    jmp hypervisor_done
on_xen:
    print   "   CPUID leaf "
    mov ebx, [xen_base]
    print_hex rbx
    print   " says XenVMMXenVMM, the next one version "
    mov eax, ebx
    add eax, 1
    cpuid
    mov r12d, eax
    mov eax, r12d
    shr eax, 16
    print_decimal eax
    print   "."
    movzx eax, r12w
    print_decimal eax
    println "."
    mov eax, [xen_base]
    add eax, 2
    cpuid
    mov r13d, ebx
    mov ecx, ebx
    mov eax, OFFSET hypercall_page
    xor edx, edx
    wrmsr
    print   "   Its address written to MSR "
    print_hex r13
    print   ", our page at "
    print_hex "OFFSET hypercall_page"
    println " was filled with stubs."
    print   "   Number 17, xen_version, is: "
    mov esi, OFFSET hypercall_page + 17 * 32
    mov r14d, 9
1:  mov al, [rsi]
    mov ecx, 2
    call put_digits
    mov al, ' '
    call putc
    add esi, 1
    sub r14d, 1
    jnz 1b
    println "(MOV EAX,17; the call; RET)."
    xor edi, edi
    xor esi, esi
    mov eax, OFFSET hypercall_page + 17 * 32
    call rax
    mov r14d, eax
    print   "   Called: "
    mov eax, r14d
    shr eax, 16
    print_decimal eax
    print   "."
    movzx eax, r14w
    print_decimal eax
    print   ". The same with the instruction itself ("
    cmp dword ptr [uses_vmmcall], 0
    je 1f
    print   "VMMCALL, for this vendor"
    jmp 2f
1:  print   "VMCALL, for this vendor"
2:  print   "): "
    xor edi, edi
    xor esi, esi
    mov eax, 17
    call hypercall
    mov r15d, eax
    shr eax, 16
    print_decimal eax
    print   "."
    movzx eax, r15w
    print_decimal eax
    println "."
    mov eax, r14d
    mov ebx, r12d
    call must_equal
    mov eax, r15d
    call must_equal
    print   "   A number that does not exist, 63, answers "
    mov eax, 63
    call hypercall
    neg eax
    print   "-"
    print_decimal eax
    println " (ENOSYS: no such call)."
    mov ebx, 38
    call must_equal
    println "   Each line you read was such a call: number 18, console_io."
hypervisor_done:
    println ""
    cmp dword ptr [failures], 0
    jne 1f
    print   "That was all: "
    cmp dword ptr [xen_base], 0
    je 2f
    println "sched_op(shutdown) ends the machine."
    jmp 1f
2:  println "the ACPI sleep register ends the machine."
1:  finish

# --- helpers -------------------------------------------------------------------------------------------------
code32
# What was seen (EAX) must be what the manuals say (EBX). Either mode; preserves all registers.
must_equal:
    pushf
    cmp eax, ebx
    je 1f
    push esi
    mov esi, OFFSET failures
    add dword ptr [esi], 1
    mov esi, OFFSET text_surprise
    call puts
    pop esi
1:  popf
    ret
.section .rodata
text_surprise:  .asciz "   FAIL: that is not what it should be.\n"
type_names:
    .ascii "type 0         \0RAM            \0reserved       \0ACPI tables    \0"
    .ascii "ACPI NVS       \0unusable       \0disabled       \0persistent     \0"
    .ascii "other          \0"
    # Feature lists: bit, text; ended by a bit of 255.
features_edx:   .byte 0; .asciz " x87";  .byte 4; .asciz " TSC"; .byte 6; .asciz " PAE"; .byte 9; .asciz " APIC"
                .byte 23; .asciz " MMX"; .byte 25; .asciz " SSE"; .byte 26; .asciz " SSE2"; .byte 255
features_ecx:   .byte 0; .asciz " SSE3"; .byte 9; .asciz " SSSE3"; .byte 19; .asciz " SSE4.1"; .byte 20; .asciz " SSE4.2"
                .byte 21; .asciz " x2APIC"; .byte 23; .asciz " POPCNT"; .byte 25; .asciz " AES"; .byte 26; .asciz " XSAVE"
                .byte 28; .asciz " AVX"; .byte 255
features_ext:   .byte 11; .asciz " SYSCALL"; .byte 20; .asciz " NX"; .byte 29; .asciz " 64-bit"; .byte 255

.section .text
# Prints those features of the list at ESI whose bits are set in EAX.
print_features:
    pusha
    mov edx, eax
1:  movzx ecx, byte ptr [esi]
    add esi, 1
    cmp ecx, 255
    je 3f
    bt edx, ecx
    jnc 2f
    call puts
2:  lodsb
    test al, al
    jnz 2b
    jmp 1b
3:  popa
    ret

# Copies hvm_start_info, in whichever version it comes, into start_magic and what follows it.
read_start_info:
    pusha
    mov ebx, [start_info]
    mov eax, [ebx]
    mov [start_magic], eax
    mov eax, [ebx + 4]
    mov [start_version], eax
    mov eax, [ebx + 8]
    mov [start_flags], eax
    mov eax, [ebx + 12]
    mov [module_count], eax
    mov eax, [ebx + 16]
    mov [module_list], eax
    mov eax, [ebx + 24]
    mov [command_line], eax
    mov eax, [ebx + 32]
    mov [rsdp], eax
    cmp dword ptr [ebx + 4], 1
    jb 1f
    mov eax, [ebx + 40]
    mov [map_address], eax
    mov eax, [ebx + 48]
    mov [map_entries], eax
1:  popa
    ret

# Prints the memory map and the sum of its RAM.
print_map:
    pusha
    print "   memory map, "
    print_decimal [map_entries]
    println " entries:"
    mov ebx, [map_address]
    mov ecx, [map_entries]
1:  print "      "
    mov esi, ebx
    call put_address_at
    print " - "
    mov eax, [ebx]
    mov edx, [ebx + 4]
    add eax, [ebx + 8]
    adc edx, [ebx + 12]
    sub eax, 1
    sbb edx, 0
    mov [scratch_number], eax
    mov [scratch_number + 4], edx
    mov esi, OFFSET scratch_number
    call put_address_at
    print "  "
    mov eax, [ebx + 16]
    cmp eax, 1
    jne 2f
    mov edx, [ebx + 8]
    add [map_ram], edx
    mov edx, [ebx + 12]
    adc [map_ram + 4], edx
2:  cmp eax, 8
    jbe 3f
    mov eax, 8
3:  shl eax, 4
    lea esi, [type_names + eax]
4:  mov al, [esi]
    cmp al, ' '
    jne 5f
    cmp byte ptr [esi + 1], ' '
    je 6f
5:  test al, al
    jz 6f
    call putc
    add esi, 1
    jmp 4b
6:  println ""
    add ebx, 24
    sub ecx, 1
    jnz 1b
    mov eax, [map_ram]
    mov edx, [map_ram + 4]
    shrd eax, edx, 10
    print "      together "
    print_decimal eax
    println " KiB of RAM"
    popa
    ret

on_breakpoint32:
    push eax
    mov eax, [esp + 4]
    mov [handled], eax
    pop eax
    iret
on_undefined32:
    push eax
    mov eax, [esp + 4]
    mov [handled], eax
    add dword ptr [esp + 4], 2
    pop eax
    iret
on_divide32:
    mov ecx, 7
    iret

code64
on_page_fault64:
    push rax
    mov rax, cr2
    mov [handled], rax
    mov rax, [rsp + 8]
    mov [handled_error], rax
    mov eax, OFFSET experiment_page + 3
    mov [window_table + 8], rax
    pop rax
    add rsp, 8
    iretq
on_protection64:
    push rax
    mov rax, [rsp + 24]
    mov [handled_cs], rax
    add qword ptr [rsp + 16], 1                 # over the one byte of CLI
    pop rax
    add rsp, 8
    iretq
on_syscall:                                     # RAX number, RDI argument: answers their sum
    add rax, rdi
    sysretq
on_leave_ring3:
    jmp back_in_ring0
on_timer64:
    push rdx
    add qword ptr [ticks], 1
    mov edx, 0xFEE00000
    mov dword ptr [rdx + 0xB0], 0
    pop rdx
    iretq
code32
