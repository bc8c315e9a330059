# ELF64: workloads to measure by: `bench=NAME n=N` on the command line runs one N times, `bench=all` each of them a few times.
#
# Protocol: START after the set-up, RESULT NAME N CHECKSUM behind the work (or SKIP NAME where the processor lacks
# something), and the end through isa-debug-exit. What is timed is the time between the two lines.
#
# A workload NAME is two routines, `setup_NAME` and `run_NAME`, and a line `workload` that enters them into the table. `run_NAME`
# finds its count in [count] and answers its checksum in RAX (EDX:EAX in 32-bit mode); both may use every register but the stack
# pointer. A checksum depends on the count alone: not on time, on addresses of the loader's choice, or on what ran before.

.include "kernel.inc"
.include "faults32.inc"
.include "long.inc"
.include "startinfo.inc"
.include "irq.inc"

# 64 MiB of memory behind 4 KiB pages; its physical address is another one, so that nothing works by accident.
.set ARENA, 0x44000000
.set ARENA_BYTES, 0x4000000
.set ARENA_PHYSICAL, 0x4000000

.set NEEDS_AVX2, 1

.section .data
    .balign 8
count:          .quad 1
checksum:       .quad 0
chosen:         .quad 0                         # the table's entry that runs
runs_all:       .quad 0
has_avx2:       .quad 0
wanted_name:    .fill 32, 1, 0

# The table: name, set-up, run, count for bench=all, what it needs. 32-bit workloads first, in a table of their own.
.macro workload name, all, needs=0
    .pushsection .rodata
.Lname\@:
    .asciz "\name"
    .popsection
.if BITS == 64
    .pushsection .workloads64, "a"
.else
    .pushsection .workloads32, "a"
.endif
    .quad .Lname\@, setup_\name, run_\name, \all, \needs
    .popsection
.endm
.set ENTRY_NAME, 0
.set ENTRY_SETUP, 8
.set ENTRY_RUN, 16
.set ENTRY_ALL, 24
.set ENTRY_NEEDS, 32
.set ENTRY_SIZE, 40

.section .workloads32, "a"
workloads32:
.section .workloads64, "a"
workloads64:

.section .bss
    .balign 4096
arena_tables:   .space ARENA_BYTES / 512

.section .text
code32
# Takes `bench=` and `n=` from the command line.
read_options:
    call find_command_line
.Lword:
    cmp byte ptr [esi], ' '
    jne 1f
    add esi, 1
    jmp .Lword
1:  cmp byte ptr [esi], 0
    je 9f
    cmp dword ptr [esi], 0x636E6562             # "benc"
    jne 3f
    cmp word ptr [esi + 4], 0x3D68              # "h="
    jne 3f
    add esi, 6
    mov edi, OFFSET wanted_name
    mov ecx, 31
2:  mov al, [esi]
    cmp al, ' '
    jbe .Lword
    mov [edi], al
    add esi, 1
    add edi, 1
    sub ecx, 1
    jnz 2b
3:  cmp word ptr [esi], 0x3D6E                  # "n="
    jne 5f
    add esi, 2
    xor eax, eax
4:  movzx edx, byte ptr [esi]
    sub edx, '0'
    cmp edx, 9
    ja 6f
    imul eax, eax, 10
    add eax, edx
    add esi, 1
    jmp 4b
6:  mov [count], eax
5:  cmp byte ptr [esi], ' '                     # to the end of the word
    jbe .Lword
    add esi, 1
    jmp 5b
9:  ret

# Maps the arena and switches x87, SSE and, where there is such, AVX on. 32-bit mode, after build_page_tables.
map_arena:
    mov edi, OFFSET arena_tables
    mov eax, ARENA_PHYSICAL + 7
    mov ecx, ARENA_BYTES / 4096
1:  mov [edi], eax
    mov dword ptr [edi + 4], 0
    add eax, 4096
    add edi, 8
    sub ecx, 1
    jnz 1b
    mov edi, OFFSET page_directories + (ARENA >> 21) * 8
    mov eax, OFFSET arena_tables + 7
    mov ecx, ARENA_BYTES >> 21
2:  mov [edi], eax
    add eax, 4096
    add edi, 8
    sub ecx, 1
    jnz 2b
    ret
enable_vectors:
    mov eax, cr0
    and eax, ~0xC                               # EM, TS
    or eax, 0x22                                # MP, NE
    mov cr0, eax
    mov eax, cr4
    or eax, 0x600                               # OSFXSR, OSXMMEXCPT
    mov cr4, eax
    mov eax, 1
    cpuid
    and ecx, 0x14000000                         # XSAVE, AVX
    cmp ecx, 0x14000000
    jne 1f
    mov eax, cr4
    or eax, 0x40000                             # OSXSAVE
    mov cr4, eax
    xor ecx, ecx
    xor edx, edx
    mov eax, 7
    xsetbv
    mov eax, 7
    cpuid
    test ebx, 0x20
    jz 1f
    mov dword ptr [has_avx2], 1
1:  ret

main:
    call read_options
    cmp dword ptr [wanted_name], 0x006C6C61     # "all"
    jne 1f
    mov dword ptr [runs_all], 1
1:  call enable_vectors
    call faults32_init
    pic_init 0x20, 0x28
    virtual_wire
    mov dword ptr [chosen], OFFSET workloads32
2:  cmp dword ptr [chosen], OFFSET workloads32_end
    je 3f
    call run_chosen32
    add dword ptr [chosen], ENTRY_SIZE
    jmp 2b
3:  enter_long_mode mode64, 1                   # SCE

code64
mode64:
    start64
    call map_arena64
    mov dword ptr [chosen], OFFSET workloads64
2:  cmp dword ptr [chosen], OFFSET workloads64_end
    je 3f
    call run_chosen64
    add dword ptr [chosen], ENTRY_SIZE
    jmp 2b
3:  cmp dword ptr [runs_all], 0
    jne leave_bench
    println "PANIC no such workload"
    call fail_off

# Ends the machine, exit status 85.
leave_bench:
    mov edx, 0xF4
    mov eax, 42
    out dx, al
    jmp power_off

# map_arena is 32-bit code but only of the common subset: nothing in it means something else here, save the CR3 reload.
map_arena64:
    call map_arena
    mov rax, cr3
    mov cr3, rax
    ret

# One routine for both modes: runs the chosen workload if it is wanted, and where only one is wanted, ends the machine.
.macro run_chosen ax, bx, si, di
    mov ebx, [chosen]
    cmp dword ptr [runs_all], 0
    jne 2f
    mov esi, [ebx + ENTRY_NAME]
    mov edi, OFFSET wanted_name
1:  mov al, [esi]
    cmp al, [edi]
    jne 9f
    add esi, 1
    add edi, 1
    test al, al
    jnz 1b
    jmp 3f
2:  mov eax, [ebx + ENTRY_ALL]
    mov [count], eax
3:  test dword ptr [ebx + ENTRY_NEEDS], NEEDS_AVX2
    jz 4f
    cmp dword ptr [has_avx2], 0
    jne 4f
    print "SKIP "
    mov esi, [ebx + ENTRY_NAME]
    call puts
    println ""
    jmp 8f
4:  mov eax, [ebx + ENTRY_SETUP]
    call \ax
    println "START"
    mov ebx, [chosen]
    mov eax, [ebx + ENTRY_RUN]
    call \ax
    cld
.if BITS == 64
    mov [checksum], rax
.else
    mov [checksum], eax
    mov [checksum + 4], edx
.endif
    print "RESULT "
    mov ebx, [chosen]
    mov esi, [ebx + ENTRY_NAME]
    call puts
    print " "
    mov eax, [count]
    call put_decimal
    print " "
    mov ecx, 8
    mov eax, [checksum + 4]
    call put_digits
    mov eax, [checksum]
    call put_digits
    println ""
8:  cmp dword ptr [runs_all], 0
    je leave_bench
9:  ret
.endm
code32
run_chosen32:
    run_chosen eax
code64
run_chosen64:
    run_chosen rax

# A set-up that has nothing to do.
.macro no_setup name
    .set setup_\name, nothing
.endm
nothing:
    ret

# Takes a register into the checksum in R8.
.macro mix register
    xor r8, \register
    rol r8, 13
    imul r8, r8, 0x1000193
.endm

# The next number of a linear congruential sequence (Knuth's MMIX constants) in RAX; RDX and RAX are used. The high bits are the random ones.
.macro next_random
    mov rdx, 6364136223846793005
    imul rax, rdx
    mov rdx, 1442695040888963407
    add rax, rdx
.endm

.include "integer.inc"
.include "memory.inc"
.include "vector.inc"
.include "x87.inc"
.include "code.inc"
.include "system.inc"
.include "protected.inc"

.section .workloads32, "a"
workloads32_end:
.section .workloads64, "a"
workloads64_end:
